/**
 * A trained reward model at work: a completion in, a number in [0, 1] out. The raw score is a scalar head on the last
 * token; `calibration.json` in the model's folder says how it is squashed.
 */
import {join} from 'node:path';
import {StageFailure} from '../../pipeline/stage.js';
import type {Scope} from '../data/reward-scope.js';
import {readJson} from '../data/rows.js';
import {lengthBuckets} from '../train/length-buckets.js';
import type {Prompt} from '../tasks/prompt.js';
import {readCompletion} from '../text/completion.js';
import {encodePrompt} from '../text/templates.js';
import type {Tokenizer} from '../text/tokenizer.js';

/** reward = σ((score − shift) / scale), fitted on held-out rows so that the two labels lie apart and inside (0, 1). */
export interface Calibration {
  /** Raw score that becomes 0.5. */
  readonly shift: number;
  /** Raw score per unit of the logistic function; above 0. */
  readonly scale: number;
  /** What of a completion the model has learned to see. */
  readonly scope: Scope;
  /** Whether it has learned from questions in which control tokens count; absent where they are text. */
  readonly specialInPrompts?: boolean | undefined;
}

/** σ((score − shift) / scale), in [0, 1]. */
export const squash = (score: number, {shift, scale}: Pick<Calibration, 'shift' | 'scale'>): number =>
  1 / (1 + Math.exp(-(score - shift) / scale));

/**
 * The tokens that a reward model reads: prompt under the chat template, the part of the completion that it may see, end
 * of sequence. Without an answer to see, that part is empty.
 */
export function scoredTokens(
  tokenizer: Tokenizer,
  prompt: Pick<Prompt, 'question'>,
  completion: string,
  scope: Scope,
): number[] {
  const seen = scope === 'response' ? completion : (readCompletion(completion, true).answer ?? '');
  return [...encodePrompt(tokenizer, 'chat', prompt.question), ...tokenizer.encode(seen), tokenizer.eosId];
}

/** A reward model in a session of its own. */
export interface RewardModel {
  readonly scope: Scope;
  /** One reward in [0, 1] for each item. */
  reward(items: readonly {readonly prompt: Pick<Prompt, 'question'>; readonly completion: string}[]): number[];
  close(): void;
}

/**
 * Loads a `reward-model` artifact into a session of its own.
 *
 * @param options.maxTokens of the longest row that `reward` will be asked for, prompt included; a longer one makes it
 * throw
 * @throws {StageFailure} naming the file that is missing or wrong
 */
export async function openRewardModel(
  folder: string,
  {threads, maxTokens}: {readonly threads: number; readonly maxTokens: number},
): Promise<RewardModel> {
  const [{openEngine}, {scoring}, {openModel}, {handOver}, {openTokenizer}, {calibration}] = await Promise.all([
    import('../engine/engine.js'),
    import('../train/programs.js'),
    import('../model/hf-folder/index.js'),
    import('../model/parameters.js'),
    import('../text/tokenizer.js'),
    import('../data/schemas.js'),
  ]);
  const parsed = calibration.safeParse(await readJson(join(folder, 'calibration.json')));
  if (!parsed.success)
    throw new StageFailure(`${join(folder, 'calibration.json')}: ${parsed.error.issues[0]!.message}`);
  const {config, weights} = await openModel(folder);
  const tokenizer = await openTokenizer(folder, {specialInPrompts: parsed.data.specialInPrompts ?? false});
  const engine = await openEngine({
    config,
    weights: handOver(weights),
    threads,
    programs: {score: scoring({rows: 32, lengths: lengthBuckets([maxTokens / 2, maxTokens], 2)})},
  });
  const {scope} = parsed.data;
  return {
    scope,
    reward(items) {
      if (items.length === 0) return [];
      const rows = items.map(({prompt, completion}) => ({tokens: scoredTokens(tokenizer, prompt, completion, scope)}));
      const longest = Math.max(...rows.map(({tokens}) => tokens.length));
      if (longest > config.maxPositions) {
        throw new StageFailure(
          `a completion has ${longest} tokens with its question; the reward model in ${folder} takes ${config.maxPositions}`,
        );
      }
      return [...engine.run.score(rows)].map((score) => squash(score, parsed.data));
    },
    close: () => engine.dispose(),
  };
}
