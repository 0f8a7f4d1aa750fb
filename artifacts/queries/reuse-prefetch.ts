/**
 * Reuse prefetch: finds out beforehand what a plan of very many nodes will ask for. Without this everything is the same, slower
 * by a statement and a look at each blob for every node, one after the other, in plans of 5,000 nodes and more. A plan asks for
 * one fingerprint after the other, as each follows from what was found before; but most are those of the newest run of the
 * recipe. A thread looks these up, and at their blobs, while the recipe is being wired.
 */
import {Worker} from 'node:worker_threads';
import type {Digest} from '../digest.js';
import {UserError} from '../error.js';
import {disk} from '../files.js';
import type {PrefetchReply, PrefetchRequest, Prefetched} from './reuse-prefetch-worker.js';
import type {AttemptId, RunId} from '../records.js';
import type {Reusable} from '../facts/reuse.js';
import type {HasParts} from '../parts.js';

/** Starting the thread takes as long as looking up some 3,000 nodes one by one. */
const WORTH_A_THREAD = 5000;

export interface ReusePrefetch {
  /** By fingerprint. What is not in it has to be looked up. Rejects with what the thread met. */
  readonly reusable: Promise<ReadonlyMap<Digest, Reusable>>;
  /** Ends the thread if it is still at it. */
  close(): void;
}

/** What the newest run of this recipe used, if that was much: `atLeast` so many nodes. */
export function prefetchReusable(
  store: HasParts,
  recipe: string,
  {atLeast = WORTH_A_THREAD} = {},
): ReusePrefetch | undefined {
  const {db, layout, files} = store.parts;
  // The thread has a door to the disk of its own.
  if (files !== disk) return undefined;
  const large = db
    .prepare<{run: number}>(
      `SELECT run FROM decision WHERE run = (SELECT id FROM run WHERE recipe = ? ORDER BY id DESC LIMIT 1)
       LIMIT 1 OFFSET ?`,
    )
    .get(recipe, atLeast - 1);
  if (large === undefined) return undefined;
  const request: PrefetchRequest = {database: db.file, layout, run: large.run as RunId};
  const worker = new Worker(new URL('./reuse-prefetch-worker.js', import.meta.url), {workerData: request});
  const reusable = new Promise<ReadonlyMap<Digest, Reusable>>((done, fail) => {
    worker.once('error', fail);
    worker.once('exit', () => fail(new Error('Internal error: the thread that looks ahead ended without an answer')));
    worker.once('message', (reply: PrefetchReply) => {
      if ('prefetched' in reply) {
        done(mapOf(reply.prefetched));
        return;
      }
      const {reason, message, ...help} = reply;
      fail(new UserError(reason, message, help));
    });
  });
  // Whoever asks hears of it; nobody does where the recipe turns out to be wrong.
  reusable.catch(() => undefined);
  return {reusable, close: () => void worker.terminate()};
}

function mapOf(list: Prefetched): ReadonlyMap<Digest, Reusable> {
  const reusable = new Map<Digest, Reusable>();
  for (let at = 0; at < list.length;) {
    const fingerprint = list[at++] as Digest;
    const attempt = list[at++] as AttemptId;
    const outputs: Record<string, Digest> = {};
    for (let left = list[at++] as number; left > 0; left--) outputs[list[at++] as string] = list[at++] as Digest;
    reusable.set(fingerprint, {attempt, outputs});
  }
  return reusable;
}
