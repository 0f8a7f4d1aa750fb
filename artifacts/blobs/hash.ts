/**
 * SHA-256 of files: small ones at once, large ones read ahead while hashing, many large ones on all cores. It reads
 * whatever it is asked to; whether that is needed at all is the stat cache's question.
 */
import {createHash} from 'node:crypto';
import {availableParallelism} from 'node:os';
import {setImmediate as breathe} from 'node:timers/promises';
import {Worker} from 'node:worker_threads';
import type {Digest} from '../digest.js';
import {asDigest, sha256} from '../digest.js';
import {disk} from '../files.js';
import type {Files} from '../files.js';
import type {HashReply, HashRequest} from './hash-worker.js';
import {interruptedError, throwIfInterrupted} from './interruption.js';
import type {Interruption} from '../files.js';

/** Up to here a file is read in one go. */
export const SMALL = 1 << 20;

/** Starting a thread takes about 20 ms, in which one core hashes some 30 MiB. */
const WORTH_THREADS = 64 << 20;

export interface ToHash {
  readonly path: string;
  /** Expected size; only decides how the file is read. */
  readonly bytes: number;
}

export async function hashFile(files: Files, {path, bytes}: ToHash): Promise<Digest> {
  if (bytes <= SMALL) return sha256(files.readSmall(path));
  const hash = createHash('sha256');
  await files.read(path, (chunk) => hash.update(chunk));
  return asDigest(hash.digest('hex'));
}

/** In the order given. `onHashed` hears of each file as it is done, in any order. */
export async function hashFiles(
  files: Files,
  list: readonly ToHash[],
  onHashed: (index: number, digest: Digest | Error) => void,
): Promise<void> {
  const total = list.reduce((sum, {bytes}) => sum + bytes, 0);
  const threads = Math.min(availableParallelism(), list.length);
  if ((files.original ?? files) === disk && total >= WORTH_THREADS && threads > 1)
    return hashOnThreads(list, threads, onHashed, files.interruption);
  let sinceBreath = 0;
  for (const [index, file] of list.entries()) {
    try {
      onHashed(index, await hashFile(files, file));
    } catch (error) {
      throwIfInterrupted(files.interruption);
      onHashed(index, error instanceof Error ? error : new Error(String(error)));
    }
    sinceBreath += Math.max(file.bytes, 4096);
    if (sinceBreath > 8 * SMALL) {
      sinceBreath = 0;
      await breathe();
      throwIfInterrupted(files.interruption);
    }
  }
}

/** All digests, or the first error. */
export async function hashAll(files: Files, list: readonly ToHash[]): Promise<readonly Digest[]> {
  const digests = new Array<Digest>(list.length);
  const errors: Error[] = [];
  await hashFiles(files, list, (index, result) => {
    if (result instanceof Error) errors.push(result);
    else digests[index] = result;
  });
  if (errors[0] !== undefined) throw errors[0];
  return digests;
}

/** Files go to whichever thread is free, largest first, so that the last one does not start late. */
async function hashOnThreads(
  list: readonly ToHash[],
  threads: number,
  onHashed: (index: number, digest: Digest | Error) => void,
  interruption: Interruption | undefined,
): Promise<void> {
  const queue = list.map((_, index) => index).sort((a, b) => list[a]!.bytes - list[b]!.bytes);
  const feed = (worker: Worker): boolean => {
    const batch: HashRequest[] = [];
    // Enough small files at a time that the messages cost little.
    for (let bytes = 0; bytes < 8 * SMALL && batch.length < 64 && queue.length > 0;) {
      const index = queue.pop()!;
      bytes += list[index]!.bytes;
      batch.push({index, path: list[index]!.path});
    }
    if (batch.length > 0) worker.postMessage(batch);
    return batch.length > 0;
  };
  await Promise.all(
    Array.from({length: threads}, async () => {
      const worker = new Worker(new URL('./hash-worker.js', import.meta.url));
      const {signal} = interruption ?? {};
      let stop = (): void => undefined;
      try {
        await new Promise<void>((done, fail) => {
          stop = () => fail(interruptedError());
          signal?.addEventListener('abort', stop);
          if (signal?.aborted === true) stop();
          worker.on('error', fail);
          worker.on('message', (replies: readonly HashReply[]) => {
            for (const reply of replies) {
              onHashed(
                reply.index,
                'digest' in reply
                  ? asDigest(reply.digest)
                  : Object.assign(new Error(reply.message), {code: reply.code}),
              );
            }
            if (!feed(worker)) done();
          });
          if (!feed(worker)) done();
        });
      } finally {
        signal?.removeEventListener('abort', stop);
        await worker.terminate();
      }
    }),
  );
}
