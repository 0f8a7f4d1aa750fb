/**
 * Worked problems as supervised rows: what a base model of the size of a student has seen before anybody teaches it, where it is not
 * pre-trained on a corpus here.
 */
import {declareParams, described} from '../pipeline/params.js';
import {StageFailure, defineStage} from '../pipeline/stage.js';
import {COUNT} from './common-params.js';
import {writeRows} from './data/rows.js';
import type {SampleRow} from './data/schemas.js';

/**
 * Makes supervised rows out of training problems of tasks, each with the response that its task writes for it (`respond`) or, without one,
 * with its solution and its answer in tags.
 *
 * @throws {StageFailure} from `run`, where no tasks are wired, or a task has neither solutions nor `respond`
 */
export const workedData = defineStage({
  module: import.meta.url,
  name: 'worked-data',
  summary: 'Training problems of tasks with their worked solutions, for supervised fine-tuning',
  inputs: {},
  outputs: {dataset: 'dataset'},
  ...declareParams({
    rows: described(1_000, 'Rows, of the tasks in turn; a problem may come again where there are few.', COUNT),
  }),
  definitions: {tasks: 'task'},
  check: ({definitions: {tasks}}) =>
    tasks.length > 0 ? [] : ['no tasks are wired, and rows are made of their problems: {tasks: [sorting]}'],
  async run({outputs, params, definitions, seed}) {
    const [{loadTasks}, {workedProblems}] = await Promise.all([
      import('./tasks/load-tasks.js'),
      import('./tasks/own-data.js'),
    ]);
    const tasks = await loadTasks(definitions.tasks);
    if (tasks.length === 0) throw new StageFailure('no tasks are wired');
    const rows = [...workedProblems(tasks, {seed, count: params.rows})].map(
      ({task, key, problem: {language, question}, response}, index): SampleRow => ({
        id: `worked:${index}`,
        from: [],
        task,
        key,
        ...(language === undefined ? {} : {language}),
        question,
        response,
      }),
    );
    await writeRows(outputs.dataset, rows, {rows: rows.length, problems: new Set(rows.map(({key}) => key)).size});
  },
});
