/**
 * The advantages of a group, computed again from what was stored and from the params of the stage, since rows do not hold them. Only
 * where the whole group is there and its rewards are those that were learned from.
 */
import {groupAdvantages, overlongPenalty} from '../train/advantages.js';
import type {StoredSample} from './sample.js';

/** Params of the stage `grpo` that advantages depend on. */
interface GroupParams {
  readonly group: number;
  readonly divideByStd: boolean;
  readonly stdFloor: number;
  readonly shuffleRewards: boolean;
  readonly overlongMargin: number;
  readonly maxNewTokens: number;
}

/** The params, where a stage has them all. */
function groupParams(params: Readonly<Record<string, unknown>>): GroupParams | undefined {
  const {group, divideByStd, stdFloor, shuffleRewards = false, overlongMargin = 0, maxNewTokens = Infinity} = params;
  const isKnown =
    typeof group === 'number' &&
    typeof divideByStd === 'boolean' &&
    typeof stdFloor === 'number' &&
    typeof shuffleRewards === 'boolean' &&
    typeof overlongMargin === 'number' &&
    typeof maxNewTokens === 'number';
  return isKnown ? {group, divideByStd, stdFloor, shuffleRewards, overlongMargin, maxNewTokens} : undefined;
}

/** Whether rewards were dealt out anew within each group, so that what a completion earned is not what was learned from. */
export const isShuffled = (params: Readonly<Record<string, unknown>> = {}): boolean =>
  groupParams(params)?.shuffleRewards === true;

/**
 * The same completions with their advantages; as they are where these cannot be known: the stage has none, its rewards were dealt out
 * anew (`shuffleRewards`), or not all completions of the group are there.
 *
 * @param samples of one group
 */
export function withAdvantages(
  samples: readonly StoredSample[],
  params: Readonly<Record<string, unknown>> = {},
): readonly StoredSample[] {
  const known = groupParams(params);
  if (known === undefined || known.shuffleRewards || samples.length !== known.group) return samples;
  if (new Set(samples.map(({sample}) => sample)).size !== samples.length) return samples;
  const {overlongMargin, maxNewTokens} = known;
  const penalties = samples.map(({tokens}) =>
    overlongMargin === 0 ? 0 : tokens === undefined ? NaN : overlongPenalty(tokens, maxNewTokens, overlongMargin),
  );
  const earned = samples.map(({reward = NaN}, index) => reward + penalties[index]!);
  if (!earned.every(Number.isFinite)) return samples;
  const advantages = groupAdvantages(earned, known);
  return samples.map((sample, index): StoredSample => {
    const penalty = penalties[index]!;
    const {rewards = []} = sample;
    return {
      ...sample,
      ...(penalty === 0 ? {} : {rewards: [...rewards, {name: 'overlong', value: penalty, weight: 1}]}),
      advantage: advantages[index]!,
    };
  });
}
