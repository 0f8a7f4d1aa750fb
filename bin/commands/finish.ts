/** `r1 finish`: asks a running node to end early and to keep what it has. */
import {Command} from 'commander';
import {askToFinish} from '../../pipeline/run/finish.js';
import type {FinishAsked} from '../../pipeline/run/finish.js';
import {withStore} from '../access/with-store.js';
import type {GlobalOptions, Services} from '../cli-context.js';
import {withGlobals} from '../options/global-options.js';
import {wholeNumber} from '../options/numbers.js';

interface FinishOptions extends GlobalOptions {
  readonly run?: number;
}

export const finishCommand = (services: Services): Command =>
  withGlobals(new Command('finish'), ['r1 finish zero-rl', 'r1 finish zero-rl --run 12'])
    .description('end a running node early and keep its model: the run goes on with it, and no other run reuses it')
    .argument('<node>', 'the node; one of a run that was stopped: r1 resume --finish NODE')
    .option('--run <n>', 'the run in which it runs (default: the newest one)', wholeNumber)
    .action(async (node: string, {run, json, ...options}: FinishOptions) => {
      await withStore(services, options, 'read', (store) => {
        const asked = askToFinish(store, node, run);
        services.say(json === true ? JSON.stringify(asked) : finishText(asked));
      });
    });

function finishText({run, node, attempt, step, total, again}: FinishAsked): string {
  const at = step === undefined || total === undefined ? '' : `, now at step ${step} of ${total}`;
  const was = again ? 'was asked before' : 'is asked';
  return `${node} (attempt ${attempt} of run ${run}${at}) ${was} to finish after the step that it is in; r1 status ${run} shows when it has`;
}
