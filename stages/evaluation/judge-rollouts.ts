/** Responses that were given, judged one by one: what `evaluate` and `r1 eval` make of a model's answers. */
import {withScorer, type Scored} from '../rewards/index.js';
import {lengthOf, thinkingOf, type Given} from '../rollout/given.js';
import {isLenient} from '../tasks/asking.js';
import {taskOf, type Tasks} from '../tasks/task.js';
import type {ChoiceScore} from './choices.js';
import {judgeSample, type Sample} from './sample.js';

/** How responses are judged; the rest is what `openScorer` takes. */
export interface Judging extends Omit<Parameters<typeof withScorer>[0], 'weights'> {
  readonly tasks: Tasks;
  /** Of prompts by their id, where choices were scored by log-probability. */
  readonly choices?: ReadonlyMap<string, ChoiceScore> | undefined;
}

/**
 * Judges responses, in their order. Where their answers are looked for leniently (`grading.extraction`), each also has the verdict of
 * the strict reading, by `<answer>` tags alone.
 *
 * @throws {StageFailure} as a scorer does
 */
export async function judgeRollouts(
  rollouts: readonly Given[],
  {tasks, choices, ...options}: Judging,
): Promise<Sample[]> {
  if (rollouts.some(({prompt}) => taskOf(tasks, prompt).answer?.external !== undefined))
    options.note?.(`grading ${rollouts.length} responses`);
  const items = rollouts.map(({prompt, completion}) => ({prompt, completion}));
  const scoredWith = (grading: Judging['grading']): Promise<Scored[]> =>
    withScorer({...options, weights: {}, grading}, (scorer) => scorer.score(items));
  const {grading = {}} = options;
  const scored = await scoredWith(grading);
  const strictly = isLenient(grading.extraction ?? 'task')
    ? await scoredWith({...grading, extraction: 'tag'})
    : undefined;
  return rollouts.map((given, index) => {
    const {prompt, completion, sample} = given;
    return judgeSample(prompt, completion, {
      sample,
      tokens: lengthOf(given) ?? null,
      thinking: thinkingOf(given),
      task: taskOf(tasks, prompt),
      scored: scored[index]!,
      strict: strictly?.[index],
      choices: choices?.get(prompt.id),
    });
  });
}
