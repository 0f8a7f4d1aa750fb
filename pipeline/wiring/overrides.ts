/** Changes to a wired recipe from outside: what a request `set`s, `node.param=value`, and each `source`, `node[:port]=PATH`. */
import {checkTogether} from './check-definitions.js';
import {checkParam} from './check-params.js';
import type {Ref} from '../recipe.js';
import {err, ok} from '../result.js';
import type {Result} from '../result.js';
import {suggestion} from './did-you-mean.js';
import {isRef, refsOf} from './nodes.js';
import type {StageNode, WiredNode, Wiring} from './nodes.js';
import type {Json} from '../stage.js';

/** Applies `node.param=value`, `node.param.key=value` for a key of a record. The value is JSON, or else a string. */
export function applySet(wiring: Wiring, assignment: string): Result<Wiring, string> {
  const match = /^([^.=]+)\.([^=]+)=(.*)$/s.exec(assignment);
  if (match === null) return err(`set takes NODE.PARAM=VALUE, not “${assignment}”`);
  const [, id, path, text] = match as unknown as [string, string, string, string];
  const node = wiring.nodes.get(id);
  if (node === undefined) return err(unknownNode(wiring, id));
  if (node.type === 'source') return err(`“${id}” is a source and has no params; its path is set by source ${id}=PATH`);
  const [name, ...keys] = path.split('.') as [string, ...string[]];
  const own = <T>(record: Readonly<Record<string, T>>): T | undefined =>
    Object.hasOwn(record, name) ? record[name] : undefined;
  const value = withKey(own(node.params), keys, parseValue(text, own(node.stage.params), keys));
  const isParam = own(node.stage.params) !== undefined;
  if (value === undefined && isParam)
    return err(`set ${assignment}: “${[name, ...keys].slice(0, -1).join('.')}” is not a record`);
  const checked = checkParam(node.stage, name, value ?? null, 'command line');
  if (!checked.ok) return err(`set ${assignment}: ${checked.error}`);
  return ok(replace(wiring, {...node, params: {...node.params, [name]: checked.value}}));
}

/** A sentence on a node. */
export interface NodeMistake {
  readonly node: string;
  readonly message: string;
}

/** What is wrong with the params that `--set` has changed, by their ranges and for their stages; see `StageDefinition.check`. */
export const checkSet = (before: Wiring, now: Wiring): readonly NodeMistake[] =>
  [...now.nodes.values()].flatMap((node) => {
    if (node.type === 'source' || node === before.nodes.get(node.id)) return [];
    return checkTogether(node, now.nodes).map((message) => ({node: node.id, message}));
  });

/**
 * Replaces the output `port` of a node by a file or folder; `absolute` is its path. The node goes on making its other
 * outputs. Without a port the whole node is replaced: the source stands for the one output that other nodes cannot do
 * without, and those that take any number of artifacts do without the rest. Nodes that were there for a replaced one alone,
 * such as one that fetches what it would have read, are left out.
 */
export function applySource(wiring: Wiring, target: string, absolute: string): Result<Wiring, string> {
  const [id, port] = target.split(':') as [string, string | undefined];
  const node = wiring.nodes.get(id);
  if (node === undefined) return err(unknownNode(wiring, id));
  if (node.type === 'source') {
    if (port !== undefined && port !== node.port) return err(`“${id}” has no output “${port}”; it is a source`);
    return ok(replace(wiring, {...node, path: absolute}));
  }
  const ports = Object.keys(node.stage.outputs);
  if (port !== undefined && !ports.includes(port)) {
    return err(`“${id}” has no output “${port}”${suggestion(port, ports)}; it has ${ports.join(', ')}`);
  }
  const sourceOf = (of: string) => ({type: 'source', port: of, kind: node.stage.outputs[of]!, path: absolute}) as const;
  if (port === undefined || ports.length === 1) {
    const main = port ?? mainOutput(wiring, id, ports);
    if (main === undefined) {
      return err(`“${id}” has the outputs ${ports.join(', ')}: say which, as in source ${id}:${ports[0]!}=PATH`);
    }
    const nodes = new Map([...wiring.nodes].map(([key, other]) => [key, withoutOthers(other, id, main)] as const));
    return ok(withoutUnused(wiring, replace({...wiring, nodes}, {...sourceOf(main), id})));
  }
  const beside = `${id}-${port}`;
  if (wiring.nodes.has(beside)) return err(`source ${target}: there is a node “${beside}” already`);
  const nodes = new Map<string, WiredNode>([[beside, {...sourceOf(port), id: beside}]]);
  for (const [key, other] of wiring.nodes)
    nodes.set(key, other.type === 'source' ? other : rewired(other, id, port, beside));
  return ok({...wiring, nodes});
}

/** Without nodes whose outputs were used before and no longer are, one behind the other. */
function withoutUnused(before: Wiring, now: Wiring): Wiring {
  const usedIn = (nodes: Iterable<WiredNode>): ReadonlySet<string> =>
    new Set([...nodes].flatMap((node) => refsOf(node).map(({ref}) => ref.node)));
  const wereUsed = usedIn(before.nodes.values());
  let nodes = now.nodes;
  for (;;) {
    const used = usedIn(nodes.values());
    const kept = new Map([...nodes].filter(([id]) => used.has(id) || !wereUsed.has(id)));
    if (kept.size === nodes.size) return {...now, nodes};
    nodes = kept;
  }
}

/** The only output, the only one that is used, or the only one that is the whole of some input. */
function mainOutput(wiring: Wiring, id: string, ports: readonly string[]): string | undefined {
  const uses = [...wiring.nodes.values()].flatMap((node) => refsOf(node)).filter(({ref}) => ref.node === id);
  const single = uses.filter(({name}) => name === undefined);
  for (const candidates of [ports, uses.map(({ref}) => ref.port), single.map(({ref}) => ref.port)]) {
    const [first, ...others] = new Set<string>(candidates);
    if (first !== undefined && others.length === 0) return first;
  }
  return undefined;
}

/** Takes all outputs of `id` but `port` out of the records that a node is wired with. */
function withoutOthers(node: WiredNode, id: string, port: string): WiredNode {
  if (node.type === 'source' || !refsOf(node).some(({ref}) => ref.node === id && ref.port !== port)) return node;
  const inputs: Record<string, Ref | Record<string, Ref>> = {};
  for (const [name, wired] of Object.entries(node.inputs)) {
    const kept = ([, ref]: [string, Ref]): boolean => ref.node !== id || ref.port === port;
    inputs[name] = isRef(wired) ? wired : Object.fromEntries(Object.entries(wired).filter(kept));
  }
  return {...node, inputs};
}

export const unknownNode = (wiring: Wiring, id: string): string =>
  `there is no node “${id}” in recipe “${wiring.recipe}”${suggestion(id, wiring.nodes.keys())}`;

function parseValue(text: string, standard: Json | undefined, keys: readonly string[]): Json {
  // A param that is a string takes the text as it stands, so that `a.mode=1` needs no quotes inside quotes.
  if (typeof standard === 'string' && keys.length === 0 && !text.startsWith('"')) return text;
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}

function withKey(whole: Json | undefined, keys: readonly string[], value: Json): Json | undefined {
  const [key, ...rest] = keys;
  if (key === undefined) return value;
  if (typeof whole !== 'object' || whole === null || Array.isArray(whole)) return undefined;
  const record = whole as Readonly<Record<string, Json>>;
  const inner = withKey(Object.hasOwn(record, key) ? record[key] : undefined, rest, value);
  return inner === undefined ? undefined : {...record, [key]: inner};
}

function rewired(node: StageNode, id: string, port: string, to: string): StageNode {
  const move = (ref: Ref): Ref => (ref.node === id && ref.port === port ? {...ref, node: to} : ref);
  if (!refsOf(node).some(({ref}) => ref.node === id && ref.port === port)) return node;
  const inputs = Object.entries(node.inputs).map(
    ([name, wired]) =>
      [
        name,
        isRef(wired) ? move(wired) : Object.fromEntries(Object.entries(wired).map(([key, ref]) => [key, move(ref)])),
      ] as const,
  );
  return {...node, inputs: Object.fromEntries(inputs)};
}

const replace = (wiring: Wiring, node: WiredNode): Wiring => ({
  ...wiring,
  nodes: new Map(wiring.nodes).set(node.id, node),
});
