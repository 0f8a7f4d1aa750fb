/**
 * Front door of the package: what a recipe or a stage of one's own needs. The parts that run recipes are behind functions
 * that load them, since every stage's process imports this file too.
 */
import type {Plan} from './plan/plan.js';
import type {PlanProgram, RunProgram} from './api.js';
import type {RunSummary} from './run/options.js';

export {StageFailure, Stopped, defineStage, many, optional, param} from './stage.js';
export type {
  AnyStage,
  Checkpoints,
  InputPort,
  InputPorts,
  Json,
  Kind,
  Many,
  Optional,
  OutputPorts,
  Params,
  Resources,
  Stage,
  StageContext,
  StageDefinition,
} from './stage.js';
export {recipe} from './recipe.js';
export type {Add, InputsOf, NodeOptions, OutputsOf, ParamsOf, Recipe, Ref} from './recipe.js';
export {stopSwitch} from './run/stop.js';
export type {StopRequest, StopSwitch} from './run/stop.js';
export type {RunEvent} from './events.js';
export type {Outcome} from './outcome.js';
export type {Plan, PlannedNode} from './plan/plan.js';
export type {RunSummary} from './run/options.js';
export type {PlanProgram, RunProgram} from './api.js';

/** What `r1 plan` shows. @throws UserError for mistakes in the recipe or in what is asked for */
export const planRecipe = async (program: PlanProgram): Promise<Plan> => (await import('./api.js')).planRecipe(program);

/** What `r1 run` does; resolves when the run has ended, well or badly. @throws UserError when it could not begin */
export const runRecipe = async (program: RunProgram): Promise<RunSummary> =>
  (await import('./api.js')).runRecipe(program);
