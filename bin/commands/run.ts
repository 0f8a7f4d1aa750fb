/** `r1 run`: brings the nodes of a recipe up to date. */
import {Command} from 'commander';
import {UserError} from '../../artifacts/index.js';
import {openForPlan, openLate} from '../../pipeline/plan/late-store.js';
import {loadRecipe} from '../../pipeline/wiring/load-recipe.js';
import {prepare} from '../../pipeline/plan/prepare.js';
import {carryOut} from '../execution/run-and-render.js';
import {DEFAULT_RECIPE, RECIPES} from '../access/recipes.js';
import {printReport} from '../execution/print-report.js';
import {printPlan} from '../execution/print-plan.js';
import {runtimeOf} from '../execution/runtime-of.js';
import {standIns} from '../execution/stand-ins.js';
import {withGrid, type GridOptions} from '../options/grid-options.js';
import {withGlobals} from '../options/global-options.js';
import type {GlobalOptions, Services} from '../cli-context.js';
import {commandLine, profileHeading, requestOf, withManaging, withRequest} from '../options/run-options.js';
import type {ManagingOptions, RequestOptions} from '../options/run-options.js';

type Options = GlobalOptions & RequestOptions & ManagingOptions & GridOptions & {readonly dryRun?: boolean};

export const runCommand = (services: Services): Command =>
  withGlobals(withManaging(withGrid(withRequest(new Command('run')))), [
    'r1 run',
    'r1 run tiny --seed 3 --set zero-rl.learningRate=1e-4',
    'r1 run tiny --seeds 0..4',
    'r1 run ./my.recipe.ts --only sft --grid sft.epochs=1,2,4',
  ])
    .description('bring the nodes of a recipe up to date: run what is new or changed, reuse the rest')
    .argument(
      '[recipe]',
      `a built-in recipe (${Object.keys(RECIPES).join(', ')}) or the path of a .ts or .js file`,
      DEFAULT_RECIPE,
    )
    .option('--dry-run', 'show what would run and why, and stop there')
    .action(async (name: string, options: Options, command: Command) => {
      const loaded = await loadRecipe(name, RECIPES);
      if (options.seeds !== undefined && command.getOptionValueSource('seed') === 'cli')
        throw new UserError('bad-argument', '--seed and --seeds are both given', {hint: 'leave one of them out'});
      if (options.seeds !== undefined || options.grid !== undefined) {
        const {runGrid} = await import('../execution/run-grid.js');
        await runGrid({loaded, options, services});
        return;
      }
      const late =
        options.dryRun === true
          ? openForPlan((how) => services.openStore(options.store, how))
          : openLate((how) => services.openStore(options.store, how));
      try {
        const prepared = await prepare({
          loaded,
          request: requestOf(options),
          store: late.store,
          runtimeOf,
          stages: standIns,
        });
        if (options.dryRun === true) {
          await printPlan(prepared, services, {json: options.json, heading: profileHeading(loaded.recipe, options)});
          return;
        }
        for (const line of profileHeading(loaded.recipe, options)) services.complain(line);
        const store = late.opened();
        const summary = await carryOut({store, prepared, options, services, command: commandLine()});
        if (summary.outcome === 'succeeded' && options.json !== true) await printReport({store, summary, services});
      } finally {
        late.close();
      }
    });
