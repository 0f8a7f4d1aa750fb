/**
 * A model as a Hugging Face folder: `config.json`, `model.safetensors` (or shards with their index),
 * `generation_config.json`, and the tokenizer's files.
 */
export {openModel, readConfig} from './open.js';
export type {Model} from './open.js';
export {PAPER_SAMPLING, saveModel} from './save.js';
export {weightsDigest} from './weights.js';
