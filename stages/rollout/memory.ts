/** How much memory reinforcement learning is going to take: the trainer, and what draws its samples. */
import type {TrainingSizes, MemoryPart} from '../engine/memory.js';
import {processMemory, samplingMemory, trainingMemory, weightsMemory} from '../engine/memory.js';
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
