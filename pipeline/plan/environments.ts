/** The environments that the stages of a plan declare: what counts of them, and how they stand. */
import {UserError} from '../../artifacts/index.js';
import type {EnvironmentState, StageEnvironment} from '../stage.js';
import type {WiredNode, Wiring} from '../wiring/nodes.js';
import type {Environments, Plan} from './plan.js';

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
    Array.from(
      asked,
      async ([environment, id]) => [environment, await orMistake(id, () => environment.identity())] as const,
    ),
  );
  return new Map(known);
}

const NONE: Environments = new Map();

/** What an environment cannot say for a reason that a person can do something about, as a mistake in the recipe. */
async function orMistake<T>(node: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    // A class of the same name may come from another copy of this package.
    if (!(error instanceof Error) || error.name !== 'StageFailure') throw error;
    throw new UserError('bad-argument', `node “${node}”: ${error.message}`, {cause: error});
  }
}

/** How an environment stands that nodes of a plan would run in. */
export interface EnvironmentNeed extends EnvironmentState {
  readonly nodes: readonly string[];
}

/** The environments of what would run. Those of nodes that are reused are not looked at: they may be gone. */
export const environmentNeeds = ({nodes}: Pick<Plan, 'nodes'>): Promise<readonly EnvironmentNeed[]> =>
  needsOfNodes([...nodes.values()].flatMap(({action, node}) => (action === 'run' || action === 'maybe' ? [node] : [])));

/** The environments of these nodes, each once. @throws UserError where it cannot be said of one how it stands */
export async function needsOfNodes(nodes: readonly WiredNode[]): Promise<readonly EnvironmentNeed[]> {
  const users = new Map<StageEnvironment, string[]>();
  for (const node of nodes) {
    if (node.type === 'source' || node.stage.environment === undefined) continue;
    users.set(node.stage.environment, [...(users.get(node.stage.environment) ?? []), node.id]);
  }
  return Promise.all(
    Array.from(users, async ([environment, ids]) => ({
      nodes: ids,
      ...(await orMistake(ids[0]!, () => environment.state())),
    })),
  );
}

/** As a line of a plan, or a warning of a run. */
export const environmentNeedText = ({nodes, what}: EnvironmentNeed): string => `${nodes.join(', ')}: ${what}`;
