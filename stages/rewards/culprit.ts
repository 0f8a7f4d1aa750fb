/** Whose code was at work in the thread that judges when something went wrong there. */
import {fileURLToPath} from 'node:url';
import {ownerText, type Owner} from '../tasks/faults.js';
import type {Prompt} from '../tasks/prompt.js';
import type {JudgeRefs} from './load-judges.js';
import {BUILT_IN_REWARDS} from './names.js';

export interface Culprit {
  readonly text: string;
  /** Absent where it is code of the package, or where it could be the code of several. */
  readonly owner?: Owner;
}

/** Whose code was at work on a completion. A built-in reward asks the task for the answer, and does nothing else that could fail. */
export function culpritAt(
  {reward, prompt}: {readonly reward: number; readonly prompt: Prompt},
  {tasks = [], rewards = []}: JudgeRefs,
): Culprit {
  const owner = rewards[reward - BUILT_IN_REWARDS.length] ?? tasks.find(({name}) => name === prompt.task);
  if (owner !== undefined) return {text: ownerText(owner), owner};
  const name = BUILT_IN_REWARDS[reward];
  return {text: name === undefined ? 'the reading of an answer' : `the reward “${name}”`};
}

/** Whose code failed while nobody was at work: whose file is in the stack, or all who are there. */
export function culpritOf(error: unknown, {tasks = [], rewards = []}: JudgeRefs): Culprit {
  const all: readonly Owner[] = [...rewards, ...tasks];
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const seen = all.filter(({module}) => stack.includes(module) || stack.includes(fileURLToPath(module)));
  const possible = seen.length === 0 ? all : seen;
  if (possible.length === 1) return {text: ownerText(possible[0]!), owner: possible[0]!};
  if (possible.length === 0) return {text: 'a reward'};
  const file = new Set(possible.map(({module}) => module)).size === 1 ? {owner: possible[0]!} : {};
  return {text: possible.map(ownerText).join(' or '), ...file};
}
