/**
 * What all contenders are given, as files that each of them can read: the model and its weights, a batch to train on,
 * prompts to generate from. So all start from the same numbers, and their losses can be compared.
 */
import {readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import type {ModelConfig} from '../../../stages/model/config.js';
import {initialWeights, parameterShapes, size as sizeOf} from '../../../stages/model/parameters.js';
import {random} from '../../../stages/random.js';
import type {Size} from '../sizes.js';
import {configOf} from '../sizes.js';

const PROMPTS = 8;
const PROMPT_LENGTH = 16;

export const OPTIMIZER = {beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0, maxNorm: 1};
export const LEARNING_RATE = 1e-4;

export interface Task {
  readonly config: ModelConfig;
  /** (rows, length + 1): a row's tokens are its inputs, and one later its targets. */
  readonly tokens: readonly (readonly number[])[];
  readonly prompts: readonly (readonly number[])[];
  /** Samples of each prompt. */
  readonly group: number;
  readonly newTokens: number;
}

/** The task of a size; the same in every process. */
export function taskOf(size: Size): Task {
  const {rows, length, vocabSize} = size;
  const source = random(1, 'bench');
  const some = (count: number): number[] => Array.from({length: count}, () => source.int(vocabSize));
  const prompts = Math.min(PROMPTS, rows);
  return {
    config: configOf(size),
    tokens: Array.from({length: rows}, () => some(length + 1)),
    prompts: Array.from({length: prompts}, () => some(PROMPT_LENGTH)),
    group: rows / prompts,
    newTokens: length,
  };
}

/** Writes `task.json` and `weights.f32`, the numbers of all tensors one after the other. */
export function writeTask(folder: string, task: Task): void {
  const {raw: _, ...config} = task.config;
  const shapes = [...parameterShapes(task.config)];
  const optimizer = {...OPTIMIZER, learningRate: LEARNING_RATE};
  writeFileSync(path.join(folder, 'task.json'), JSON.stringify({...task, config, shapes, optimizer}));
  const file = path.join(folder, 'weights.f32');
  writeFileSync(file, '');
  for (const values of initialWeights(task.config, 1).values()) {
    writeFileSync(file, new Uint8Array(values.buffer, values.byteOffset, values.byteLength), {flag: 'a'});
  }
}

/** The weights of a folder that `writeTask` filled. */
export function readWeights(folder: string, config: ModelConfig): Map<string, Float32Array> {
  const bytes = readFileSync(path.join(folder, 'weights.f32'));
  const weights = new Map<string, Float32Array>();
  let at = 0;
  for (const [name, shape] of parameterShapes(config)) {
    const length = 4 * sizeOf(shape);
    weights.set(name, new Float32Array(bytes.buffer.slice(bytes.byteOffset + at, bytes.byteOffset + at + length)));
    at += length;
  }
  return weights;
}
