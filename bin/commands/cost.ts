/** `r1 cost`: what the nodes of a run cost, failed attempts included, and what reuse has saved. */
import {Command, Option} from 'commander';
import {costOf} from '../../pipeline/inspect/cost.js';
import {operationsOf} from '../access/operations.js';
import {withStore} from '../access/with-store.js';
import type {GlobalOptions, Services} from '../cli-context.js';
import {withGlobals} from '../options/global-options.js';
import {wholeNumber} from '../options/numbers.js';
import {ORDERS, costText, countedCost, sortedCost} from '../render/cost.js';
import type {CostOrder} from '../render/cost.js';

interface CostOptions extends GlobalOptions {
  readonly sort: CostOrder;
}

export const costCommand = (services: Services): Command =>
  withGlobals(new Command('cost'), ['r1 cost', 'r1 cost 3 --sort flops', 'r1 cost 3 --json'])
    .description(
      'what each node of a run cost: time, memory, bytes, tokens, floating-point operations where it counts them',
    )
    .argument('[run]', 'number of the run (default: the newest)', wholeNumber)
    .addOption(
      new Option('--sort <column>', 'the most of this first; recipe keeps the order of the recipe')
        .choices(ORDERS)
        .default('wall'),
    )
    .action(async (wanted: number | undefined, {json, sort, ...options}: CostOptions) => {
      await withStore(services, options, 'read', (store) => {
        const cost = costOf(store, wanted);
        const counted = sortedCost(countedCost(cost, operationsOf(store, cost)), sort);
        services.say(json === true ? JSON.stringify(counted) : costText(counted, services));
      });
    });
