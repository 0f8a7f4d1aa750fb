/** `r1 trace`: where one row of a dataset came from, row by row. */
import {Command} from 'commander';
import {trace} from '../../artifacts/queries/row-lineage.js';
import {suggestion} from '../../pipeline/wiring/did-you-mean.js';
import {withStore} from '../access/with-store.js';
import type {GlobalOptions, Services} from '../cli-context.js';
import {withGlobals} from '../options/global-options.js';
import {traceText} from '../render/trace.js';

interface TraceOptions extends GlobalOptions {
  readonly in?: string;
}

export const traceCommand = (services: Services): Command =>
  withGlobals(new Command('trace'), [
    'r1 trace dials:98:R+3R+2:zh',
    "r1 trace 'rejection-sampling:dials:98:R+3R+2:zh#0' --in rejection-sampling:dataset --json",
  ])
    .description('where a row of a dataset came from: the rollout, its prompt, the policy that wrote it, the seed')
    .argument('<id>', 'the id of the row')
    .option('--in <reference>', 'the dataset that has it (default: searched in the newest run that has it)')
    .action(async (id: string, {in: dataset, json, ...options}: TraceOptions) => {
      await withStore(services, options, 'read', async (store) => {
        const traced = await trace(store, id, {...(dataset === undefined ? {} : {dataset}), suggest: suggestion});
        services.say(json === true ? JSON.stringify(traced) : traceText(traced, services));
      });
    });
