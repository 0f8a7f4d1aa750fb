/** `r1 scores`: every evaluation of a run by every metric, with 95 % intervals; of several runs, the spread over seeds first. */
import {Command} from 'commander';

import {withStore} from '../access/with-store.js';
import type {GlobalOptions, Services} from '../cli-context.js';
import {withGlobals} from '../options/global-options.js';
import {listed, runNumbers} from '../options/lists.js';
import {fitted} from '../terminal/columns.js';

interface ScoresOptions extends GlobalOptions {
  readonly run?: readonly number[];
  readonly metric?: readonly string[];
  readonly model?: readonly string[];
  readonly sort?: string;
}

export const scoresCommand = (services: Services): Command =>
  withGlobals(new Command('scores'), [
    'r1 scores',
    'r1 scores --metric pass@1 --metric length --sort pass@1',
    'r1 scores --run 1,2,3 --model zero-rl --json',
  ])
    .description('what a run measured: every evaluated model by metrics, with 95 % intervals over problems')
    .option(
      '--run <n>',
      'number of a run, or several (1,2,3 or 1..3; repeats): then the spread over seeds first',
      runNumbers,
    )
    .option('--metric <name>', 'only this metric, with its interval (repeats, or a,b); all for every one', listed)
    .option(
      '--model <name>',
      'only this model, or the node that evaluated it (repeats, or a,b); all for every one, snapshots of trainings included',
      listed,
    )
    .option('--sort <metric>', 'the best by this metric first (default: the order of the recipe)')
    .addHelpText(
      'after',
      '\nWithout --run: the newest run that has scores. With --json: a list, an object for each model and metric; of several runs\n' +
        '{"overSeeds": […], "scores": […]}. `r1 compare` pairs two models on the same problems.',
    )
    .action(async (options: ScoresOptions) => {
      const {newerRunNote, scoredRuns, seedGroups} = await import('../access/scored-runs.js');
      const {snapshotsLeftOut, scoresOf, spreadOf, wishedFor} = await import('../access/score-rows.js');
      await withStore(services, options, 'read', async (store) => {
        const wanted = options.run ?? [];
        const found = scoredRuns(store, wanted);
        const newer = newerRunNote(store, found[0]!, wanted);
        if (newer !== undefined) services.complain(newer);
        const all = [];
        for (const one of found) all.push(await scoresOf(store, one, services.complain));
        const chosen = wishedFor(all, options);
        const spreads = seedGroups(chosen).map((seeds) => ({runs: seeds.map(({run}) => run), rows: spreadOf(seeds)}));
        if (options.json === true) {
          const scores = chosen.flatMap(({rows}) => rows);
          const overSeeds = spreads.flatMap(({runs, rows}) =>
            rows.map((row) => ({runs: runs.map(({id}) => id), ...row})),
          );
          services.say(JSON.stringify(chosen.length === 1 ? scores : {overSeeds, scores}));
          return;
        }
        const {runScoresText} = await import('../render/run-scores.js');
        const isWhole = options.metric !== undefined;
        services.say(fitted(runScoresText(chosen, spreads, {width: services.width, isWhole}), services));
        const others = options.model === undefined ? snapshotsLeftOut(all, chosen) : [];
        if (others.length > 0)
          services.say(fitted(`snapshots of a training, which --model all shows: ${others.join(', ')}`, services));
      });
    });
