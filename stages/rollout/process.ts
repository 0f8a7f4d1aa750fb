/** One rollout worker, seen from the process that started it. Whether to start another one is not decided here. */
import {spawn} from 'node:child_process';
import type {ChildProcess} from 'node:child_process';
import type {Duplex} from 'node:stream';
import {fileURLToPath} from 'node:url';
import {StageFailure} from '../../pipeline/stage.js';
import type {MappedWeights} from '../engine/mapped-weights.js';
import type {ModelConfig} from '../model/config.js';
import type {Weights} from '../model/parameters.js';
import type {Chunk, GenerationOptions, Sample} from '../engine/programs/generation.js';
import {frameOf, receive, send} from './protocol.js';
import type {FromWorker, ToWorker} from './protocol.js';

/** The worker's process ended though nobody asked it to. A new one would do as well. */
export class WorkerLost extends Error {
  override readonly name = 'WorkerLost';
}

export interface RolloutProcess {
  readonly pid: number | undefined;
  /** Hands over the weights of all chunks to come. Mapped ones are handed over once, and are always the newest. */
  load(weights: Weights | MappedWeights): Promise<void>;
  /**
   * Draws one chunk; one at a time.
   * @throws WorkerLost when the process ends before it answers
   */
  draw(chunk: Chunk): Promise<readonly Sample[]>;
  /** Ends the process at once and resolves when it is gone. It holds nothing that is worth a farewell. */
  end(): Promise<void>;
}

const ENTRY = fileURLToPath(new URL('./worker.js', import.meta.url));

/** Workers that run. They end with this process, even where it ends in the middle of a rollout. */
const living = new Set<ChildProcess>();
const endAll = (): void => {
  for (const child of living) child.kill('SIGKILL');
};

const HUGE_PAGES = 'glibc.malloc.hugetlb';

/**
 * What a worker is given beside the environment of this process. A step reads every matrix of a model once, and all keys and
 * values, for a few rows; in pages of 4 KiB the processor loses its way between them more often than it waits for memory.
 * So glibc is asked for huge pages, which it takes where the system has them to give ("madvise", the usual setting of
 * /sys/kernel/mm/transparent_hugepage/enabled) and where it is 2.35 or newer; elsewhere nothing changes. It reads its
 * tunables as a process starts, so this cannot be had later. https://sourceware.org/glibc/manual/latest/html_node/Memory-Allocation-Tunables.html
 *
 * @param given tunables of this process; they go before ours
 */
export function workerEnvironment(given = process.env['GLIBC_TUNABLES'] ?? ''): {readonly GLIBC_TUNABLES: string} {
  const tunables = given.split(':').filter((each) => each !== '');
  if (!tunables.some((each) => each.startsWith(`${HUGE_PAGES}=`))) tunables.push(`${HUGE_PAGES}=1`);
  return {GLIBC_TUNABLES: tunables.join(':')};
}

export function startWorker(order: {
  readonly config: ModelConfig;
  readonly sampling: GenerationOptions;
}): RolloutProcess {
  // What a worker prints is for the log; stdout may be the answer of a command.
  const child = spawn(process.execPath, ['--enable-source-maps', ENTRY, String(process.pid)], {
    stdio: ['ignore', 2, 2, 'pipe'],
    env: {...process.env, ...workerEnvironment()},
  });
  if (living.size === 0) process.on('exit', endAll);
  living.add(child);
  const socket = child.stdio[3] as Duplex;
  let waiting: {resolve(samples: readonly Sample[]): void; reject(error: Error): void} | undefined;
  /** Why it can do nothing more. */
  let trouble: Error | undefined;
  const fail = (error: Error): Error => {
    trouble ??= error;
    waiting?.reject(trouble);
    waiting = undefined;
    return trouble;
  };
  /** Resolves with the reason when the process is no more. */
  const gone = new Promise<Error>((resolve) => {
    const over = (error: Error): void => {
      living.delete(child);
      if (living.size === 0) process.off('exit', endAll);
      resolve(fail(error));
    };
    child.once('error', (error) => over(new StageFailure(`a rollout worker could not be started: ${error.message}`)));
    // Only once all that it had said was read: it may have told why it ends.
    child.once('close', (code, signal) =>
      over(new WorkerLost(code === null ? `was killed by ${signal ?? 'a signal'}` : `exited with ${code}`)),
    );
  });
  // A broken socket is how a death looks from here; the end of the process comes at once and tells more.
  socket.on('error', () => undefined);
  receive(socket, (received) => {
    const message = received as FromWorker;
    if (message.type === 'failed') {
      fail(new Error(`Internal error: a rollout worker failed: ${message.message}`));
      return;
    }
    waiting?.resolve(message.samples);
    waiting = undefined;
  });
  /** Sends, or rejects with what became of the worker; with what is wrong with the message where the worker never hears of it. */
  const tell = async (message: ToWorker): Promise<void> => {
    if (trouble !== undefined) throw trouble;
    const frame = frameOf(message);
    try {
      await send(socket, frame);
    } catch {
      throw await gone;
    }
  };
  let opened: Promise<void> | undefined;
  return {
    pid: child.pid,
    async load(weights) {
      if ('path' in weights) return (opened ??= tell({type: 'open', ...order, mapped: {path: weights.path}}));
      await (opened ??= tell({type: 'open', ...order}));
      for (const [name, values] of weights) await tell({type: 'tensor', name, values});
    },
    async draw(chunk) {
      const answer = new Promise<readonly Sample[]>((resolve, reject) => (waiting = {resolve, reject}));
      answer.catch(() => undefined); // Awaited below; until then a loss is not unhandled, only early.
      await tell({type: 'draw', chunk});
      return answer;
    },
    async end() {
      child.kill('SIGKILL');
      await gone;
    },
  };
}
