/**
 * At its first computation TensorFlow writes two lines to stderr that none of its settings turns off. To a person or a program that
 * reads stderr, they look like an error.
 */
import {closeSync, fstatSync, openSync, readFileSync} from 'node:fs';
import tty from 'node:tty';
import {DataType} from './backend.js';
import {Graph} from './graph.js';
import {Session} from './session.js';

const STDERR = 2;
const O_APPEND = 0o2000;

let hasComputed = false;

/**
 * Has TensorFlow, which is loaded, compute something small while file descriptor 2 points to /dev/null. Synchronous, so that nothing
 * that JavaScript writes is lost; to be called while nothing else in the process opens files, since Node cannot duplicate a
 * descriptor: it is closed, and the file that is opened next takes its number.
 *
 * Does nothing where stderr cannot be opened a second time without harm: a socket, or a file that other processes write to at
 * offsets of their own.
 */
export function computeSilently(): void {
  if (hasComputed) return;
  hasComputed = true;
  const kept = secondStderr();
  if (kept === undefined) return;
  closeSync(STDERR);
  openSync('/dev/null', 'w');
  try {
    computeOnce();
  } finally {
    closeSync(STDERR);
    openSync(`/dev/fd/${kept}`, 'a'); // takes the lowest free number, which is 2
    closeSync(kept);
  }
}

/** A second descriptor for what stderr is connected to. */
function secondStderr(): number | undefined {
  try {
    const stat = fstatSync(STDERR);
    if (!(tty.isatty(STDERR) || stat.isFIFO() || (stat.isFile() && isAppended()))) return undefined;
    // Fails for what belongs to somebody else, as it does after `su`.
    return openSync(`/dev/fd/${STDERR}`, 'a');
  } catch {
    return undefined;
  }
}

/** Linux only; elsewhere the lines stay in the file. */
function isAppended(): boolean {
  const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${STDERR}`, 'utf8'))?.[1];
  return flags !== undefined && (parseInt(flags, 8) & O_APPEND) !== 0;
}

function computeOnce(): void {
  const graph = new Graph();
  const one = graph.constant({dtype: DataType.float, shape: [], values: new Float32Array([1])});
  const session = Session.open(graph);
  try {
    session.run([], [one]);
  } finally {
    session.close();
  }
}
