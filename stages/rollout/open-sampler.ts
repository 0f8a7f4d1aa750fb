/**
 * What draws samples: the engine of this process, or rollout workers where the node has more than one core or the model is large. Stages see one
 * interface and the same bytes; generation always computes on one thread.
 */
import {setImmediate as turn} from 'node:timers/promises';
import {Stopped} from '../../pipeline/stage.js';
import type {ModelConfig} from '../model/config.js';
import type {Weights} from '../model/parameters.js';
import {handOver} from '../model/parameters.js';
import {openEngine} from '../engine/engine.js';
import {workersFor} from '../engine/lanes.js';
import {canShareWeights, openWeightFile, packedBytes, samplersFor, WORTH_SHARING} from '../engine/mapped-weights.js';
import type {MappedWeights, WeightFile} from '../engine/mapped-weights.js';
import type {PackedPart} from '../engine/variables.js';
import type {Program} from '../engine/program.js';
import {generation} from '../engine/programs/generation.js';
import type {Chunk, GenerationOptions, Sample} from '../engine/programs/generation.js';
import {openPool} from './pool.js';
import type {Sampler} from './sampler.js';

export interface SamplerOptions {
  readonly config: ModelConfig;
  readonly sampling: GenerationOptions;
  /** Threads that this process computes with. */
  readonly threads: number;
  /** Cores that it may keep busy. They decide how fast samples come, never which. */
  readonly cores: number;
  /** Called with a sentence when a worker is replaced. */
  readonly note: (text: string) => void;
}

type Draw = (chunk: Chunk) => readonly Sample[];

/** Draws chunk by chunk in this process. */
export const inProcess = (draw: Draw, signal?: AbortSignal): Sampler => ({
  async generate(chunks, take) {
    let index = 0;
    for (const chunk of chunks) {
      take(index++, draw(chunk));
      await turn(); // native calls hold the thread; here a request to stop gets through
      if (signal?.aborted === true) throw new Stopped();
    }
  },
  close: async () => undefined,
});

/** Files for the weights of a model that is large enough, where there can be such. */
const sharedFile = (config: ModelConfig): WeightFile | undefined =>
  packedBytes(config) >= WORTH_SHARING && canShareWeights() ? openWeightFile(config) : undefined;

/**
 * A sampler of weights that do not change.
 * @param options.weights is empty afterwards where nobody needs it any more
 */
export async function openSampler(
  options: SamplerOptions & {readonly weights: Map<string, Float32Array>},
): Promise<Sampler> {
  const {config, sampling, threads, weights, note} = options;
  const workers = samplersFor(config, options);
  if (workers > 0) {
    const file = sharedFile(config);
    if (file === undefined) return openPool({config, sampling, workers, weights: () => weights, note});
    file.writeAll(handOver(weights));
    return openPool({config, sampling, workers, weights: () => file, release: () => file.close(), note});
  }
  const programs = {sample: generation(sampling)};
  const engine = await openEngine({config, weights: handOver(weights), threads, programs, silentStart: true});
  return {...inProcess(engine.run.sample), close: async () => engine.dispose()};
}

/** What a sampler needs of a trainer's engine, which was opened with the `programs`. */
interface Trainer {
  readonly run: {readonly sample?: Draw | undefined};
  read(slot: 'policy'): Weights;
  readPacked(slot: 'policy'): Iterable<PackedPart>;
}

export interface Rollouts {
  /** To be opened with the trainer's engine. */
  readonly programs: {readonly sample?: Program<(chunk: Chunk) => Sample[]>};
  /** A sampler of the weights that the engine has whenever samples are asked for. */
  open(engine: Trainer): Sampler;
}

/** Says so where rollouts have fewer chunks than there are workers, since nothing else shows why a core has nothing to do. */
export function noteIdleWorkers(
  {prompts, chunk, workers}: {readonly prompts: number; readonly chunk: number; readonly workers: number},
  note: (text: string) => void,
): void {
  const busy = Math.min(workers, Math.ceil(prompts / chunk));
  if (busy >= workers) return;
  const even = Math.ceil(prompts / workers);
  const most = Math.ceil(prompts / even);
  const said = `${prompts === 1 ? '1 prompt' : `${prompts} prompts`} in chunks of ${chunk} keep ${busy} of ${workers} rollout workers busy`;
  note(most > busy ? `${said}; chunk=${even} keeps ${most} busy` : `${said}, and no other chunk keeps more busy`);
}

/**
 * Sampling beside training: in the trainer's own session, or by workers that take its weights before each rollout.
 * @param options.groups prompts of a rollout, where all have as many
 * @param options.signal aborted when a stop is asked for: what is being drawn is given up then, by throwing {Stopped}
 */
export function planRollouts({
  config,
  sampling,
  note,
  signal,
  groups,
  ...machine
}: SamplerOptions & {readonly groups?: number; readonly signal?: AbortSignal}): Rollouts {
  const workers = workersFor(machine);
  if (workers > 0 && groups !== undefined) noteIdleWorkers({prompts: groups, chunk: sampling.prompts, workers}, note);
  if (workers > 0) {
    return {
      programs: {},
      open: (engine) => {
        const file = sharedFile(config);
        if (file === undefined)
          return openPool({config, sampling, workers, weights: () => engine.read('policy'), note, signal});
        const weights = (): MappedWeights => {
          for (const {first, tensors} of engine.readPacked('policy')) file.write(first, tensors);
          return file;
        };
        return openPool({config, sampling, workers, weights, release: () => file.close(), note, signal});
      },
    };
  }
  return {programs: {sample: generation(sampling)}, open: ({run}) => inProcess(run.sample!, signal)};
}
