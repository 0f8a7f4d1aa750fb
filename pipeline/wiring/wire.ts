/**
 * Runs a recipe's `wire` and checks again what the compiler checks in a typed recipe: node ids, ports, kinds and params.
 * All mistakes are collected, each with the place of the faulty call. Cycles are found in `graph.ts`.
 */
import {dirname, resolve} from 'node:path';
import {declaredEnv, environmentMistakes} from './environment.js';
import {nameMistake, quoted, sameFolder} from '../values/names.js';
import {checkParam} from './check-params.js';
import {callerOutside, placeText} from '../modules/source/source-location.js';
import type {Add, Recipe, Ref} from '../recipe.js';
import {err, ok} from '../result.js';
import type {Result} from '../result.js';
import {suggestion} from './did-you-mean.js';
import {SOURCE_PORT, isMany, isOptional, isRef, outputKind, portKind, refsOf} from './nodes.js';
import type {StageNode, WiredNode, Wiring} from './nodes.js';
import {checkTogether, declarationMistakes, misplacedText, splitOptions} from './check-definitions.js';
import type {SplitOptions} from './check-definitions.js';
import {checkOptions, described, isRecord, own, sameText, sourceMistake, stageMistakes} from './check-declarations.js';
import {isStage} from '../stage.js';
import type {AnyStage, Kind, Params} from '../stage.js';

/** Something wrong in a recipe; `place` is `file:line:column`. */
export interface Mistake {
  readonly message: string;
  readonly place?: string;
  /** It is wrong with the recipe's function, not with a call in it. */
  readonly ofFunction?: boolean;
}

/** Says which stage a node is to have in the place of the recipe's, if any. */
export type StageAt = (id: string, stage: AnyStage) => AnyStage | undefined;

/**
 * The nodes of a recipe in the order in which they were added.
 *
 * @param folder where relative source paths start when the place of the call is unknown
 * @param instead what stands in for stages of the recipe; it gets the inputs, params and options that the recipe has for them
 */
export function wire(recipe: Recipe, folder: string, instead?: StageAt): Result<Wiring, readonly Mistake[]> {
  const nodes = new Map<string, WiredNode>();
  /** Those without a mistake. What follows from a mistake in another node is not said beside it. */
  const sound = new Map<string, WiredNode>();
  const mistakes: Mistake[] = [];
  const places = new Map<string, string>();
  const here = (): {place?: string} => {
    const place = callerOutside(import.meta.url);
    return place === undefined ? {} : {place: placeText(place)};
  };
  const complain = (message: string) => mistakes.push({message, ...here()});
  let isOver = false;
  const defaults = new Map<AnyStage, Params>();
  /** In the order in which params are hashed. */
  const defaultsOf = (stage: AnyStage): Params => {
    let params = defaults.get(stage);
    if (params === undefined) {
      for (const mistake of [...stageMistakes(stage), ...declarationMistakes(stage)]) complain(mistake);
      params = Object.fromEntries(Object.entries(stage.params).sort(([a], [b]) => (a < b ? -1 : 1)));
      defaults.set(stage, params);
    }
    return params;
  };

  const place = (node: WiredNode): boolean => {
    if (isOver) throw new Error(tooLate(recipe, node.id));
    const wrong = nameMistake(node.id);
    if (wrong !== undefined) {
      complain(`${quoted(node.id)} is not a node id: ${wrong}`);
      return false;
    }
    if (nodes.has(node.id)) {
      complain(`there are two nodes “${node.id}”`);
      return false;
    }
    nodes.set(node.id, node);
    return true;
  };

  const add = (
    id: string,
    written: unknown,
    inputs: unknown = {},
    params: Readonly<Record<string, unknown>> = {},
    options: unknown = {},
  ) => {
    if (!isStage(written)) {
      throw new WiringStopped([
        ...mistakes,
        {message: `node ${quoted(id)} was given no stage (is the import right?)`, ...here()},
      ]);
    }
    const stage = instead?.(id, written) ?? written;
    const label = quoted(id);
    const before = mistakes.length;
    checkInputs(id, stage, inputs, complain);
    const wired = isRecord(inputs) ? inputs : {};
    // In the order of the declaration, so that equal wiring looks equal however it was written down.
    const inOrder: Record<string, Ref> = {};
    for (const port of Object.keys(stage.inputs)) {
      if (Object.hasOwn(wired, port) && wired[port] !== undefined) inOrder[port] = wired[port] as Ref;
    }
    const chosen = {...defaultsOf(stage)};
    const given = isRecord(params) ? withoutMeaningless(params, written, stage) : {};
    if (!isRecord(params)) complain(`node ${label}: its params are ${described(params)}, not a record`);
    for (const [name, value] of Object.entries(given)) {
      if (value === undefined) continue;
      const checked = checkParam(stage, name, value, 'recipe');
      if (checked.ok) chosen[name] = checked.value;
      else complain(`node ${label}: ${misplacedText(stage, name, value) ?? checked.error}`);
    }
    const split: SplitOptions | undefined = isRecord(options) ? splitOptions(stage, options) : undefined;
    for (const mistake of split?.mistakes ?? []) complain(`node ${label}: ${mistake}`);
    const definitions = split?.definitions;
    const operational = checkOptions(split?.options ?? options);
    if (!operational.ok) {
      for (const mistake of operational.error) complain(`node ${label}: ${mistake}`);
      return refsTo(id, stage);
    }
    const settings = operational.value;
    const wrong = environmentMistakes(stage, settings);
    for (const mistake of wrong) complain(`node ${label}: ${mistake}`);
    // As of params, what the stage gives by itself is filled in: a run that is resumed keeps what it began with.
    const env = wrong.length > 0 ? undefined : declaredEnv({stage, options: settings});
    const node: StageNode = {
      type: 'stage',
      id,
      stage,
      inputs: inOrder,
      params: chosen,
      options: env === undefined ? settings : {...settings, env},
      ...(definitions === undefined ? {} : {definitions}),
    };
    // A stage is asked about what is right by itself only.
    if (mistakes.length === before)
      for (const mistake of checkTogether(node, sound)) complain(`node ${label}: ${mistake}`);
    if (place(node) && mistakes.length === before) sound.set(id, node);
    return refsTo(id, stage);
  };
  add.source = (id: string, kind: Kind, path: string): Ref => {
    const at = callerOutside(import.meta.url);
    const wrong = sourceMistake(kind, path);
    if (wrong !== undefined) {
      complain(`source ${quoted(id)}: ${wrong}`);
      return {node: id, port: SOURCE_PORT, kind};
    }
    place({
      type: 'source',
      id,
      port: SOURCE_PORT,
      kind,
      path: resolve(at === undefined ? folder : dirname(at.file), path),
    });
    return {node: id, port: SOURCE_PORT, kind};
  };

  try {
    const late = lateMistake(recipe.wire(add as unknown as Add));
    if (late !== undefined) return err([...mistakes, {message: late, ofFunction: true}]);
  } catch (error) {
    if (error instanceof WiringStopped) return err(error.mistakes);
    throw error;
  } finally {
    isOver = true;
  }
  if (nodes.size === 0 && mistakes.length === 0) {
    return err([{message: `recipe “${recipe.name}” has no nodes`, ofFunction: true}]);
  }
  for (const node of nodes.values())
    checkRefs(node, nodes, (message) => mistakes.push(locateMistake(message, node.id)));
  return mistakes.length > 0 ? err(mistakes) : ok({recipe: recipe.name, nodes});

  /** A mistake found after the calls were made: the recipe is wired once more to learn where this node is added. */
  function locateMistake(message: string, id: string): Mistake {
    if (places.size === 0) for (const [node, at] of placesOf(recipe)) places.set(node, at);
    const at = places.get(id);
    return {message, ...(at === undefined ? {} : {place: at})};
  }
}

/** Params that a node has for the stage that the recipe names, as far as they say anything to the one that stands in for it. */
function withoutMeaningless(
  params: Readonly<Record<string, unknown>>,
  written: AnyStage,
  {replaces}: AnyStage,
): Readonly<Record<string, unknown>> {
  if (replaces?.without === undefined || replaces.stage !== written.name) return params;
  return Object.fromEntries(Object.entries(params).filter(([name]) => !replaces.without!.includes(name)));
}

/** Node id → place of the call that added it. Apart from `wire`, because looking at the stack 100,000 times is slow. */
export function placesOf(recipe: Recipe): ReadonlyMap<string, string> {
  const places = new Map<string, string>();
  let isOver = false;
  const note = (id: string) => {
    if (isOver) throw new Error(tooLate(recipe, id));
    const at = callerOutside(import.meta.url);
    if (at !== undefined && !places.has(id)) places.set(id, placeText(at));
  };
  const add = (id: string, stage: AnyStage) => {
    note(id);
    return refsTo(id, stage);
  };
  add.source = (id: string, kind: Kind): Ref => {
    note(id);
    return {node: id, port: SOURCE_PORT, kind};
  };
  recipe.wire(add as unknown as Add);
  isOver = true;
  return places;
}

/** What is wrong with what a recipe's function returned, when it has not done its work by then. */
function lateMistake(returned: unknown): string | undefined {
  if (typeof returned !== 'object' || returned === null) return undefined;
  if (/Generator\]$/.test(Object.prototype.toString.call(returned))) {
    return 'the function of a recipe must not be a generator: nobody would resume it';
  }
  const {then} = returned as Partial<PromiseLike<unknown>>;
  if (typeof then !== 'function') return undefined;
  // What becomes of it does not matter any more, and a rejection would be reported on top of what is said here.
  then.call(returned, undefined, () => undefined);
  return (
    'the function of a recipe is not async: nodes that it adds after an `await` would be left out; ' +
    'wait for what it needs at the top level of the file'
  );
}

const tooLate = ({name}: Recipe, id: string): string =>
  `“${id}” was added when the function of recipe “${name}” had returned; nodes are added while it runs`;

/** Ends the wiring where it cannot go on, as there is no stage to make refs of. */
class WiringStopped extends Error {
  override readonly name = 'WiringStopped';
  constructor(readonly mistakes: readonly Mistake[]) {
    super(mistakes.map(({message}) => message).join('; '));
  }
}

/** Also asked of what a frozen plan says, since that is read out of a store. */
export function checkInputs(id: string, stage: AnyStage, inputs: unknown, complain: (message: string) => void): void {
  const label = quoted(id);
  if (!isRecord(inputs)) {
    complain(`node ${label}: its inputs are ${described(inputs)}, not a record of refs`);
    return;
  }
  for (const [port, wired] of Object.entries(inputs)) {
    const declared = own(stage.inputs, port);
    if (declared === undefined) {
      const unknown =
        `stage “${stage.name}” has no input ${quoted(port)}` +
        (suggestion(port, Object.keys(stage.inputs)) || `; it has ${list(Object.keys(stage.inputs))}`);
      complain(`node ${label}: ${misplacedText(stage, port, wired) ?? unknown}`);
    } else if (wired === undefined) {
      if (!isOptional(declared))
        complain(`node ${label}: input “${port}” is undefined: the node it is taken from has no output of that name`);
    } else if (isMany(declared)) {
      if (!isRecord(wired) || isRef(wired)) complain(`node ${label}: input “${port}” takes a record of refs`);
      else {
        for (const [name, ref] of Object.entries(wired)) {
          const wrong = nameMistake(name);
          if (wrong !== undefined) {
            complain(`node ${label}: ${quoted(name)} cannot name an artifact of input “${port}”: ${wrong}`);
          } else if (!isRef(ref)) complain(`node ${label}: input “${port}”, “${name}” is not a ref`);
        }
        const same = sameFolder(Object.keys(wired));
        if (same !== undefined) complain(`node ${label}: input “${port}”: ${sameText(same)}`);
      }
    } else if (!isRef(wired)) complain(`node ${label}: input “${port}” is not a ref (an output of another node)`);
  }
  for (const [port, declared] of Object.entries(stage.inputs)) {
    if (!Object.hasOwn(inputs, port) && !isOptional(declared)) {
      complain(`node ${label}: input “${port}” (${portKind(declared)}) of stage “${stage.name}” is not wired`);
    }
  }
}

/** Refs may be made by hand, so where they lead and what lies there is checked once all nodes are known. */
export function checkRefs(
  node: WiredNode,
  nodes: ReadonlyMap<string, WiredNode>,
  complain: (message: string) => void,
): void {
  if (node.type === 'source') return;
  for (const {port, name, ref} of refsOf(node)) {
    const input = name === undefined ? `input “${port}”` : `input “${port}”, “${name}”`;
    const target = nodes.get(ref.node);
    if (target === undefined) {
      complain(
        `node “${node.id}”: ${input} is wired to “${ref.node}”, which is not a node${suggestion(ref.node, nodes.keys())}`,
      );
      continue;
    }
    const kind = outputKind(target, ref.port);
    const wanted = portKind(node.stage.inputs[port]!);
    if (kind === undefined) {
      const has = target.type === 'source' ? [target.port] : Object.keys(target.stage.outputs);
      complain(`node “${node.id}”: “${ref.node}” has no output “${ref.port}”; it has ${list(has)}`);
    } else if (kind !== wanted) {
      complain(`node “${node.id}”: ${input} takes a ${wanted}, but “${ref.node}:${ref.port}” is of kind ${kind}`);
    }
  }
}

const list = (names: readonly string[]): string =>
  names.length === 0 ? 'none' : names.map((n) => `“${n}”`).join(', ');

function refsTo(id: string, stage: AnyStage): Record<string, Ref> {
  const outputs: Record<string, Ref> = {};
  for (const [port, kind] of Object.entries(stage.outputs)) outputs[port] = {node: id, port, kind};
  return outputs;
}
