/**
 * A run's plan as it is kept with the run: wiring, params, seed and what the sources held; no fingerprints, since they
 * depend on the code of the day. `r1 resume` rebuilds the run from it without asking the recipe again.
 */
import {UserError} from '../artifacts/index.js';
import type {Digest, Json, Run} from '../artifacts/index.js';
import {untrustedVariable} from './environment.js';
import {importModule} from './foreign.js';
import {OWN_MODULES, ownUrl} from './own-package.js';
import type {Prepared} from './prepare.js';
import type {NodeOptions, Ref} from './recipe.js';
import {err, ok} from './result.js';
import type {Result} from './result.js';
import type {AnyStage, Params} from './stage.js';
import type {StageNode, WiredNode, Wiring} from './wiring.js';

export interface FrozenPlan {
  readonly version: 1;
  readonly recipe: string;
  readonly seed: number;
  /** Only what the run was about. */
  readonly nodes: Readonly<Record<string, FrozenNode>>;
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
  /** `r1:stages/sft.js` for a module of ours, so that a plan survives a move of the package; else its URL. */
  readonly module: string;
  readonly export: string;
  readonly inputs: StageNode['inputs'];
  readonly params: Params;
  readonly options: NodeOptions;
}

const OWN_SCHEME = 'r1:';

/** Put together in the order in which it is written down, which takes a fifth of the time then (`canonicalJson`). */
export function freeze({wiring, selected, seed, sources, exports}: Omit<Prepared, 'plan'>): FrozenPlan {
  const nodes: Record<string, FrozenNode> = {};
  for (const id of [...selected].sort()) {
    const node = wiring.nodes.get(id)!;
    if (node.type === 'source') {
      const {port, kind, path} = node;
      nodes[id] = {artifact: sources.get(id)!.digest, kind, path, port, type: 'source'};
    } else {
      const {stage, inputs, params, options} = node;
      const module = stage.module.startsWith(OWN_MODULES)
        ? OWN_SCHEME + stage.module.slice(OWN_MODULES.length)
        : stage.module;
      nodes[id] = {export: exports.get(stage)!, inputs, module, options, params, stage: stage.name, type: 'stage'};
    }
  }
  return {nodes, recipe: wiring.recipe, seed, version: 1};
}

export const frozenJson = (plan: FrozenPlan): Json => plan as unknown as Json;

/** The plan of a run. Plans are written by `freeze` alone, so what is checked is only that it is one that we know. */
export function frozenPlanOf(run: Run): FrozenPlan {
  const plan = run.plan as unknown as Partial<FrozenPlan> | null;
  if (plan?.version !== 1 || typeof plan.nodes !== 'object') {
    throw new UserError('newer-store', `run ${run.id} has a plan that this version of r1 cannot read`);
  }
  return plan as FrozenPlan;
}

export interface Thawed {
  readonly wiring: Wiring;
  readonly exports: ReadonlyMap<AnyStage, string>;
}

/** Wiring of a frozen plan with today's stages. Params are those of the plan, defaults that the stage has since got come on top. */
export async function thaw(plan: FrozenPlan): Promise<Thawed> {
  const nodes = new Map<string, WiredNode>();
  const exports = new Map<AnyStage, string>();
  for (const [id, frozen] of Object.entries(plan.nodes)) {
    if (frozen.type === 'source') {
      const {port, kind, path} = frozen;
      nodes.set(id, {type: 'source', id, port, kind, path});
      continue;
    }
    const imported = await importStage(frozen);
    if (!imported.ok) throw changed(id, frozen, imported.error);
    const stage = imported.value;
    exports.set(stage, frozen.export);
    for (const port of portsOf(frozen.inputs)) {
      if (stage.inputs[port] === undefined) throw changed(id, frozen, `it has no input “${port}” any more`);
    }
    const {inputs, params, options} = frozen;
    const untrusted = untrustedVariable({stage, options});
    if (untrusted !== undefined) throw changed(id, frozen, untrusted);
    nodes.set(id, {type: 'stage', id, stage, inputs, params: {...stage.params, ...params}, options});
  }
  return {wiring: {recipe: plan.recipe, nodes}, exports};
}

/** The stage of a frozen node as its module exports it today, or why there is none. */
export async function importStage(frozen: FrozenStage): Promise<Result<AnyStage, string>> {
  const own = frozen.module.startsWith(OWN_SCHEME);
  const url = own ? ownUrl(frozen.module.slice(OWN_SCHEME.length)) : frozen.module;
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

const changed = (id: string, {stage}: FrozenStage, why: string): UserError =>
  new UserError('bad-argument', `node “${id}”, stage “${stage}”: ${why}`, {
    hint: 'r1 run follows the recipe as it is today',
  });

const portsOf = (inputs: Readonly<Record<string, Ref | Readonly<Record<string, Ref>>>>): string[] =>
  Object.keys(inputs);
