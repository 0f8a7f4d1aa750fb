/** Rows set aside on the disk between two looks at them, so that a file of any size is read once and needs no memory. */
import {createReadStream, createWriteStream} from 'node:fs';
import {once} from 'node:events';
import {finished} from 'node:stream/promises';
import {openRowsReader, rowLine} from '../../../artifacts/formats/jsonl.js';

export interface Spool<T extends object> {
  add(row: T): Promise<void>;
  /** No more rows come; those that came can be read, as often as is wanted. */
  close(): Promise<void>;
  rows(): AsyncGenerator<T>;
}

/** @param file a path at which nothing is yet */
export function openSpool<T extends object>(file: string): Spool<T> {
  const stream = createWriteStream(file);
  const failed = finished(stream);
  failed.catch(() => undefined);
  return {
    async add(row) {
      if (!stream.write(rowLine(row))) await Promise.race([once(stream, 'drain'), failed]);
    },
    async close() {
      stream.end();
      await failed;
    },
    async *rows() {
      let ready: T[] = [];
      const reader = openRowsReader((row) => ready.push(row as T));
      for await (const piece of createReadStream(file, {highWaterMark: 1 << 18}) as AsyncIterable<Buffer>) {
        reader.take(piece);
        yield* ready;
        ready = [];
      }
      reader.end();
      yield* ready;
    },
  };
}
