/** From a frozen plan back to wiring, with today's stages, which come from a trusted place alone (`trust.ts`). */
import {isDeepStrictEqual} from 'node:util';
import {UserError} from '../../artifacts/index.js';
import {untrustedVariable} from '../wiring/environment.js';
import {importModule} from '../modules/import.js';
import type {FrozenPlan, FrozenStage} from './frozen-plan.js';
import {loadRecipe, recipeError} from '../wiring/load-recipe.js';
import {err, ok} from '../result.js';
import type {Result} from '../result.js';
import type {NodeOptions} from '../recipe.js';
import {isDefinition} from '../definition.js';
import {isStage} from '../stage.js';
import type {AnyStage} from '../stage.js';
import {checkTogether, splitOptions} from '../wiring/check-definitions.js';
import {checkParam} from '../wiring/check-params.js';
import type {ExportNames, Exported} from '../wiring/export-names.js';
import type {TrustedModules} from './trust.js';
import {checkInputs, checkRefs, wire} from '../wiring/wire.js';
import type {StageNode, WiredNode, Wiring} from '../wiring/nodes.js';

export interface Thawed {
  readonly wiring: Wiring;
  readonly exports: ExportNames;
}

/**
 * Wiring of a frozen plan with today's stages. Params are those of the plan, defaults that the stage has since got come on
 * top.
 *
 * @param kept nodes that keep what they have made: nothing runs with their params, so these may be of another version
 * @throws UserError where a stage is gone, is not trusted, or does not take the params or inputs of the plan any more
 */
export async function thaw(
  plan: FrozenPlan,
  modules: TrustedModules,
  kept: {has(id: string): boolean} = new Set(),
): Promise<Thawed> {
  const nodes = new Map<string, WiredNode>();
  const exports = new Map<Exported, string>();
  // All of them are looked for before the first is run.
  const urls = new Map<string, NodeModules>();
  for (const [id, frozen] of Object.entries(plan.nodes)) {
    if (frozen.type === 'source') continue;
    const found = findModules(frozen, modules);
    if (!found.ok) throw changedError(id, frozen, found.error);
    urls.set(id, found.value);
  }
  for (const [id, frozen] of Object.entries(plan.nodes)) {
    if (frozen.type === 'source') {
      const {port, kind, path} = frozen;
      nodes.set(id, {type: 'source', id, port, kind, path});
      continue;
    }
    const imported = await importNode(id, frozen, urls.get(id)!);
    if (!imported.ok) throw changedError(id, frozen, imported.error);
    const node = {...imported.value.node, params: {...imported.value.node.stage.params, ...frozen.params}};
    for (const [exported, name] of imported.value.exports) exports.set(exported, name);
    const mistakes: string[] = [];
    checkInputs(id, node.stage, node.inputs, (mistake) => mistakes.push(mistake));
    if (!kept.has(id)) mistakes.push(...paramMistakes(node.stage, frozen.params));
    // What a stage finds wrong with params that it does not have is beside the point. Without origins: what ran before is not
    // refused for the way in which its nodes go together.
    if (!kept.has(id) && mistakes.length === 0) mistakes.push(...checkTogether(node));
    if (mistakes.length > 0) throw changedError(id, frozen, mistakes[0]!);
    nodes.set(id, node);
  }
  for (const [id, frozen] of Object.entries(plan.nodes)) {
    if (frozen.type === 'source') continue;
    const mistakes: string[] = [];
    checkRefs(nodes.get(id)!, nodes, (mistake) => mistakes.push(mistake));
    if (mistakes.length > 0) throw changedError(id, frozen, mistakes[0]!);
  }
  await refuseStrangeEnvironment(plan, nodes, modules);
  return {wiring: {recipe: plan.recipe, nodes}, exports};
}

/** What the stage of today, or a plan that somebody has altered, makes wrong with the params of a plan. */
function paramMistakes(stage: AnyStage, params: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(params).flatMap(([name, value]) => {
    const checked = checkParam(stage, name, value, 'recipe');
    return checked.ok ? [] : [`the run has other params than the stage takes today: ${checked.error}`];
  });
}

/** URLs of the modules of a frozen node. */
export interface NodeModules {
  readonly stage: string;
  /** In the order of the node's definitions. */
  readonly definitions: readonly string[];
}

/** Where the modules of a frozen node lie today, or why one is nowhere. Runs none. @throws UserError 'untrusted-code' */
export function findModules(frozen: FrozenStage, modules: TrustedModules): Result<NodeModules, string> {
  const stage = modules.find(frozen.module);
  if (!stage.ok) return stage;
  const definitions: string[] = [];
  for (const {definition} of definitionsIn(frozen)) {
    const found = modules.find(definition.module);
    if (!found.ok) return found;
    definitions.push(found.value);
  }
  return ok({stage: stage.value, definitions});
}

/** The definitions of a frozen node, in one order. */
export const definitionsIn = ({definitions = {}}: FrozenStage) =>
  Object.entries(definitions).flatMap(([option, list]) => list.map((definition) => ({option, definition})));

/** A frozen node with what its modules export today, or why that cannot be had. Params are those of the plan. Runs the modules. */
export async function importNode(
  id: string,
  frozen: FrozenStage,
  urls: NodeModules,
): Promise<Result<{readonly node: StageNode; readonly exports: ExportNames}, string>> {
  const imported = await importExport(urls.stage, frozen.export);
  if (!imported.ok) return imported;
  const stage = imported.value;
  if (!isStage(stage) || stage.name !== frozen.stage)
    return err(`${urls.stage} exports no stage “${frozen.stage}” as “${frozen.export}” any more`);
  const exports = new Map<Exported, string>([[stage, frozen.export]]);
  const lists = new Map<string, unknown[]>();
  for (const [index, {option, definition}] of definitionsIn(frozen).entries()) {
    const url = urls.definitions[index]!;
    const found = await importExport(url, definition.export);
    if (!found.ok) return found;
    const {value} = found;
    if (!isDefinition(value) || value.name !== definition.name)
      return err(`${url} exports no definition “${definition.name}” as “${definition.export}” any more`);
    exports.set(value, definition.export);
    lists.set(option, [...(lists.get(option) ?? []), value]);
  }
  const {definitions, mistakes} = splitOptions(stage, Object.fromEntries(lists));
  if (mistakes.length > 0) return err(mistakes[0]!);
  const {inputs, params, options} = frozen;
  const wired = definitions === undefined ? {} : {definitions};
  return ok({node: {type: 'stage', id, stage, inputs, params, options, ...wired}, exports});
}

async function importExport(url: string, name: string): Promise<Result<unknown, string>> {
  try {
    return ok((await importModule(url))[name]);
  } catch (error) {
    return err(`${url} cannot be imported: ${(error as Error).message}`);
  }
}

/**
 * Variables that decide what code runs, and whose values are handed on, are not taken from a plan on its own word: the stage or
 * the trusted recipe must say the same.
 */
export async function refuseStrangeEnvironment(
  plan: FrozenPlan,
  nodes: Wiring['nodes'],
  modules: TrustedModules,
): Promise<void> {
  let today: Wiring['nodes'] | undefined;
  for (const node of nodes.values()) {
    const why = node.type === 'source' ? undefined : (untrustedVariable(node) ?? unaskedFor(node));
    if (why === undefined) continue;
    today ??= modules.recipe === undefined ? new Map() : await wiringOf(modules.recipe);
    const frozen = plan.nodes[node.id] as FrozenStage;
    const now = today.get(node.id);
    const isSame =
      now?.type === 'stage' && isDeepStrictEqual(environmentOf(now.options), environmentOf(frozen.options));
    if (!isSame) throw changedError(node.id, frozen, why);
  }
}

const environmentOf = ({env = {}, passEnv = []}: NodeOptions): unknown => [env, [...passEnv].sort()];

/** A variable of the person's own that only the plan asks for. */
function unaskedFor({stage, options}: StageNode): string | undefined {
  const name = options.passEnv?.find((each) => stage.passEnv?.includes(each) !== true);
  if (name === undefined) return undefined;
  return `only the plan asks for your environment variable ${name}, so it is not handed on`;
}

async function wiringOf(file: string): Promise<Wiring['nodes']> {
  const {recipe, folder} = await loadRecipe(file, {});
  let wired: ReturnType<typeof wire>;
  try {
    wired = wire(recipe, folder);
  } catch (error) {
    throw await recipeError(file, error);
  }
  if (wired.ok) return wired.value.nodes;
  throw new UserError('bad-argument', wired.error.map(({message, place}) => `${place ?? file}: ${message}`).join('\n'));
}

const changedError = (id: string, {stage}: FrozenStage, why: string): UserError =>
  new UserError('bad-argument', `node “${id}”, stage “${stage}”: ${why}`, {
    remedy: {type: 'run-anew', because: 'recipe-changed'},
  });
