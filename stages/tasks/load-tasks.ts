/** Tasks of one's own in the process that uses them. Their code is a stranger's: what it gives back is looked at. */
import type {DefinitionRef} from '../../pipeline/definition.js';
import {importDefinition} from '../../pipeline/modules/import-definition.js';
import {StageFailure} from '../../pipeline/stage.js';
import {builtInTasks} from './built-in.js';
import type {TaskDefinition} from './define-task.js';
import type {AnswerKind, Tasks} from './task.js';

/** The definitions behind refs, in their order. */
export const loadTasks = (refs: readonly DefinitionRef[]): Promise<TaskDefinition[]> =>
  Promise.all(refs.map(async (ref) => checkAnswers((await importDefinition(ref)) as TaskDefinition)));

/** The built-in tasks and those behind refs. */
export const tasksWith = async (refs: readonly DefinitionRef[]): Promise<Tasks> =>
  new Map([...builtInTasks, ...(await loadTasks(refs)).map((task) => [task.name, task] as const)]);

/** The same task, whose answers are what they should be. @throws {StageFailure} from its functions when they are not */
function checkAnswers(task: TaskDefinition): TaskDefinition {
  const {answer, name} = task;
  if (answer === undefined) return task;
  const complain = (what: string, value: unknown, wanted: string): never => {
    throw new StageFailure(`task “${name}”: answer.${what} gave ${JSON.stringify(value)}, not ${wanted}`);
  };
  const text = (what: string, value: unknown): string | undefined =>
    value === undefined || typeof value === 'string' ? value : complain(what, value, 'a text or undefined');
  const looked: AnswerKind = {
    read: (completion) => text('read', answer.read(completion)),
    reference: (reference) => text('reference', answer.reference(reference)),
    ...(answer.grade === undefined
      ? {}
      : {
          grade: (given, reference) => {
            const value: unknown = answer.grade!(given, reference);
            return typeof value === 'number' && value >= 0 && value <= 1
              ? value
              : complain('grade', value, 'a number from 0 to 1');
          },
        }),
  };
  return {...task, answer: looked};
}
