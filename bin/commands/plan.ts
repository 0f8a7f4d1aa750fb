/** `r1 plan`: what `r1 run` would do, why, and how long it took before. Changes nothing. */
import {Command} from 'commander';
import {openForPlan} from '../../pipeline/plan/late-store.js';
import {loadRecipe} from '../../pipeline/wiring/load-recipe.js';
import {prepare} from '../../pipeline/plan/prepare.js';
import {DEFAULT_RECIPE, RECIPES} from '../access/recipes.js';
import {printPlan} from '../execution/print-plan.js';
import {runtimeOf} from '../execution/runtime-of.js';
import {standIns} from '../execution/stand-ins.js';
import {withGlobals} from '../options/global-options.js';
import type {GlobalOptions, Services} from '../cli-context.js';
import {profileHeading, requestOf, withRequest} from '../options/run-options.js';
import type {RequestOptions} from '../options/run-options.js';

export const planCommand = (services: Services): Command =>
  withGlobals(withRequest(new Command('plan')), ['r1 plan tiny --set full-sft.epochs=3'])
    .description(
      'show what a run would do: run, reuse, or run if something changes; the reason; the time it took before',
    )
    .argument('[recipe]', 'a built-in recipe or the path of a .ts or .js file', DEFAULT_RECIPE)
    .action(async (name: string, options: GlobalOptions & RequestOptions) => {
      const {store, close} = openForPlan((how) => services.openStore(options.store, how));
      try {
        const loaded = await loadRecipe(name, RECIPES);
        const prepared = await prepare({
          loaded,
          request: requestOf(options),
          store,
          runtimeOf,
          stages: standIns,
        });
        await printPlan(prepared, services, {json: options.json, heading: profileHeading(loaded.recipe, options)});
      } finally {
        close();
      }
    });
