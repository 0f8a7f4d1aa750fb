/**
 * A PEFT LoRA adapter folder (`adapter_config.json`, `adapter_model.safetensors`) merged into the weights of its base:
 * W + scale · B A (Hu et al., arXiv 2106.09685), as `merge_and_unload` of https://github.com/huggingface/peft does it. What the
 * folder asks for beyond that is refused by its field, since a part of an adapter is another model.
 */
import {join} from 'node:path';
import {z} from 'zod';
import {StageFailure} from '../../pipeline/stage.js';
import type {ModelConfig} from './config.js';
import {readJson} from './hf-folder/json.js';
import {parameterShapes} from './parameters.js';
import type {Tensor} from './safetensors.js';
import {readSafetensors} from './safetensors.js';

const patterns = z.record(z.string(), z.number().positive()).nullish();
const adapterConfig = z.looseObject({
  peft_type: z.string(),
  r: z.int().min(1),
  lora_alpha: z.number().positive(),
  target_modules: z.union([z.string(), z.array(z.string())]).nullish(),
  modules_to_save: z.array(z.string()).nullish(),
  use_rslora: z.boolean().nullish(),
  rank_pattern: patterns,
  alpha_pattern: patterns,
  init_lora_weights: z.union([z.boolean(), z.string()]).nullish(),
});
type AdapterConfig = z.infer<typeof adapterConfig>;

/** Fields that are read here, or that say nothing about a merged model: how the adapter was started, trained and named. */
const KNOWN: ReadonlySet<string> = new Set([
  ...Object.keys(adapterConfig.shape),
  ...['base_model_name_or_path', 'revision', 'task_type', 'inference_mode', 'auto_mapping', 'peft_version'],
  ...['lora_dropout', 'exclude_modules', 'layers_to_transform', 'layers_pattern', 'megatron_core', 'bias'],
  ...['qalora_group_size', 'eva_config', 'runtime_config'],
  'fan_in_fan_out', // about GPT-2's Conv1D; PEFT takes it as false for linear layers, which all of ours are
]);

/** Ways of starting an adapter that leave the base as it is. PiSSA, OLoRA, CorDA, LoftQ and their like take a part out of it. */
const PLAIN_STARTS: readonly unknown[] = [undefined, null, true, false, 'gaussian', 'orthogonal', 'eva'];

/** What was merged. */
export interface Merged {
  readonly weights: Map<string, Float32Array>;
  /** Tensors of the base that changed by B A. */
  readonly adapted: number;
  /** Tensors that the adapter holds whole. */
  readonly replaced: number;
  /** What the adapter says that it was trained on. */
  readonly base: string | undefined;
}

/**
 * @param base its weights are not changed; those that the adapter leaves are the same arrays in the result
 * @throws {StageFailure} naming the field of the adapter, or the tensor, that does not fit or is not implemented
 */
export async function mergeAdapter(
  base: {readonly config: ModelConfig; readonly weights: ReadonlyMap<string, Float32Array>},
  folder: string,
  stop?: AbortSignal,
): Promise<Merged> {
  const config = await readAdapterConfig(folder);
  const file = join(folder, 'adapter_model.safetensors');
  const {tensors} = await readSafetensors(file, stop);
  const refuse = (problem: string): never => {
    throw new StageFailure(`${file}: ${problem}`);
  };
  const shapes = parameterShapes(base.config);
  const {pairs, whole} = sortTensors(tensors, refuse);
  const weights = new Map(base.weights);
  const take = (name: string): readonly number[] => {
    if (base.config.tied && (name === 'lm_head.weight' || name === 'model.embed_tokens.weight'))
      refuse(`it changes “${name}”, and the base’s output matrix is its embedding matrix; untie the base first`);
    return shapes.get(name) ?? refuse(`it changes “${name}”, which the base does not have`);
  };
  for (const [module, pair] of pairs) {
    stop?.throwIfAborted();
    const name = `${module}.weight`;
    const [out, width] = take(name);
    if (width === undefined) return refuse(`it changes “${name}”, which is no matrix`);
    const rank = valueFor(config.rank_pattern, module, config.r);
    const alpha = valueFor(config.alpha_pattern, module, config.lora_alpha);
    const a = pair.a ?? refuse(`“${module}” has a lora_B and no lora_A`);
    const b = pair.b ?? refuse(`“${module}” has a lora_A and no lora_B`);
    // Those of an embedding are the other way round: A has a column for each token.
    for (const [which, {shape}, wanted] of [
      ['A', a, [rank, pair.embedding ? out : width]],
      ['B', b, [pair.embedding ? width : out, rank]],
    ] as const) {
      if (shape.join() !== wanted.join())
        refuse(
          `lora_${which} of “${module}” has shape [${shape.join(', ')}], and rank ${rank} on the base’s [${out}, ${width}] asks for [${wanted.join(', ')}]`,
        );
    }
    const scale = config.use_rslora === true ? alpha / Math.sqrt(rank) : alpha / rank;
    const values = base.weights.get(name)!;
    weights.set(
      name,
      added(values, {a: a.values, b: b.values, rank, scale, embedding: pair.embedding, rows: out!, width}),
    );
  }
  checkTargets(config, {modules: [...pairs.keys()], shapes, where: join(folder, 'adapter_config.json'), refuse});
  let replaced = 0;
  for (const [name, tensor] of whole) {
    const own = base.weights.get(name);
    // PEFT keeps a copy of the embedding matrix when it cannot tell whether it was changed.
    if (own !== undefined && own.length === tensor.values.length && own.every((value, i) => value === tensor.values[i]))
      continue;
    const shape = take(name);
    if (shape.join() !== tensor.shape.join())
      refuse(`“${name}” has shape [${tensor.shape.join(', ')}], in the base [${shape.join(', ')}]`);
    weights.set(name, tensor.values);
    replaced++;
  }
  const {base_model_name_or_path: named} = config;
  return {weights, adapted: pairs.size, replaced, base: typeof named === 'string' && named !== '' ? named : undefined};
}

async function readAdapterConfig(folder: string): Promise<AdapterConfig> {
  const file = join(folder, 'adapter_config.json');
  const parsed = adapterConfig.safeParse(await readJson(file));
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({path, message}) => `${path.join('.') || 'the file'}: ${message}`);
    throw new StageFailure(`${file} is no LoRA adapter that can be merged: ${problems.join('; ')}`);
  }
  const config = parsed.data;
  const refuse = (problem: string): never => {
    throw new StageFailure(`${file}: ${problem}`);
  };
  if (config.peft_type !== 'LORA') refuse(`peft_type is “${config.peft_type}”; LORA can be merged`);
  const asked = Object.entries(config).filter(([field, value]) => !KNOWN.has(field) && !isNothing(value));
  if (asked.length > 0)
    refuse(`${asked.map(([field]) => field).join(', ')}: not implemented, and may change the model`);
  if (!PLAIN_STARTS.includes(config.init_lora_weights))
    refuse(
      `init_lora_weights is “${String(config.init_lora_weights)}”, which changes the base, too; convert the adapter to a plain LoRA first`,
    );
  return config;
}

const isNothing = (value: unknown): boolean =>
  value === null ||
  value === false ||
  value === undefined ||
  (typeof value === 'object' && Object.keys(value).length === 0);

interface Pair {
  a?: Tensor;
  b?: Tensor;
  embedding: boolean;
}

/** Pairs by module, and whole tensors by the base's name. */
function sortTensors(
  tensors: ReadonlyMap<string, Tensor>,
  refuse: (problem: string) => never,
): {readonly pairs: Map<string, Pair>; readonly whole: Map<string, Tensor>} {
  const pairs = new Map<string, Pair>();
  const whole = new Map<string, Tensor>();
  for (const [key, tensor] of [...tensors].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [, name] = /^base_model\.model\.(.+)$/.exec(key) ?? [];
    if (name === undefined)
      return refuse(`“${key}” is no tensor of a PEFT adapter, whose names begin with base_model.model.`);
    const [, module, embedding, letter] =
      /^(.+)\.lora_(embedding_)?([AB])(?:\.default)?(?:\.weight)?$/.exec(name) ?? [];
    if (module !== undefined) {
      const pair = pairs.get(module) ?? {embedding: embedding !== undefined};
      pair[letter === 'A' ? 'a' : 'b'] = tensor;
      pairs.set(module, pair);
    } else if (/\.lora_/.test(name)) {
      refuse(`“${key}” is of another kind of adapter than plain LoRA`);
    } else {
      whole.set(name.replace(/\.(?:modules_to_save(?:\.default)?|base_layer)(?=\.(?:weight|bias)$)/, ''), tensor);
    }
  }
  if (pairs.size + whole.size === 0) refuse('it holds no tensors');
  return {pairs, whole};
}

/** Every module that the config targets must have its tensors, and no other: half an adapter is another model. */
function checkTargets(
  config: AdapterConfig,
  {
    modules,
    shapes,
    where,
    refuse,
  }: {
    readonly modules: readonly string[];
    readonly shapes: ReadonlyMap<string, unknown>;
    readonly where: string;
    readonly refuse: (problem: string) => never;
  },
): void {
  const targets = config.target_modules ?? undefined;
  if (targets === undefined || targets === 'all-linear') return;
  const isTarget =
    typeof targets === 'string'
      ? (module: string) => pattern(`^(?:${targets})$`, where).test(module)
      : (module: string) => targets.some((target) => module === target || module.endsWith(`.${target}`));
  const stray = modules.find((module) => !isTarget(module));
  if (stray !== undefined) refuse(`it changes “${stray}”, which target_modules does not name`);
  const given = (field: string): boolean => !isNothing(config[field]);
  if (given('layers_to_transform') || given('exclude_modules')) return;
  const lacking = [...shapes.keys()]
    .filter((name) => name.endsWith('.weight'))
    .map((name) => name.slice(0, -'.weight'.length))
    .find((module) => isTarget(module) && !modules.includes(module));
  if (lacking !== undefined) refuse(`target_modules names “${lacking}”, for which it has no lora_A and lora_B`);
}

/** What a pattern of the config says of a module, the first that fits; else what it says of all. */
function valueFor(all: AdapterConfig['rank_pattern'], module: string, otherwise: number): number {
  const fits = Object.entries(all ?? {}).find(([key]) =>
    pattern(`^(?:.*\\.)?(?:${key})$`, 'adapter_config.json').test(module),
  );
  return fits?.[1] ?? otherwise;
}

function pattern(source: string, where: string): RegExp {
  try {
    return new RegExp(source);
  } catch (error) {
    throw new StageFailure(`${where}: ${(error as Error).message}`);
  }
}

interface Product {
  /** (rank, width), or (rank, rows) of an embedding */
  readonly a: Float32Array;
  /** (rows, rank), or (width, rank) of an embedding */
  readonly b: Float32Array;
  readonly rank: number;
  readonly scale: number;
  readonly embedding: boolean;
  readonly rows: number;
  readonly width: number;
}

/** W + scale · B A, or W + scale · (B A)ᵀ for an embedding; summed in float64, rounded once. */
function added(values: Float32Array, {a, b, rank, scale, embedding, rows, width}: Product): Float32Array {
  const sum = new Float32Array(values.length);
  const row = new Float64Array(width);
  for (let i = 0; i < rows; i++) {
    row.fill(0);
    for (let k = 0; k < rank; k++) {
      if (embedding) {
        const left = a[k * rows + i]!;
        for (let j = 0; j < width; j++) row[j]! += left * b[j * rank + k]!;
      } else {
        const left = b[i * rank + k]!;
        for (let j = 0; j < width; j++) row[j]! += left * a[k * width + j]!;
      }
    }
    for (let j = 0; j < width; j++) sum[i * width + j] = values[i * width + j]! + scale * row[j]!;
  }
  return sum;
}
