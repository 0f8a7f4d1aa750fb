/** The nodes of a wired recipe, and what can be said of one without its recipe. */
import type {NodeOptions, Ref} from '../recipe.js';
import type {Definition} from '../definition.js';
import type {AnyStage, InputPort, Kind, Params, Resources} from '../stage.js';
import {own} from './check-declarations.js';

/** A stage in its place, all defaults filled in. */
export interface StageNode {
  readonly type: 'stage';
  readonly id: string;
  readonly stage: AnyStage;
  /** Port → ref, or for a `many` port: name → ref. Ports that were left out are left out here too. */
  readonly inputs: Readonly<Record<string, Ref | Readonly<Record<string, Ref>>>>;
  readonly params: Params;
  readonly options: NodeOptions;
  /** Option → definitions, sorted by name; left out where the node is wired with none. */
  readonly definitions?: Readonly<Record<string, readonly Definition[]>>;
}

/** Something from outside; `path` is absolute. `port` is `output`, or that of the node which it stands in for. */
export interface SourceNode {
  readonly type: 'source';
  readonly id: string;
  readonly port: string;
  readonly kind: Kind;
  readonly path: string;
}

export type WiredNode = StageNode | SourceNode;

export interface Wiring {
  readonly recipe: string;
  readonly nodes: ReadonlyMap<string, WiredNode>;
}

/** The port of a plain source. */
export const SOURCE_PORT = 'output';

/**
 * What one attempt of `node` occupies. A stage that says nothing keeps as many cores busy as it has threads, and one that
 * computes with tensors a whole GPU where there is one: two of them would fight for its memory.
 *
 * @param gpusOfTensors what one that computes with tensors holds where nothing is said
 */
export function resourcesOf(node: StageNode, gpusOfTensors = 1): Resources {
  const asked = {...node.stage.resources, ...node.options.resources};
  const gpu = node.stage.tensor === true ? gpusOfTensors : 0;
  return {cpu: asked.cpu ?? threadsOf(node), gpu: asked.gpu ?? gpu, memory: asked.memory ?? 0};
}

export const threadsOf = (node: StageNode): number => node.options.threads ?? node.stage.threads ?? 1;

/** URLs of the modules whose code a node runs: that of its stage, then those of its definitions, each once. */
export const modulesOf = ({stage, definitions}: Pick<StageNode, 'stage' | 'definitions'>): readonly string[] =>
  definitions === undefined
    ? [stage.module]
    : [...new Set([stage.module, ...Object.values(definitions).flatMap((list) => list.map(({module}) => module))])];

/** A place where a node is wired to another: a port and, where it takes many, a name. */
export interface WiredRef {
  readonly port: string;
  readonly name?: string;
  readonly ref: Ref;
}

/** The refs that `node` is wired to. */
export function refsOf(node: WiredNode): readonly WiredRef[] {
  if (node.type === 'source') return [];
  const refs: WiredRef[] = [];
  for (const [port, wired] of Object.entries(node.inputs)) {
    if (isRef(wired)) refs.push({port, ref: wired});
    else for (const [name, ref] of Object.entries(wired)) refs.push({port, name, ref});
  }
  return refs;
}

/** The nodes that `node` is wired to, each once. */
export const needsOf = (node: WiredNode): readonly string[] => [...new Set(refsOf(node).map(({ref}) => ref.node))];

export const outputKind = (node: WiredNode, port: string): Kind | undefined =>
  node.type === 'source' ? (port === node.port ? node.kind : undefined) : own(node.stage.outputs, port);

export const portKind = (port: InputPort): Kind => (typeof port === 'string' ? port : port.kind);
export const isMany = (port: InputPort): boolean => typeof port === 'object' && 'many' in port;
export const isOptional = (port: InputPort): boolean => typeof port === 'object' && 'optional' in port;

export const isRef = (value: unknown): value is Ref =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as Partial<Ref>).node === 'string' &&
  typeof (value as Partial<Ref>).port === 'string' &&
  typeof (value as Partial<Ref>).kind === 'string';
