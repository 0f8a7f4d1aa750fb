/**
 * Front door of the package: what a recipe or a stage of one's own needs. The parts that run recipes are behind functions
 * that load them, since every stage's process imports this file too.
 */
export {StageFailure, Stopped, defineStage, many, optional} from './stage.js';
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
