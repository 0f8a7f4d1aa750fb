/** What the stages that sample need: with a model that stays as it is, beside reinforcement learning, and beside pre-training. */
import type {MemoryNeed} from '../../pipeline/stage.js';
import {workersFor} from '../engine/lanes.js';
import {samplersFor} from '../engine/mapped-weights.js';
import type {ModelConfig} from '../model/config.js';
import {newConfig} from '../model/config.js';
import {readConfig} from '../model/hf-folder/index.js';
import type {TemplateName} from '../text/template-names.js';
import {wordsAround, type Wording} from '../text/wording.js';
import {countsTargets} from '../train/compute.js';
import {updateBuckets} from '../train/grpo-updates.js';
import type {Checkpointing, Precision} from '../train/compute.js';
import {logitParts} from '../model/transformer.js';
import {lengthBuckets} from '../train/length-buckets.js';
import {measureRows, vocabularySize} from './lengths.js';
import type {Measured} from './lengths.js';
import {told} from './need.js';
import type {Need} from './need.js';
import {
  computesAgain,
  memoryOf,
  processMemory,
  samplingMemory,
  scoringMemory,
  setsMemory,
  trainingMemory,
  workersMemory,
} from './parts.js';
import type {MemoryPart, SamplingSizes} from './parts.js';

/** Cores and threads of a node. */
interface Machine {
  readonly threads: number;
  readonly cores: number;
}

/** The name of the cores of a node, as a recipe writes it. */
const CORES = 'resources.cpu';

/** Workers that are started: each when there is a chunk for it. */
const startedWorkers = (workers: number, groups: number, chunk: number): number =>
  Math.min(workers, Math.ceil(groups / chunk));

/**
 * Of a model that samples and stays as it is.
 * @param groups prompts that are sampled for
 * @param hasOwnChunk whether nobody can choose the chunk, so that nobody is told to
 */
export function samplerNeed({
  config,
  sampling,
  groups,
  hasOwnChunk = false,
  threads,
  cores,
}: Machine & {
  readonly config: ModelConfig;
  readonly sampling: SamplingSizes;
  readonly groups: number;
  readonly hasOwnChunk?: boolean;
}): Need {
  const {prompts: chunk, maxNewTokens} = sampling;
  return {
    values: {...(hasOwnChunk ? {} : {chunk}), [CORES]: cores, maxNewTokens},
    parts(values, reached) {
      const sizes = {
        ...sampling,
        prompts: Number(values['chunk'] ?? chunk),
        maxNewTokens: Number(values['maxNewTokens']),
      };
      const workers = startedWorkers(
        samplersFor(config, {threads, cores: Number(values[CORES])}),
        groups,
        sizes.prompts,
      );
      const read = setsMemory(config, 1, 'the model as it is read');
      if (workers > 0) return [processMemory(), read, ...workersMemory(config, sizes, {workers, reached})];
      const drawing = samplingMemory(config, sizes, {...(reached !== undefined && {reached})});
      // The first chunk is drawn when what was read is forgotten, or nearly.
      return [processMemory(), setsMemory(config, 1, 'the model'), drawing.mib > read.mib ? drawing : read];
    },
  };
}

/** Of a stage that samples a model, from its inputs. */
export async function samplerNeedBefore({
  model,
  prompts,
  params,
  ...machine
}: Machine & {
  /** Folders; no model where one at an endpoint answers. */
  readonly model: string | undefined;
  readonly prompts: readonly string[];
  readonly params: Partial<Wording> & {
    readonly template: TemplateName;
    /** The most prompts that are sampled for; all of them unless given, or at 0. */
    readonly prompts?: number;
    readonly samples: number;
    readonly chunk: number;
    readonly maxNewTokens: number;
  };
}): Promise<MemoryNeed> {
  if (model === undefined) return told({values: {}, parts: () => [processMemory()]});
  const config = await readConfig(model);
  const {chunk, samples, maxNewTokens} = params;
  const needWith = ({tokens, rows}: Measured): Need => {
    const promptLengths = promptLengthsFor(tokens, config, maxNewTokens);
    const sampling = {prompts: chunk, group: samples, promptLengths, maxNewTokens};
    return samplerNeed({...machine, config, sampling, groups: Math.min(params.prompts || rows, rows)});
  };
  return told(needWith(await measurePrompts({...params, model, prompts}, needWith)));
}

/** Of a stage that has a model go on from texts that were stored, one continuation each, from its inputs. */
export async function continuationNeedBefore({
  model,
  prompts,
  responses,
  params: {chunk, maxNewTokens},
  ...machine
}: Machine & {
  /** Folders. */
  readonly model: string;
  readonly prompts: string;
  /** Of rows with a `text` each. */
  readonly responses: string;
  readonly params: {readonly chunk: number; readonly maxNewTokens: number};
}): Promise<MemoryNeed> {
  const config = await readConfig(model);
  const needWith = ({tokens, rows}: Measured): Need => {
    const promptLengths = promptLengthsFor(tokens, config, maxNewTokens);
    return samplerNeed({
      ...machine,
      config,
      sampling: {prompts: chunk, group: 1, promptLengths, maxNewTokens},
      groups: rows,
    });
  };
  const sizeWith = (measured: Measured): number => sizeOf(needWith(measured));
  const [asked, said] = [
    await measurePrompts({model, prompts: [prompts], template: 'zero'}, needWith),
    await measureRows(
      {folders: [responses], textsOf: (field) => [{rest: field('text')}], tokenizer: model, template: 'none'},
      sizeWith,
    ),
  ];
  return told(needWith({...said, tokens: asked.tokens + said.tokens}));
}

/** What reinforcement learning is made of. */
export interface ReinforcementSizes extends Machine {
  readonly config: ModelConfig;
  readonly sampling: Omit<SamplingSizes, 'promptLengths' | 'prompts' | 'maxNewTokens'> & {
    readonly promptLengths: readonly number[];
  };
  readonly params: {
    readonly chunk: number;
    readonly microBatch: number;
    readonly maxNewTokens: number;
    readonly activationCheckpointing: Checkpointing;
    readonly questions: number;
    readonly minibatches: number;
    readonly klCoefficient: number;
    readonly ratio: 'token' | 'sequence';
  };
  /** Reward models, which have sessions of their own. */
  readonly judges: readonly ModelConfig[];
}

/** Numbers and marks of one token of a rollout, in JavaScript: the token, its mask, three log-probabilities, its weight. Bytes. */
const OF_ROLLOUT_TOKEN = 48;

/** Rows that a reward model scores at a time (`rewards/preference.ts`). */
const JUDGED = 32;

/** Whether one graph serves batches of all lengths, the largest of them with so many positions: their logits are cut alike. */
const hasOneGraph = (positions: number, {vocabSize}: ModelConfig): boolean =>
  logitParts(1, vocabSize, positions) === logitParts(positions, vocabSize);

/** Of trainer, workers and reward models together. */
export function reinforcementNeed({config, sampling, params, judges, threads, cores}: ReinforcementSizes): Need {
  const {maxNewTokens, activationCheckpointing, questions, minibatches, klCoefficient} = params;
  const {group, promptLengths} = sampling;
  return {
    values: {chunk: params.chunk, microBatch: params.microBatch, activationCheckpointing, [CORES]: cores, maxNewTokens},
    parts(values, reached = Number(values['maxNewTokens'])) {
      const most = Number(values['maxNewTokens']);
      const prompt = promptLengths.at(-1)!;
      const microBatch = Number(values['microBatch']);
      const prompts = {shortest: prompt, longest: prompt};
      const {buckets, isShared} = updateBuckets(config, {...params, group, microBatch, maxNewTokens: most}, prompts);
      const {rows} = buckets;
      const whole = buckets.lengths.at(-1)!;
      // Rows as long as they have come to be: of short ones more are computed together (`batches.ts`), if they are that many, and
      // if the vocabulary lets one graph serve all shapes.
      const sampled = Math.min(reached, most);
      const length = Math.min(whole, prompt + (isShared ? group : 1) * sampled);
      const together = hasOneGraph(rows * whole, config) ? (rows * whole) / length : rows;
      const updateRows = isShared
        ? questions * Math.ceil((group * sampled) / Math.max(1, length - prompt))
        : questions * group;
      const wanted = values['activationCheckpointing'] as Checkpointing;
      const again = computesAgain(wanted, config, buckets);
      const training = {
        config,
        buckets: {
          rows: Math.max(rows, Math.min(Math.floor(together), updateRows)),
          lengths: [length],
          ...(countsTargets(config) && {targets: {before: 0, most: isShared ? length - prompt : sampled}}),
        },
        activationCheckpointing: again,
        threads,
        updateRows,
        reference: klCoefficient > 0,
      };
      const chunk = Math.min(Number(values['chunk']), questions * minibatches);
      const sizes = {...sampling, prompts: chunk, maxNewTokens: most};
      const machine = {threads, cores: Number(values[CORES])};
      const workers = startedWorkers(workersFor(machine), questions * minibatches, sizes.prompts);
      const drawing = workers > 0 ? undefined : samplingMemory(config, sizes, {reached});
      const kept = (OF_ROLLOUT_TOKEN * questions * minibatches * group * (prompt + sampled)) / 2 ** 20;
      return [
        ...trainingMemory(training, drawing),
        ...(workers > 0 ? workersMemory(config, sizes, {workers, reached}) : []),
        {mib: kept, of: `${questions * minibatches * group} samples of a rollout`},
        ...judges.flatMap((judge): MemoryPart[] => [
          setsMemory(judge, 1, 'a reward model'),
          scoringMemory(judge, {rows: JUDGED, lengths: [prompt + sampled]}),
        ]),
      ];
    },
  };
}

/** Of `grpo`, from its inputs. */
export async function reinforcementNeedBefore({
  policy,
  prompts,
  judges,
  params,
  ...machine
}: Machine & {
  /** Folders. */
  readonly policy: string;
  readonly prompts: readonly string[];
  readonly judges: readonly string[];
  readonly params: ReinforcementSizes['params'] &
    Partial<Wording> & {
      readonly template: TemplateName;
      readonly group: number;
      readonly rolloutPrecision: Precision;
    };
}): Promise<MemoryNeed> {
  const config = await readConfig(policy);
  const {group, rolloutPrecision: precision, maxNewTokens} = params;
  const models = await Promise.all(judges.map(async (folder) => readConfig(folder)));
  const needWith = ({tokens}: Measured): Need => {
    const sampling = {group, precision, promptLengths: promptLengthsFor(tokens, config, maxNewTokens)};
    return reinforcementNeed({...machine, config, sampling, params, judges: models});
  };
  return told(needWith(await measurePrompts({...params, model: policy, prompts}, needWith)));
}

/** Prompts that the gate of pre-training draws for at a time. */
export const GATE_CHUNK = 8;

/** Of pre-training, from its inputs: with a gate it samples between steps. */
export async function pretrainingNeed({
  documents,
  tokenizer,
  validation,
  params,
  threads,
  cores,
}: Machine & {
  /** Folders. */
  readonly documents: string;
  readonly tokenizer: string;
  readonly validation: string | undefined;
  readonly params: {
    readonly hiddenSize: number;
    readonly intermediateSize: number;
    readonly layers: number;
    readonly heads: number;
    readonly keyValueHeads: number;
    readonly maxPositions: number;
    readonly tied: boolean;
    readonly batch: number;
    readonly microBatch: number;
    readonly gate: number;
    readonly gateSamples: number;
    readonly maxNewTokens: number;
  };
}): Promise<MemoryNeed> {
  const {batch, microBatch, gate, gateSamples, maxNewTokens, maxPositions} = params;
  const config = newConfig({...params, vocabSize: await vocabularySize(tokenizer), eosId: 0, padId: 0});
  const isGated = gate > 0 && validation !== undefined;
  // Prompts of the gate have what is left of the positions at most.
  const promptLengths = lengthBuckets([Math.max(8, maxPositions - maxNewTokens)]);
  const needWith = ({tokens}: Measured): Need => ({
    values: {microBatch, ...(isGated && {gateSamples, [CORES]: cores})},
    parts(values) {
      const buckets = {rows: Number(values['microBatch']), lengths: lengthBuckets([Math.min(tokens, maxPositions)])};
      const training = {config, buckets, activationCheckpointing: false, threads, updateRows: batch};
      if (!isGated) return trainingMemory(training);
      const sampling = {prompts: GATE_CHUNK, group: Number(values['gateSamples']), promptLengths, maxNewTokens};
      const workers = workersFor({threads, cores: Number(values[CORES])});
      return workers > 0
        ? [...trainingMemory(training), ...workersMemory(config, sampling, {workers})]
        : trainingMemory(training, samplingMemory(config, sampling));
    },
  });
  const textsOf = (field: (name: string) => string) => [{rest: `${field('prompt')}${field('response')}`}];
  const rows = {folders: [documents], textsOf, tokenizer, template: 'none'} as const;
  return told(needWith(await measureRows(rows, (measured) => sizeOf(needWith(measured)))));
}

const sizeOf = ({values, parts}: Need): number => memoryOf(parts(values));

/** What prompts are padded to, as far as it matters: the longest, with what a model takes beside a sample. */
const promptLengthsFor = (tokens: number, {maxPositions}: ModelConfig, maxNewTokens: number): number[] =>
  lengthBuckets([Math.max(8, Math.min(tokens, maxPositions - maxNewTokens))]);

const measurePrompts = async (
  {
    model,
    prompts,
    template,
    ...wording
  }: Partial<Wording> & {
    readonly model: string;
    readonly prompts: readonly string[];
    readonly template: TemplateName;
  },
  needWith: (measured: Measured) => Need,
): Promise<Measured> =>
  measureRows(
    {
      folders: prompts,
      textsOf: (field) => [{question: field('question'), rest: wordsAround(wording)}],
      tokenizer: model,
      template,
    },
    (measured) => sizeOf(needWith(measured)),
  );
