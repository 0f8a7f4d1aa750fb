/** `r1 status`: how a run stands, node by node; of one that is going on, how far each node is. */
import {Command} from 'commander';
import {statusOf, withProcesses} from '../../pipeline/inspect/status.js';
import {isTensorflowNote} from '../../stages/tensorflow/native-notes.js';
import {paperNamesOf} from '../access/paper-names.js';
import {withStore} from '../access/with-store.js';
import {lazyExecutor} from '../execution/executor.js';
import type {GlobalOptions, Services} from '../cli-context.js';
import {withGlobals} from '../options/global-options.js';
import {wholeNumber} from '../options/numbers.js';
import {statusJson, statusText} from '../render/status.js';
import {fitted} from '../terminal/columns.js';

export const statusCommand = (services: Services): Command =>
  withGlobals(new Command('status'), ['r1 status', 'r1 status 12 --json'])
    .description('show how a run stands, node by node')
    .argument('[run]', 'number of the run (default: the newest)', wholeNumber)
    .action(async (wanted: number | undefined, {json, ...options}: GlobalOptions) => {
      await withStore(services, options, 'read', async (store) => {
        const found = statusOf(store, wanted, {leaveOut: isTensorflowNote});
        const status = await withProcesses(found, store, lazyExecutor());
        const papers = paperNamesOf(store.run(status.run)!);
        services.say(
          json === true
            ? JSON.stringify(statusJson(status, papers))
            : fitted(statusText(status, papers, services), services),
        );
      });
    });
