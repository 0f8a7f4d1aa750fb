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
import type {AnyStage} from '../stage.js';
import type {TrustedModules} from './trust.js';
import {checkInputs, checkRefs, wire} from '../wiring/wire.js';
import type {StageNode, WiredNode, Wiring} from '../wiring/nodes.js';

export interface Thawed {
  readonly wiring: Wiring;
  readonly exports: ReadonlyMap<AnyStage, string>;
}

/**
 * Wiring of a frozen plan with today's stages. Params are those of the plan, defaults that the stage has since got come on
 * top. @throws UserError where a stage is gone, is not trusted, or does not take what it is wired to any more
 */
export async function thaw(plan: FrozenPlan, modules: TrustedModules): Promise<Thawed> {
  const nodes = new Map<string, WiredNode>();
  const exports = new Map<AnyStage, string>();
  // All of them are looked for before the first is run.
  const urls = new Map<string, string>();
  for (const [id, frozen] of Object.entries(plan.nodes)) {
    if (frozen.type === 'source') continue;
    const found = modules.find(frozen.module);
    if (!found.ok) throw changedError(id, frozen, found.error);
    urls.set(id, found.value);
  }
  for (const [id, frozen] of Object.entries(plan.nodes)) {
    if (frozen.type === 'source') {
      const {port, kind, path} = frozen;
      nodes.set(id, {type: 'source', id, port, kind, path});
      continue;
    }
    const imported = await importStage(urls.get(id)!, frozen);
    if (!imported.ok) throw changedError(id, frozen, imported.error);
    const stage = imported.value;
    exports.set(stage, frozen.export);
    const {inputs, params, options} = frozen;
    const mistakes: string[] = [];
    checkInputs(id, stage, inputs, (mistake) => mistakes.push(mistake));
    if (mistakes.length > 0) throw changedError(id, frozen, mistakes[0]!);
    nodes.set(id, {type: 'stage', id, stage, inputs, params: {...stage.params, ...params}, options});
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

/** The stage that a module exports today under the name of a frozen node, or why there is none. Runs the module. */
export async function importStage(url: string, frozen: FrozenStage): Promise<Result<AnyStage, string>> {
  let module: Record<string, unknown>;
  try {
    module = await importModule(url);
  } catch (error) {
    return err(`${url} cannot be imported: ${(error as Error).message}`);
  }
  const stage = module[frozen.export] as AnyStage | undefined;
  return stage?.name === frozen.stage
    ? ok(stage)
    : err(`${url} exports no stage “${frozen.stage}” as “${frozen.export}” any more`);
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
    hint: 'r1 run follows the recipe as it is today',
  });
