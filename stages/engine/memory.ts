/**
 * How much memory a stage is going to take, from the sizes of the model and of its batches: arithmetic, made before anything is
 * allocated. Constants were fitted to what `test/bench/memory.ts` measures; what is left out is what small models do not notice.
 */
import {totalmem} from 'node:os';
import {StageFailure} from '../../pipeline/stage.js';
import {lanesOfTraining} from './lanes.js';
import type {ModelConfig} from '../model/config.js';
import {packedLayout} from '../model/packing.js';
import {countParameters, size} from '../model/parameters.js';
import type {Buckets} from './programs/batches.js';
import type {GenerationOptions} from './programs/generation.js';

const MIB = 2 ** 20;
const FLOAT = 4;

/** A part of the memory that a stage needs, in MiB, with what it is for. */
export interface MemoryPart {
  readonly mib: number;
  readonly of: string;
}

/** Node, TensorFlow, a tokenizer and what the two keep at hand. */
const PROCESS = 430;

/** Of one process that computes with a model: what is there before any weights. */
export const processMemory = (processes = 1): MemoryPart => ({
  mib: PROCESS * processes,
  of: processes === 1 ? 'the process' : `${processes} processes`,
});

/**
 * Sets of numbers as large as the model.
 * @param sets how many are in the session at a time: weights, a reference, two moments, gradients and their sums
 */
export const weightsMemory = (config: ModelConfig, sets: number): MemoryPart => ({
  // One part of them is on its way to or from JavaScript at times, in three copies.
  mib: (FLOAT * (sets * countParameters(config) + 3 * largestPart(config))) / MIB,
  of: `${sets} times the model’s ${(countParameters(config) / 1e6).toFixed(1)} million numbers`,
});

/** As `variables.ts` cuts them. */
const largestPart = (config: ModelConfig): number =>
  Math.min(countParameters(config), Math.max(2 ** 25, ...packedLayout(config).map(({shape}) => size(shape))));

/** What a layer keeps of a token for the backward pass, and its attention of a pair of tokens; in numbers. */
function keptOfToken({hiddenSize, intermediateSize, heads, keyValueHeads, headDim}: ModelConfig) {
  const qkv = (heads + 2 * keyValueHeads) * headDim;
  return {ofToken: 6 * hiddenSize + 2 * qkv + 2 * heads * headDim + 4 * intermediateSize, ofPair: heads};
}

/** Most logits exist in parts of so many numbers (`transformer.ts`), and so many times at once in a backward pass. */
const LOGITS_AT_A_TIME = 2 ** 24;
const LOGITS_COPIES = 4;

const logits = (positions: number, {vocabSize}: ModelConfig): number =>
  LOGITS_COPIES * Math.min(positions * vocabSize, LOGITS_AT_A_TIME);

/** Tensors come and go in sizes of all kinds, and what is freed does not always serve the next one. */
const SPREAD = 1.25;

/** Of the forward and backward pass over the largest batch. */
export function activationMemory(config: ModelConfig, {rows, lengths}: Buckets, checkpointing: boolean): MemoryPart {
  const length = Math.max(...lengths);
  const positions = rows * length;
  const {ofToken, ofPair} = keptOfToken(config);
  const ofLayer = ofToken + ofPair * length;
  // What a layer computes besides is freed before the next one begins.
  const kept = checkpointing ? config.layers * config.hiddenSize + 2 * ofLayer : (config.layers + 1) * ofLayer;
  return {
    mib: (FLOAT * SPREAD * (positions * kept + logits(positions, config))) / MIB,
    of: `a batch of ${rows} × ${length} positions${checkpointing ? ', whose layers are computed again' : ''}`,
  };
}

/** With more than this of activations, in MiB, layers are computed again in the backward pass. */
const MOST_ACTIVATIONS = 4096;

/**
 * Whether layers are computed again instead of being kept. It changes the last bits of gradients, so what is decided here depends
 * on the sizes of model and batch and not on the machine: ‘auto’ does where the largest batch would keep more than 4 GiB.
 */
export const computesAgain = (wanted: 'auto' | 'on' | 'off', config: ModelConfig, buckets: Buckets): boolean =>
  wanted === 'auto' ? activationMemory(config, buckets, false).mib > MOST_ACTIVATIONS : wanted === 'on';

/** Of one process that draws chunks, weights apart: keys and values, logits, and the matrices in another layout. */
export function samplingMemory(
  config: ModelConfig,
  {
    prompts,
    group,
    promptLengths,
    maxNewTokens,
  }: Pick<GenerationOptions, 'prompts' | 'group' | 'promptLengths' | 'maxNewTokens'>,
  processes = 1,
): MemoryPart {
  const {layers, keyValueHeads, headDim, heads, vocabSize, hiddenSize} = config;
  const rows = prompts * group;
  const prompt = Math.max(...promptLengths);
  const ofToken = 2 * layers * keyValueHeads * headDim;
  const {ofToken: ofLayer} = keptOfToken(config);
  // Growing rows are copied a layer at a time.
  const cache = ofToken * (prompts * prompt + rows * maxNewTokens) * (1 + 1 / layers);
  const reading = prompts * prompt * (ofLayer + 2 * heads * prompt);
  const matrices = countParameters(config) - (config.tied ? 1 : 2) * vocabSize * hiddenSize;
  const copied = rows > 32 && matrices <= 2 ** 28 ? matrices : 0;
  const table = (prompt + maxNewTokens) * (heads + 2 * keyValueHeads) * headDim * 3;
  const drawing = 4 * rows * vocabSize;
  return {
    mib: (FLOAT * processes * (Math.max(cache + copied + drawing, reading) + table)) / MIB,
    of: `${rows} samples at a time${processes === 1 ? '' : ` in each of ${processes} workers`}`,
  };
}

/** What a stage trains with. */
export interface TrainingSizes {
  readonly config: ModelConfig;
  readonly buckets: Buckets;
  readonly activationCheckpointing: boolean;
  readonly threads: number;
  /** Rows of an update: with more than a micro-batch of them gradients are summed up. */
  readonly updateRows: number;
  readonly reference?: boolean;
}

/** Of a process that trains. */
export function trainingMemory(sizes: TrainingSizes): MemoryPart[] {
  const {config, buckets, activationCheckpointing, threads, updateRows, reference = false} = sizes;
  const {rows, lengths} = buckets;
  const batch = {rows, trained: rows * Math.max(...lengths)};
  const lanes = lanesOfTraining(Math.min(threads, 4), batch, config.hiddenSize);
  // Weights, two moments, gradients of each lane and clipped; sums of gradients; a reference.
  const sets = 4 + lanes + (updateRows > rows ? 1 : 0) + (reference ? 1 : 0);
  return [processMemory(), weightsMemory(config, sets), activationMemory(config, buckets, activationCheckpointing)];
}

/** MiB of all parts. */
export const memoryOf = (parts: readonly MemoryPart[]): number => parts.reduce((sum, {mib}) => sum + mib, 0);

/** What the machine, or the group of processes that this one is in, has. MiB. */
function available(): number {
  const constrained = process.constrainedMemory();
  return (constrained > 0 && constrained < totalmem() ? constrained : totalmem()) / MIB;
}

/**
 * Says what a stage needs, before it takes it.
 * @param remedies params that would need less
 * @throws {StageFailure} when that is more than there is
 */
export function announceMemory(
  parts: readonly MemoryPart[],
  {note, remedies}: {readonly note: (text: string) => void; readonly remedies: readonly string[]},
  there = available(),
): void {
  const gib = (mib: number): string => (mib / 1024).toFixed(1);
  const list = parts.map(({mib, of}) => `${gib(mib)} for ${of}`).join(', ');
  const needed = memoryOf(parts);
  if (needed > there)
    throw new StageFailure(
      `this needs about ${gib(needed)} GiB of memory, and there are ${gib(there)}: ${list}. Less is needed with ${remedies.join(', or ')}`,
    );
  if (needed > WORTH_SAYING) note(`needs about ${gib(needed)} GiB of memory: ${list}`);
}

/** Stages that need less say nothing of it. */
const WORTH_SAYING = 1024;
