/** After several runs: the spread of what they measured over their seeds, cell by cell of a grid. Imported when it is needed: see `SELDOM` in setup/one-file/parts.js. */
import {findRun} from '../../artifacts/queries/find-run.js';
import type {Store} from '../../artifacts/index.js';
import {evaluationsOf} from '../access/evaluations.js';
import {mainModels} from '../access/main-models.js';
import {orTold} from '../access/or-told.js';
import {reportsOf} from '../access/reports.js';
import {claimsOf} from '../access/run-result.js';
import {scoresOf, spreadOf, wishedFor} from '../access/score-rows.js';
import type {ScoresOfRun} from '../access/score-rows.js';
import {seedGroups} from '../access/scored-runs.js';
import {withStore} from '../access/with-store.js';
import type {GlobalOptions, Services} from '../cli-context.js';
import {seedsResultText} from '../render/seeds-result.js';
import type {SeedsResult} from '../render/seeds-result.js';

/** Says nothing where no two of the runs are seeds of one recipe that have evaluated something. */
export async function sayScoresOverSeeds(
  services: Services,
  options: GlobalOptions,
  runs: readonly number[],
): Promise<void> {
  await withStore(services, options, 'read', async (store) => {
    const found: ScoresOfRun[] = [];
    for (const number of runs) {
      const run = findRun(store, number);
      const evaluations = evaluationsOf(store, run);
      if (evaluations.length === 0) continue;
      const scores = await orTold(services.complain, () => scoresOf(store, {run, evaluations}, services.complain));
      if (scores !== undefined) found.push(scores);
    }
    const results: SeedsResult[] = [];
    for (const seeds of seedGroups(wishedFor(found, {}))) results.push(await resultOf(store, seeds, services.complain));
    if (results.length > 0) services.say(`\n${seedsResultText(results, services)}`);
  });
}

async function resultOf(
  store: Store,
  seeds: readonly ScoresOfRun[],
  complain: (text: string) => void,
): Promise<SeedsResult> {
  const {judgeOverRuns} = await import('../../stages/evaluation/index.js');
  const main = new Set(
    seeds.flatMap(({evaluations}) =>
      mainModels(
        store,
        evaluations.filter(({isBenchmark, isSnapshot}) => !isBenchmark && !isSnapshot),
      ).map(({name}) => name),
    ),
  );
  const judged = [];
  for (const {run} of seeds) {
    const own = await orTold(complain, () => claimsOf(store, run));
    if (own !== undefined && own.claims.length > 0) judged.push({run: String(run.id), ...own});
  }
  // Claims of some seeds are none of all, and a report that two of them share tells of one.
  const reports = new Set(seeds.map(({run}) => reportsOf(store, run)[0]?.artifact));
  const areAll = judged.length === seeds.length && reports.size === seeds.length;
  return {
    runs: seeds.map(({run}) => run),
    rows: spreadOf(seeds).filter(({model}) => main.has(model)),
    claims: areAll ? judgeOverRuns(judged) : [],
    unmeasured: areAll ? [...new Set(judged.flatMap(({unmeasured}) => unmeasured))] : [],
  };
}
