/** The environments that the stages of a plan declare: what counts of them, and how they stand. */
import {UserError} from '../../artifacts/index.js';
import type {EnvironmentIdentity, EnvironmentState, StageEnvironment} from '../stage.js';
import type {Wiring} from '../wiring/nodes.js';
import type {Plan} from './plan.js';

/** Environment → what counts of it. */
export type Environments = ReadonlyMap<StageEnvironment, EnvironmentIdentity>;

/**
 * Asks all environments at the same time, each once, however many nodes use it.
 *
 * @param isPlanned whether a node is part of the plan
 * @throws UserError where it cannot be said what counts of one
 */
export async function askEnvironments(
  {nodes}: Pick<Wiring, 'nodes'>,
  isPlanned: (id: string) => boolean = () => true,
): Promise<Environments> {
  const asked = new Map<StageEnvironment, string>();
  for (const [id, node] of nodes) {
    if (node.type === 'source' || node.stage.environment === undefined || !isPlanned(id)) continue;
    if (!asked.has(node.stage.environment)) asked.set(node.stage.environment, id);
  }
  if (asked.size === 0) return NONE;
  const known = await Promise.all(
    Array.from(asked, async ([environment, id]) => [environment, await identityOf(environment, id)] as const),
  );
  return new Map(known);
}

const NONE: Environments = new Map();

async function identityOf(environment: StageEnvironment, node: string): Promise<EnvironmentIdentity> {
  try {
    return await environment.identity();
  } catch (error) {
    // A class of the same name may come from another copy of this module, as a recipe's own installation has it.
    if (!(error instanceof Error) || error.name !== 'StageFailure') throw error;
    throw new UserError('bad-argument', `node “${node}”: ${error.message}`, {cause: error});
  }
}

/** How an environment stands that nodes of a plan would run in. */
export interface EnvironmentNeed extends EnvironmentState {
  readonly nodes: readonly string[];
}

/** The environments of what would run. Those of nodes that are reused are not looked at: they may be gone. */
export async function environmentNeeds({nodes}: Pick<Plan, 'nodes'>): Promise<readonly EnvironmentNeed[]> {
  const users = new Map<StageEnvironment, string[]>();
  for (const [id, {action, node}] of nodes) {
    if (node.type === 'source' || node.stage.environment === undefined) continue;
    if (action !== 'run' && action !== 'maybe') continue;
    users.set(node.stage.environment, [...(users.get(node.stage.environment) ?? []), id]);
  }
  return Promise.all(Array.from(users, async ([environment, ids]) => ({nodes: ids, ...(await environment.state())})));
}

/** As a line of a plan, or a warning of a run. */
export const environmentNeedText = ({nodes, what}: EnvironmentNeed): string => `${nodes.join(', ')}: ${what}`;
