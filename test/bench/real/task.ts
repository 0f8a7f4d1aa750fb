/**
 * What is measured on a real model: the shapes of a small rollout and of the update that it leads to, as files that every
 * contender reads. The texts are drawn from the vocabulary: what they say changes no time, since nothing ends early.
 */
import {readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {random} from '../../../stages/random.js';

/** 16 samples of 64 tokens: four to each of four questions. */
export const GROUP = 4;
export const PROMPTS = 4;
export const SAMPLES = PROMPTS * GROUP;
export const NEW_TOKENS = 64;
const PROMPT_TOKENS = 48;

/** Of GRPO and AdamW, for all. `rows` is a micro-batch of the update. */
export const UPDATE = {
  learningRate: 1e-5,
  beta1: 0.9,
  beta2: 0.98,
  epsilon: 1e-8,
  maxNorm: 1,
  clip: 0.2,
  rows: 8,
} as const;

/** `task.json`, beside `model/` (a Hugging Face folder) and `model.gguf` (the same weights in float16). */
export interface Task {
  /** Of equal lengths. */
  readonly prompts: readonly (readonly number[])[];
  /** A completion for each sample, prompt by prompt, and its advantage. */
  readonly completions: readonly (readonly number[])[];
  readonly advantages: readonly number[];
  readonly group: number;
  readonly newTokens: number;
  readonly update: typeof UPDATE;
}

/** @param special tokens below this number are control tokens, of which a text has none */
export function writeTask(folder: string, {vocabSize, special}: {vocabSize: number; special: number}): void {
  const source = random(1, 'bench of a real model');
  const drawn = (length: number): number[] => Array.from({length}, () => special + source.int(vocabSize - special));
  const task: Task = {
    prompts: Array.from({length: PROMPTS}, () => drawn(PROMPT_TOKENS)),
    completions: Array.from({length: SAMPLES}, () => drawn(NEW_TOKENS)),
    // Each group has a mean of 0, as advantages have.
    advantages: Array.from({length: SAMPLES}, (_, i) => [1.5, -0.5, 0.25, -1.25][i % GROUP]!),
    group: GROUP,
    newTokens: NEW_TOKENS,
    update: UPDATE,
  };
  writeFileSync(path.join(folder, 'task.json'), JSON.stringify(task));
}

export const readTask = (folder: string): Task =>
  JSON.parse(readFileSync(path.join(folder, 'task.json'), 'utf8')) as Task;
