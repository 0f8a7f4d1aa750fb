/**
 * Code of a person's own, called by a stage: what it throws and what it gives is looked at, and what is wrong is said with
 * the name of the definition and the file in which it is to be corrected.
 */
import {fileURLToPath} from 'node:url';
import type {Definition} from '../../pipeline/definition.js';
import {definitionPlaceOf} from '../../pipeline/modules/import-definition.js';
import {StageFailure} from '../../pipeline/stage.js';

/** A task or a reward: what messages call it by. */
export type Owner = Pick<Definition, 'kind' | 'name' | 'module'>;

/** `the task “sorting” (/home/me/sorting.ts)` */
export const ownerText = ({kind, name, module}: Owner): string => `the ${kind} “${name}” (${fileURLToPath(module)})`;

/** The end of a stage over a definition that is wrong. */
export const fault = (owner: Owner, sentence: string): StageFailure =>
  new StageFailure(`${ownerText(owner)}: ${sentence}`, {file: fileURLToPath(owner.module)});

/**
 * Calls a function of a definition.
 *
 * @param what by which messages call the function
 * @param where what was asked of it, in a few words: `on a completion of prompt p`
 * @throws {StageFailure} with the place, where it throws or gives a promise
 */
export function called<T>(owner: Owner, what: string, call: () => T, where = ''): T {
  const at = where === '' ? '' : ` ${where}`;
  let value: T;
  try {
    value = call();
  } catch (error) {
    throw fault(owner, `${what} threw ${thrownText(error)}${at}${placeIn(error)}`);
  }
  if (!isThenable(value)) return value;
  value.then(undefined, () => undefined); // It is not ours to wait for, nor to end over.
  throw fault(owner, `${what} gave a promise${at}; ${what} is not async and can wait for nothing`);
}

/** A value for a message: as JSON where there is such a thing, and not the whole of a long one. */
export function valueText(value: unknown): string {
  const text = value === undefined || typeof value === 'number' ? String(value) : jsonOf(value);
  if (text === undefined) return strangeText(value);
  return text.length <= MOST_SHOWN ? text : `${text.slice(0, MOST_SHOWN)}…`;
}

const MOST_SHOWN = 200;

/** What is no JSON. */
function strangeText(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'symbol') return String(value);
  return typeof value === 'object' ? 'an object that is no JSON' : `a ${typeof value}`;
}

/** JSON, where a value has one. */
export function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value); // A function and a symbol have none.
  } catch {
    return undefined; // A circle, a big integer, a `toJSON` that throws.
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  try {
    return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
  } catch {
    return false; // A getter that throws.
  }
}

/** What was thrown, for a message. */
export function thrownText(error: unknown): string {
  if (!(error instanceof Error)) return valueText(error);
  const [name, message] = [error.name, error.message] as readonly unknown[];
  return `${String(name)}: ${String(message)}`;
}

function placeIn(error: unknown): string {
  const place = definitionPlaceOf(error);
  return place === undefined ? '' : `, at ${place}`;
}
