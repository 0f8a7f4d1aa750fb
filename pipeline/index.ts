/**
 * Front door of the package: what a recipe or a stage of one's own needs. The parts that run recipes are behind functions
 * that load them, since every stage's process imports this file too.
 */
import type {Store} from '../artifacts/index.js';
import type {
  FollowOptions,
  FoundNode,
  LastWordsOptions,
  LogEnd,
  LogText,
  NodeLog,
  RunCost,
  RunOverview,
  RunStatus,
  Why,
} from './inspect/index.js';
import type {Executor} from './executors/executor.js';
import type {Plan} from './plan/plan.js';
import type {PlanProgram, RunProgram} from './api.js';
import type {RunSummary} from './run/options.js';

export {StageFailure, Stopped, defineStage, many, optional, param} from './stage.js';
export type {
  AnyStage,
  Checkpoints,
  EnvironmentIdentity,
  EnvironmentState,
  EnvironmentWords,
  InputPort,
  InputPorts,
  Json,
  Kind,
  Many,
  Optional,
  Origin,
  OutputPorts,
  Params,
  Resources,
  Stage,
  StageContext,
  StageDefinition,
  StageEnvironment,
  WiredWith,
} from './stage.js';
export {importDefinition} from './modules/import-definition.js';
export type {Definition, DefinitionOptions, DefinitionRef} from './definition.js';
export {recipe} from './recipe.js';
export type {
  Add,
  DefinitionsOf,
  InputsOf,
  NodeOptions,
  OutputsOf,
  ParamsOf,
  Recipe,
  RecipeSettings,
  Ref,
} from './recipe.js';
export {stopSwitch} from './run/stop.js';
export type {StopRequest, StopSwitch} from './run/stop.js';
export type {RunEvent} from './events.js';
export type {Outcome} from './outcome.js';
export type {Plan, PlannedNode} from './plan/plan.js';
export type {RunSummary} from './run/options.js';
export type {PlanProgram, RunProgram} from './api.js';
export type {AdoptRequest, Adoption, Executor, Exit, Running, SeenJob, StartRequest} from './executors/executor.js';
export type {
  AttemptReason,
  CostSum,
  EarlierAttempt,
  FoundNode,
  LastWords,
  LastWordsOptions,
  LogEnd,
  LogText,
  NodeCost,
  NodeLog,
  NodeState,
  NodeStatus,
  RunCost,
  RunOverview,
  RunStatus,
  Why,
} from './inspect/index.js';

/**
 * Wires a recipe and says for each node whether it would run, be reused or be taken from outside, and why. Hashes the
 * sources; runs nothing, and makes no store where there is none.
 *
 * @throws UserError for mistakes in the recipe, each with file and line, or in what is asked for; for a store that
 * cannot be used
 * @throws Error where a stage computes with tensors and `runtimeOf` is left out
 */
export const planRecipe = async (program: PlanProgram): Promise<Plan> => (await import('./api.js')).planRecipe(program);

/**
 * Plans a recipe and runs what the plan says, each stage in a process of its own. Resolves when the run has ended, well
 * or badly: a stage that fails is in the summary and throws nothing.
 *
 * @throws UserError when the run could not begin; see `planRecipe`
 */
export const runRecipe = async (program: RunProgram): Promise<RunSummary> =>
  (await import('./api.js')).runRecipe(program);

const inspect = () => import('./inspect/index.js');

/** The runs of a store (`openStore` of r1/artifacts), newest first; at most `limit` of them, all without one. */
export const runsOf = async (store: Store, options?: {readonly limit?: number}): Promise<RunOverview[]> =>
  (await inspect()).runsOf(store, options);

/**
 * How the run with this number, or the newest one, stands now: every node of its plan, and how far those are that run.
 *
 * @throws UserError not-found; store-damaged or newer-store where the store holds what this version cannot read
 */
export const statusOf = async (store: Store, run?: number, options?: LastWordsOptions): Promise<RunStatus> =>
  (await inspect()).statusOf(store, run, options);

/**
 * What a run decided for a node, and why; the run with this number, or the newest one that includes the node.
 *
 * @throws UserError not-found, with the nearest name
 */
export const findNode = async (store: Store, node: string, run?: number): Promise<FoundNode> =>
  (await inspect()).findNode(store, node, run);

/**
 * The same, with the attempt behind it: what it was made from, and how it ended.
 *
 * @throws UserError not-found; store-damaged where the store holds an outcome that this version cannot read
 */
export const whyOf = async (
  store: Store,
  node: string,
  options?: LastWordsOptions & {readonly run?: number},
): Promise<Why> => (await inspect()).whyOf(store, node, options);

/**
 * What the nodes of a run cost, in milliseconds, bytes and tokens, failed attempts included; the run with this number,
 * or the newest one.
 *
 * @throws UserError not-found
 */
export const costOf = async (store: Store, run?: number): Promise<RunCost> => (await inspect()).costOf(store, run);

/**
 * Where the log of a node's attempt lies, in the run with this number or in the newest one that includes the node.
 *
 * @throws UserError not-found: no such run or node, it did not run, or its log is gone
 */
export const logOf = async (store: Store, node: string, run?: number): Promise<NodeLog> =>
  (await inspect()).logOf(store, node, run);

/**
 * What the attempt has printed so far, as UTF-8, stdout and stderr as they came.
 *
 * @throws Error of the file system where the log has gone since `logOf`
 */
export const readLog = async (log: NodeLog): Promise<LogText> => (await inspect()).readLog(log);

/**
 * Yields what the attempt prints, whole lines at a time, looking every 200 ms, until nothing more is to come; returns
 * why.
 *
 * @param options.signal ends it earlier, without an error
 * @param options.executor what its process runs under, this machine unless given: so that a process which has outlived
 * its runner is still followed
 */
export async function* followLog(
  store: Store,
  log: NodeLog,
  options: Partial<FollowOptions> = {},
): AsyncGenerator<string, LogEnd, void> {
  const {executor = await thisMachine()} = options;
  return yield* (await inspect()).followLog(store, log, {...options, executor});
}

async function thisMachine(): Promise<Executor> {
  const {localExecutor} = await import('./executors/local.js');
  const {stageEntry} = await import('./modules/own-package.js');
  return localExecutor(stageEntry());
}
