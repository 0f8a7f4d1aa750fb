/** Params against their defaults: the widened type of a default is the param's type, at run time as in the compiler. */
import {jsonCopy} from '../values/json.js';
import {quoted} from '../values/names.js';
import {nearest} from './did-you-mean.js';
import {err} from '../result.js';
import type {Result} from '../result.js';
import type {AnyStage, Json} from '../stage.js';

/**
 * A copy of `value` for the param `name`, or what is wrong with it. `null` is taken from a recipe, where the compiler has
 * seen the declared type, but not from the command line, unless the default is `null`, and never for a record or a list. Where
 * the stage lists choices, these alone count.
 */
export function checkParam(
  stage: AnyStage,
  name: string,
  value: unknown,
  from: 'recipe' | 'command line',
): Result<Json, string> {
  const known = Object.keys(stage.params);
  const standard = Object.hasOwn(stage.params, name) ? stage.params[name] : undefined;
  if (standard === undefined) {
    const meant = nearest(name, known);
    const list = known.length === 0 ? 'it takes none' : `it has${listed(known)}`;
    return err(
      `stage “${stage.name}” has no param ${quoted(name)}; ${meant === undefined ? '' : `did you mean “${meant}”? `}${list}`,
    );
  }
  const copied = jsonCopy(value, `params.${name}`);
  if (!copied.ok) return err(`${copied.error}; ${CARRIED}`);
  const given = copied.value;
  const wanted = shape(standard);
  const choices = stage.choices?.[name];
  if (given === null && from === 'recipe' && choices === undefined && wanted !== 'record' && wanted !== 'list')
    return copied;
  if (wanted === 'null' || wanted === shape(given) || choices?.includes(given) === true) {
    if (choices === undefined || choices.includes(given)) return copied;
    return err(
      `param “${name}” is one of ${choices.map((choice) => JSON.stringify(choice)).join(', ')}, not ${short(given)}`,
    );
  }
  return err(`param “${name}” is a ${wanted} (default ${short(standard)}), not ${short(given)}`);
}

/** More names than these are sorted and wrapped, for who has to search them. */
const MOST_ON_A_LINE = 8;
/** Columns, as in a terminal of the usual width. */
const LIST_WIDTH = 78;

function listed(names: readonly string[]): string {
  if (names.length <= MOST_ON_A_LINE) return ` ${names.join(', ')}`;
  const lines: string[] = [];
  for (const name of [...names].sort()) {
    const longer = lines.length === 0 ? undefined : `${lines.at(-1)!}, ${name}`;
    if (longer === undefined || longer.length > LIST_WIDTH - '  ,'.length) lines.push(name);
    else lines[lines.length - 1] = longer;
  }
  return `\n  ${lines.join(',\n  ')}`;
}

/** What is wrong with the defaults of a stage, each a sentence without the stage. */
export function defaultMistakes(stage: AnyStage): readonly string[] {
  return Object.entries(stage.params).flatMap(([name, value]) => {
    const copied = jsonCopy(value, `the default params.${name}`);
    return copied.ok ? [] : [`${copied.error}; ${CARRIED}`];
  });
}

const CARRIED =
  'params hold what JSON can carry: strings, finite numbers, true, false, null, lists and plain records of these';

const MOST_SHOWN = 200;

/** A value as JSON, cut where nobody would read on. */
export function short(value: Json): string {
  const text = JSON.stringify(value);
  return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text;
}

/** The type of a param with this default, in a word. */
export function shape(value: Json): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'list';
  return typeof value === 'object' ? 'record' : typeof value;
}
