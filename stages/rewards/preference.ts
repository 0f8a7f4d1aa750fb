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
  readonly shift: number;
  readonly scale: number;
  readonly scope: Scope;
}

export const squash = (score: number, {shift, scale}: Pick<Calibration, 'shift' | 'scale'>): number =>
  1 / (1 + Math.exp(-(score - shift) / scale));

/** Prompt, the part of the completion that the model may see, end of sequence. */
export function scoredTokens(
  tokenizer: Tokenizer,
  prompt: Pick<Prompt, 'question'>,
  completion: string,
  scope: Scope,
): number[] {
  const seen = scope === 'response' ? completion : (readCompletion(completion, true).answer ?? '');
  return [...encodePrompt(tokenizer, 'chat', prompt.question), ...tokenizer.encode(seen), tokenizer.eosId];
}

export interface RewardModel {
  readonly scope: Scope;
  /** One reward in [0, 1] for each item. */
  reward(items: readonly {readonly prompt: Pick<Prompt, 'question'>; readonly completion: string}[]): number[];
  close(): void;
}

/** Loads a `reward-model` artifact into a session of its own. Rows longer than `maxTokens` are an error. */
export async function openRewardModel(
  folder: string,
  {threads, maxTokens}: {readonly threads: number; readonly maxTokens: number},
): Promise<RewardModel> {
  const [{openEngine}, {scoring}, {openModel}, {openTokenizer}, {calibration}] = await Promise.all([
    import('../engine/engine.js'),
    import('../train/programs.js'),
    import('../model/hf-folder.js'),
    import('../text/tokenizer.js'),
    import('../data/schemas.js'),
  ]);
  const parsed = calibration.safeParse(await readJson(join(folder, 'calibration.json')));
  if (!parsed.success)
    throw new StageFailure(`${join(folder, 'calibration.json')}: ${parsed.error.issues[0]!.message}`);
  const {config, weights} = await openModel(folder);
  const tokenizer = await openTokenizer(folder);
  const engine = await openEngine({
    config,
    weights,
    threads,
    programs: {score: scoring({rows: 32, lengths: lengthBuckets([maxTokens / 2, maxTokens], 2)})},
  });
  const {scope} = parsed.data;
  return {
    scope,
    reward(items) {
      if (items.length === 0) return [];
      const rows = items.map(({prompt, completion}) => ({tokens: scoredTokens(tokenizer, prompt, completion, scope)}));
      return [...engine.run.score(rows)].map((score) => squash(score, parsed.data));
    },
    close: () => engine.dispose(),
  };
}
