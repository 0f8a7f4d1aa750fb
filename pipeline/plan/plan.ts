/**
 * What a run would do, and why, before it does anything. Pure: all knowledge of the past comes in through `History`. Inputs
 * enter fingerprints by content, so below a node that must run nothing is certain: there the plan says `runs if … changes`.
 */
import type {CodeParts} from '../../artifacts/queries/code-parts.js';
import type {Digest} from '../../artifacts/index.js';
import {declaredEnv} from '../wiring/environment.js';
import {differences, fingerprintOf} from '../fingerprint/fingerprint.js';
import type {Ingredients, KnownIngredients, RuntimeClass} from '../fingerprint/fingerprint.js';
import type {Code} from '../fingerprint/code-digest.js';
import {criticalPaths} from '../wiring/graph.js';
import {shortened} from '../values/printable.js';
import type {Graph} from '../wiring/graph.js';
import {isRef, needsOf, refsOf, resourcesOf, threadsOf} from '../wiring/nodes.js';
import type {SourceNode, StageNode, WiredNode, Wiring} from '../wiring/nodes.js';
import type {EnvironmentIdentity, StageEnvironment} from '../stage.js';

/** What a run would do with one node. `because` is a phrase for people. */
export type PlannedNode = PlannedSource | PlannedReuse | PlannedRun | PlannedMaybe;

/** Something from outside with the content it has now. */
export interface PlannedSource {
  readonly action: 'source';
  readonly node: SourceNode;
  readonly artifact: Digest;
  readonly because: string;
}

export interface PlannedReuse {
  readonly action: 'reuse';
  readonly node: WiredNode;
  /** Left out where the attempt is pinned, whatever today's fingerprint would be. */
  readonly fingerprint?: Digest;
  readonly attempt: number;
  /** Output port → artifact. */
  readonly outputs: Readonly<Record<string, Digest>>;
  readonly because: string;
}

/** Must run. Without a fingerprint when an input is not known yet. */
export interface PlannedRun {
  readonly action: 'run';
  readonly node: StageNode;
  readonly known: KnownIngredients;
  readonly fingerprint?: Digest;
  readonly because: string;
  /** The checkpoint that it goes on from; left out where it begins anew, or the fingerprint is not known. */
  readonly continues?: CheckpointRef;
  readonly expected?: Expected;
}

/** Runs only if one of the nodes `on` makes other bytes than it made before. */
export interface PlannedMaybe {
  readonly action: 'maybe';
  readonly node: StageNode;
  readonly known: KnownIngredients;
  /** Ids of nodes. */
  readonly on: readonly string[];
  readonly because: string;
  readonly expected?: Expected;
}

/** What the newest earlier success of the same node cost. */
export interface Expected {
  /** Wall-clock time, milliseconds. */
  readonly wallMs: number;
  readonly peakBytes?: number;
  readonly outputBytes?: number;
}

/** An attempt at the very same work that has come to nothing, or not yet. */
export interface Unfinished {
  /** What became of it, and whether the next one begins anew, as a phrase. */
  readonly because: string;
  /** The checkpoint that the next one starts from, of this attempt or of an earlier one. */
  readonly continues?: CheckpointRef;
}

/** A checkpoint: whose it is, and the last step that it holds, counted from 1. */
export interface CheckpointRef {
  readonly attempt: number;
  readonly step: number;
}

/** A checkpoint that is not used since other code wrote it; `because` are its changes, as part of a sentence. */
export interface DroppedCheckpoint extends CheckpointRef {
  /** The run that it is of, which can go on from it all the same when it is resumed. */
  readonly run: number;
  readonly because: string;
}

/** What is remembered of earlier runs. */
export interface History {
  find(fingerprint: Digest): {readonly attempt: number; readonly outputs: Readonly<Record<string, Digest>>} | undefined;
  /** Why a fingerprint that was made once is a miss now. */
  gone(fingerprint: Digest): string | undefined;
  /** The newest success of this node in this recipe. */
  last(node: string): Ingredients | undefined;
  /** The newest attempt of this node in this recipe, if it ended badly. */
  lastFailure?(node: string): {readonly how: string; readonly ingredients: Ingredients} | undefined;
  /** The newest attempt with this very fingerprint, unless it succeeded. */
  unfinished?(fingerprint: Digest): Unfinished | undefined;
  /** The checkpoint of the newest attempt's run that nothing but a change of code keeps `node` from. */
  dropped?(
    node: string,
    now: Pick<KnownIngredients, 'code' | 'definitions'>,
    fingerprint: Digest,
  ): DroppedCheckpoint | undefined;
  expected(node: StageNode): Expected | undefined;
  codeParts(digest: string): CodeParts | undefined;
}

/** Environment that a stage declares → what counts of it. */
export type Environments = ReadonlyMap<StageEnvironment, EnvironmentIdentity>;

/** What a run would do, node by node. */
export interface Plan {
  /** In topological order. */
  readonly nodes: ReadonlyMap<string, PlannedNode>;
  /** The chain of nodes that decides how long all of it takes, as far as history tells. */
  readonly criticalPath: {readonly nodes: readonly string[]; readonly wallMs: number};
}

export interface PlanInput {
  readonly wiring: Wiring;
  readonly graph: Graph;
  readonly selected: ReadonlySet<string>;
  readonly seed: number;
  readonly force: ReadonlySet<string>;
  /** Source node → digest of what lies at its path. */
  readonly sources: ReadonlyMap<string, Digest>;
  /** @param module URL of one that exports a stage or a definition */
  readonly codeOf: (module: string) => Code;
  readonly runtimeOf: (threads: number) => RuntimeClass;
  /** What counts of the environments that stages of the plan declare. */
  readonly environments?: Environments | undefined;
  readonly history: History;
  /** Nodes that keep an earlier attempt whatever their fingerprint would be today (`r1 resume`). */
  readonly pinned?: ReadonlyMap<
    string,
    {readonly attempt: number; readonly outputs: Readonly<Record<string, Digest>>; readonly because: string}
  >;
}

export function makePlan(input: PlanInput): Plan {
  const {wiring, graph, selected, sources, pinned} = input;
  const nodes = new Map<string, PlannedNode>();
  for (const id of graph.order) {
    if (!selected.has(id)) continue;
    const node = wiring.nodes.get(id)!;
    const pin = pinned?.get(id);
    if (pin !== undefined) {
      nodes.set(id, {action: 'reuse', node, ...pin});
      continue;
    }
    if (node.type === 'source') {
      const artifact = sources.get(id);
      if (artifact === undefined) throw new Error(`Internal error: source ${id} was not described`);
      nodes.set(id, {action: 'source', node, artifact, because: `content of ${node.path}`});
      continue;
    }
    nodes.set(id, planNode(node, nodes, input));
  }
  return {nodes, criticalPath: criticalPathOf(nodes, graph)};
}

/** The ingredients of a node but for its inputs. */
export function knownIngredients(
  node: StageNode,
  input: Pick<PlanInput, 'codeOf' | 'runtimeOf' | 'environments' | 'seed'>,
): KnownIngredients {
  const env = declaredEnv(node);
  const environment = environmentIngredient(node, input.environments);
  return {
    stage: node.stage.name,
    ...codeIngredients(node, input.codeOf),
    params: node.params,
    seed: node.stage.seedless === true ? null : input.seed,
    runtime: node.stage.tensor === true ? runtimeIngredient(node, input.runtimeOf) : null,
    ...(env === undefined ? {} : {env}),
    ...(environment === undefined ? {} : {environment}),
  };
}

function environmentIngredient(
  {id, stage}: StageNode,
  environments: Environments | undefined,
): KnownIngredients['environment'] {
  if (stage.environment === undefined) return undefined;
  const identity = environments?.get(stage.environment);
  if (identity === undefined) throw new Error(`Internal error: nobody asked what the environment of ${id} is`);
  return identity;
}

/** What computes in an environment of its own has nothing to do with the libraries that set-up found. */
function runtimeIngredient(node: StageNode, runtimeOf: PlanInput['runtimeOf']): RuntimeClass {
  const {environment} = node.stage;
  const threads = threadsOf(node);
  if (environment?.runtime === undefined) return runtimeOf(threads);
  return environment.runtime({threads, gpus: resourcesOf(node).gpu});
}

/** What counts of the code of a node: that of its stage, and that of each definition. */
export function codeIngredients(
  {stage, definitions}: StageNode,
  codeOf: PlanInput['codeOf'],
): Pick<KnownIngredients, 'code' | 'definitions'> {
  const code = codeOf(stage.module).digest;
  if (definitions === undefined) return {code};
  const digests = Object.entries(definitions).flatMap(([option, list]) =>
    list.map(({name, module}) => [`${option}/${name}`, codeOf(module).digest] as const),
  );
  return {code, definitions: Object.fromEntries(digests)};
}

/**
 * Ingredients once every input is known, in the order in which they are hashed, which saves sorting them then.
 *
 * @param artifactOf names the artifact behind a ref
 */
export function withInputs(
  node: StageNode,
  known: KnownIngredients,
  artifactOf: (node: string, port: string) => Digest | undefined,
): Ingredients | undefined {
  const inputs: Record<string, string | Record<string, string>> = {};
  for (const port of Object.keys(node.inputs).sort()) {
    const wired = node.inputs[port]!;
    if (isRef(wired)) {
      const digest = artifactOf(wired.node, wired.port);
      if (digest === undefined) return undefined;
      inputs[port] = digest;
      continue;
    }
    let names: Record<string, string> | undefined;
    for (const name of Object.keys(wired).sort()) {
      const ref = wired[name]!;
      const digest = artifactOf(ref.node, ref.port);
      if (digest === undefined) return undefined;
      names ??= inputs[port] = table();
      names[name] = digest;
    }
  }
  const {code, definitions, env, environment, params, runtime, seed, stage} = known;
  if (definitions !== undefined || environment !== undefined) {
    return {
      code,
      ...(definitions === undefined ? {} : {definitions}),
      ...(env === undefined ? {} : {env}),
      ...(environment === undefined ? {} : {environment}),
      inputs,
      params,
      runtime,
      seed,
      stage,
    };
  }
  return env === undefined
    ? {code, inputs, params, runtime, seed, stage}
    : {code, env, inputs, params, runtime, seed, stage};
}

/** A record without a prototype: of another V8 would note the shape for every new set of names, which takes four times as long. */
const table = (): Record<string, string> => Object.create(null) as Record<string, string>;

function planNode(node: StageNode, planned: ReadonlyMap<string, PlannedNode>, input: PlanInput): PlannedNode {
  const {history, force} = input;
  const known = knownIngredients(node, input);
  const ingredients = withInputs(node, known, (other, port) => outputOf(planned.get(other), port));
  if (ingredients === undefined) {
    if (force.has(node.id)) return {action: 'run', node, known, because: FORCED, ...costOf(node, history)};
    const because = becauseOf(node, known, history);
    if (because !== undefined) return {action: 'run', node, known, because, ...costOf(node, history)};
    const on = unsettled(node, planned);
    return {action: 'maybe', node, known, on, because: `runs if ${on.join(' or ')} changes`, ...costOf(node, history)};
  }
  const fingerprint = fingerprintOf(ingredients);
  if (force.has(node.id)) return {action: 'run', node, known, fingerprint, because: FORCED, ...costOf(node, history)};
  const hit = history.find(fingerprint);
  if (hit !== undefined) return {action: 'reuse', node, fingerprint, ...hit, because: 'nothing changed'};
  const because = missReason(node, ingredients, fingerprint, history);
  const continues = history.unfinished?.(fingerprint)?.continues;
  const from = continues === undefined ? {} : {continues};
  return {action: 'run', node, known, fingerprint, because, ...from, ...costOf(node, history)};
}

/** Looked up only where there is something to do, as a plan of nothing but hits should cost next to nothing. */
function costOf(node: StageNode, history: History): {expected?: Expected} {
  const expected = history.expected(node);
  return expected === undefined ? {} : {expected};
}

const FORCED = 'forced';

/** Why there is nothing to reuse for these ingredients. */
export function missReason(node: StageNode, now: Ingredients, fingerprint: Digest, history: History): string {
  const gone = history.gone(fingerprint);
  const unfinished = history.unfinished?.(fingerprint);
  if (unfinished === undefined) return gone ?? becauseOf(node, now, history) ?? 'not finished before';
  // What made it necessary at first is the reason still, and that it came to nothing is another.
  const {last, codeParts} = history;
  const first = gone ?? (last(node.id) === undefined ? undefined : becauseOf(node, now, {last, codeParts}));
  return [...(first === undefined ? [] : [first]), unfinished.because].join('; ');
}

/** The reason to run, as far as it is known; `undefined` when all that is known is as it was. */
function becauseOf(
  node: StageNode,
  now: KnownIngredients & Partial<Pick<Ingredients, 'inputs'>>,
  history: Pick<History, 'last' | 'codeParts' | 'lastFailure'>,
): string | undefined {
  const before = history.last(node.id);
  const wiredTo = new Map(
    refsOf(node).map(({port, name, ref}) => [name === undefined ? port : `${port}.${name}`, ref.node]),
  );
  const since = (earlier: Ingredients) =>
    differences({
      before: earlier,
      now,
      codeParts: history.codeParts,
      madeBy: (name) => wiredTo.get(name),
      mostOfDefinition: MOST_FILES,
    });
  const found = before === undefined ? [] : since(before);
  if (found.length > 0) return inFewWords(found);
  const failed = history.lastFailure?.(node.id);
  if (failed === undefined) return before === undefined ? 'never made before' : undefined;
  const changes = since(failed.ingredients);
  return `last time: ${failed.how}${changes.length === 0 ? '' : `; since then: ${inFewWords(changes)}`}`;
}

const MOST_REASONS = 8;
/** Of one definition. */
const MOST_FILES = 3;
const MOST_OF_ONE = 200;

/** Reasons as one line; of many, or of a long one, what is beyond is to be had from `whyOf` and `diffRuns`. */
export function inFewWords(reasons: readonly string[]): string {
  const short = reasons.slice(0, MOST_REASONS).map((reason) => shortened(reason, MOST_OF_ONE));
  const more = reasons.length - short.length;
  return more > 0 ? `${short.join(', ')} and ${more} more` : short.join(', ');
}

function outputOf(planned: PlannedNode | undefined, port: string): Digest | undefined {
  if (planned?.action === 'source') return planned.artifact;
  return planned?.action === 'reuse' ? planned.outputs[port] : undefined;
}

/** The nodes right above that are not settled. */
function unsettled(node: WiredNode, planned: ReadonlyMap<string, PlannedNode>): string[] {
  return needsOf(node).filter((other) => {
    const action = planned.get(other)?.action;
    return action === 'run' || action === 'maybe';
  });
}

function criticalPathOf(nodes: ReadonlyMap<string, PlannedNode>, graph: Graph): Plan['criticalPath'] {
  const wallMs = new Map<string, number>();
  for (const [id, planned] of nodes) {
    if ('expected' in planned) wallMs.set(id, planned.expected.wallMs);
  }
  if (wallMs.size === 0) return {nodes: [], wallMs: 0};
  const wall = (id: string): number => wallMs.get(id) ?? 0;
  const longest = criticalPaths(graph, wall);
  const path: string[] = [];
  let candidates: readonly string[] = graph.order.filter((id) => nodes.has(id));
  let total = 0;
  for (;;) {
    let next: string | undefined;
    for (const id of candidates) {
      if (nodes.has(id) && (longest.get(id) ?? 0) > (next === undefined ? 0 : longest.get(next)!)) next = id;
    }
    if (next === undefined) return {nodes: path, wallMs: total};
    if (path.length === 0) total = longest.get(next)!;
    if (wall(next) > 0) path.push(next);
    candidates = graph.neededBy(next);
  }
}
