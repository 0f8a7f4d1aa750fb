/** From a recipe and what a person asks for to a plan: wiring, changes from outside, selection, sources, code, history. */
import {resolve} from 'node:path';
import {disk} from '../../artifacts/files.js';
import {UserError, digestOf} from '../../artifacts/index.js';
import type {Remedy} from '../../artifacts/index.js';
import {listFiles} from '../../artifacts/blobs/list-files.js';
import {missingVariables} from '../wiring/environment.js';
import {prefetchReusable} from '../../artifacts/queries/reuse-prefetch.js';
import type {ReusePrefetch} from '../../artifacts/queries/reuse-prefetch.js';
import type {Artifact, AttemptId, Digest, Reusable, Store} from '../../artifacts/index.js';
import {exportNames} from '../wiring/export-names.js';
import type {ExportNames} from '../wiring/export-names.js';
import type {RuntimeClass} from '../fingerprint/fingerprint.js';
import {buildGraph} from '../wiring/graph.js';
import type {Graph} from '../wiring/graph.js';
import {openCurrentCode} from '../job/job-code.js';
import type {CurrentCode} from '../job/job-code.js';
import type {LoadedRecipe} from '../wiring/load-recipe.js';
import {applySet, applySource, checkSet, unknownNode} from '../wiring/overrides.js';
import {askEnvironments} from './environments.js';
import {openStandIns} from '../wiring/stand-ins.js';
import type {StandInRequest} from '../wiring/stand-ins.js';
import type {AnyStage} from '../stage.js';
import {openHistory} from './history.js';
import {unreadable} from '../../artifacts/path-error.js';
import {makePlan} from './plan.js';
import {planProgramFiles, requirePrograms} from './program-files.js';
import type {Environments, History, Plan} from './plan.js';
import {shown} from '../values/printable.js';
import {described} from '../wiring/check-declarations.js';
import {select} from '../wiring/selection.js';
import type {Selection} from '../wiring/selection.js';
import {openTokenCache} from '../fingerprint/token-cache.js';
import {placesOf} from '../wiring/wire.js';
import {mistakesError, wireLoaded} from '../wiring/wire-loaded.js';
import {needsOf} from '../wiring/nodes.js';
import type {Wiring} from '../wiring/nodes.js';

/** What a person can ask of a run; option lists as on the command line. */
export interface RunRequest extends Selection, StandInRequest {
  /** Of all draws of stages that are not `seedless`; other seeds are other attempts. */
  readonly seed: number;
  /** One of the recipe's profiles. */
  readonly profile?: string;
  /** Params in the place of the recipe's: `node.param=value`, the value as JSON or else as a string. */
  readonly set?: readonly string[];
  /** Files or folders in the place of what a node makes: `node[:port]=PATH`. */
  readonly source?: readonly string[];
  /** Nodes that run although nothing has changed. */
  readonly force?: readonly string[];
}

export interface PrepareOptions {
  readonly loaded: LoadedRecipe;
  readonly request: RunRequest;
  /** A function makes the store; it is called when nothing can be wrong any more with the request or the recipe. */
  readonly store: Store | (() => Store);
  readonly runtimeOf: (threads: number) => RuntimeClass;
  /** What can stand in for the recipe's stages where the request asks for that. */
  readonly stages?: () => Promise<readonly AnyStage[]>;
}

/** All that is needed to run a plan, or to make it again when the store has changed meanwhile. */
export interface Prepared {
  readonly wiring: Wiring;
  readonly graph: Graph;
  readonly selected: ReadonlySet<string>;
  readonly seed: number;
  readonly force: ReadonlySet<string>;
  readonly sources: ReadonlyMap<string, Artifact>;
  readonly exports: ExportNames;
  /** URL of the recipe's module, where it has one. */
  readonly recipeUrl?: string | undefined;
  readonly code: CurrentCode;
  readonly runtimeOf: (threads: number) => RuntimeClass;
  /** What counts of the environments that its stages declare. */
  readonly environments: Environments;
  readonly history: History;
  readonly pinned?: ReadonlyMap<string, Pinned>;
  readonly plan: Plan;
}

/** A node that keeps what an earlier attempt made. */
export interface Pinned {
  readonly attempt: AttemptId;
  readonly outputs: Readonly<Record<string, Digest>>;
  readonly because: string;
}

/** @throws UserError for mistakes in the recipe (each with its place), unknown nodes or params, missing sources */
export async function prepare(options: PrepareOptions): Promise<Prepared> {
  const {store, loaded} = options;
  // A store that is not there yet has nothing to tell.
  const prefetch = typeof store === 'function' ? undefined : prefetchReusable(store, loaded.recipe.name);
  try {
    return await prepareWith(options, prefetch);
  } finally {
    prefetch?.close();
  }
}

async function prepareWith(
  {loaded, request, store, runtimeOf, stages}: PrepareOptions,
  prefetch: ReusePrefetch | undefined,
): Promise<Prepared> {
  checkRequest(request);
  const standIns = await openStandIns(request, stages);
  const wired = await wireLoaded(loaded, request.profile, standIns?.at);
  standIns?.check(wired);
  let wiring = wired;
  for (const assignment of request.set ?? []) {
    const changed = applySet(wiring, assignment);
    if (!changed.ok)
      throw new UserError('bad-argument', changed.error, {
        remedy: listParams(wiring, loaded, request, [assignment.split('.')[0]!]),
      });
    wiring = changed.value;
  }
  const given = new Map<string, string>();
  for (const assignment of request.source ?? []) {
    const [target = '', ...path] = assignment.split('=');
    if (path.length === 0) throw new UserError('bad-argument', `source takes NODE[:PORT]=PATH, not “${assignment}”`);
    if (path.join('=') === '')
      throw new UserError('bad-argument', `source ${target}: the path is empty`, {
        hint: `say the file or folder, as in ${target}=PATH; “.” is the current folder`,
      });
    const before = given.get(target);
    if (before !== undefined)
      throw new UserError('bad-argument', `source ${target} is given twice: “${before}” and “${assignment}”`, {
        hint: 'leave one of them out',
      });
    given.set(target, assignment);
    wiring = orThrow(applySource(wiring, target, resolve(path.join('='))));
  }
  // Only now: one that is set may be right together with another that is set, or with a source.
  const mistakes = request.set === undefined ? [] : checkSet(wired, wiring);
  if (mistakes.length > 0)
    throw new UserError('bad-argument', mistakes.map(({node, message}) => `set ${node}: ${message}`).join('\n'), {
      remedy: listParams(
        wiring,
        loaded,
        request,
        mistakes.map(({node}) => node),
      ),
    });
  const graph = graphOf(wiring, loaded);
  for (const option of ['only', 'from', 'until', 'force'] as const) {
    for (const id of request[option] ?? []) {
      if (!wiring.nodes.has(id))
        throw new UserError('not-found', `${option}: ${unknownNode(wiring, id)}`, {hint: knownNodes(wiring)});
    }
  }
  const exports = await exportNames(wiring, loaded.recipe);
  if (!exports.ok) throw mistakesError(loaded, exports.error);
  return planWiring({
    wiring,
    graph,
    selected: select(graph, request),
    seed: request.seed,
    force: new Set(request.force),
    exports: exports.value,
    recipeUrl: loaded.url,
    store,
    runtimeOf,
    prefetched: (await prefetch?.reusable) ?? new Map(),
  });
}

/** Where the params of the first of these nodes that is a stage in its place are explained. */
function listParams(
  {nodes}: Wiring,
  {file}: LoadedRecipe,
  {profile}: RunRequest,
  ids: readonly string[],
): Remedy | undefined {
  const node = ids.find((id) => nodes.get(id)?.type === 'stage');
  return node === undefined
    ? undefined
    : {type: 'list-params', node, recipe: file, ...(profile === undefined ? {} : {profile})};
}

/** For programs that no compiler has checked. @throws UserError */
function checkRequest({seed, profile, trainer, ...request}: RunRequest): void {
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new UserError('bad-argument', `the seed is ${shown(seed)}, not a whole number from 0`);
  if (profile !== undefined && typeof profile !== 'string')
    throw new UserError('bad-argument', `“profile” is ${described(profile)}, not a text`);
  if (trainer !== undefined && typeof trainer !== 'string')
    throw new UserError('bad-argument', `“trainer” is ${described(trainer)}, not a text`);
  for (const option of ['only', 'from', 'until', 'force', 'set', 'source', 'replace'] as const) {
    const given: unknown = request[option];
    if (given !== undefined && !(Array.isArray(given) && given.every((each) => typeof each === 'string')))
      throw new UserError('bad-argument', `“${option}” is ${described(given)}, not a list of texts`);
  }
}

/** The part that wiring from a recipe and wiring from a frozen plan have in common. */
export async function planWiring(
  options: Omit<Prepared, 'sources' | 'code' | 'environments' | 'history' | 'plan'> & {
    readonly store: Store | (() => Store);
    readonly prefetched?: ReadonlyMap<Digest, Reusable>;
  },
): Promise<Prepared> {
  const {prefetched, store: given, ...asked} = options;
  const {wiring, selected, pinned} = asked;
  const isPlanned = (id: string): boolean => selected.has(id) && pinned?.has(id) !== true;
  const rest = {...asked, environments: await askEnvironments(wiring, isPlanned)};
  const isNew = typeof given === 'function';
  const cache = openTokenCache(isNew ? undefined : given.folder);
  const code = openCurrentCode(cache);
  if (isNew) rehearse(rest, code);
  const store = isNew ? given() : given;
  const base = {...rest, store};
  const history = openHistory(store, {recipe: wiring.recipe, seed: base.seed}, code);
  const sources = await describeSources(wiring, isPlanned, store);
  const prepared = {...base, sources, code, history};
  const find: History['find'] = (fingerprint) => prefetched?.get(fingerprint) ?? history.find(fingerprint);
  // Only now: when the plan is made again, something of it may be gone.
  const plan = store.reading(() => planAgain({...prepared, history: {...history, find}}));
  if (store.mode === 'write') cache.save(store.folder);
  return {...prepared, plan};
}

/** What a store knows that is not there yet. */
const NO_HISTORY: History = {
  find: () => undefined,
  gone: () => undefined,
  last: () => undefined,
  expected: () => undefined,
  codeParts: () => undefined,
};

/**
 * Plans without a store, to find what can be wrong: stages whose code cannot be read, a machine that is not set up, missing
 * sources, variables and programs. Their bytes are not read for it.
 */
function rehearse(wired: Omit<Prepared, 'sources' | 'code' | 'history' | 'plan'>, code: CurrentCode): void {
  const {wiring, selected} = wired;
  const sources = new Map<string, Digest>();
  for (const node of wiring.nodes.values()) {
    if (node.type !== 'source' || !selected.has(node.id)) continue;
    try {
      listFiles(disk, node.path, 'follow');
    } catch (error) {
      throw sourceError(node.id, unreadable(error, node.path));
    }
    sources.set(node.id, digestOf('source', node.path));
  }
  const plan = makePlan({...wired, sources, history: NO_HISTORY, codeOf: (module) => code.codeOf(module)});
  requireVariables(plan);
  requirePrograms(planProgramFiles(plan));
}

/** The plan once more, with what the store knows by now. */
export function planAgain(prepared: Omit<Prepared, 'plan'>): Plan {
  const {code, sources} = prepared;
  return makePlan({
    ...prepared,
    sources: new Map([...sources].map(([id, {digest}]) => [id, digest])),
    codeOf: (module) => code.codeOf(module),
  });
}

async function describeSources(
  wiring: Wiring,
  wanted: (id: string) => boolean,
  store: Store,
): Promise<ReadonlyMap<string, Artifact>> {
  const sources = new Map<string, Artifact>();
  for (const node of wiring.nodes.values()) {
    if (node.type !== 'source' || !wanted(node.id)) continue;
    try {
      sources.set(node.id, await store.describe(node.path, node.kind));
    } catch (error) {
      throw sourceError(node.id, error);
    }
  }
  return sources;
}

function sourceError(id: string, error: unknown): unknown {
  if (!(error instanceof UserError)) return error;
  return new UserError(error.reason, `source “${id}”: ${error.message}`, {
    cause: error,
    hint: error.hint,
    remedy: error.remedy ?? (error.hint === undefined ? {type: 'set-source', node: id} : undefined),
  });
}

/** Before anything is recorded or run: hours later would be too late to learn that a credential is missing. */
export function requireVariables({nodes}: Plan): void {
  const missing = [...nodes.values()].flatMap((planned) =>
    planned.action === 'run' || planned.action === 'maybe' ? missingVariables(planned.node, process.env) : [],
  );
  if (missing.length === 0) return;
  throw new UserError('bad-argument', missing.join('\n'), {remedy: {type: 'set-variable'}});
}

export function graphOf(wiring: Wiring, loaded?: LoadedRecipe): Graph {
  const needs = new Map<string, readonly string[]>();
  for (const node of wiring.nodes.values()) needs.set(node.id, needsOf(node));
  const graph = buildGraph(needs);
  if (graph.ok) return graph.value;
  const {path} = graph.error;
  const message = `recipe “${wiring.recipe}” has a cycle: ${path.join(' → ')} (each needs the next)`;
  const place = loaded === undefined ? undefined : placesOf(loaded.recipe).get(path[0]!);
  throw new UserError('bad-argument', place === undefined ? message : `${place}: ${message}`);
}

const knownNodes = (wiring: Wiring): string => `nodes are ${[...wiring.nodes.keys()].slice(0, 40).join(', ')}`;

function orThrow<T>(result: {readonly ok: true; readonly value: T} | {readonly ok: false; readonly error: string}): T {
  if (result.ok) return result.value;
  throw new UserError('bad-argument', result.error);
}
