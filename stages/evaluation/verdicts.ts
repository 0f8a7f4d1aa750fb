/** Claims judged by what was measured, in one run or over several. */
import {askedText, type Asked} from './asked.js';
import type {Claim, Condition} from './claims.js';
import {compare, type Statistic} from './comparison.js';
import {holm, intervalText, mean} from './intervals.js';
import type {Metric} from './metrics.js';
import {FEWEST_SEEDS} from './over-seeds.js';
import type {Sample} from './sample.js';
import {tInterval, tTest} from './t-interval.js';

/**
 * `holds`: on the claimed side of the threshold, and significantly so; `fails`: significantly on the other side. In
 * between the measurement does not tell. Significant: Holm's adjusted p-value is below 0.05. `not judged`: what the claim
 * requires is not so, and whatever was measured says nothing about it.
 */
export type ClaimVerdict = 'holds' | 'not significant' | 'fails' | 'not judged';

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
  /** Why it was not judged, a sentence for each thing; absent where it was. */
  readonly unmet?: readonly string[] | undefined;
}

/** The samples of one model, and how they were drawn. */
export interface Evaluation extends Asked {
  readonly template: string;
  readonly samples: readonly Sample[];
}

const SIGNIFICANT = 0.05;

/**
 * All claims whose models were measured, in the order declared.
 *
 * @param operations floating-point operations that models took, by name, for claims that require compute
 */
export function judgeClaims(
  claims: readonly Claim[],
  evaluations: Readonly<Record<string, Evaluation>>,
  operations: Readonly<Record<string, number>> = {},
): ClaimResult[] {
  const measured = claims.flatMap((claim): ClaimResult[] => {
    const {id, text, paper, metric, statistic, left, right, direction} = claim;
    const models = [left, ...(right === undefined ? [] : [right])].map((name) => known(evaluations, name));
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
    const unmet = (claim.requires ?? []).flatMap((condition) => whyUnmet(condition, evaluations, operations));
    const row = {claim: id, value, low, high, verdict: 'not significant' as const, ...about, p, adjusted: p, problems};
    return [unmet.length === 0 ? row : {...row, unmet}];
  });
  return withVerdicts(measured);
}

/** What stands under a name that a recipe gave: one such as `constructor` is no name of a model unless a model has it. */
const known = <Value>(values: Readonly<Record<string, Value>>, name: string): Value | undefined =>
  Object.hasOwn(values, name) ? values[name] : undefined;

/** What is not so of a condition, as a sentence; nothing where it is met. */
function whyUnmet(
  condition: Condition,
  evaluations: Readonly<Record<string, Evaluation>>,
  operations: Readonly<Record<string, number>>,
): string[] {
  const {model} = condition;
  if (condition.kind === 'compute') {
    const [own, other] = [known(operations, model), known(operations, condition.atLeast)];
    if (own === undefined || other === undefined)
      return [`the operations of ${own === undefined ? model : condition.atLeast} are not known`];
    return own >= other
      ? []
      : [`${model} took only ${(own / other).toFixed(2)} times the operations of ${condition.atLeast}`];
  }
  const [after, before] = [known(evaluations, model), known(evaluations, condition.from)];
  if (after === undefined || before === undefined)
    return [
      `whether ${model} learned is not known, as ${after === undefined ? model : condition.from} was not measured`,
    ];
  const gain = compare({
    ...({metric: 'pass@1', statistic: 'difference', threshold: 0} as const),
    ...{left: after.samples, right: before.samples},
  });
  if (gain === undefined)
    return [`whether ${model} learned is not known: it has no problem in common with ${condition.from}`];
  const {value, low} = gain;
  return low > 0
    ? []
    : [
        `the control did not learn: pass@1 of ${model} − ${condition.from} is ${value.toFixed(3)} ${intervalText(gain, (bound) => bound.toFixed(3))}`,
      ];
}

/** One claim over several runs: the run is the unit, and each run's own value stands beside the summary. */
export interface ClaimOverRuns extends ClaimResult {
  readonly runs: readonly {readonly run: string; readonly value: number; readonly verdict: ClaimVerdict}[];
}

/**
 * The claims that every run has measured: mean of the runs' values, t-interval over runs, verdict by a t-test with Holm's
 * correction. Where the threshold depends on the run (see `ceiling`), each run is held against its own, and their mean is
 * shown. A claim that one of the runs could not judge is not judged over them either. Two runs have no interval, and no claim is
 * significant over them.
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
    const areEnough = values.length >= FEWEST_SEEDS;
    const offs = values.map((value, index) => value - thresholds[index]!);
    const p = areEnough ? tTest(offs, 0) : 1;
    const unmet = found.flatMap(({run, row: {unmet: sentences = []}}) =>
      sentences.map((text) => `run ${run}: ${text}`),
    );
    return [
      {
        ...claim,
        ...(unmet.length === 0 ? {unmet: undefined} : {unmet}),
        value: mean(values),
        ...(areEnough ? tInterval(values) : {low: -Infinity, high: Infinity}),
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
  // What has no p-value tells nothing, and must not be carried on to others; what is not judged is no test among the others.
  const tested = rows.filter(({unmet}) => unmet === undefined);
  const corrected = holm(tested.map(({p}) => (Number.isNaN(p) ? 1 : p)));
  const adjusted = rows.map((row) => (row.unmet === undefined ? corrected[tested.indexOf(row)]! : row.p));
  return rows.map((row, index) => {
    if (row.unmet !== undefined) return {...row, verdict: 'not judged'};
    const onClaimedSide = row.direction === 'above' ? row.value > row.threshold : row.value < row.threshold;
    const verdict: ClaimVerdict =
      adjusted[index]! >= SIGNIFICANT ? 'not significant' : onClaimedSide ? 'holds' : 'fails';
    return {...row, adjusted: adjusted[index]!, verdict};
  });
}

/** `9 of 11 hold, not significant 1, failing 0, not judged 1`; the last only where there is one. */
export function countsText(claims: readonly Pick<ClaimResult, 'verdict'>[]): string {
  const count = (wanted: ClaimVerdict): number => claims.filter(({verdict}) => verdict === wanted).length;
  const unjudged = count('not judged');
  return (
    `${count('holds')} of ${claims.length} hold, not significant ${count('not significant')}, failing ${count('fails')}` +
    (unjudged === 0 ? '' : `, not judged ${unjudged}`)
  );
}
