/** `r1 run --seeds`, `--grid`: several runs of one recipe in one store, one after the other, and a table of them all at the end. */
import {InvalidArgumentError} from 'commander';
import {UserError} from '../../artifacts/index.js';
import {openForPlan, openLate} from '../../pipeline/plan/late-store.js';
import {prepare} from '../../pipeline/plan/prepare.js';
import type {LoadedRecipe} from '../../pipeline/wiring/load-recipe.js';
import {orTold} from '../access/or-told.js';
import type {GlobalOptions, Services} from '../cli-context.js';
import {EXIT} from '../exit-codes.js';
import type {GridResult} from '../render/grid.js';
import {combinationsOf, type Combination, type GridOptions} from '../options/grid-options.js';
import {commandLine, profileHeading, requestOf} from '../options/run-options.js';
import type {ManagingOptions, RequestOptions} from '../options/run-options.js';
import {printPlan} from './print-plan.js';
import {carryOut} from './run-and-render.js';
import {runtimeOf} from './runtime-of.js';
import {standIns} from './stand-ins.js';

interface GridRun {
  readonly loaded: LoadedRecipe;
  readonly options: GlobalOptions & RequestOptions & ManagingOptions & GridOptions & {readonly dryRun?: boolean};
  readonly services: Services;
}

/** So many are planned in the blink of an eye; more are told of, as they keep the first run waiting. */
const MANY = 20;

/**
 * What is shared by several runs is made by the first and reused by the others. A run that fails does not keep the next from
 * starting, unless `--on-failure stop` asks for it; a stop ends them all, and the same command goes on from there.
 *
 * @throws UserError for a mistake in any of the combinations, before the first run begins
 */
export async function runGrid({loaded, options, services}: GridRun): Promise<void> {
  const combinations = allOf(options);
  if (combinations.length > MANY && options.json !== true)
    services.complain(`${combinations.length} runs are checked before the first begins`);
  await checkAll({loaded, options, services}, combinations);
  if (options.dryRun === true) return;
  for (const line of profileHeading(loaded.recipe, options)) services.complain(line);
  const results: GridResult[] = [];
  let begun = 0;
  const end = (): Promise<void> =>
    tell(
      results,
      combinations.slice(begun).map(({label}) => label),
      {loaded, options, services},
    );
  try {
    for (const {request, label, cell} of combinations) {
      begun++;
      if (options.json !== true)
        services.complain(`${begun === 1 ? '' : '\n'}${begun} of ${combinations.length}: ${label}`);
      const late = openLate((how) => services.openStore(options.store, how));
      try {
        const prepared = await prepare({
          loaded,
          request: requestOf(request),
          store: late.store,
          runtimeOf,
          stages: standIns,
        });
        const summary = await carryOut({store: late.opened(), prepared, options, services, command: commandLine()});
        results.push({run: summary.run, seed: request.seed, outcome: summary.outcome, label, cell});
      } finally {
        late.close();
      }
      const {outcome} = results.at(-1)!;
      if (outcome === 'stopped' || (outcome === 'failed' && options.onFailure === 'stop')) break;
    }
  } catch (error) {
    // Such as a full disk: the run that had begun ends with an error of its own, and those before it are told all the same.
    if (results.length > 0) await orTold(services.complain, end);
    throw error;
  }
  await end();
}

function allOf(options: GridRun['options']): Combination[] {
  try {
    return combinationsOf(options, options);
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    throw new UserError('bad-argument', error.message, {hint: 'r1 run --help explains', cause: error});
  }
}

/** Plans every combination: a mistake in the last one must not show after the days that the others took. */
async function checkAll({loaded, options, services}: GridRun, combinations: readonly Combination[]): Promise<void> {
  const late = openForPlan((how) => services.openStore(options.store, how));
  try {
    for (const {request, label} of combinations) {
      const prepared = await prepare({
        loaded,
        request: requestOf(request),
        store: late.store,
        runtimeOf,
        stages: standIns,
      });
      if (options.dryRun !== true) continue;
      const heading = [...profileHeading(loaded.recipe, options), label];
      await printPlan(prepared, services, {json: options.json, heading});
      if (options.json !== true) services.say('');
    }
  } finally {
    late.close();
  }
}

async function tell(
  results: readonly GridResult[],
  left: readonly string[],
  {options, services}: GridRun,
): Promise<void> {
  const failed = results.some(({outcome}) => outcome === 'failed');
  const stopped = results.some(({outcome}) => outcome === 'stopped');
  services.exit(stopped ? EXIT.stopped : failed ? EXIT.failed : 0);
  if (options.json === true) {
    services.say(JSON.stringify({type: 'runs-finished', runs: results, notStarted: left}));
    return;
  }
  const done = results.filter(({outcome}) => outcome === 'succeeded').map(({run}) => run);
  if (done.length > 1) {
    const {sayScoresOverSeeds} = await import('./scores-over-seeds.js');
    await sayScoresOverSeeds(services, options, done);
  }
  const {gridText} = await import('../render/grid.js');
  services.say(`\n${gridText(results, left)}`);
}
