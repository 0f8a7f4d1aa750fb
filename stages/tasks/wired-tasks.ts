/** What a recipe gets wrong about the tasks that it wires, said before anything runs. */
import {BUILT_IN_TASKS} from './names.js';

/** The names of tasks of one's own that are taken, each as a sentence; empty when none is. */
export const taskMistakes = (tasks: readonly {readonly name: string}[]): string[] =>
  tasks
    .filter(({name}) => (BUILT_IN_TASKS as readonly string[]).includes(name))
    .map(({name}) => `a task of one's own is called “${name}”, as a built-in one is; give it another name`);
