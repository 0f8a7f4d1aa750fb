/** Runs beside each other, each against the first: every model that both have scores of, by name. */
import type {Run, Store} from '../../artifacts/index.js';
import {diffRuns} from '../../artifacts/queries/diff-runs.js';
import type {NodeDifference} from '../../artifacts/queries/diff-runs.js';
import {compareStored, withMetrics} from './compare-models.js';
import type {Reader, StoredComparison} from './compare-models.js';
import type {FoundEvaluation} from './evaluations.js';
import {evaluationsOf} from './evaluations.js';
import {scoresOf, spreadOf, wishedFor} from './score-rows.js';
import type {ScoresOfRun, SpreadRow} from './score-rows.js';
import {scoredRuns, seedGroups} from './scored-runs.js';

/** One model of both runs. */
export interface ComparedByName {
  /** What both runs call it. */
  readonly name: string;
  readonly evaluations: readonly [FoundEvaluation, FoundEvaluation];
  /** Undefined where both are the same artifact. */
  readonly comparison: StoredComparison | undefined;
}

/** Two runs. */
export interface RunPair {
  readonly baseline: Run;
  readonly other: Run;
  /** In the order of the first run. */
  readonly models: readonly ComparedByName[];
  /** Names of models that one run alone has scores of. */
  readonly onlyBaseline: readonly string[];
  readonly onlyOther: readonly string[];
  /** Where the runs parted. */
  readonly first: NodeDifference | undefined;
}

/** Runs, each of the others against the first, and the spread over those that are seeds of one recipe. */
export interface RunsComparison {
  readonly pairs: readonly RunPair[];
  readonly spreads: readonly {readonly runs: readonly Run[]; readonly rows: readonly SpreadRow[]}[];
}

/**
 * @param numbers of at least two runs
 * @throws UserError not-found for a run or a metric that there is not, and for one without scores; UserError, StageFailure where scores
 * cannot be read
 */
export async function compareAllRuns(
  store: Store,
  numbers: readonly number[],
  {read, metric}: {readonly read: Reader; readonly metric?: readonly string[]},
): Promise<RunsComparison> {
  const scored = scoredRuns(store, numbers);
  const [first, ...others] = scored.map(({run}) => run) as [Run, ...Run[]];
  const pairs: RunPair[] = [];
  for (const other of others) pairs.push(await compareRuns(store, [first, other], read));
  const all: ScoresOfRun[] = [];
  for (const one of scored) all.push(await scoresOf(store, one));
  const spreads = seedGroups(wishedFor(all, {})).map((seeds) => ({
    runs: seeds.map(({run}) => run),
    rows: spreadOf(seeds).filter((row) => metric?.includes(row.metric) ?? true),
  }));
  return {pairs: withWished(pairs, metric), spreads};
}

function withWished(pairs: readonly RunPair[], metric: readonly string[] | undefined): readonly RunPair[] {
  const comparisons = pairs.flatMap(({models}) => models.flatMap(({comparison}) => comparison ?? []));
  const wished = withMetrics(comparisons, metric);
  const narrowed = new Map(comparisons.map((comparison, index) => [comparison, wished[index]!]));
  return pairs.map((pair) => ({
    ...pair,
    models: pair.models.map((model) => ({...model, comparison: model.comparison && narrowed.get(model.comparison)})),
  }));
}

/** @throws UserError, StageFailure where scores cannot be read */
export async function compareRuns(
  store: Store,
  [baseline, other]: readonly [Run, Run],
  read: Reader,
): Promise<RunPair> {
  const evaluated = (run: Run): readonly FoundEvaluation[] =>
    evaluationsOf(store, run).filter(({isSnapshot}) => !isSnapshot);
  const [before, after] = [evaluated(baseline), evaluated(other)];
  const models: ComparedByName[] = [];
  for (const one of before) {
    const two = after.find(({name}) => name === one.name);
    if (two === undefined) continue;
    const evaluations = [one, two] as const;
    const isSame = one.artifact === two.artifact;
    models.push({
      name: one.name,
      evaluations,
      comparison: isSame ? undefined : await compareStored(store, evaluations, read),
    });
  }
  const named = (list: readonly FoundEvaluation[]): readonly string[] =>
    list.map(({name}) => name).filter((name) => models.every((model) => model.name !== name));
  const {first} = diffRuns(store, baseline.id, other.id);
  return {baseline, other, models, onlyBaseline: named(before), onlyOther: named(after), first};
}
