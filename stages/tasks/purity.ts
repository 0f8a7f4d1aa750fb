/**
 * Equal bytes are the promise, and a task's code can break it. So the first few draws of each task are made twice, and a third
 * time once the work is done, when the clock has gone on.
 */
import {random} from '../random.js';
import type {Problem, TaskDefinition} from './define-task.js';
import {fault, jsonOf, valueText} from './faults.js';

/** Draws of each task that are repeated. */
const FEW = 8;

interface Drawn {
  readonly problem: Problem;
  readonly response: string | undefined;
}

/**
 * Compares two rounds of draws with the same keys; what it returns compares once more.
 *
 * @throws {StageFailure} from here and from what is returned, where a task gives different things for the same draws
 */
export function watchPurity(tasks: readonly TaskDefinition[]): () => void {
  const first = tasks.map(drawsOf);
  const again = (): void =>
    tasks.forEach((task, index) => {
      drawsOf(task).forEach((drawn, number) => compare(task, first[index]![number]!, drawn));
    });
  again();
  return again;
}

const drawsOf = (task: TaskDefinition): Drawn[] =>
  Array.from({length: FEW}, (_, number) => {
    const draws = random(0, `task:${task.name}:twice`, number);
    const problem = task.problems(draws);
    return {problem, response: task.respond?.(problem, draws)};
  });

function compare(task: TaskDefinition, one: Drawn, other: Drawn): void {
  const differs = (['problem', 'response'] as const).find((part) => jsonOf(one[part]) !== jsonOf(other[part]));
  if (differs === undefined) return;
  const [what, given] = differs === 'problem' ? ['problems', 'random'] : ['respond', 'problem and the random'];
  throw fault(
    task,
    `${what} gave ${valueText(one[differs])} and then ${valueText(other[differs])} for the same draws; ` +
      `use nothing but the ${given} that it is given (random.uniform(), random.int(below) …), ` +
      'neither Math.random nor the time nor what it did before',
  );
}
