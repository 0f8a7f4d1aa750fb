/** After several runs: the spread of what they measured over their seeds, cell by cell of a grid. Imported when it is needed: see `SELDOM` in setup/one-file/parts.js. */
import {findRun} from '../../artifacts/queries/find-run.js';
import {evaluationsOf} from '../access/evaluations.js';
import {scoresOf, spreadOf, wishedFor} from '../access/score-rows.js';
import {seedGroups} from '../access/scored-runs.js';
import {withStore} from '../access/with-store.js';
import type {GlobalOptions, Services} from '../cli-context.js';
import {seedTexts} from '../render/run-scores.js';

/** Says nothing where no two of the runs are seeds of one recipe that have evaluated something. */
export async function sayScoresOverSeeds(
  services: Services,
  options: GlobalOptions,
  runs: readonly number[],
): Promise<void> {
  await withStore(services, options, 'read', async (store) => {
    const found = [];
    for (const number of runs) {
      const run = findRun(store, number);
      const evaluations = evaluationsOf(store, run);
      if (evaluations.length > 0) found.push(await scoresOf(store, {run, evaluations}, services.complain));
    }
    const spreads = seedGroups(wishedFor(found, {})).map((seeds) => ({
      runs: seeds.map(({run}) => run),
      rows: spreadOf(seeds),
    }));
    const texts = seedTexts(spreads, {width: services.width});
    if (texts.length === 0) return;
    services.say(`\n${texts.join('\n\n')}`);
    services.say(`\nr1 scores --run ${runs.join(',')} shows each of them; r1 claims and r1 compare take --run, too`);
  });
}
