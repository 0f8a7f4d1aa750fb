/** After several runs: the spread of what they measured over their seeds, cell by cell of a grid. */
import {withStore} from '../access/with-store.js';
import type {GlobalOptions, Services} from '../cli-context.js';

/** Says nothing where no two of the runs are seeds of one recipe that have evaluated something. */
export async function sayScoresOverSeeds(
  services: Services,
  options: GlobalOptions,
  runs: readonly number[],
): Promise<void> {
  const {findRun} = await import('../../artifacts/queries/find-run.js');
  const {evaluationsOf} = await import('../access/evaluations.js');
  const {scoresOf, spreadOf} = await import('../access/score-rows.js');
  const {seedGroups} = await import('../access/scored-runs.js');
  const {seedTexts} = await import('../render/run-scores.js');
  await withStore(services, options, 'read', async (store) => {
    const found = [];
    for (const number of runs) {
      const run = findRun(store, number);
      const evaluations = evaluationsOf(store, run);
      if (evaluations.length > 0) found.push(await scoresOf(store, {run, evaluations}, services.complain));
    }
    const spreads = seedGroups(found).map((seeds) => ({runs: seeds.map(({run}) => run), rows: spreadOf(seeds)}));
    const texts = seedTexts(spreads, {width: services.width});
    if (texts.length === 0) return;
    services.say(`\n${texts.join('\n\n')}`);
    services.say(`\nr1 scores --run ${runs.join(',')} shows each of them; r1 claims and r1 compare take --run, too`);
  });
}
