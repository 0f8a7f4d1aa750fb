/** Which module has the grader of a kind. It is loaded, and the grader opened, when the first answer needs it. */
import {StageFailure} from '../../pipeline/stage.js';
import {builtInTasks} from '../tasks/built-in.js';
import {checkExtraction} from '../tasks/extracting.js';
import type {Prompt} from '../tasks/prompt.js';
import type {External, Tasks} from '../tasks/task.js';
import type {Grader, GraderOptions} from './grader.js';

/** What the module of a kind exports. */
export interface GraderModule {
  /**
   * Sees to it that `open` will work, as far as that can be known without opening.
   *
   * @param prompts of this kind, whose answers are going to be graded
   * @throws {StageFailure} as `open` does
   */
  prepare(options: GraderOptions, prompts: readonly Prompt[]): Promise<void>;
  open(options: GraderOptions): Promise<Grader>;
  /** For each reference, why it cannot be read, or `undefined`; absent where their task says all of it. */
  checkReferences?(references: readonly string[], options: GraderOptions): Promise<(string | undefined)[]>;
}

/** A kind is an entry. */
const modules: {readonly [kind in External]: () => Promise<GraderModule>} = {
  code: () => import('./code/index.js'),
  judge: () => import('./judge/index.js'),
  math: () => import('./math/index.js'),
};

/**
 * Opens the grader of a kind, ready to grade.
 *
 * @throws {StageFailure} where what it needs is not there, with what to install
 */
export const openGrader = async (kind: External, options: GraderOptions): Promise<Grader> =>
  (await modules[kind]()).open(options);

/**
 * Sees to it that the answers to these prompts can be graded, before anything is sampled or trained for them: what is missing is
 * said, what can be made is made.
 *
 * @param options.tasks those of the prompts, where there are others than the built-in ones
 * @throws {StageFailure} as `openGrader` does, and where answers cannot be looked for as `extraction` says
 */
export async function prepareGraders(
  prompts: readonly Prompt[],
  {tasks = builtInTasks, ...options}: GraderOptions & {readonly tasks?: Tasks | undefined},
): Promise<void> {
  checkExtraction(prompts, options.extraction ?? 'task', {tasks, note: options.note});
  // Tasks of one's own bring pure functions, so their names need not be known here.
  const kindOf = ({task}: Prompt): External | undefined => builtInTasks.get(task)?.answer?.external;
  for (const kind of new Set(prompts.flatMap((prompt) => kindOf(prompt) ?? []))) {
    const those = prompts.filter((prompt) => kindOf(prompt) === kind);
    await (await modules[kind]()).prepare(options, those);
  }
}

/** So many references are named in a message. */
const MOST_NAMED = 5;

/**
 * Reads the references of prompts as their graders will: what importing them should find out.
 *
 * @throws {StageFailure} with the ids of prompts whose reference cannot be read, and why
 */
export async function checkReferences(prompts: readonly Prompt[], options: GraderOptions): Promise<void> {
  const asked = prompts.flatMap(({id, task, answer}) => {
    const kind = builtInTasks.get(task)?.answer;
    const reference = answer === undefined ? undefined : kind?.reference(answer);
    return kind?.external === undefined || reference === undefined ? [] : [{id, kind: kind.external, reference}];
  });
  for (const kind of new Set(asked.map((one) => one.kind))) {
    const {checkReferences: check} = await modules[kind]();
    if (check === undefined) continue;
    const those = asked.filter((one) => one.kind === kind);
    const faults = await check(
      those.map(({reference}) => reference),
      options,
    );
    const bad = those.flatMap(({id, reference}, index) =>
      faults[index] === undefined ? [] : [`${id}: ${JSON.stringify(reference.slice(0, 100))} (${faults[index]})`],
    );
    if (bad.length === 0) continue;
    const more = bad.length > MOST_NAMED ? `; and ${bad.length - MOST_NAMED} more` : '';
    throw new StageFailure(
      `${bad.length} of ${those.length} reference answers cannot be read as ${kind}: ${bad.slice(0, MOST_NAMED).join('; ')}${more}`,
    );
  }
}
