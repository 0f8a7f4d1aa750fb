/** Claims judged by what was measured, in one run or over several. */
import {askedText, type Asked} from './asked.js';
import type {Claim} from './claims.js';
import {compare, type Statistic} from './comparison.js';
import {holm, mean} from './intervals.js';
import type {Metric} from './metrics.js';
import type {Sample} from './sample.js';
import {tInterval, tTest} from './t-interval.js';

/**
 * `holds`: on the claimed side of the threshold, and significantly so; `fails`: significantly on the other side. In
 * between the measurement does not tell. Significant: Holm's adjusted p-value is below 0.05.
 */
export type ClaimVerdict = 'holds' | 'not significant' | 'fails';

export interface ClaimResult {
  /** The claim's id. */
  readonly claim: string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly verdict: ClaimVerdict;
  readonly text: string;
  readonly paper: string;
  readonly metric: Metric;
  readonly statistic: Statistic;
  readonly left: string;
  readonly right: string | null;
  /** Templates that the two were sampled with. */
  readonly templates: readonly string[];
  /** The same with how the two were asked and read, where that was not as by default. */
  readonly asked?: readonly string[] | undefined;
  readonly direction: 'above' | 'below';
  /** The threshold that applied; see the claim's ceiling. */
  readonly threshold: number;
  readonly p: number;
  /** After Holm's correction over all claims of the table. */
  readonly adjusted: number;
  /** Problems that the claim was measured on; for several runs, the smallest number. */
  readonly problems: number;
}

/** The samples of one model, and how they were drawn. */
export interface Evaluation extends Asked {
  readonly template: string;
  readonly samples: readonly Sample[];
}

const SIGNIFICANT = 0.05;

/** All claims whose models were measured, in the order declared. */
export function judgeClaims(
  claims: readonly Claim[],
  evaluations: Readonly<Record<string, Evaluation>>,
): ClaimResult[] {
  const measured = claims.flatMap((claim): ClaimResult[] => {
    const {id, text, paper, metric, statistic, left, right, direction} = claim;
    const models = [left, ...(right === undefined ? [] : [right])].map((name) => evaluations[name]);
    if (models.some((model) => model === undefined)) return [];
    const [first, second] = models as [Evaluation, Evaluation?];
    const against = (threshold: number): ReturnType<typeof compare> =>
      compare({metric, statistic, left: first.samples, ...(second && {right: second.samples}), threshold});
    let {threshold} = claim;
    let comparison = against(threshold);
    if (comparison === undefined) return [];
    if (claim.ceiling !== undefined && (comparison.right ?? 0) > claim.ceiling.over) {
      threshold = claim.ceiling.threshold;
      comparison = against(threshold);
      if (comparison === undefined) return [];
    }
    const {value, low, high, p, problems} = comparison;
    const templates = [first.template, ...(second ? [second.template] : [])];
    const asked = [first, ...(second ? [second] : [])].map((one) => askedText(one.template, one));
    const isPlain = asked.every((one, index) => one === templates[index]);
    const about = {
      ...{text, paper, metric, statistic, left, right: right ?? null, templates},
      ...(isPlain ? {} : {asked}),
      ...{direction, threshold},
    };
    return [{claim: id, value, low, high, verdict: 'not significant', ...about, p, adjusted: p, problems}];
  });
  return withVerdicts(measured);
}

/** One claim over several runs: the run is the unit, and each run's own value stands beside the summary. */
export interface ClaimOverRuns extends ClaimResult {
  readonly runs: readonly {readonly run: string; readonly value: number; readonly verdict: ClaimVerdict}[];
}

/**
 * The claims that every run has measured: mean of the runs' values, t-interval over runs, verdict by a t-test with Holm's
 * correction. Where the threshold depends on the run (see `ceiling`), each run is held against its own, and their mean is
 * shown.
 */
export function judgeOverRuns(
  runs: readonly {readonly run: string; readonly claims: readonly ClaimResult[]}[],
): ClaimOverRuns[] {
  const [first] = runs;
  if (first === undefined) return [];
  const rows = first.claims.flatMap((claim): ClaimOverRuns[] => {
    const each = runs.map(({run, claims}) => ({run, row: claims.find((row) => row.claim === claim.claim)}));
    if (each.some(({row}) => row === undefined)) return [];
    const found = each as {run: string; row: ClaimResult}[];
    const values = found.map(({row}) => row.value);
    const thresholds = found.map(({row}) => row.threshold);
    const p = tTest(
      values.map((value, index) => value - thresholds[index]!),
      0,
    );
    return [
      {
        ...claim,
        value: mean(values),
        ...tInterval(values),
        threshold: mean(thresholds),
        p,
        adjusted: p,
        problems: Math.min(...found.map(({row}) => row.problems)),
        runs: found.map(({run, row: {value, verdict}}) => ({run, value, verdict})),
      },
    ];
  });
  return withVerdicts(rows);
}

function withVerdicts<T extends ClaimResult>(rows: readonly T[]): T[] {
  // What has no p-value tells nothing, and must not be carried on to others.
  const adjusted = holm(rows.map(({p}) => (Number.isNaN(p) ? 1 : p)));
  return rows.map((row, index) => {
    const onClaimedSide = row.direction === 'above' ? row.value > row.threshold : row.value < row.threshold;
    const verdict: ClaimVerdict =
      adjusted[index]! >= SIGNIFICANT ? 'not significant' : onClaimedSide ? 'holds' : 'fails';
    return {...row, adjusted: adjusted[index]!, verdict};
  });
}
