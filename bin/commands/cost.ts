/** `r1 cost`: what the nodes of a run cost, failed attempts included, and what reuse has saved. */
import {Command} from 'commander';
import {costOf} from '../../pipeline/inspect/cost.js';
import {withStore} from '../access/with-store.js';
import type {GlobalOptions, Services} from '../cli-context.js';
import {withGlobals} from '../options/global-options.js';
import {wholeNumber} from '../options/numbers.js';
import {costText} from '../render/cost.js';

export const costCommand = (services: Services): Command =>
  withGlobals(new Command('cost'), ['r1 cost', 'r1 cost 3 --json'])
    .description(
      'what each node of a run cost, the longest first: time, memory, tokens, bytes (--json: processor time of user and system apart)',
    )
    .argument('[run]', 'number of the run (default: the newest)', wholeNumber)
    .action(async (wanted: number | undefined, {json, ...options}: GlobalOptions) => {
      await withStore(services, options, 'read', (store) => {
        const cost = costOf(store, wanted);
        services.say(json === true ? JSON.stringify(cost) : costText(cost, services));
      });
    });
