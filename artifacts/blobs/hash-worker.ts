/** A thread that hashes files for `hash.ts`. Reads and answers; decides nothing. */
import {createHash} from 'node:crypto';
import {closeSync, openSync, readSync} from 'node:fs';
import {parentPort} from 'node:worker_threads';
import {codeOf} from '../error.js';

export interface HashRequest {
  readonly index: number;
  readonly path: string;
}

export type HashReply =
  | {readonly index: number; readonly digest: string}
  | {readonly index: number; readonly message: string; readonly code: string | undefined};

const buffer = Buffer.allocUnsafe(1 << 20);

function hash(path: string): string {
  const file = openSync(path, 'r');
  try {
    const hash = createHash('sha256');
    for (;;) {
      const bytes = readSync(file, buffer, 0, buffer.length, null);
      if (bytes === 0) return hash.digest('hex');
      hash.update(buffer.subarray(0, bytes));
    }
  } finally {
    closeSync(file);
  }
}

const port = parentPort;
if (port === null) throw new Error('Internal error: hash-worker is not a program of its own');
port.on('message', (batch: readonly HashRequest[]) => {
  const replies = batch.map(({index, path}): HashReply => {
    try {
      return {index, digest: hash(path)};
    } catch (error) {
      return {index, message: error instanceof Error ? error.message : String(error), code: codeOf(error)};
    }
  });
  port.postMessage(replies);
});
