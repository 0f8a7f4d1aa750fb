/**
 * What takes memory in a process that trains or samples, from the sizes of the model and of its batches: arithmetic, made before
 * anything is allocated. README.md has the terms beside what was measured.
 */
import {lanesOfTraining} from '../engine/lanes.js';
import {packedBytes, WORTH_SHARING} from '../engine/mapped-weights.js';
import type {Buckets} from '../engine/programs/batches.js';
import type {GenerationOptions} from '../engine/programs/generation.js';
import type {ModelConfig} from '../model/config.js';
import {copiedBytes} from '../model/generation-weights.js';
import {slotsAfter} from '../model/kv-cache.js';
import {packedLayout} from '../model/packing.js';
import {countParameters, size} from '../model/parameters.js';
import {LOGITS_AT_A_TIME, rotationWidth} from '../model/transformer.js';

const MIB = 2 ** 20;
const FLOAT = 4;

/** A part of the memory that a stage needs, in MiB, with what it is for. */
export interface MemoryPart {
  readonly mib: number;
  readonly of: string;
}

/** MiB of all parts. */
export const memoryOf = (parts: readonly MemoryPart[]): number => parts.reduce((sum, {mib}) => sum + mib, 0);

const part = (bytes: number, of: string): MemoryPart => ({mib: bytes / MIB, of});

/** The code of Node and TensorFlow, which processes share, and what each has for itself beside a model: a tokenizer, say. */
const LIBRARIES = 360;
const OWN = 120;

/** Of processes that compute with a model: what is there before any weights. */
export const processMemory = (processes = 1): MemoryPart => ({
  mib: LIBRARIES + OWN * processes,
  of: processes === 1 ? 'the process' : `${processes} processes`,
});

/** Sets of numbers as large as the model. */
export const setsMemory = (config: ModelConfig, sets: number, of: string): MemoryPart =>
  part(
    FLOAT * sets * countParameters(config),
    `${of} (${(countParameters(config) / 1e6).toFixed(1)} million numbers each)`,
  );

/** The most numbers that are on their way to or from JavaScript at a time, as `variables.ts` cuts them. */
const largestTransfer = (config: ModelConfig): number =>
  Math.min(countParameters(config), Math.max(2 ** 25, ...packedLayout(config).map(({shape}) => size(shape))));

/**
 * A whole model in JavaScript, which is there when it is read and when it is saved, and the part of it that is being handed over.
 * TensorFlow gives nothing back of what it took in between.
 */
const savedMemory = (config: ModelConfig): MemoryPart =>
  part(FLOAT * (countParameters(config) + largestTransfer(config)), 'the copy that is saved');

/** What a layer keeps of a token for the backward pass, and its attention of a pair of tokens; in numbers. */
function keptOfToken({hiddenSize, intermediateSize, heads, keyValueHeads, headDim}: ModelConfig) {
  const qkv = (heads + 2 * keyValueHeads) * headDim;
  return {ofToken: 6 * hiddenSize + 2 * qkv + 2 * heads * headDim + 4 * intermediateSize, ofPair: heads};
}

const ofLayer = (config: ModelConfig, length: number): number => {
  const {ofToken, ofPair} = keptOfToken(config);
  return ofToken + ofPair * length;
};

/** Logits exist in parts of at most `LOGITS_AT_A_TIME` numbers, and so many times at once in a backward pass. */
const LOGITS_COPIES = 4;

/** Logits of a batch; where they are cut into parts, two gradients of the output matrix beside the one that is kept. */
function logits(positions: number, {vocabSize, hiddenSize, head}: ModelConfig): number {
  if (head === 'score') return 0;
  const all = positions * vocabSize;
  const parts = Math.ceil(all / LOGITS_AT_A_TIME);
  return (LOGITS_COPIES * all) / parts + (parts > 1 ? 2 * vocabSize * hiddenSize : 0);
}

/**
 * With layers that are computed again, TensorFlow's allocator cuts up what each of them leaves behind: the inputs of layers stay
 * where they came to lie, and between them about a third of a layer is of no use to the next one.
 */
const LEFT_BETWEEN = 0.34;

/** Of the forward and backward pass over the largest batch. */
export function activationMemory(
  config: ModelConfig,
  {rows, lengths, targets}: Buckets,
  checkpointing: boolean,
): MemoryPart {
  const {layers, hiddenSize} = config;
  const length = Math.max(...lengths);
  const positions = rows * length;
  // What a layer computes besides is freed before the next one begins.
  const kept = checkpointing
    ? layers * hiddenSize + (1 + LEFT_BETWEEN * layers) * ofLayer(config, length)
    : (layers + 1) * ofLayer(config, length);
  return part(
    FLOAT * (positions * kept + logits(rows * Math.min(length, targets?.most ?? length), config)),
    `a batch of ${rows} × ${length} positions${checkpointing ? ', whose layers are computed again' : ''}`,
  );
}

/** With more than this of activations, in MiB, layers are computed again in the backward pass. */
const MOST_ACTIVATIONS = 4096;

/**
 * Whether layers are computed again instead of being kept. It changes the last bits of gradients, so what is decided here depends
 * on the sizes of model and batch and not on the machine: ‘auto’ does where the largest batch would keep more than 4 GiB, with logits of
 * every position.
 */
export const computesAgain = (wanted: 'auto' | 'on' | 'off', config: ModelConfig, {rows, lengths}: Buckets): boolean =>
  wanted === 'auto' ? activationMemory(config, {rows, lengths}, false).mib > MOST_ACTIVATIONS : wanted === 'on';

/** Of a model that only scores rows, beside its weights: a layer at a time. */
export function scoringMemory(config: ModelConfig, {rows, lengths}: Buckets): MemoryPart {
  const length = Math.max(...lengths);
  return part(FLOAT * 2 * rows * length * ofLayer(config, length), `scoring ${rows} × ${length} positions`);
}

/** What samples are drawn with. */
export type SamplingSizes = Pick<
  GenerationOptions,
  'prompts' | 'group' | 'promptLengths' | 'maxNewTokens' | 'precision'
>;

/** Keys and values are copied where rows grow, and the gaps that this leaves are not all filled: half as much again. */
const GROWN = 1.5;

/**
 * Of one process that draws chunks, weights apart: keys and values, logits, and the matrices in another layout.
 *
 * @param reached tokens of the longest sample of a chunk. The cache of the whole chunk grows with it, 16 tokens at a time, so
 * that this much is taken and not what the longest possible one would need; rotations and uniforms are there for that one
 */
export function samplingMemory(
  config: ModelConfig,
  sampling: SamplingSizes,
  {reached = sampling.maxNewTokens, processes = 1}: {readonly reached?: number; readonly processes?: number} = {},
): MemoryPart {
  const {prompts, group, promptLengths, maxNewTokens, precision = 'f32'} = sampling;
  const {layers, keyValueHeads, headDim, heads, vocabSize} = config;
  const rows = prompts * group;
  const prompt = Math.max(...promptLengths);
  const slots = slotsAfter(reached, maxNewTokens);
  const cache = GROWN * 2 * layers * keyValueHeads * headDim * (rows * slots + prompts * prompt);
  // A step attends with all heads of one layer, and draws from the logits of all rows.
  const step = 3 * rows * heads * (prompt + slots) + LOGITS_COPIES * rows * vocabSize;
  const reading = 2 * prompts * prompt * ofLayer(config, prompt);
  const fixed = 3 * promptLengths.length * (prompt + maxNewTokens) * rotationWidth(config) + 3 * rows * maxNewTokens;
  const bytes =
    copiedBytes(config, rows, maxNewTokens, {precision}) + FLOAT * (cache + Math.max(step, reading) + fixed);
  return part(
    processes * bytes,
    `${rows} samples at a time, of ${reached} tokens${processes === 1 ? '' : `, in each of ${processes} workers`}`,
  );
}

/** Rollout workers: their processes, their weights, and what they draw with. */
export function workersMemory(
  config: ModelConfig,
  sampling: SamplingSizes,
  {workers, reached}: {readonly workers: number; readonly reached?: number | undefined},
): MemoryPart[] {
  // Mapped, all share one copy; sent, each has them in the session and, until they are there, in JavaScript.
  const copies = packedBytes(config) >= WORTH_SHARING ? 1 : 2 * workers;
  return [
    {mib: OWN * workers, of: workers === 1 ? 'a worker' : `${workers} workers`},
    setsMemory(config, copies, 'their weights'),
    samplingMemory(config, sampling, {processes: workers, ...(reached !== undefined && {reached})}),
  ];
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

/**
 * Of a process that trains.
 * @param beside what else its session does between updates: TensorFlow uses the same memory for it, so the larger one counts
 */
export function trainingMemory(sizes: TrainingSizes, beside?: MemoryPart): MemoryPart[] {
  const {config, buckets, activationCheckpointing, threads, updateRows, reference = false} = sizes;
  const {rows, lengths} = buckets;
  const batch = {rows, trained: rows * Math.max(...lengths)};
  const lanes = lanesOfTraining(Math.min(threads, 4), batch, config.hiddenSize);
  const summed = updateRows > rows;
  const kept = 3 + (reference ? 1 : 0) + (summed ? 1 : 0);
  const names = ['weights', 'moments', ...(reference ? ['a reference'] : []), ...(summed ? ['sums of gradients'] : [])];
  const gradients = setsMemory(config, lanes + (lanes > 1 ? 1 : 0), 'gradients');
  const step = [gradients, activationMemory(config, buckets, activationCheckpointing)];
  return [
    processMemory(),
    setsMemory(config, kept, names.join(', ')),
    ...(beside !== undefined && beside.mib > memoryOf(step) ? [beside] : step),
    savedMemory(config),
  ];
}
