/** What a run has come to, as one screen shows it: its claims, the scores of its main models, and one question that they answered. */
import type {Run, Store} from '../../artifacts/index.js';
import {frozenPlanOf} from '../../pipeline/plan/frozen-plan.js';
import type {ClaimResult} from '../../stages/evaluation/index.js';
import {evaluationsOf} from './evaluations.js';
import type {FoundEvaluation} from './evaluations.js';
import {mainModels, storyOf} from './main-models.js';
import {orTold} from './or-told.js';
import {reportsOf, withReportFolder} from './reports.js';
import {scoresOf} from './score-rows.js';
import type {RunScore} from './score-rows.js';
import {tellingQuestion} from './telling-question.js';
import type {TellingQuestion} from './telling-question.js';

/** The claims of a run's report. */
export interface RunClaims {
  /** Those that were measured. */
  readonly claims: readonly ClaimResult[];
  /** Ids of those that were declared and not measured. */
  readonly unmeasured: readonly string[];
}

/** What a run has come to. */
export interface RunResult extends RunClaims {
  readonly run: Run;
  /** The node of its report, the one that covers most, where it has one. */
  readonly report: string | undefined;
  /** Of the main models, in the recipe's order. */
  readonly scores: readonly RunScore[];
  /** Of its benchmarks. */
  readonly benchmarks: readonly RunScore[];
  /** How many models were evaluated; benchmarks and snapshots of trainings are left out. */
  readonly evaluated: number;
  /** Where it started from and where it got to: at most three of the main models. */
  readonly story: readonly FoundEvaluation[];
  readonly question: TellingQuestion | undefined;
}

/**
 * What a run has come to. What cannot be read is told of and left out: a store may hold anything, and a run that has succeeded does not
 * fail for it.
 *
 * @returns `undefined` where it has evaluated nothing and has no report
 */
export async function runResultOf(
  store: Store,
  run: Run,
  complain: (text: string) => void,
): Promise<RunResult | undefined> {
  const evaluations = evaluationsOf(store, run);
  const [report] = reportsOf(store, run);
  if (evaluations.length === 0 && report === undefined) return undefined;
  const own = evaluations.filter(({isBenchmark, isSnapshot}) => !isBenchmark && !isSnapshot);
  const read = await orTold(complain, () => scoresOf(store, {run, evaluations}, complain));
  const rows = read?.rows ?? [];
  const readable = own.filter(({node}) => rows.some(({evaluation}) => evaluation === node));
  const main = new Set(mainModels(store, readable).map(({node}) => node));
  const story = storyOf(store, readable);
  const claims = report === undefined ? undefined : await orTold(complain, () => claimsOf(store, run));
  return {
    ...{run, report: report?.node, story, evaluated: own.length},
    ...(claims ?? {claims: [], unmeasured: []}),
    scores: rows.filter(({suite, evaluation}) => suite === undefined && main.has(evaluation)),
    benchmarks: rows.filter(({suite}) => suite !== undefined),
    question: await orTold(complain, () => tellingQuestion(store, story)),
  };
}

/** The claims of the report that covers most; none of a run without one. @throws UserError, StageFailure where it is no report */
export async function claimsOf(store: Store, run: Run): Promise<RunClaims> {
  const [report] = reportsOf(store, run);
  if (report === undefined) return {claims: [], unmeasured: []};
  const {readClaims} = await import('../../stages/evaluation/report/index.js');
  const claims = await withReportFolder(store, report, readClaims);
  const measured = new Set(claims.map(({claim}) => claim));
  return {claims, unmeasured: declaredIn(run, report.node).filter((id) => !measured.has(id))};
}

/** Ids of the claims that the plan gives a report. */
export function declaredIn(run: Run, node: string): readonly string[] {
  const planned = frozenPlanOf(run).nodes[node];
  const claims: unknown = planned?.type === 'stage' ? planned.params['claims'] : undefined;
  if (!Array.isArray(claims)) return [];
  return claims.flatMap((claim: unknown) => {
    const {id} = Object(claim) as {readonly id?: unknown};
    return typeof id === 'string' ? [id] : [];
  });
}
