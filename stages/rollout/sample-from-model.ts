/** Sampling from a model and keeping what passes: shared by cold-start data and rejection sampling. No training here. */
import type {DefinitionRef} from '../../pipeline/definition.js';
import {StageFailure} from '../../pipeline/stage.js';
import type {Model} from '../model/hf-folder/index.js';
import type {Sampler} from './sampler.js';
import {readPrompts} from '../data/rows.js';
import type {RolloutRow} from '../data/schemas.js';
import {encodePrompts, sampleGroups, samplingWith} from './sample-groups.js';
import {lengthBuckets} from '../train/length-buckets.js';
import type {Drawing, EncodedPrompt, Rollout} from './sample-groups.js';
import {lengthOf, type Given} from './given.js';
import type {GradingSettings} from '../graders/settings.js';
import type {Prompt} from '../tasks/prompt.js';
import type {Tasks} from '../tasks/task.js';
import type {TemplateName} from '../text/templates.js';
import type {Tokenizer} from '../text/tokenizer.js';
import type {Wording} from '../text/wording.js';

/** What happened to the completions: one count for each reason that dropped some, and the rest kept. */
export class DropCounts {
  readonly #dropped = new Map<string, number>();
  #sampled = 0;
  #kept = 0;

  /** Counts a completion as kept (`undefined`) or as dropped for a reason. */
  count(reason: string | undefined): void {
    this.#sampled++;
    if (reason === undefined) this.#kept++;
    else this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + 1);
  }

  card(): {sampled: number; kept: number; dropped: Record<string, number>} {
    return {
      sampled: this.#sampled,
      kept: this.#kept,
      dropped: Object.fromEntries([...this.#dropped].sort(([a], [b]) => (a < b ? -1 : 1))),
    };
  }
}

export interface ModelSampling extends GradingSettings, Partial<Wording> {
  /** The model's folder. */
  readonly model: string;
  readonly template: TemplateName;
  readonly specialInPrompts?: boolean;
  readonly samples: number;
  readonly temperature: number;
  readonly topP: number;
  readonly maxNewTokens: number;
  readonly chunk: number;
  /** Those of the prompts, where there are others than the built-in ones. */
  readonly tasks?: Tasks | undefined;
  readonly threads: number;
  /** Cores to keep busy; they change how long it takes and nothing else. */
  readonly cores: number;
  readonly key: {readonly seed: number; readonly purpose: string};
  readonly done: (prompts: number, total: number) => void;
  /** Told what a person should see, one line each. */
  readonly note: (text: string) => void;
}

export interface Sampled {
  /** Prompt by prompt, in their order. */
  readonly groups: Rollout[][];
  readonly generatedTokens: number;
  /** Of the model. */
  readonly parameters: number;
}

/** `samples` completions for each prompt from a model folder. */
export async function sampleRows(rows: readonly Prompt[], options: ModelSampling): Promise<Sampled> {
  const {model, template, shots = [], system = '', suffix = '', prefill = '', stop = [], maxNewTokens, note} = options;
  const [{openModel}, {countParameters}, {openTokenizer}, {prepareGraders}] = await Promise.all([
    import('../model/hf-folder/index.js'),
    import('../model/parameters.js'),
    import('../text/tokenizer.js'),
    import('../graders/registry.js'),
  ]);
  const {config, weights} = await openModel(model);
  if (maxNewTokens >= config.maxPositions) {
    throw new StageFailure(
      `maxNewTokens ${maxNewTokens} leaves no room for a prompt: the model has ${config.maxPositions} positions`,
    );
  }
  const tokenizer = await openTokenizer(model, options);
  for (const text of tokenizer.notes) note(text);
  if (rows.length === 0) throw new StageFailure('there are no prompts');
  await prepareGraders(rows, options);
  const wording = {shots, system, suffix, prefill, stop};
  const prompts = encodePrompts(rows, {
    tokenizer,
    template,
    ...wording,
    limit: config.maxPositions - maxNewTokens,
    note,
  });
  const groups = await withSampler({...options, config, weights, prompts, tokenizer}, (sampler, drawing) =>
    sampleGroups(sampler, prompts, {...drawing, tokenizer, ...wording}),
  );
  const generatedTokens = groups.flat().reduce((sum, {tokens}) => sum + tokens.length, 0);
  return {groups, generatedTokens, parameters: countParameters(config)};
}

/** The same for the first `count` rows of a `prompts` artifact. */
export const sampleFromModel = async ({
  prompts,
  count,
  ...options
}: ModelSampling & {readonly prompts: string; readonly count?: number | undefined}): Promise<Sampled> =>
  sampleRows((await readPrompts(prompts, options.tasks)).slice(0, count), options);

/** Opens a sampler of a model for prompts that are encoded, and closes it after `work`. */
export async function withSampler<T>(
  {
    prompts,
    tokenizer,
    samples,
    temperature,
    topP,
    maxNewTokens,
    chunk,
    key,
    done,
    hasOwnChunk = false,
    ...options
  }: Omit<ModelSampling, 'template' | 'model' | keyof Wording> &
    Pick<Model, 'config' | 'weights'> & {
      readonly prompts: readonly EncodedPrompt[];
      /** As of `samplerNeed`. */
      readonly hasOwnChunk?: boolean;
      readonly tokenizer: Pick<Tokenizer, 'endIds' | 'padId'>;
    },
  work: (sampler: Sampler, drawing: Drawing) => Promise<T>,
): Promise<T> {
  const [{openSampler}, {announceMemory}, {samplerNeed}] = await Promise.all([
    import('./open-sampler.js'),
    import('../memory/need.js'),
    import('../memory/sampling.js'),
  ]);
  const lengths = prompts.map(({tokens}) => tokens.length);
  const sizes = {prompts: chunk, group: samples, promptLengths: lengthBuckets(lengths, 2), maxNewTokens};
  announceMemory(samplerNeed({...options, hasOwnChunk, sampling: sizes, groups: prompts.length}), options.note);
  const sampler = await openSampler({
    ...options,
    sampling: samplingWith(tokenizer, {...sizes, temperature, topP}),
  });
  try {
    const through = (count: number): void => done(count, prompts.length);
    return await work(sampler, {group: samples, chunk, maxNewTokens, key, done: through});
  } finally {
    await sampler.close();
  }
}

/** A completion as a row, with what became of it. */
export const judgedRow = (given: Given, verdict: string): RolloutRow => ({
  id: rolloutId(given),
  from: [given.prompt.id],
  question: given.prompt.question,
  completion: given.completion.text,
  tokens: lengthOf(given) ?? null,
  finished: given.finished,
  verdict,
  ...('served' in given ? {served: given.served} : {}),
});

/** The id of the row of a completion. */
export const rolloutId = ({prompt, sample}: Given): string => `${prompt.id}#${sample}`;

/** The sentence that drops a completion for what the rules say of its answer and form, or `undefined`. */
export async function ruleFaults(
  rollouts: readonly Given[],
  {
    timeoutMs,
    tasks,
    cores,
    grading,
    wellFormed = true,
    note,
  }: {
    readonly timeoutMs: number;
    readonly tasks: readonly DefinitionRef[];
    /** That graders may keep busy. */
    readonly cores: number;
    readonly grading: GradingSettings;
    /** Whether thinking and answer have to stand in their tags. */
    readonly wellFormed?: boolean;
    readonly note?: (text: string) => void;
  },
): Promise<(string | undefined)[]> {
  const {withScorer} = await import('../rewards/index.js');
  const items = rollouts.map((given) => {
    const tokens = lengthOf(given);
    return {prompt: given.prompt, completion: given.completion, ...(tokens === undefined ? {} : {tokens})};
  });
  const scored = await withScorer({timeoutMs, weights: {}, refs: {tasks}, cores, grading, note}, (scorer) =>
    scorer.score(items),
  );
  return scored.map(({verdicts}, index) => {
    if (!rollouts[index]!.finished) return 'truncated';
    if (verdicts.accuracy.outcome !== 'right') return `answer ${verdicts.accuracy.outcome}`;
    // What was learned from is the whole response, whoever wrote its tags.
    if (wellFormed && verdicts.format.value === 0) return 'format';
    return undefined;
  });
}
