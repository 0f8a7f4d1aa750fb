/** `r1 runs`: what was run, and how it ended. */
import {Command} from 'commander';
import {runsOf} from '../../pipeline/inspect/runs.js';
import {withStore} from '../access/with-store.js';
import type {GlobalOptions, Services} from '../cli-context.js';
import {withGlobals} from '../options/global-options.js';
import {wholeNumber} from '../options/numbers.js';
import {runsText} from '../render/runs.js';

export const runsCommand = (services: Services): Command =>
  withGlobals(new Command('runs'), ['r1 runs', 'r1 runs --limit 0 --json'])
    .description('the runs of the store, newest first')
    .option('--limit <n>', 'show at most this many; 0 for all', wholeNumber, 20)
    .action(async ({limit, json, ...options}: GlobalOptions & {readonly limit: number}) => {
      await withStore(services, options, 'read', (store) => {
        const runs = runsOf(store, limit === 0 ? {} : {limit});
        services.say(json === true ? JSON.stringify(runs) : runsText(runs));
      });
    });
