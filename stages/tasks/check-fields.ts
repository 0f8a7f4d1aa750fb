/** What `defineTask` and `defineReward` are called with, looked at for recipes that no compiler has seen. */
import {suggestion} from '../../pipeline/wiring/did-you-mean.js';

/** A helper that makes definitions. */
export interface Helper {
  readonly define: (...words: never[]) => unknown;
  readonly kind: 'task' | 'reward';
  readonly fields: readonly string[];
  /** Field → the fields of the record that it is. */
  readonly inner?: Readonly<Record<string, readonly string[]>>;
}

/** @throws {TypeError} where module or name is missing, or there is a field that nobody would look at */
export function checkFields(helper: Helper, spec: Readonly<Record<string, unknown>>): void {
  const {fields, inner = {}, kind} = helper;
  if (typeof spec['name'] !== 'string') throw fieldError(helper, spec, `“name” is missing; write name: 'my-${kind}'`);
  if (spec['module'] === undefined)
    throw fieldError(helper, spec, '“module” is missing; write module: import.meta.url');
  const refuse = (given: object, known: readonly string[], before = ''): void => {
    for (const [field, value] of Object.entries(given) as [string, unknown][]) {
      if (value === undefined || known.includes(field)) continue;
      const others = suggestion(field, known) || `; there are ${known.join(', ')}`;
      throw fieldError(helper, spec, `there is no field “${before}${field}”${others}`);
    }
  };
  // A definition that is made from another one brings its kind.
  refuse(spec, [...fields, ...(spec['kind'] === kind ? ['kind'] : [])]);
  for (const [field, known] of Object.entries(inner)) refuse(spec[field] ?? {}, known, `${field}.`);
}

/** What is wrong with a definition, with the place where its helper was called. */
export function fieldError(
  {define, kind}: Pick<Helper, 'define' | 'kind'>,
  {name}: {readonly name?: unknown},
  mistake: string,
): TypeError {
  const error = new TypeError(`${typeof name === 'string' ? `${kind} “${name}”` : `a ${kind}`}: ${mistake}`);
  Error.captureStackTrace(error, define);
  return error;
}
