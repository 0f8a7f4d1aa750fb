/**
 * What a claim is. A recipe declares its claims before it is run, with directions and thresholds, as a param of its report; a
 * claim whose models were not measured is left out of the table, and of Holm's count.
 */
import type {Statistic} from './comparison.js';
import {isMetric, isRate, metricsFor, type Metric} from './metrics.js';

/**
 * What has to be so for a claim to say anything. `learned`: pass@1 of the model is above that of the one it was trained from, with
 * the whole of its paired interval. `compute`: the model took at least as many operations as the other, as the report counts them.
 */
export type Condition =
  | {readonly kind: 'learned'; readonly model: string; readonly from: string}
  | {readonly kind: 'compute'; readonly model: string; readonly atLeast: string};

/** A type, so that a list of them can be a param as it is. */
export type Claim = {
  readonly id: string;
  /** What is claimed, as a sentence with its threshold. */
  readonly text: string;
  /** Where the paper says so. */
  readonly paper: string;
  readonly metric: Metric;
  readonly statistic: Statistic;
  /** Names under which the report knows the scores. */
  readonly left: string;
  readonly right?: string;
  /** The side of the threshold that the value is claimed to be on. */
  readonly direction: 'above' | 'below';
  readonly threshold: number;
  /** Where the right model's mean is above `over`, there is no room to rise, and this threshold is the claim. */
  readonly ceiling?: {readonly over: number; readonly threshold: number};
  /** Where one of these is not so, the claim is not judged, and neither holds nor fails. */
  readonly requires?: readonly Condition[];
};

/** Every field that a claim may have. */
const FIELDS: Readonly<Record<keyof Claim, true>> = {
  ...{id: true, text: true, paper: true, metric: true, statistic: true, left: true, right: true},
  ...{direction: true, threshold: true, ceiling: true, requires: true},
};

const STATISTICS: readonly string[] = ['difference', 'ratio', 'level'] satisfies Statistic[];

/** What is wrong with claims that no compiler has seen, each mistake a sentence. */
export function claimMistakes(claims: unknown): string[] {
  if (!Array.isArray(claims)) return ['claims is a list (r1/recipes/tiny has those of tiny as TINY_CLAIMS)'];
  const seen = new Set<unknown>();
  return (claims as unknown[]).flatMap((given, place) => {
    const claim = Object(given) as Partial<Record<keyof Claim, unknown>>;
    const {id, metric, statistic, direction, right, threshold, ceiling} = claim;
    const called = typeof id === 'string' ? `claim “${id}”` : `claim ${place + 1}`;
    const texts = (['id', 'text', 'paper', 'metric', 'left'] as const).filter(
      (name) => typeof claim[name] !== 'string',
    );
    const isTwice = seen.has(id);
    seen.add(id);
    const unknown = Object.keys(claim).filter((name) => !Object.hasOwn(FIELDS, name));
    const isNoMetric = typeof metric === 'string' && !isMetric(metric);
    return [
      ...unknown.map((name) => `${called}: there is no field “${name}”; there are ${Object.keys(FIELDS).join(', ')}`),
      ...(isNoMetric ? [`${called}: there is no metric “${metric}”; there are ${metricsFor(16).join(', ')}`] : []),
      ...texts.map((name) => `${called}: “${name}” is missing, or is no text`),
      ...(isTwice ? [`${called} is there twice`] : []),
      ...(STATISTICS.includes(statistic as string)
        ? []
        : [`${called}: “statistic” is one of ${STATISTICS.join(', ')}, not ${JSON.stringify(statistic)}`]),
      ...(direction === 'above' || direction === 'below'
        ? []
        : [`${called}: “direction” is above or below, not ${JSON.stringify(direction)}`]),
      ...(typeof threshold === 'number' ? [] : [`${called}: “threshold” is missing, or is no number`]),
      ...(statistic === 'level' &&
      typeof metric === 'string' &&
      isMetric(metric) &&
      isRate(metric) &&
      isNoShare(threshold)
        ? [`${called}: ${metric} is from 0 to 1, and so is its “threshold”, which is ${String(threshold)}`]
        : []),
      ...(right === undefined || typeof right === 'string' ? [] : [`${called}: “right” is no text`]),
      ...((statistic === 'level') === (right === undefined)
        ? []
        : [
            `${called}: ${statistic === 'level' ? 'a level has no “right”' : `a ${STATISTICS.includes(statistic as string) ? (statistic as string) : 'difference or a ratio'} needs “right”`}`,
          ]),
      ...(ceiling === undefined || isCeiling(ceiling)
        ? []
        : [`${called}: “ceiling” is {over, threshold}, two numbers, not ${JSON.stringify(ceiling)}`]),
      ...conditionMistakes(claim.requires ?? []).map((mistake) => `${called}: ${mistake}`),
    ];
  });
}

const isNoShare = (given: unknown): boolean => typeof given === 'number' && (given < 0 || given > 1);

function isCeiling(given: unknown): boolean {
  const {over, threshold, ...more} = Object(given) as Readonly<Record<string, unknown>>;
  return typeof over === 'number' && typeof threshold === 'number' && Object.keys(more).length === 0;
}

/** The field beside `model` that a condition of each kind has. */
const OTHER: Readonly<Record<Condition['kind'], string>> = {learned: 'from', compute: 'atLeast'};

function conditionMistakes(conditions: unknown): string[] {
  if (!Array.isArray(conditions)) return ['“requires” is a list'];
  return (conditions as unknown[]).flatMap((given) => {
    const condition = Object(given) as Readonly<Record<string, unknown>>;
    const other = Object.hasOwn(OTHER, String(condition['kind'])) ? OTHER[condition['kind'] as Condition['kind']] : '';
    if (other === '')
      return [`what it requires is one of ${Object.keys(OTHER).join(', ')}, not ${JSON.stringify(condition['kind'])}`];
    const missing = ['model', other].filter((name) => typeof condition[name] !== 'string');
    const unknown = Object.keys(condition).filter((name) => !['kind', 'model', other].includes(name));
    return [
      ...missing.map((name) => `“${name}” of what it requires is missing, or is no text`),
      ...unknown.map((name) => `what it requires has no field “${name}”`),
      ...(missing.length === 0 && condition['model'] === condition[other]
        ? [`what it requires holds “${condition['model'] as string}” against itself`]
        : []),
    ];
  });
}
