/**
 * Values that JSON carries whole. `JSON.stringify` makes `{}` of a Map, a promise or a class instance, drops what is
 * undefined and follows `toJSON`; two different params would then count as the same work. So what is kept, hashed and handed
 * to a stage is checked here, and copied, so that nobody changes it afterwards.
 */
import {shown} from './printable.js';
import {err, ok} from '../result.js';
import type {Result} from '../result.js';
import type {Json} from '../stage.js';

/** Values within values; more than anybody writes by hand, and less than a stack of calls holds. */
const DEEPEST = 200;

/** Keys that mean something else to many who read JSON back. */
const TREACHEROUS = new Set(['__proto__', 'constructor']);

/** A copy of `value`. The error is a sentence that begins with `path` and the way to what JSON cannot carry. */
export function jsonCopy(value: unknown, path: string): Result<Json, string> {
  const copied = copy(value, {path, above: []});
  return 'json' in copied ? ok(copied.json) : err(copied.wrong);
}

interface Place {
  readonly path: string;
  /** The lists and records that it lies in. */
  readonly above: readonly object[];
}

type Copied = {readonly json: Json} | {readonly wrong: string};

function copy(value: unknown, at: Place): Copied {
  const wrong = (what: string): Copied => ({wrong: `${at.path} ${what}`});
  switch (typeof value) {
    case 'string':
      return /\p{Surrogate}/u.test(value) ? wrong('holds half of a character (a lone surrogate)') : {json: value};
    case 'boolean':
      return {json: value};
    case 'number':
      // JSON has one zero.
      return Number.isFinite(value) ? {json: value === 0 ? 0 : value} : wrong(`is ${value}`);
    case 'object':
      break;
    default:
      return wrong(`is ${shown(value)}`);
  }
  if (value === null) return {json: null};
  if (at.above.includes(value)) return wrong('is a record or list that contains itself');
  if (at.above.length >= DEEPEST) return wrong(`lies more than ${DEEPEST} lists and records deep`);
  const kind = kindOf(value);
  if (kind !== 'list' && kind !== 'record') return wrong(`is ${kind}`);
  const keys = Reflect.ownKeys(value).filter((key) => kind === 'record' || key !== 'length');
  const copied: Json[] | Record<string, Json> = kind === 'list' ? [] : {};
  for (const key of keys) {
    const inner = copyKey(value, key, kind, at);
    if ('wrong' in inner) return inner;
    (copied as Record<string, Json>)[key as string] = inner.json;
  }
  if (kind === 'list' && keys.length !== (value as unknown[]).length) return wrong('is a list with holes');
  return {json: copied};
}

function copyKey(owner: object, key: string | symbol, kind: 'list' | 'record', at: Place): Copied {
  const wrong = (what: string): Copied => ({wrong: `${at.path} ${what}`});
  if (typeof key === 'symbol') return wrong(`has a key that is a symbol (${String(key)})`);
  const isIndex = kind === 'list' && /^(?:0|[1-9]\d*)$/.test(key);
  if (kind === 'list' && !isIndex) return wrong(`is a list with a key of its own (${shown(key)})`);
  if (TREACHEROUS.has(key)) return wrong(`has the key “${key}”, which is not allowed`);
  if (/\p{Surrogate}/u.test(key)) return wrong('has a key that holds half of a character (a lone surrogate)');
  const path = isIndex
    ? `${at.path}[${key}]`
    : /^[A-Za-z_$][\w$]*$/.test(key)
      ? `${at.path}.${key}`
      : `${at.path}[${shown(key)}]`;
  const descriptor = Object.getOwnPropertyDescriptor(owner, key);
  if (descriptor?.get !== undefined || descriptor?.set !== undefined) return {wrong: `${path} is computed by a getter`};
  if (descriptor?.enumerable === false) return {wrong: `${path} is hidden (not enumerable)`};
  return copy(descriptor?.value, {path, above: [...at.above, owner]});
}

/** A list, a record, or what else an object is, as part of a sentence. */
export function kindOf(value: object): 'list' | 'record' | `a ${string}` | `an ${string}` {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (Array.isArray(value)) return isBase(prototype, 'Array') ? 'list' : 'a list of a class of its own';
  if (prototype === null || isBase(prototype, 'Object')) return 'record';
  const name = nameOf(prototype);
  return /^[AEIOaeio]/.test(name) ? `an ${name}` : `a ${name}`;
}

/** The prototype of plain lists or records, also where they were made in another context of V8. */
function isBase(prototype: unknown, name: 'Array' | 'Object'): boolean {
  if (prototype === (name === 'Array' ? Array : Object).prototype) return true;
  if (typeof prototype !== 'object' || prototype === null || nameOf(prototype) !== name) return false;
  const above: unknown = Object.getPrototypeOf(prototype);
  return name === 'Object' ? above === null : typeof above === 'object' && above !== null && isBase(above, 'Object');
}

function nameOf(prototype: unknown): string {
  const maker: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  return typeof maker === 'function' && maker.name !== '' ? maker.name : 'object of a class of its own';
}
