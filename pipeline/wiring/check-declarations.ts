/** What the compiler checks in typed recipes, once more at run time: options of nodes, and what a stage declares of itself. */
import {kindOf, jsonCopy} from '../values/json.js';
import {shown} from '../values/printable.js';
import {nameMistake, quoted, sameFolder} from '../values/names.js';
import {defaultMistakes} from './check-params.js';
import {aboutMistakes} from './ranges.js';
import {suggestion} from './did-you-mean.js';
import type {NodeOptions} from '../recipe.js';
import {err, ok} from '../result.js';
import type {Result} from '../result.js';
import type {AnyStage} from '../stage.js';

/** All that `defineStage` takes. */
const FIELDS: Readonly<Record<keyof AnyStage, true>> = {
  module: true,
  name: true,
  summary: true,
  inputs: true,
  outputs: true,
  params: true,
  about: true,
  choices: true,
  definitions: true,
  check: true,
  caution: true,
  headline: true,
  trains: true,
  tensor: true,
  seedless: true,
  checkpoints: true,
  canFinishEarly: true,
  resources: true,
  threads: true,
  env: true,
  passEnv: true,
  environment: true,
  run: true,
  argv: true,
  memory: true,
  replaces: true,
};

/** Seconds; a longer timer would run out at once. */
const LONGEST_TIMEOUT = 2_147_483;

type Check = (value: number) => boolean;

const AMOUNT: readonly [Check, string] = [(value) => value >= 0, 'a number from 0 up'];
const COUNT: readonly [Check, string] = [
  (value) => Number.isSafeInteger(value) && value > 0,
  'a whole number from 1 up',
];

const NUMBERS: Readonly<Record<string, readonly [Check, string]>> = {
  threads: COUNT,
  checkpointEvery: COUNT,
  timeout: [(value) => value > 0 && value <= LONGEST_TIMEOUT, `seconds, more than 0 and at most ${LONGEST_TIMEOUT}`],
  grace: [(value) => value >= 0 && value <= LONGEST_TIMEOUT, `seconds, from 0 to ${LONGEST_TIMEOUT}`],
  retries: [(value) => Number.isSafeInteger(value) && value >= 0, 'a whole number from 0 up'],
  'resources.cpu': AMOUNT,
  'resources.gpu': AMOUNT,
  'resources.memory': AMOUNT,
};

/** A copy of the options of a node, those that are undefined left out; or what is wrong with them. */
export function checkOptions(options: unknown): Result<NodeOptions, readonly string[]> {
  if (!isRecord(options)) return err([`its options are ${described(options)}, not a record`]);
  if (Object.keys(options).length === 0) return ok(options);
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const copied = jsonCopy(given, 'options');
  if (!copied.ok) return err([copied.error]);
  const mistakes = numberMistakes('options', given);
  return mistakes.length > 0 ? err(mistakes) : ok(copied.value as NodeOptions);
}

function numberMistakes(path: string, given: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(NUMBERS).flatMap(([name, [isRight, wanted]]) => {
    const [first, second] = name.split('.') as [string, string | undefined];
    const outer = own(given, first);
    if (outer === undefined) return [];
    if (second !== undefined && !isRecord(outer)) return [`${path}.${first} is ${described(outer)}, not a record`];
    const value = second === undefined ? outer : own(outer as Readonly<Record<string, unknown>>, second);
    if (value === undefined || (typeof value === 'number' && Number.isFinite(value) && isRight(value))) return [];
    return [`${path}.${name} is ${shown(value)}, not ${wanted}`];
  });
}

/** What is wrong with a stage, wherever it is placed. Ports are folders. */
export function stageMistakes(stage: AnyStage): readonly string[] {
  const mistakes = Object.keys(stage)
    .filter((field) => !Object.hasOwn(FIELDS, field))
    .map((field) => `it has no field ${quoted(field)}${suggestion(field, Object.keys(FIELDS))}`);
  for (const [side, ports] of [['input', stage.inputs] as const, ['output', stage.outputs] as const]) {
    for (const [port, kind] of Object.entries(ports)) {
      const wrong = nameMistake(port);
      if (wrong !== undefined) mistakes.push(`${quoted(port)} cannot name an ${side}: ${wrong}`);
      const said: unknown = typeof kind === 'object' ? (kind as {kind?: unknown} | null)?.kind : kind;
      if (typeof said !== 'string' || said === '') mistakes.push(`${side} ${quoted(port)} is of kind ${shown(said)}`);
    }
    const same = sameFolder(Object.keys(ports));
    if (same !== undefined) mistakes.push(`${side}s ${sameText(same)}`);
  }
  mistakes.push(...defaultMistakes(stage), ...aboutMistakes(stage));
  if (stage.checkpoints === true && stage.argv === undefined)
    mistakes.push('“checkpoints” is for stages that are programs; a `run` has context.checkpoints');
  if (stage.environment !== undefined && !isEnvironment(Object(stage.environment) as object))
    mistakes.push(`its environment is ${described(stage.environment)}, not one such as \`python\` of r1/stages makes`);
  const {threads, resources} = stage;
  mistakes.push(...numberMistakes('its', {threads, resources}).map((mistake) => mistake.replace('its.', 'its ')));
  return mistakes.map((mistake) => `stage ${quoted(stage.name)}: ${mistake}`);
}

const isEnvironment = (value: object): boolean =>
  ['identity', 'state', 'open'].every((name) => typeof (value as Record<string, unknown>)[name] === 'function');

export const sameText = ([one, other]: readonly [string, string]): string =>
  `“${one}” and “${other}” are one folder where capitals do not count`;

/** What is wrong with a source beside its name. */
export function sourceMistake(kind: unknown, path: unknown): string | undefined {
  if (typeof kind !== 'string' || kind === '') return `its kind is ${shown(kind)}, not a word`;
  if (typeof path !== 'string') return `its path is ${described(path)}, not a string`;
  return path.includes('\0') ? `its path ${shown(path)} holds a NUL character` : undefined;
}

/** A plain record, and not something that has its own idea of what is in it. */
export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && kindOf(value) === 'record';

export function described(value: unknown): string {
  if (typeof value !== 'object' || value === null) return shown(value);
  const kind = kindOf(value);
  return kind === 'list' || kind === 'record' ? `a ${kind}` : kind;
}

/** What a record itself holds under a key that may be any word. */
export const own = <T>(record: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(record, key) ? record[key] : undefined;
