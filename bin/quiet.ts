/**
 * Keeps native code off the terminal while somebody reads it: TensorFlow logs a line at its first computation that none of
 * its settings turns off. Only where stderr is a terminal; a log file may have it.
 */
import {closeSync, openSync} from 'node:fs';

const STDERR = 2;

/** Runs `work` with file descriptor 2 leading nowhere. What Node itself says still gets through. */
export async function quietly<T>(work: () => Promise<T>): Promise<T> {
  // Asking makes Node open its stream, which on a terminal has a descriptor of its own from then on.
  if (!process.stderr.isTTY) return work();
  const kept = openSync(`/dev/fd/${STDERR}`, 'w');
  const restore = (): void => {
    closeSync(STDERR);
    openSync(`/dev/fd/${kept}`, 'w'); // takes the lowest free number, which is 2
    closeSync(kept);
  };
  closeSync(STDERR);
  openSync('/dev/null', 'w');
  // Node writes the last words of a crash to the descriptor.
  process.once('uncaughtExceptionMonitor', restore);
  try {
    return await work();
  } finally {
    process.off('uncaughtExceptionMonitor', restore);
    restore();
  }
}
