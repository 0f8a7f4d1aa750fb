/** Keeps the output of a stage within bounds: a stage that prints a gigabyte leaves its newest megabytes, not a full disk. */
import {closeSync, openSync, readSync, renameSync, statSync, truncateSync, writeSync} from 'node:fs';

const CAP = 16 << 20;
const KEPT = 8 << 20;

/**
 * When `file` has outgrown its cap: its end is moved to `file.1` (in place of the one before) and it starts anew. The
 * process goes on writing through its own descriptor, which appends; what it writes between the copy and the cut is lost.
 */
export function capLog(file: string): void {
  const size = sizeOf(file);
  if (size <= CAP) return;
  const buffer = Buffer.allocUnsafe(KEPT);
  const from = openSync(file, 'r');
  try {
    const got = readSync(from, buffer, 0, KEPT, size - KEPT);
    const to = openSync(`${file}.tmp`, 'w');
    try {
      writeSync(to, buffer, 0, got);
    } finally {
      closeSync(to);
    }
  } finally {
    closeSync(from);
  }
  renameSync(`${file}.tmp`, `${file}.1`);
  truncateSync(file, 0);
}

function sizeOf(file: string): number {
  return statSync(file, {throwIfNoEntry: false})?.size ?? 0;
}
