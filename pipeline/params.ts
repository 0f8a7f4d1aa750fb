/** Params against their defaults: the widened type of a default is the param's type, at run time as in the compiler. */
import {nearest} from './nearest.js';
import type {AnyStage, Json} from './stage.js';

/**
 * What is wrong with giving `value` to the param `name`, or `undefined`. `null` is taken from a recipe, where the compiler
 * has seen the declared type, but not from the command line, unless the default is `null`.
 */
export function paramMistake(
  stage: AnyStage,
  name: string,
  value: unknown,
  from: 'recipe' | 'command line',
): string | undefined {
  const known = Object.keys(stage.params);
  const standard = stage.params[name];
  if (standard === undefined) {
    const meant = nearest(name, known);
    const list = known.length === 0 ? 'it takes none' : `it has ${known.join(', ')}`;
    return `stage “${stage.name}” has no param “${name}”; ${meant === undefined ? '' : `did you mean “${meant}”? `}${list}`;
  }
  const broken = notJson(value);
  if (broken !== undefined) return `param “${name}” cannot be kept as JSON: ${broken}`;
  if (value === null && from === 'recipe') return undefined;
  const wanted = shape(standard);
  const got = shape(value as Json);
  if (wanted === 'null' || wanted === got) {
    const choices = stage.choices?.[name];
    if (choices === undefined || choices.includes(value as Json)) return undefined;
    return `param “${name}” is one of ${choices.map((choice) => JSON.stringify(choice)).join(', ')}, not ${JSON.stringify(value)}`;
  }
  return `param “${name}” is a ${wanted} (default ${JSON.stringify(standard)}), not ${JSON.stringify(value)}`;
}

function shape(value: Json): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'list';
  return typeof value === 'object' ? 'record' : typeof value;
}

function notJson(value: unknown, path = ''): string | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return undefined;
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : `${path}${value}`;
  if (typeof value !== 'object') return `${path}${typeof value}`;
  const entries: [string, unknown][] = Array.isArray(value)
    ? value.map((item, i) => [String(i), item])
    : Object.entries(value);
  for (const [key, item] of entries) {
    const broken = notJson(item, `${path}${key}: `);
    if (broken !== undefined) return broken;
  }
  return undefined;
}
