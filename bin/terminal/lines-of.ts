/** Lines of a pipe, with nothing made of bytes that are no text. */
import type {Readable} from 'node:stream';
import {UserError} from '../../artifacts/index.js';

const NEWLINE = 0x0a;

/**
 * The lines of a stream, without their ends; a line ends at a line feed and nowhere else. Ends early when `stop` is aborted.
 *
 * @throws {UserError} for a line that is not UTF-8, with its number
 */
export async function* linesOf(stream: Readable, stop: AbortSignal): AsyncGenerator<string> {
  const end = (): void => void stream.destroy();
  stop.addEventListener('abort', end);
  try {
    let parts: Buffer[] = [];
    let line = 0;
    for await (const piece of stream as AsyncIterable<Buffer>) {
      let from = 0;
      for (let at = piece.indexOf(NEWLINE); at !== -1; at = piece.indexOf(NEWLINE, from)) {
        yield textOf([...parts, piece.subarray(from, at)], ++line);
        parts = [];
        from = at + 1;
      }
      parts.push(piece.subarray(from));
    }
    const rest = textOf(parts, line + 1);
    if (rest !== '') yield rest;
  } catch (error) {
    // Whoever stopped it knows why it ended.
    if (!stop.aborted) throw error;
  } finally {
    stop.removeEventListener('abort', end);
  }
}

function textOf(parts: readonly Buffer[], line: number): string {
  try {
    return new TextDecoder('utf-8', {fatal: true}).decode(Buffer.concat(parts)).replace(/\r$/, '');
  } catch (error) {
    throw new UserError('bad-argument', `line ${line} of stdin is not UTF-8 text`, {cause: error});
  }
}
