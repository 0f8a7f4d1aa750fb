/** Planning and running recipes from a program of one's own: what the commands `plan` and `run` do, without the terminal. */
import {resolve} from 'node:path';
import {openStore} from '../artifacts/index.js';
import type {Emit} from './events.js';
import type {Executor} from './executors/executor.js';
import {localExecutor} from './executors/local.js';
import {openForPlan, openLate} from './plan/late-store.js';
import type {RuntimeClass} from './fingerprint/fingerprint.js';
import {loadRecipe} from './wiring/load-recipe.js';
import type {LoadedRecipe} from './wiring/load-recipe.js';
import {stageEntry} from './modules/own-package.js';
import type {Plan} from './plan/plan.js';
import {prepare} from './plan/prepare.js';
import type {PrepareOptions, RunRequest} from './plan/prepare.js';
import type {Recipe} from './recipe.js';
import {refuseOddAmount, refuseOddCapacity} from './run/capacity.js';
import {runPlan} from './run/run.js';
import type {RunSummary} from './run/options.js';
import type {Capacity, OnFailure} from './run/scheduler.js';
import {stopSwitch} from './run/stop.js';
import type {StopRequest} from './run/stop.js';

/** What `planRecipe` is asked for. The seed is 0 unless given. */
export interface PlanProgram extends Partial<RunRequest> {
  /** A recipe, or the path of the file that exports one. Relative source paths of a recipe given as such start here. */
  readonly recipe: Recipe | string;
  /** Folder of the store. Default `.r1`. */
  readonly store?: string;
  /** Needed for stages that compute with tensors: `runtimeClass` of `r1/stages`. */
  readonly runtimeOf?: (threads: number) => RuntimeClass;
}

/** What `runRecipe` is asked for. */
export interface RunProgram extends PlanProgram {
  /** What becomes of the other nodes when one fails. Default 'finish'. */
  readonly onFailure?: OnFailure;
  /**
   * What is given out at a time, where that is not what the machine has: cores, GPUs, MiB of memory, number of nodes.
   */
  readonly capacity?: Partial<Capacity>;
  /** Called for each event, in order, before the run goes on. */
  readonly onEvent?: Emit;
  /** Ends the run early; see `stopSwitch`. */
  readonly stop?: StopRequest;
  /** Where stages run; it is not closed at the end. Default: as processes of this machine. */
  readonly executor?: Executor;
  /** Seconds that a stopped stage has to write its checkpoint. By default they follow from what its steps and checkpoints took. */
  readonly grace?: number;
  /** Nodes to end early, each with what its newest checkpoint holds. */
  readonly finish?: readonly string[];
}

/**
 * What a run would do; changes nothing, and where there is no store makes none.
 *
 * @throws UserError for mistakes in the recipe or in what is asked for
 */
export async function planRecipe(program: PlanProgram): Promise<Plan> {
  const {store, close} = openForPlan((how) => openStore(program.store ?? DEFAULT_STORE, how));
  try {
    return (await prepareProgram(program, store)).plan;
  } finally {
    close();
  }
}

/** Resolves when the run has ended, well or badly. @throws UserError when it could not begin */
export async function runRecipe(program: RunProgram): Promise<RunSummary> {
  refuseOddCapacity(program.capacity ?? {});
  refuseOddAmount('grace', program.grace, 0);
  const late = openLate((how) => openStore(program.store ?? DEFAULT_STORE, how));
  try {
    const ready = await prepareProgram(program, late.store);
    const {executor = localExecutor(stageEntry())} = program;
    try {
      return await runPlan(ready, {
        store: late.opened(),
        executor,
        capacity: program.capacity ?? {},
        onFailure: program.onFailure ?? 'finish',
        emit: program.onEvent ?? (() => undefined),
        stop: program.stop ?? stopSwitch(),
        grace: program.grace,
        ...(program.finish === undefined ? {} : {finish: program.finish}),
        command: 'runRecipe()',
      });
    } finally {
      if (program.executor === undefined) executor.close?.();
    }
  } finally {
    late.close();
  }
}

const DEFAULT_STORE = '.r1';

async function prepareProgram(program: PlanProgram, store: PrepareOptions['store']) {
  const {recipe, seed = 0, runtimeOf = noRuntime} = program;
  const loaded: LoadedRecipe =
    typeof recipe === 'string'
      ? await loadRecipe(resolve(recipe), {})
      : {recipe, file: recipe.name, folder: process.cwd()};
  return prepare({loaded, request: {...program, seed}, store, runtimeOf});
}

function noRuntime(): never {
  throw new Error(
    'the recipe has stages that compute with tensors: give `runtimeOf`, which is `runtimeClass` of r1/stages',
  );
}
