/**
 * Rollout workers: single-threaded processes that share the chunks of a rollout among them. TensorFlow's threads belong to a
 * process, and a small model decodes fastest on one; so more cores mean more processes. A chunk's bytes depend on the chunk
 * and the weights alone, so neither the number of workers nor the death of one can be seen in what comes out.
 */
import {StageFailure, Stopped} from '../../pipeline/stage.js';
import {packedBytes, WORTH_SHARING} from '../engine/mapped-weights.js';
import type {MappedWeights} from '../engine/mapped-weights.js';
import type {ModelConfig} from '../model/config.js';
import type {Weights} from '../model/parameters.js';
import type {Chunk, GenerationOptions, Sample} from '../engine/programs/generation.js';
import {WorkerLost, startWorker} from './process.js';
import type {RolloutProcess} from './process.js';
import type {Sampler} from './sampler.js';

export interface PoolOptions {
  readonly config: ModelConfig;
  readonly sampling: GenerationOptions;
  /** The most processes at a time; each is started when there is a chunk for it. */
  readonly workers: number;
  /** The current weights, or where they lie. Asked for once in each call of `generate`, while no worker computes. */
  readonly weights: () => Weights | MappedWeights;
  /** Frees what the weights were in. */
  readonly release?: () => void;
  /** Called with a sentence when a worker is replaced, and when those of a large model start. */
  readonly note: (text: string) => void;
  /** Aborted when a stop is asked for: `generate` then throws {Stopped} at once, whatever the workers are doing. */
  readonly signal?: AbortSignal | undefined;
}

export interface Pool extends Sampler {
  /** Of the processes that run. */
  pids(): number[];
}

/** The most processes that one chunk may cost. The third in a row did not die by accident. */
const TRIES = 3;

interface WorkerSlot {
  worker: RolloutProcess | undefined;
  /** The weights that its worker has. */
  weights: Weights | MappedWeights | undefined;
}

export function openPool({config, sampling, workers, weights, release, note, signal}: PoolOptions): Pool {
  /** Workers of a large model compile for so long that it has to be said; nothing of theirs is told before their first samples. */
  let isNew = packedBytes(config) >= WORTH_SHARING;
  const slots = Array.from({length: workers}, (): WorkerSlot => ({worker: undefined, weights: undefined}));

  /** Draws one chunk with a worker that has the weights, and with its successor where it is lost. */
  const drawChunk = async (
    slot: WorkerSlot,
    chunk: Chunk,
    current: Weights | MappedWeights,
  ): Promise<readonly Sample[]> => {
    for (let tries = 1; ; tries++) {
      try {
        slot.worker ??= startWorker({config, sampling});
        if (slot.weights !== current) await slot.worker.load(current);
        slot.weights = current;
        return await slot.worker.draw(chunk);
      } catch (error) {
        if (!(error instanceof WorkerLost) || slot.worker === undefined) throw error;
        slot.worker = undefined;
        slot.weights = undefined;
        if (tries === TRIES)
          throw new StageFailure(
            `${TRIES} rollout workers in a row were lost over the same prompts; the last one ${error.message}. If memory ran out, a smaller “chunk” or fewer cores for the node (resources.cpu) need less; else its log says more`,
          );
        note(`a rollout worker ${error.message}; its samples are drawn again by a new one`);
      }
    }
  };

  const close = async (): Promise<void> => {
    const ending = slots.flatMap(({worker}) => worker ?? []);
    for (const slot of slots) slot.worker = slot.weights = undefined;
    await Promise.all(ending.map((worker) => worker.end()));
  };

  return {
    async generate(chunks, take) {
      if (isNew) note(`starting rollout workers, up to ${workers}: each compiles what it samples with`);
      isNew = false;
      const current = weights();
      const waiting = numbered(chunks);
      let failed = false;
      const serve = async (slot: WorkerSlot): Promise<void> => {
        for (const [index, chunk] of waiting) {
          if (failed) return;
          take(index, await drawChunk(slot, chunk, current));
        }
      };
      const stopped = untilAborted(signal);
      try {
        await Promise.race([Promise.all(slots.map(serve)), stopped.promise]);
      } catch (error) {
        // The others are in the middle of chunks that nothing needs any more.
        failed = true;
        await close();
        throw error;
      } finally {
        stopped.forget();
      }
    },
    pids: () => slots.flatMap(({worker}) => worker?.pid ?? []),
    async close() {
      await close();
      release?.();
    },
  };
}

/** A promise that rejects with {Stopped} once the signal is aborted, and never resolves. */
function untilAborted(signal: AbortSignal | undefined): {readonly promise: Promise<never>; forget(): void} {
  let onAbort = (): void => undefined;
  const promise = new Promise<never>((_, reject) => (onAbort = () => reject(new Stopped())));
  if (signal?.aborted === true) onAbort();
  else signal?.addEventListener('abort', onAbort);
  return {promise, forget: () => signal?.removeEventListener('abort', onAbort)};
}

/** Items with their indices, for several takers: each gets the next one that is left. */
function numbered<T>(items: Iterable<T>): Iterable<[number, T]> {
  const iterator = items[Symbol.iterator]();
  let index = 0;
  const next = (): IteratorResult<[number, T], undefined> => {
    const item: IteratorResult<T, unknown> = iterator.next();
    return item.done === true ? {done: true, value: undefined} : {done: false, value: [index++, item.value]};
  };
  // Without `return`, so that a taker that fails does not close it for the others.
  return {[Symbol.iterator]: () => ({next})};
}
