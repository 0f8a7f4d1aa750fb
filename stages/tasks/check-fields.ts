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

/**
 * The fields that a helper knows. Of an instance of a class these may be inherited, and its functions stay its own: `this` is
 * the instance.
 */
export function fieldsOf<T extends object>({fields}: Pick<Helper, 'fields'>, spec: T): T {
  if (isPlain(spec)) return {...spec};
  const found = fields.map((field) => {
    const value: unknown = Reflect.get(spec, field);
    return [field, typeof value === 'function' ? (value.bind(spec) as unknown) : value] as const;
  });
  return Object.fromEntries(found.filter(([, value]) => value !== undefined)) as T;
}

/** Whether an object is what is written in braces, and no instance of a class, which may have fields of its own. */
const isPlain = (value: object): boolean =>
  typeof value === 'object' && [Object.prototype, null].includes(Object.getPrototypeOf(value) as object | null);

/** @throws {TypeError} where module or name is missing, or there is a field that nobody would look at */
export function checkFields(helper: Helper, given: object): void {
  const spec = Object(given) as Readonly<Record<string, unknown>>; // Nothing at all has no fields.
  const {fields, inner = {}, kind} = helper;
  if (typeof spec['name'] !== 'string') throw fieldError(helper, spec, `“name” is missing; write name: 'my-${kind}'`);
  if (spec['module'] === undefined)
    throw fieldError(helper, spec, '“module” is missing; write module: import.meta.url');
  const refuse = (given: unknown, known: readonly string[], before = ''): void => {
    if (typeof given !== 'object' || given === null || !isPlain(given)) return;
    for (const [field, value] of Object.entries(given) as [string, unknown][]) {
      if (value === undefined || known.includes(field)) continue;
      const others = suggestion(field, known) || `; there are ${known.join(', ')}`;
      throw fieldError(helper, spec, `there is no field “${before}${field}”${others}`);
    }
  };
  // A definition that is made from another one brings its kind.
  refuse(spec, [...fields, ...(spec['kind'] === kind ? ['kind'] : [])]);
  for (const [field, known] of Object.entries(inner)) refuse(spec[field], known, `${field}.`);
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
