/** The same models in several runs, each against the first within its run: with other seeds, the differences show the noise of training. */
import type {Run, Store} from '../../artifacts/index.js';
import {findRun} from '../../artifacts/queries/find-run.js';
import {spreadOverSeeds} from '../../stages/evaluation/over-seeds.js';
import type {SeedSpread} from '../../stages/evaluation/over-seeds.js';
import {compareStored, withMetrics} from './compare-models.js';
import type {Reader, StoredComparison} from './compare-models.js';
import {findCompared} from './compared.js';
import type {Compared} from './compared.js';
import {seedGroups} from './scored-runs.js';

/** The models in one run. */
export interface InRun {
  readonly run: Run;
  readonly models: readonly Compared[];
  /** Each of the others against the first. */
  readonly pairs: readonly StoredComparison[];
}

/** A difference over the seeds. */
export interface DifferenceOverSeeds extends SeedSpread {
  /** Place of the other model among the references. */
  readonly other: number;
  readonly metric: string;
}

/** Models over several runs. */
export interface SeedsComparison {
  readonly runs: readonly InRun[];
  /** Of the runs that are seeds of one recipe. */
  readonly seeds: readonly Run[];
  readonly spread: readonly DifferenceOverSeeds[];
}

/** @throws UserError as `findCompared`, and for a metric that none of them has */
export async function compareOverRuns(
  store: Store,
  references: readonly string[],
  {
    numbers,
    read,
    metric,
  }: {readonly numbers: readonly number[]; readonly read: Reader; readonly metric?: readonly string[]},
): Promise<SeedsComparison> {
  const runs: InRun[] = [];
  for (const number of numbers) {
    const run = findRun(store, number);
    const models: Compared[] = [];
    for (const reference of references) models.push(await findCompared(store, reference, number));
    const pairs: StoredComparison[] = [];
    for (const {evaluation} of models.slice(1))
      pairs.push(await compareStored(store, [models[0]!.evaluation, evaluation], read));
    runs.push({run, models, pairs});
  }
  const wished = withMetrics(
    runs.flatMap(({pairs}) => pairs),
    metric,
  );
  const chosen = runs.map((one, index) => ({
    ...one,
    pairs: wished.slice(index * one.pairs.length, (index + 1) * one.pairs.length),
  }));
  const [seeds = []] = seedGroups(chosen);
  return {runs: chosen, seeds: seeds.map(({run}) => run), spread: spreadOf(seeds)};
}

function spreadOf(seeds: readonly InRun[]): readonly DifferenceOverSeeds[] {
  const others = seeds[0]?.pairs ?? [];
  return others.flatMap((pair, index) => {
    const other = index + 1;
    // Seeds that have both models in common, which came from outside for instance, count once.
    const identity = ({models}: InRun): string =>
      [models[0], models[other]].map((one) => one!.evaluation.model?.artifact ?? one!.evaluation.artifact).join(' ');
    const different = seeds.filter(
      (one, at) => seeds.findIndex((earlier) => identity(earlier) === identity(one)) === at,
    );
    return pair.metrics.flatMap(({metric}): readonly DifferenceOverSeeds[] => {
      const values = different.flatMap(
        ({pairs}) => pairs[index]!.metrics.find((one) => one.metric === metric)?.difference?.value ?? [],
      );
      return values.length === 0 ? [] : [{other, metric, ...spreadOverSeeds(values)}];
    });
  });
}
