/** The definitions of a node: separated from its options, and checked as the compiler checks them in a typed recipe. */
import {isDefinition} from '../definition.js';
import {foreignPlaceOf, placeText} from '../modules/source/source-location.js';
import type {Definition, DefinitionOptions} from '../definition.js';
import {shown} from '../values/printable.js';
import {nameMistake, quoted} from '../values/names.js';
import type {AnyStage, Origin, Params, WiredWith} from '../stage.js';
import {described, isRecord, own} from './check-declarations.js';
import {suggestion} from './did-you-mean.js';
import {refsOf} from './nodes.js';
import {rangeMistakes} from './ranges.js';
import type {StageNode, WiredNode} from './nodes.js';

/** All that `NodeOptions` may hold. */
const OPTIONS: readonly string[] = [
  'threads',
  'resources',
  'timeout',
  'grace',
  'retries',
  'checkpointEvery',
  'env',
  'passEnv',
];

/** Option → its definitions, sorted by name. Options without any are left out, so that a node wired with none has no record. */
export type Definitions = Readonly<Record<string, readonly Definition[]>>;

/** The options of a node without its definitions, and these by themselves. */
export interface SplitOptions {
  readonly options: Readonly<Record<string, unknown>>;
  readonly definitions: Definitions | undefined;
  /** What is wrong with the definitions, or with an option that nothing is known of; each a sentence. */
  readonly mistakes: readonly string[];
}

/** @param options as `add` was given them, a plain record */
export function splitOptions(stage: AnyStage, options: Readonly<Record<string, unknown>>): SplitOptions {
  const declared = stage.definitions ?? {};
  const names = Object.keys(options);
  if (names.every((name) => OPTIONS.includes(name))) return {options, definitions: undefined, mistakes: []};
  const mistakes: string[] = [];
  const found: Record<string, readonly Definition[]> = {};
  for (const name of names.sort()) {
    if (OPTIONS.includes(name) || options[name] === undefined) continue;
    const kind = own(declared, name);
    if (kind === undefined) mistakes.push(unknownOption(stage, name));
    else {
      const list = checkList(name, kind, options[name], (mistake) => mistakes.push(mistake));
      if (list.length > 0) found[name] = list;
    }
  }
  return {
    options: Object.fromEntries(Object.entries(options).filter(([name]) => OPTIONS.includes(name))),
    definitions: Object.keys(found).length === 0 ? undefined : found,
    mistakes,
  };
}

function unknownOption({name, definitions = {}}: AnyStage, option: string): string {
  const taken = Object.keys(definitions);
  const has = [...taken, ...OPTIONS];
  return `stage “${name}” takes no option ${quoted(option)}${suggestion(option, has) || `; it takes ${has.join(', ')}`}`;
}

function checkList(
  option: string,
  kind: string,
  given: unknown,
  complain: (message: string) => void,
): readonly Definition[] {
  if (!Array.isArray(given)) {
    complain(`“${option}” is ${described(given)}, not a list of definitions of kind “${kind}”`);
    return [];
  }
  const list = new Map<string, Definition>();
  for (const [index, each] of (given as readonly unknown[]).entries()) {
    const wrong = definitionMistake(each, kind);
    if (wrong !== undefined) {
      complain(`${option}[${index}] ${wrong}`);
      continue;
    }
    const definition = each as Definition;
    const other = list.get(definition.name);
    if (other !== undefined) complain(`“${option}” ${twinsText(other, definition)}`);
    list.set(definition.name, definition);
  }
  // What a stage makes of them must not hang on the order in which they were written down, which no fingerprint counts.
  return [...list.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function twinsText(one: Definition, other: Definition): string {
  if (one === other) return `lists “${one.name}” twice; leave one of them out`;
  const from = one.module === other.module ? `both from ${one.module}` : `from ${one.module} and ${other.module}`;
  return `has two definitions called “${one.name}”, ${from}; give one of them another name`;
}

/** What is wrong with one of a list, as the end of a sentence. */
function definitionMistake(value: unknown, kind: string): string | undefined {
  if (isRecord(value) && value['module'] === undefined && isDefinition({...value, module: ''}))
    return `(${quoted(value['name'])}) has no module; write \`module: import.meta.url\``;
  if (!isDefinition(value)) return `is not a definition (is the import right?), but ${described(value)}`;
  if (value.kind !== kind) return `is a definition of kind ${shown(value.kind)} (${quoted(value.name)}), not “${kind}”`;
  const wrong = nameMistake(value.name);
  if (wrong !== undefined) return `is called ${quoted(value.name)}, which is not a name: ${wrong}`;
  if (value.module.startsWith('file:')) return undefined;
  return `(“${value.name}”) has the module ${shown(value.module)}; write \`module: import.meta.url\``;
}

/** What to do about a param or an input that is none, as it is, or holds, definitions; `undefined` where it is or holds none. */
export function misplacedText(stage: AnyStage, name: string, value: unknown): string | undefined {
  const found = definitionsIn(value);
  const options = Object.entries(stage.definitions ?? {});
  const [first] = found;
  if (first === undefined) {
    if (own(stage.definitions ?? {}, name) === undefined || own(stage.params, name) !== undefined) return undefined;
    return `“${name}” lists definitions, which go into the last argument of add: {${name}: […]}`;
  }
  const [option] = options.find(([, kind]) => kind === first.kind) ?? [];
  const names = found.map((each) => each.name).join(', ');
  return (
    `${quoted(name)} holds the definition ${quoted(first.name)}; definitions go into the last argument of add` +
    (option === undefined ? `, and stage “${stage.name}” takes none of its kind` : `: {${option}: [${names}]}`)
  );
}

function definitionsIn(value: unknown): readonly Definition[] {
  if (isDefinition(value)) return [value];
  if (Array.isArray(value)) return value.filter(isDefinition);
  return isRecord(value) ? Object.values(value).filter(isDefinition) : [];
}

/** What is wrong with the definitions that a stage declares to take, each a sentence. */
export function declarationMistakes({name, definitions, argv}: AnyStage): readonly string[] {
  if (definitions === undefined) return [];
  const mistakes: string[] = [];
  if (argv !== undefined) mistakes.push('it is a program, which is given no definitions');
  else if (!isRecord(definitions))
    mistakes.push(`its definitions are ${described(definitions)}, not a record of kinds`);
  else {
    for (const [option, kind] of Object.entries(definitions)) {
      const wrong = nameMistake(option);
      if (wrong !== undefined) mistakes.push(`${quoted(option)} cannot name an option: ${wrong}`);
      else if (OPTIONS.includes(option))
        mistakes.push(`“${option}” is an option of every node, so it lists no definitions`);
      if (typeof kind !== 'string' || kind === '') mistakes.push(`definitions “${option}” are of kind ${shown(kind)}`);
    }
  }
  return mistakes.map((mistake) => `stage ${quoted(name)}: ${mistake}`);
}

/** The definitions of a node for its stage: every option that the stage declares, those that were not given with empty lists. */
export function allOptions<T>(
  declared: DefinitionOptions | undefined,
  given: Readonly<Record<string, readonly T[]>> | undefined,
): Record<string, readonly T[]> {
  return Object.fromEntries(Object.keys(declared ?? {}).map((option) => [option, own(given ?? {}, option) ?? []]));
}

/**
 * What is wrong with the params of a node by their ranges or, where nothing is, what the stage itself finds wrong with params,
 * definitions and inputs that go together; see `StageDefinition.check`.
 *
 * @param nodes those that the stage is told of as origins of its inputs
 */
export function checkTogether(node: StageNode, nodes: ReadonlyMap<string, WiredNode> = new Map()): readonly string[] {
  const {stage, params, definitions, inputs} = node;
  const outside = rangeMistakes(stage, params);
  if (outside.length > 0 || stage.check === undefined) return outside;
  const check = stage.check.bind(stage) as (wired: WiredWith<Params, DefinitionOptions>) => unknown;
  const wired = {
    params,
    definitions: allOptions(stage.definitions, definitions),
    inputs: Object.keys(inputs),
    origins: originsOf(node, nodes),
  };
  let mistakes: unknown;
  try {
    mistakes = check(wired);
  } catch (error) {
    return [`its check threw ${thrownText(error)}`];
  }
  if (!Array.isArray(mistakes)) return [`its check returned ${described(mistakes)}, not a list of sentences`];
  const odd = (mistakes as readonly unknown[]).findIndex((each) => typeof each !== 'string');
  if (odd < 0) return mistakes as readonly string[];
  return [`its check returned a list that holds ${described(mistakes[odd])}, not a list of sentences`];
}

/** What somebody's own code threw, and where. */
function thrownText(error: unknown): string {
  if (!(error instanceof Error)) return shown(error);
  const place = foreignPlaceOf(error);
  return `${error.name}: ${error.message}${place === undefined ? '' : ` (${placeText(place)})`}`;
}

const originsOf = (node: StageNode, nodes: ReadonlyMap<string, WiredNode>): readonly Origin[] =>
  refsOf(node).flatMap(({port: input, ref}) => {
    const from = nodes.get(ref.node);
    if (from?.type !== 'stage') return [];
    const {name, module, definitions: declared} = from.stage;
    const definitions = allOptions(declared, from.definitions);
    return [{input, node: from.id, output: ref.port, stage: {name, module}, definitions}];
  });
