/** Tasks of one's own in the process that uses them. */
import type {DefinitionRef} from '../../pipeline/definition.js';
import {importDefinition} from '../../pipeline/modules/import-definition.js';
import {builtInTasks} from './built-in.js';
import type {TaskDefinition} from './define-task.js';
import {guarded} from './guarded-task.js';
import type {Tasks} from './task.js';

/** The definitions behind refs, in their order. */
export const loadTasks = (refs: readonly DefinitionRef[]): Promise<TaskDefinition[]> =>
  Promise.all(refs.map(async (ref) => guarded((await importDefinition(ref)) as TaskDefinition)));

/** The built-in tasks and those behind refs. */
export const tasksWith = async (refs: readonly DefinitionRef[]): Promise<Tasks> =>
  new Map([...builtInTasks, ...(await loadTasks(refs)).map((task) => [task.name, task] as const)]);
