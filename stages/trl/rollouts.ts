/**
 * The rollouts of a trainer in another process: it draws completions, and r1 reads, grades and remembers them as it does its own.
 * Several ranks hand in their parts of a rollout one after the other.
 */
import type {Observed} from '../rollout/state.js';
import {observe} from '../rollout/state.js';
import type {GroupScorer} from '../rollout/group-scorer.js';
import {groupRewards, summarise} from '../rollout/minibatches.js';
import type {AdvantageOptions, SampledGroup} from '../rollout/minibatches.js';
import {traceOf} from '../rollout/records.js';
import type {EncodedPrompt, Rollout} from '../rollout/sample-groups.js';
import type {RewardWeights} from '../rewards/names.js';
import {completionFrom, readTokens, upTo} from '../text/drawn.js';
import {thinkingTokens} from '../text/thinking-tokens.js';
import type {Tokenizer} from '../text/tokenizer.js';
import {spread} from '../train/advantages.js';

/** A completion as a trainer hands it in. */
export interface HandedIn {
  /** Which of the questions in the order of the training it answers, from 0. */
  readonly place: number;
  /** Up to the end token, that included. */
  readonly tokens: readonly number[];
}

/** A part of a rollout, of one rank. */
export interface RolloutPart {
  /** Optimizer steps before it. */
  readonly step: number;
  readonly rank: number;
  readonly rows: readonly HandedIn[];
}

/** What of a rollout is known when its first step is made. */
export interface RolloutFacts {
  /** Means over its completions, as the history has them. */
  readonly summary: Readonly<Record<string, number | null>>;
  /** Tokens of its rows, prompts included. */
  readonly tokens: number;
}

export interface Rollouts {
  /** Grades a part of a rollout. → what each of its completions earned, in their order */
  score(part: RolloutPart): Promise<number[]>;
  /**
   * The rollout that was begun at or before this step, once all of its parts are there.
   * @throws {StageFailure} as `observe` does, where nothing can be learned from it
   */
  finish(training: {own: Observed; readonly tokens: {generated: number; scored: number}}): RolloutFacts;
}

export interface RolloutsOptions extends Omit<AdvantageOptions, 'divideByStd' | 'stdFloor'> {
  /** The question at a place of the training's order. */
  readonly questionAt: (place: number) => EncodedPrompt;
  readonly tokenizer: Tokenizer;
  readonly prefill: string;
  readonly scorer: GroupScorer;
  readonly rewards: RewardWeights;
  readonly reflective: (text: string) => number;
  readonly seed: number;
  /** Groups in a rollout, from which its number follows. */
  readonly groups: number;
  /** Whether a reference model scores all rows. */
  readonly hasReference: boolean;
  /** Whether rewards that do not differ are a fault in a rollout that begins at this step. */
  readonly isSpreadDue: (step: number) => boolean;
  readonly checkGroups: number;
  readonly patience: number;
}

export function openRollouts(options: RolloutsOptions): Rollouts {
  const {scorer, seed} = options;
  /** Of the rollout that is being made: place → its group. */
  let parts = new Map<number, SampledGroup>();
  let begun = 0;
  let facts: RolloutFacts | undefined;
  return {
    async score({step, rows}) {
      begun = step;
      facts = undefined;
      const places = [...new Set(rows.map(({place}) => place))];
      const groups = places.map((at) => rows.flatMap((row, index) => (row.place === at ? [index] : [])));
      const sampled = groups.map((members, i) =>
        members.map((index, sample) => readRollout(rows[index]!, sample, options.questionAt(places[i]!), options)),
      );
      const earned = new Array<number>(rows.length);
      for (const [i, members] of (await scorer.score(sampled)).entries()) {
        const place = places[i]!;
        const key = {seed, step: Math.floor(place / options.groups), group: place % options.groups};
        const {earned: own, rewards} = groupRewards(members, options, key);
        const groupSpread = spread(own);
        const traces = members.map((one) => traceOf(one, groupSpread, options.rewards, options.reflective));
        parts.set(place, {members, rows: [], traces});
        groups[i]!.forEach((index, at) => (earned[index] = rewards[at]!));
      }
      return earned;
    },
    finish(training) {
      if (facts !== undefined) return facts;
      const groups = [...parts].sort(([one], [other]) => one - other).map(([, group]) => group);
      parts = new Map();
      const members = groups.flatMap((group) => group.members);
      const generated = members.reduce((sum, {rollout}) => sum + rollout.tokens.length, 0);
      const tokens = generated + members.reduce((sum, {rollout}) => sum + rollout.promptTokens.length, 0);
      training.tokens.generated += generated;
      if (options.hasReference) training.tokens.scored += tokens;
      training.own = observe(training.own, groups, {...options, step: begun, isSpreadDue: options.isSpreadDue(begun)});
      facts = {summary: summarise(groups.flatMap(({traces}) => traces)), tokens};
      return facts;
    },
  };
}

function readRollout(
  {tokens}: HandedIn,
  sample: number,
  {prompt, tokens: promptTokens}: EncodedPrompt,
  {tokenizer, prefill}: Pick<RolloutsOptions, 'tokenizer' | 'prefill'>,
): Rollout {
  const drawn = {prompt, sample, promptTokens, tokens, finished: tokenizer.endIds.includes(tokens.at(-1) ?? -1)};
  const ends = {prefill, stop: []};
  const read = readTokens(tokenizer, drawn, ends);
  const counted = upTo(drawn, read);
  const thinking = thinkingTokens({tokens: counted.tokens, text: read.text}, tokenizer);
  return {...counted, completion: completionFrom(read, ends), thinking};
}
