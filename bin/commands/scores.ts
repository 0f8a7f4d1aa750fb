/** `r1 scores`: every model of a run by every metric, with 95 % intervals. */
import {Command} from 'commander';

import type {GlobalOptions, Services} from '../cli-context.js';
import {withGlobals} from '../options/global-options.js';
import {wholeNumber} from '../options/numbers.js';
import {withStore} from '../access/with-store.js';

interface ScoresOptions extends GlobalOptions {
  readonly run?: number;
  readonly report?: string;
}

export const scoresCommand = (services: Services): Command =>
  withGlobals(new Command('scores'), ['r1 scores', 'r1 scores --run 3 --json'])
    .description('the scores of a run’s report: models by metrics, with 95 % intervals')
    .option('--run <n>', 'number of the run (default: the newest that has a report)', wholeNumber)
    .option('--report <node>', 'which report, where a run made several (default: the one that covers most)')
    .action(async (options: ScoresOptions) => {
      const {findReport, olderRunNote, withReportFolder} = await import('../access/reports.js');
      const {readScores} = await import('../../stages/evaluation/report/index.js');
      await withStore(services, options, 'read', async (store) => {
        const found = findReport(store, {run: options.run, node: options.report});
        const older = olderRunNote(store, found, options.run);
        if (older !== undefined) services.complain(older);
        const rows = await withReportFolder(store, found, readScores);
        if (options.json === true) {
          services.say(JSON.stringify(rows));
          return;
        }
        const {byModel, scoreTable} = await import('../render/scores.js');
        const own = rows.filter(({suite}) => suite === undefined);
        services.say(`run ${found.run.id}: ${found.run.recipe}, seed ${found.run.seed}\n`);
        if (own.length > 0 || rows.length === 0) services.say(scoreTable(byModel(own), services));
        if (own.length === rows.length) return;
        const {benchmarkTable} = await import('../render/benchmarks.js');
        if (own.length > 0) services.say('');
        services.say(benchmarkTable(rows));
      });
    });
