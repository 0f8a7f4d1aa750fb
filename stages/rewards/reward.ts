/**
 * What a reward is: a pure function that judges a completion. The built-in rewards and those of one's own are the same thing,
 * and how much each counts is said by weights, by name.
 */
import type {Definition} from '../../pipeline/definition.js';
import type {StageFailure} from '../../pipeline/stage.js';
import {checkFields, fieldError, fieldsOf, type Helper} from '../tasks/check-fields.js';
import {called, fault, valueText} from '../tasks/faults.js';
import type {Prompt} from '../tasks/prompt.js';
import type {Task} from '../tasks/task.js';
import type {Completion} from '../text/completion.js';
import {credited, verdict, type Verdict} from '../graders/verdict.js';

/** What a reward may look at beside the prompt and the completion. */
export interface RewardContext {
  /** The prompt's. */
  readonly task: Task;
  /** Sampled tokens, the end token included; absent where nobody counted, as is `maxTokens`. */
  readonly tokens?: number;
  /** The most tokens that there could be. */
  readonly maxTokens?: number;
  /** What the built-in reward `language` is where the thinking has no word, 0 unless given. */
  readonly noWords?: number;
}

/** A reward, built in or of one's own. */
export interface Reward {
  readonly name: string;
  judge(prompt: Prompt, completion: Completion, context: RewardContext): Verdict;
}

/** A reward of one's own, as a module exports it. */
export interface RewardDefinition extends Definition<'reward'> {
  /** A number in [0, 1], or `undefined` where the reward has nothing to say about the prompt. */
  score(problem: Prompt, completion: Completion, context: RewardContext): number | undefined;
}

/**
 * Declares a reward of one's own, in a module beside the recipe. It is wired beside the params and weighted in them:
 *
 *     export const brevity = defineReward({
 *       module: import.meta.url, name: 'brevity',
 *       score: (problem, completion) => 1 / (1 + completion.text.length / 200),
 *     });
 *     add('zero', grpo, inputs, {rewards: {accuracy: 1, brevity: 0.2}}, {rewards: [brevity]});
 *
 * @param definition.module `import.meta.url` of the module that exports the reward
 * @param definition.score a pure function of its arguments: a number in [0, 1], or `undefined` where the reward has nothing to
 * say about the prompt. It runs in a thread that is ended when it takes too long.
 * @throws {TypeError} where a recipe that no compiler has seen brings no function, or a field that there is not
 */
export function defineReward(definition: Omit<RewardDefinition, 'kind'>): RewardDefinition {
  checkFields(HELPER, definition);
  const fields = fieldsOf(HELPER, definition);
  if (typeof fields.score !== 'function') throw fieldError(HELPER, fields, '“score” must be a function');
  return {...fields, kind: 'reward'};
}

const HELPER: Helper = {define: defineReward, kind: 'reward', fields: ['module', 'name', 'score']};

/** A first score is compared with another one at once, and with one that is made after this long: by then the clock has gone on. */
const LATER_MS = 20;
/** What takes longer than this is not done twice: its time limit might be up. */
const SLOW_MS = 100;

/**
 * The reward behind a definition. What it says is looked at: it is code that r1 did not write.
 * @throws {StageFailure} from `judge`, with the reward's name and file, when it throws, gives no number in [0, 1], or gives
 * another number for the same arguments
 */
export function rewardOf(definition: RewardDefinition): Reward {
  const judge: Reward['judge'] = (prompt, completion, context) => {
    const where = `on a completion of prompt ${prompt.id}`;
    const value: unknown = called(definition, 'score', () => definition.score(prompt, completion, context), where);
    if (value === undefined) return verdict('left-out');
    if (typeof value === 'number' && value >= 0 && value <= 1) return credited(value);
    throw fault(definition, `score gave ${valueText(value)} ${where}; a score is a number from 0 to 1`);
  };
  let first: {readonly about: Parameters<Reward['judge']>; readonly value: number; readonly at: number} | undefined;
  let isWatched = true;
  const scoreAgain = ({about, value}: NonNullable<typeof first>): void => {
    const again = judge(...about).value;
    if (again !== value) throw impure(definition, [value, again], about[0]);
  };
  return {
    name: definition.name,
    judge(...about) {
      if (!isWatched) return judge(...about);
      const at = performance.now();
      const said = judge(...about);
      if (first !== undefined && at - first.at >= LATER_MS) {
        isWatched = false;
        scoreAgain(first);
      } else if (first === undefined && said.outcome !== 'left-out' && performance.now() - at < SLOW_MS) {
        first = {about, value: said.value, at};
        scoreAgain(first);
      }
      return said;
    },
  };
}

const impure = (definition: RewardDefinition, [one, other]: readonly [number, number], {id}: Prompt): StageFailure =>
  fault(
    definition,
    `score gave ${one} and then ${other} for the same completion of prompt ${id}; a score follows from its arguments ` +
      'alone, not from Math.random, the time or what was judged before',
  );
