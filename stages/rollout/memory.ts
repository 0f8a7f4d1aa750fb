/** How much memory reinforcement learning is going to take: the trainer, and what draws its samples. */
import type {TrainingSizes, MemoryPart} from '../engine/memory.js';
import {longestRow} from '../data/longest.js';
import {
  announceMemory,
  computesAgain,
  memoryOf,
  processMemory,
  samplingMemory,
  trainingMemory,
  weightsMemory,
} from '../engine/memory.js';
import {readConfig} from '../model/hf-folder/index.js';
import type {Checkpointing} from '../train/compute.js';
import {lengthBuckets} from '../train/length-buckets.js';
import {packedBytes, WORTH_SHARING} from '../engine/mapped-weights.js';
import type {GenerationOptions} from '../engine/programs/generation.js';
import {workersFor} from './open-sampler.js';

type Sampling = Pick<GenerationOptions, 'prompts' | 'group' | 'promptLengths' | 'maxNewTokens' | 'precision'>;

/** Trainer and workers together. */
export function reinforcementMemory({
  sampling,
  cores,
  ...sizes
}: TrainingSizes & {readonly sampling: Sampling; readonly cores: number}): MemoryPart[] {
  const {config, threads} = sizes;
  const workers = workersFor({threads, cores});
  const training = trainingMemory(sizes);
  if (workers === 0) return [...training, samplingMemory(config, sampling)];
  // Mapped, or in each worker.
  const copies = packedBytes(config) >= WORTH_SHARING ? 1 : workers;
  return [
    ...training,
    processMemory(workers),
    weightsMemory(config, copies),
    samplingMemory(config, sampling, workers),
  ];
}

/** Says what is needed. @throws {StageFailure} where that is more than there is */
export const announceReinforcement = (
  sizes: Parameters<typeof reinforcementMemory>[0],
  note: (text: string) => void,
): void =>
  announceMemory(reinforcementMemory(sizes), {
    note,
    remedies: [
      'a smaller “microBatch” or “chunk”',
      'a smaller “maxNewTokens”',
      'fewer cores for the node',
      '“activationCheckpointing” on',
    ],
  });

/** What is known of it before anything is read but the config and the rows of the prompts: MiB. */
export async function memoryBefore({
  policy,
  prompts,
  threads,
  cores,
  ...params
}: {
  /** Folders. */
  readonly policy: string;
  readonly prompts: readonly string[];
  readonly threads: number;
  readonly cores: number;
  readonly questions: number;
  readonly group: number;
  readonly maxNewTokens: number;
  readonly chunk: number;
  readonly microBatch: number;
  readonly klCoefficient: number;
  readonly activationCheckpointing: Checkpointing;
}): Promise<number> {
  const {maxNewTokens, chunk, group, microBatch: rows, questions, klCoefficient} = params;
  const config = await readConfig(policy);
  const longest = Math.max(...(await Promise.all(prompts.map((folder) => longestRow(folder, ['question'])))));
  const promptLengths = lengthBuckets([Math.max(8, Math.min(longest, config.maxPositions - maxNewTokens))]);
  const buckets = {rows, lengths: [promptLengths.at(-1)! + maxNewTokens]};
  const activationCheckpointing = computesAgain(params.activationCheckpointing, config, buckets);
  const sampling = {prompts: chunk, group, promptLengths, maxNewTokens};
  const batches = {config, buckets, activationCheckpointing, threads, updateRows: questions * group};
  return memoryOf(reinforcementMemory({...batches, sampling, cores, reference: klCoefficient > 0}));
}
