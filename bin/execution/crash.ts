/** The end of r1 by an error that nobody was ready for: said as what it is, with an exit code that no failed node has. */
import {inspect} from 'node:util';
import {EXIT} from '../exit-codes.js';
import {standardOutput} from '../terminal/output.js';
import {forTerminal} from '../terminal/paint.js';

let isReady = false;
let heed: ((error: unknown) => boolean) | undefined;

/** Asks `first` whether an error is known for somebody else's and was said, until the function that comes back is called. */
export function heedFirst(first: (error: unknown) => boolean): () => void {
  heed = first;
  return () => (heed = undefined);
}

/** From now on such an error is said on stderr, wherever it is thrown, and ends the process. */
export function reportCrashes(): void {
  if (isReady) return;
  isReady = true;
  process.on('uncaughtException', (error: unknown) => {
    if (heed?.(error) === true) return;
    const err = standardOutput(2, () => undefined);
    const text = crashText(error);
    err.write(err.isTerminal ? forTerminal(text, false) : text);
    process.exitCode = EXIT.internal;
    void err.flushed().then(() => process.exit(EXIT.internal));
  });
}

export function crashText(error: unknown): string {
  const what = error instanceof Error ? (error.stack ?? error.message) : inspect(error);
  return `this is an error of r1 itself; please report it with what you typed and the lines below\n${what}\nNode.js ${process.version}\n`;
}
