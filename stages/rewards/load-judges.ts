/** The judges of a node: the built-in tasks and rewards, and those of one's own that it was wired with. */
import type {DefinitionRef} from '../../pipeline/definition.js';
import {importDefinition} from '../../pipeline/modules/import-definition.js';
import type {Task} from '../tasks/task.js';
import {loadTasks} from '../tasks/load-tasks.js';
import {builtInJudges, type Judges} from './registry.js';
import {rewardOf, type Reward, type RewardDefinition} from './reward.js';

/** Where they are found, as `StageContext.definitions` says; plain data, so that it can be handed to a thread. */
export interface JudgeRefs {
  readonly tasks?: readonly DefinitionRef[];
  readonly rewards?: readonly DefinitionRef[];
}

/**
 * Imports the definitions one by one, and puts them behind the built-in ones.
 *
 * @param onLoad told the number of each definition before its module is loaded, the rewards first
 * @throws {Error} where a module cannot be imported, or exports no such definition
 */
export async function loadJudges(
  {tasks = [], rewards = []}: JudgeRefs,
  onLoad: (place: number) => void = () => undefined,
): Promise<Judges> {
  let place = 0;
  const ownRewards: Reward[] = [];
  for (const ref of rewards) {
    onLoad(place++);
    ownRewards.push(rewardOf((await importDefinition(ref)) as RewardDefinition));
  }
  const ownTasks: Task[] = [];
  for (const ref of tasks) {
    onLoad(place++);
    ownTasks.push(...(await loadTasks([ref])));
  }
  return {
    tasks: new Map([...builtInJudges.tasks, ...ownTasks.map((task) => [task.name, task] as const)]),
    rewards: [...builtInJudges.rewards, ...ownRewards],
  };
}
