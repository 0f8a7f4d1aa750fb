/** The judges of a node: the built-in tasks and rewards, and those of one's own that it was wired with. */
import type {DefinitionRef} from '../../pipeline/definition.js';
import {importDefinition} from '../../pipeline/modules/import-definition.js';
import {tasksWith} from '../tasks/load-tasks.js';
import {builtInJudges, type Judges} from './registry.js';
import {rewardOf, type RewardDefinition} from './reward.js';

/** Where they are found, as `StageContext.definitions` says; plain data, so that it can be handed to a thread. */
export interface JudgeRefs {
  readonly tasks?: readonly DefinitionRef[];
  readonly rewards?: readonly DefinitionRef[];
}

/**
 * Imports the definitions and puts them behind the built-in ones.
 *
 * @throws {Error} where a module cannot be imported, or exports no such definition
 */
export async function loadJudges({tasks = [], rewards = []}: JudgeRefs): Promise<Judges> {
  const own = await Promise.all(
    rewards.map(async (ref) => rewardOf((await importDefinition(ref)) as RewardDefinition)),
  );
  return {tasks: await tasksWith(tasks), rewards: [...builtInJudges.rewards, ...own]};
}
