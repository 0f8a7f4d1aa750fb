/**
 * A model as a Hugging Face folder: `config.json`, `model.safetensors` (or shards with their index),
 * `generation_config.json`, and the tokenizer's files.
 */
export {openModel, readConfig} from './open.js';
export type {Model} from './open.js';
export {PAPER_SAMPLING, carriedOn, endIdsOf, endingAt, readGeneration} from './generation.js';
export type {Generation} from './generation.js';
export {exists, readJson, readJsonIfThere, readTextIfThere} from './json.js';
export {saveModel} from './save.js';
export {weightsDigest} from './weights.js';
