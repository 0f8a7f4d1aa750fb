/**
 * The one place that writes to stdout and stderr and sets the exit code. On a terminal a block of progress lines stays
 * below everything that is said; elsewhere progress is silent.
 */
import {stripVTControlCharacters} from 'node:util';
import pc from 'picocolors';
import {openStore} from '../artifacts/index.js';
import type {Services} from './services.js';

export const DEFAULT_STORE = '.r1';

export interface Streams {
  readonly out: NodeJS.WriteStream;
  readonly err: NodeJS.WriteStream;
}

export function terminalServices({out, err}: Streams = {out: process.stdout, err: process.stderr}): Services {
  let shown: string[] = [];
  const erase = () => (shown.length === 0 ? '' : `\x1b[${shown.length}A\x1b[0J`);
  const block = () => shown.map((line) => `${line}\n`).join('');
  // Whoever reads our output may have seen enough (`| head`); the work itself goes on.
  for (const stream of [out, err]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
  const width = err.isTTY ? err.columns : 120;
  return {
    openStore: (folder, options) => openStore(folder ?? (process.env['R1_STORE'] || DEFAULT_STORE), options),
    say(text) {
      // What is said on stdout would be drawn over where both are the same terminal.
      if (shown.length > 0) err.write(erase());
      out.write(`${text}\n`);
      if (shown.length > 0) err.write(block());
    },
    stream: (piece) => void out.write(piece),
    complain: (text) => void err.write(`${erase()}${text}\n${block()}`),
    progress(text) {
      if (!err.isTTY) return;
      const before = erase();
      shown = text === undefined ? [] : text.split('\n').map((line) => clip(line, width));
      err.write(`${before}${block()}`);
    },
    width: out.isTTY ? out.columns : 100,
    // On a pipe `isTTY` is missing, not false, and picocolors takes a missing answer for “decide yourself”.
    colours: pc.isColorSupported && 'isTTY' in out && out.isTTY,
    exit: (code) => void (process.exitCode = code),
  };
}

/** Cuts a line so that the terminal does not wrap it; colours are dropped from a line that is too long. */
function clip(line: string, width: number): string {
  const plain = stripVTControlCharacters(line);
  return plain.length < width ? line : `${plain.slice(0, width - 2)}…`;
}
