/**
 * A run's plan as it is kept with the run: wiring, params, seed and what the sources held; no fingerprints, since they
 * depend on the code of the day. `r1 resume` rebuilds the run from it without asking the recipe again (`read-frozen-plan.ts`).
 */
import {realpathSync} from 'node:fs';
import {dirname} from 'node:path';
import {fileURLToPath} from 'node:url';
import {UserError, isDigest} from '../../artifacts/index.js';
import type {Digest, Json, Run} from '../../artifacts/index.js';
import {isBuiltIn, moduleName} from '../modules/module-names.js';
import type {Origin} from '../modules/module-names.js';
import type {Prepared} from './prepare.js';
import {projectOf, recordedRecipe} from '../modules/project.js';
import type {NodeOptions} from '../recipe.js';
import type {Params} from '../stage.js';
import {NAME} from '../values/names.js';
import {isRef} from '../wiring/nodes.js';
import type {StageNode} from '../wiring/nodes.js';

export interface FrozenPlan {
  /**
   * In version 1 modules are named by their URLs, and the recipe's file is not. Version 3 is version 2 with definitions; a plan
   * without any is of version 2, so that an r1 that knows nothing of them reads all that it can carry out.
   */
  readonly version: 1 | 2 | 3;
  readonly recipe: string;
  /** Where the recipe lies in its project; left out for a built-in one, and for one that is no file. */
  readonly file?: string;
  readonly seed: number;
  /** Only what the run was about. */
  readonly nodes: Readonly<Record<string, FrozenNode>>;
  /** Its nodes in the order of the plan, each after what it needs; those of plans of 0.1, which have none, are sorted by name. */
  readonly order?: readonly string[];
}

export type FrozenNode = FrozenSource | FrozenStage;

export interface FrozenSource {
  readonly type: 'source';
  readonly port: string;
  readonly kind: string;
  readonly path: string;
  readonly artifact: Digest;
}

export interface FrozenStage {
  readonly type: 'stage';
  readonly stage: string;
  /** As `module-names.ts` names it, so that a plan survives a move of package, project and store. */
  readonly module: string;
  readonly export: string;
  readonly inputs: StageNode['inputs'];
  readonly params: Params;
  readonly options: NodeOptions;
  /** Option → definitions; left out where the node is wired with none. */
  readonly definitions?: Readonly<Record<string, readonly FrozenDefinition[]>>;
}

export interface FrozenDefinition {
  readonly name: string;
  /** Named as the module of a stage is. */
  readonly module: string;
  readonly export: string;
}

/** Put together in the order in which it is written down, which takes a fifth of the time then (`canonicalJson`). */
export function freeze(prepared: Omit<Prepared, 'plan'>): FrozenPlan {
  const {wiring, graph, selected, seed, sources, exports, recipeUrl} = prepared;
  const nodes: Record<string, FrozenNode> = {};
  const origin = originOf(recipeUrl);
  const names = new Map<string, string>();
  const nameOf = (module: string): string => {
    let name = names.get(module);
    if (name === undefined) names.set(module, (name = moduleName(module, origin)));
    return name;
  };
  let version: FrozenPlan['version'] = 2;
  for (const id of [...selected].sort()) {
    const node = wiring.nodes.get(id)!;
    if (node.type === 'source') {
      const {port, kind, path} = node;
      nodes[id] = {artifact: sources.get(id)!.digest, kind, path, port, type: 'source'};
    } else {
      const {stage, inputs, params, options, definitions} = node;
      const rest = {inputs, module: nameOf(stage.module), options, params, stage: stage.name, type: 'stage'} as const;
      nodes[id] = {export: exports.get(stage)!, ...rest};
      if (definitions === undefined) continue;
      version = 3;
      const frozen: Record<string, FrozenDefinition[]> = {};
      for (const [option, list] of Object.entries(definitions)) {
        frozen[option] = list.map((each) => ({
          export: exports.get(each)!,
          module: nameOf(each.module),
          name: each.name,
        }));
      }
      nodes[id] = {definitions: frozen, export: exports.get(stage)!, ...rest};
    }
  }
  const recorded = origin.file === undefined ? {} : {file: recordedRecipe(origin.file, process.cwd())};
  const order = graph.order.filter((id) => selected.has(id));
  return {...recorded, nodes, order, recipe: wiring.recipe, seed, version};
}

/** Where module names start: at the recipe's file, or at the project where there is none that a person could move. */
function originOf(url: string | undefined): Origin {
  if (url === undefined || isBuiltIn(url)) return {folder: projectOf(process.cwd())};
  const file = realpathSync(fileURLToPath(url));
  return {file, folder: dirname(file)};
}

export const frozenJson = (plan: FrozenPlan): Json => plan as unknown as Json;

/** The plan of a run, if it is one: a store is data, and may hold anything. @throws UserError newer-store, store-damaged */
export function frozenPlanOf({id, plan}: Pick<Run, 'id' | 'plan'>): FrozenPlan {
  if (isRecord(plan) && typeof plan['version'] === 'number' && plan['version'] > 3) {
    throw new UserError('newer-store', `run ${id} has a plan that this version of r1 cannot read`, {hint: 'update r1'});
  }
  const mistake = planMistake(plan);
  if (mistake === undefined) return plan as unknown as FrozenPlan;
  throw new UserError('store-damaged', `the store is damaged: the plan of run ${id} is not one, ${mistake}`, {
    remedy: {type: 'verify'},
  });
}

function planMistake(plan: unknown): string | undefined {
  if (!isRecord(plan)) return 'it is not a record';
  const {version, recipe, file, seed, nodes, order = []} = plan;
  if (version !== 1 && version !== 2 && version !== 3) return 'it has no version';
  if (typeof recipe !== 'string') return 'its recipe has no name';
  if (file !== undefined && typeof file !== 'string') return 'its file is not a path';
  if (!Number.isSafeInteger(seed)) return 'its seed is not a whole number';
  if (!isRecord(nodes)) return 'it has no nodes';
  if (!Array.isArray(order) || !order.every((id) => typeof id === 'string' && Object.hasOwn(nodes, id)))
    return 'its order is not one of its nodes';
  for (const [id, node] of Object.entries(nodes)) {
    if (!NAME.test(id)) return `${JSON.stringify(id)} is not the name of a node`;
    const mistake = nodeMistake(node);
    if (mistake !== undefined) return `node “${id}”: ${mistake}`;
  }
  return undefined;
}

function nodeMistake(node: unknown): string | undefined {
  if (!isRecord(node)) return 'it is not a record';
  const isText = (name: string): boolean => typeof node[name] === 'string';
  if (node['type'] === 'source') {
    if (!['port', 'kind', 'path', 'artifact'].every(isText)) return 'a part of the source is missing';
    return isDigest(node['artifact'] as string) ? undefined : 'its artifact is not a digest';
  }
  if (node['type'] !== 'stage') return 'it is neither a source nor a stage';
  const {inputs, params, options} = node;
  if (!['stage', 'module', 'export'].every(isText)) return 'a part of the stage is missing';
  if (!isRecord(inputs) || !isRecord(params) || !isRecord(options)) return 'inputs, params or options are not records';
  for (const wired of Object.values(inputs)) {
    if (isRef(wired)) continue;
    if (!isRecord(wired) || !Object.values(wired).every(isRef)) return 'an input is wired to nothing';
  }
  return definitionsMistake(node['definitions']) ?? optionsMistake(options);
}

function definitionsMistake(definitions: unknown = {}): string | undefined {
  const isOne = (value: unknown): boolean =>
    isRecord(value) && ['name', 'module', 'export'].every((key) => typeof value[key] === 'string');
  const areWhole =
    isRecord(definitions) && Object.values(definitions).every((list) => Array.isArray(list) && list.every(isOne));
  return areWhole ? undefined : 'its definitions are not lists of definitions';
}

function optionsMistake(options: Readonly<Record<string, unknown>>): string | undefined {
  const {resources = {}, env = {}, passEnv = []} = options;
  if (!isRecord(resources)) return 'its resources are not a record';
  if (!isRecord(env) || !Object.entries(env).flat().every(isName)) return 'its environment is not one';
  if (!Array.isArray(passEnv) || !passEnv.every(isName)) return 'its environment is not one';
  const numbers = [
    ...['threads', 'timeout', 'grace', 'retries', 'checkpointEvery'].map((name) => options[name]),
    ...Object.values(resources),
  ];
  const isAmount = (value: unknown): boolean =>
    value === undefined || (typeof value === 'number' && Number.isFinite(value) && value >= 0);
  return numbers.every(isAmount) ? undefined : 'an option is not a number';
}

const isName = (value: unknown): boolean => typeof value === 'string';

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
