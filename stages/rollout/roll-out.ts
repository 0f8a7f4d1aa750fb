/**
 * One rollout of GRPO: questions are drawn, a group of completions is sampled for each, scored and given advantages. Nothing is
 * trained here, and no log-probability is computed.
 */
import type {Tokenizer} from '../text/tokenizer.js';
import type {RewardWeights} from '../rewards/names.js';
import type {Ends} from '../text/drawn.js';
import {groupRows, isUniform} from './minibatches.js';
import type {AdvantageOptions, SampledGroup} from './minibatches.js';
import type {GroupScorer} from './group-scorer.js';
import type {Cursor, Questions} from './questions.js';
import {traceOf} from './records.js';
import {sampleGroups} from './sample-groups.js';
import type {Sampler} from './sampler.js';

export interface RolloutOptions extends AdvantageOptions, Partial<Ends> {
  readonly questions: Questions;
  readonly sampler: Sampler;
  readonly scorer: GroupScorer;
  readonly tokenizer: Tokenizer;
  readonly seed: number;
  /** Groups of a rollout, and completions in each. */
  readonly groups: number;
  readonly group: number;
  /** Prompts in one native call. */
  readonly chunk: number;
  /** Whether rows keep the log-probabilities under the sampler. */
  readonly withLogProbs: boolean;
  /** Groups without spread are dropped and other questions asked in their place, in this many more rounds at most. */
  readonly dynamicSampling: number;
  /** Weights of the rewards, by name. */
  readonly rewards: RewardWeights;
  /** Counts the reflective words of a text. */
  readonly reflective: (text: string) => number;
}

export interface RolloutResult {
  /** In the order in which their questions were drawn. */
  readonly groups: readonly SampledGroup[];
  readonly cursor: Cursor;
  /** Of all completions, those of dropped groups included. */
  readonly generatedTokens: number;
}

/**
 * @param at which rollout it is, counted from 0, and where in the questions it starts; with the seed they decide all draws
 * @param generalShare share of the questions that is general
 */
export async function rollOut(
  at: {readonly rollout: number; readonly cursor: Cursor; readonly generalShare: number},
  {
    questions,
    sampler,
    scorer,
    tokenizer,
    seed,
    groups: wanted,
    group,
    chunk,
    withLogProbs,
    dynamicSampling,
    ...options
  }: RolloutOptions,
): Promise<RolloutResult> {
  const kept: SampledGroup[] = [];
  let {cursor} = at;
  let generatedTokens = 0;
  for (let round = 0; kept.length < wanted && round <= dynamicSampling; round++) {
    const drawn = questions.draw(cursor, wanted - kept.length, at.generalShare);
    cursor = drawn.cursor;
    const key = {seed, purpose: `grpo/rollout/${round}`, step: at.rollout};
    const sampled = await sampleGroups(sampler, drawn.questions, {
      tokenizer,
      group,
      chunk,
      withLogProbs,
      maxNewTokens: options.maxNewTokens,
      prefill: options.prefill ?? '',
      stop: options.stop ?? [],
      key,
    });
    for (const [index, members] of (await scorer.score(sampled)).entries()) {
      generatedTokens += members.reduce((sum, {rollout}) => sum + rollout.tokens.length, 0);
      const {rows, groupSpread} = groupRows(members, options, {seed, step: at.rollout, group: round * wanted + index});
      if (dynamicSampling > 0 && round < dynamicSampling && isUniform(groupSpread)) continue;
      const traces = members.map((one) => traceOf(one, groupSpread, options.rewards, options.reflective));
      kept.push({members, rows, traces});
    }
  }
  return {groups: kept, cursor, generatedTokens};
}
