/** The scores of runs as rows, and those of them that somebody asks for. */
import {UserError} from '../../artifacts/index.js';
import type {Store} from '../../artifacts/index.js';
import {suggestion} from '../../pipeline/wiring/did-you-mean.js';
import {StageFailure} from '../../pipeline/stage.js';
import {askedText} from '../../stages/evaluation/asked.js';
import {betterEnd} from '../../stages/evaluation/metrics.js';
import {scoresOverSeeds} from '../../stages/evaluation/over-seeds.js';
import type {ScoreOverSeeds} from '../../stages/evaluation/over-seeds.js';
import type {ScoreRow} from '../../stages/evaluation/report/index.js';
import {readScoresOf} from './evaluations.js';
import type {FoundEvaluation} from './evaluations.js';
import type {ScoredRun} from './scored-runs.js';

/** One metric of one evaluation. `node` is what tables call it. */
export interface RunScore extends ScoreRow {
  readonly run: number;
  readonly seed: number;
  /** The node that evaluated. */
  readonly evaluation: string;
  /** Of a snapshot of a training. */
  readonly isSnapshot?: true;
}

/** A run with its scores. */
export interface ScoresOfRun extends ScoredRun {
  readonly rows: readonly RunScore[];
}

/**
 * The scores of a run. An evaluation that cannot be read is told of and left out: another stage may have made something else of this
 * kind, and its bytes may have been collected.
 *
 * @param complain without it, what cannot be read is an error
 * @throws UserError, StageFailure where not one can be read
 */
export async function scoresOf(store: Store, run: ScoredRun, complain?: (text: string) => void): Promise<ScoresOfRun> {
  const rows: RunScore[] = [];
  let first: Error | undefined;
  for (const evaluation of run.evaluations) {
    try {
      rows.push(...(await rowsOf(store, evaluation)));
    } catch (error) {
      if (!(error instanceof UserError) && !(error instanceof StageFailure)) throw error;
      if (complain === undefined) throw error;
      first ??= error;
      complain(`${evaluation.node} of run ${run.run.id} is left out: ${error.message}`);
    }
  }
  if (rows.length === 0 && first !== undefined) throw first;
  return {...run, rows};
}

async function rowsOf(store: Store, evaluation: FoundEvaluation): Promise<readonly RunScore[]> {
  const read = await readScoresOf(store, evaluation);
  const asked = askedText(read.template, read);
  const about = {
    ...{run: evaluation.run.id, seed: evaluation.run.seed, node: evaluation.name, evaluation: evaluation.node},
    model: read.model,
    ...(evaluation.paper === undefined ? {} : {paper: evaluation.paper}),
    ...(asked === read.template ? {} : {asked}),
    ...(read.suite === undefined ? {} : {suite: read.suite}),
    ...(evaluation.isSnapshot ? ({isSnapshot: true} as const) : {}),
  };
  return read.scores.map((score) => ({...about, ...score}));
}

/** Which scores, and in which order. */
export interface Wish {
  readonly metric?: readonly string[];
  readonly model?: readonly string[];
  readonly sort?: string;
}

/** What stands for every metric. */
const ALL = 'all';

/**
 * Snapshots of a training are points of a curve; they are shown only where they are asked for, by name or with `all`.
 *
 * @throws UserError not-found for a metric or model that none of the runs has
 */
export function wishedFor(runs: readonly ScoresOfRun[], {metric, model, sort}: Wish): readonly ScoresOfRun[] {
  const rows = runs.flatMap((run) => run.rows);
  const metrics = [...new Set(rows.map((row) => row.metric))];
  const names = [...new Set(rows.flatMap((row) => [row.node, row.evaluation]))];
  for (const wanted of [...(metric ?? []), ...(sort === undefined ? [] : [sort])])
    if (wanted !== ALL || wanted === sort) require(wanted, metrics, 'metric');
  for (const wanted of (model ?? []).filter((name) => name !== ALL))
    require(wanted, names, 'model', [...new Set(rows.map(({node}) => node))]);
  const isWanted = (row: RunScore): boolean =>
    (metric === undefined || metric.includes(ALL) || metric.includes(row.metric)) &&
    (model === undefined
      ? row.isSnapshot !== true
      : model.includes(ALL) || model.includes(row.node) || model.includes(row.evaluation));
  return runs.map((run) => ({...run, rows: sorted(run.rows, sort).filter(isWanted)}));
}

/** Names of the snapshots of trainings that are among all rows and not among those that are shown. */
export function snapshotsLeftOut(all: readonly ScoresOfRun[], shown: readonly ScoresOfRun[]): readonly string[] {
  const named = (runs: readonly ScoresOfRun[]): readonly string[] =>
    runs.flatMap(({rows}) => rows.flatMap((row) => (row.isSnapshot === true ? [row.node] : [])));
  const there = new Set(named(shown));
  return [...new Set(named(all))].filter((name) => !there.has(name));
}

function require(wanted: string, known: readonly string[], what: string, listed = known): void {
  if (known.includes(wanted)) return;
  throw new UserError('not-found', `there is no ${what} “${wanted}” among these scores${suggestion(wanted, known)}`, {
    hint: `${what}s: ${listed.join(', ')}`,
  });
}

/** By evaluation, the best first; what lacks the metric is last. */
function sorted(rows: readonly RunScore[], metric: string | undefined): readonly RunScore[] {
  if (metric === undefined) return rows;
  const sign = betterEnd(metric) === 'low' ? -1 : 1;
  const means = new Map(rows.filter((row) => row.metric === metric).map((row) => [row.evaluation, sign * row.mean]));
  const of = ({evaluation}: RunScore): number => means.get(evaluation) ?? -Infinity;
  return rows.toSorted((a, b) => (of(a) === of(b) ? 0 : of(b) - of(a)));
}

/** One metric of one model over the seeds, with what the paper calls that model. */
export interface SpreadRow extends ScoreOverSeeds {
  readonly paper?: string;
}

/** The spread of these runs' scores over their seeds; benchmarks are left out. */
export function spreadOf(runs: readonly ScoresOfRun[]): readonly SpreadRow[] {
  const own = runs.flatMap(({rows, evaluations}) =>
    evaluations.filter(({isBenchmark}) => !isBenchmark).map((evaluation) => ({rows, ...evaluation})),
  );
  const papers = new Map(own.flatMap(({name, paper}) => (paper === undefined ? [] : [[name, paper] as const])));
  const scored = own.map(({rows, name, node, model, artifact}) => ({
    model: name,
    identity: model?.artifact ?? artifact,
    scores: rows.filter(({evaluation}) => evaluation === node),
  }));
  return scoresOverSeeds(scored.filter(({scores}) => scores.length > 0)).map((row) => {
    const paper = papers.get(row.model);
    return paper === undefined ? row : {...row, paper};
  });
}
