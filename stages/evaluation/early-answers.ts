/**
 * What a model answers after thinking that was forced on it, and what that says: rates with intervals over problems, each beside that
 * after the whole of its own thinking, and by level. A pure function of the rows; the stage early-answering.ts draws them.
 */
import type {Outcome} from '../rewards/index.js';
import type {Asked} from './asked.js';
import {compare} from './comparison.js';
import type {Interval} from './intervals.js';
import {shareOver} from './over-problems.js';
import {groupsOf} from './metrics.js';
import type {Sample} from './sample.js';
import {scoreOf} from './scores.js';
import {CONDITIONS, groupBy, type Condition} from './forced-thinking.js';

/** An answer to one problem after one sample's thinking. A row of the artifact; the text is the response with what was forced. */
export interface EarlyAnswer extends Sample {
  readonly condition: Condition;
  /** Of the lines; 1 for the controls, which have all of them. */
  readonly share: number;
  /** Lines that were forced, and lines of the response as it was stored. */
  readonly lines: number;
  readonly of: number;
  /** What the response was worth as it was stored. */
  readonly stored: Outcome;
  /** Whether the answer is the one that the other problem's response gave, where it gave any. */
  readonly followed?: boolean;
}

/** A mean with its interval at 95 %. */
export interface Rate extends Interval {
  readonly mean: number;
}

export interface ConditionSummary {
  readonly condition: Condition;
  readonly share: number;
  /** Mean of the lines that were forced. */
  readonly lines: number;
  /** Share of right answers. */
  readonly right: Rate;
  /** That less the share after the whole of the model's own thinking, paired on problems; absent for that itself. */
  readonly difference?: Rate;
  /** By steps of the problem, the fewest first; empty where no problem has any. */
  readonly byLevel: readonly (Rate & {readonly level: number; readonly problems: number})[];
  /** Of the answers after the thinking of another problem: the share that is that problem's response's own. */
  readonly followed?: Rate;
}

/** Card of the artifact. */
export interface EarlySummary extends Asked {
  readonly format: 'r1-early-answers-1';
  /** sha256 of the model's weight file. */
  readonly model: string;
  readonly template: string;
  readonly temperature: number;
  readonly topP: number;
  /** What stands for a word in filler. */
  readonly filler: string;
  readonly problems: number;
  /** Responses that were answered anew in every condition. */
  readonly responses: number;
  /** Why other responses were not, and how many. */
  readonly leftOut: Readonly<Record<string, number>>;
  /** Share of right answers of the same responses as they were stored. */
  readonly stored: Rate;
  readonly conditions: readonly ConditionSummary[];
}

/** The conditions in the order of a table: the model's own thinking from none to all, then the controls. */
export function summariseConditions(rows: readonly EarlyAnswer[]): ConditionSummary[] {
  const groups = [...groupBy(rows, ({condition, share}) => `${condition} ${share}`).values()];
  const place = ({condition, share}: EarlyAnswer): number => CONDITIONS.indexOf(condition) + share / 2;
  groups.sort(([a], [b]) => place(a!) - place(b!));
  const whole = groups.find(([row]) => row!.condition === 'own' && row!.share === 1);
  return groups.map((members): ConditionSummary => {
    const {condition, share} = members[0]!;
    const levels = [...new Set(members.flatMap(({steps}) => steps ?? []))].sort((a, b) => a - b);
    const followed = condition === 'other' ? followedRate(members) : undefined;
    return {
      ...{condition, share},
      lines: members.reduce((sum, {lines}) => sum + lines, 0) / members.length,
      right: rightRate(members),
      ...(whole === undefined || whole === members ? {} : {difference: differenceOf(members, whole)}),
      byLevel: levels.map((level) => {
        const those = members.filter(({steps}) => steps === level);
        return {level, problems: new Set(those.map(({key}) => key)).size, ...rightRate(those)};
      }),
      ...(followed === undefined ? {} : {followed}),
    };
  });
}

/** The share of right answers of the same responses as they were stored; of the rows of one condition, or of all. */
export const storedRate = (rows: readonly EarlyAnswer[]): Rate =>
  rightRate(rows.map((row) => ({...row, outcome: row.stored})));

function rightRate(samples: readonly Sample[]): Rate {
  const {mean, low, high} = scoreOf('pass@1', samples)!;
  return {mean, low, high};
}

function differenceOf(left: readonly Sample[], right: readonly Sample[]): Rate {
  const compared = compare({metric: 'pass@1', statistic: 'difference', left, right, threshold: 0});
  const {value: mean, low, high} = compared!; // Every response is in every condition.
  return {mean, low, high};
}

function followedRate(rows: readonly EarlyAnswer[]): Rate | undefined {
  const problems = [
    ...groupBy(
      rows.filter(({followed}) => followed !== undefined),
      ({key}) => key,
    ),
  ];
  if (problems.length === 0) return undefined;
  const shares = problems.map(([, members]) => members.filter(({followed}) => followed).length / members.length);
  const groups = groupsOf(
    problems.map(([key]) => key),
    rows,
  );
  const {
    value: mean,
    low,
    high,
  } = shareOver(
    shares,
    shares.map(() => 1),
    {groups},
  );
  return {mean, low, high};
}
