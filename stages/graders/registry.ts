/** Which module has the grader of a kind. It is loaded, and the grader opened, when the first answer needs it. */
import {StageFailure} from '../../pipeline/stage.js';
import {builtInTasks} from '../tasks/built-in.js';
import type {Prompt} from '../tasks/prompt.js';
import type {External} from '../tasks/task.js';
import type {Grader, GraderOptions} from './grader.js';

/** What the module of a kind exports. */
export interface GraderModule {
  /** Sees to it that `open` will work, as far as that can be known without opening. @throws {StageFailure} as `open` does */
  prepare(options: GraderOptions): Promise<void>;
  open(options: GraderOptions): Promise<Grader>;
}

/** A kind is an entry: `math: () => import('./math/index.js')`. */
const modules: {readonly [kind in External]?: () => Promise<GraderModule>} = {
  code: () => import('./code/index.js'),
};

async function moduleOf(kind: External): Promise<GraderModule> {
  const load = modules[kind];
  if (load === undefined) throw new StageFailure(`this version of r1 has no grader for answers of the kind “${kind}”`);
  return load();
}

/**
 * Opens the grader of a kind, ready to grade.
 *
 * @throws {StageFailure} where what it needs is not there, with what to install
 */
export const openGrader = async (kind: External, options: GraderOptions): Promise<Grader> =>
  (await moduleOf(kind)).open(options);

/**
 * Sees to it that the answers to these prompts can be graded, before anything is sampled or trained for them: what is missing is
 * said, what can be made is made.
 *
 * @throws {StageFailure} as `openGrader` does
 */
export async function prepareGraders(prompts: readonly Prompt[], options: GraderOptions): Promise<void> {
  // Tasks of one's own bring pure functions, so their names need not be known here.
  const kinds = new Set(prompts.flatMap(({task}) => builtInTasks.get(task)?.answer?.external ?? []));
  for (const kind of kinds) await (await moduleOf(kind)).prepare(options);
}
