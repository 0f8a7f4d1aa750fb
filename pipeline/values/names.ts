/** Names of nodes, of ports and of the artifacts of a port: they are typed in commands and are folders in a job folder. */
import {shown} from './printable.js';

/** Of any length: stores of version 0.1 may hold longer ones. */
export const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]*$/;

/** Every file system takes names of this length, with something put behind them. */
export const LONGEST_NAME = 100;

/** What is wrong with a name, as half a sentence. */
export function nameMistake(name: unknown): string | undefined {
  if (typeof name !== 'string') return `it is ${shown(name)}, not a string`;
  if (name.length > LONGEST_NAME) {
    return `it has ${name.length.toLocaleString('en')} characters, ${LONGEST_NAME} are allowed`;
  }
  return NAME.test(name) ? undefined : 'letters, digits, “-” and “_” are allowed, a letter or digit first';
}

const MOST_SHOWN = 40;

/** A name in quotes, cut where nobody would read on. */
export function quoted(name: unknown): string {
  if (typeof name !== 'string') return `“${String(name)}”`;
  return `“${name.length > MOST_SHOWN ? `${name.slice(0, MOST_SHOWN)}…` : name}”`;
}

/** Two names that are one folder where a file system does not tell capitals apart. */
export function sameFolder(names: readonly string[]): readonly [string, string] | undefined {
  const seen = new Map<string, string>();
  for (const name of names) {
    const lower = name.toLowerCase();
    const other = seen.get(lower);
    if (other !== undefined) return [other, name];
    seen.set(lower, name);
  }
  return undefined;
}
