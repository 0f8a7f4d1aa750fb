/**
 * What is looked at before much is spent on reinforcement learning: whether the graders tell right from wrong on answers that are
 * known, and whether the policy's own samples give it anything to learn from.
 */
import {StageFailure} from '../../pipeline/stage.js';
import {random} from '../random.js';
import type {Extraction} from '../tasks/asking.js';
import {builtInTasks} from '../tasks/built-in.js';
import type {Prompt} from '../tasks/prompt.js';
import type {External} from '../tasks/task.js';
import {readCompletion} from '../text/completion.js';
import type {GroupScorer} from './group-scorer.js';
import {isUniform, type Trace} from './minibatches.js';
import type {Rollout} from './sample-groups.js';

/** Prompts whose references are tried. */
const KNOWN = 64;
/** A larger share of them that comes out otherwise than it should ends the stage; graders of mathematics miss some. */
const MISJUDGED = 0.1;
/** More completions than this share without an answer teach nothing but to end. */
const LOST = 0.9;
/** Nats a token; a policy that is surer than this draws much the same again and again. */
const LOW_ENTROPY = 0.1;

/** Whose references need not be right as answers. */
const UNKNOWN = new Set<External | undefined>(['code', 'judge']);

/** How a known answer is said where it is looked for so; a number at the end is a line of its own. */
const SAID: {readonly [extraction in Extraction]: (answer: string) => string} = {
  task: (answer) => `<answer> ${answer} </answer>`,
  tag: (answer) => `<answer> ${answer} </answer>`,
  box: (answer) => `\\boxed{${answer}}`,
  'last-number': (answer) => `<answer> ${answer} </answer>`,
  'math-verify': (answer) => `\\boxed{${answer}}`,
};

const answering = (prompt: Prompt, answer: string, extraction: Extraction): Rollout => ({
  prompt,
  sample: 0,
  promptTokens: [],
  tokens: [],
  finished: true,
  completion: readCompletion(`<think> known </think> ${SAID[extraction](answer)}`, true),
});

/**
 * Has each of a sample of references judged against itself, which has to be right, and against another prompt's, which must not
 * be. Programs, and answers of tasks of one's own, are left alone: nobody knows how these are written down; and so are answers for a
 * judge, as a rubric may ask for more than what the reference has.
 *
 * @throws {StageFailure} where more than a tenth comes out otherwise, with an example; fewer are told to `note`
 */
export async function checkKnownPairs(
  prompts: readonly Prompt[],
  {
    scorer,
    seed,
    note,
    extraction = 'task',
  }: {readonly scorer: GroupScorer; readonly seed: number; note(text: string): void; readonly extraction?: Extraction},
): Promise<void> {
  const known = prompts.flatMap((prompt) => {
    const kind = builtInTasks.get(prompt.task)?.answer;
    const normal =
      prompt.answer === undefined || UNKNOWN.has(kind?.external) ? undefined : kind?.reference(prompt.answer);
    return normal === undefined ? [] : [{prompt, answer: prompt.answer!, normal}];
  });
  const sample = random(seed, 'grpo/known-pairs').shuffle(known).slice(0, KNOWN);
  const own = sample.map(({prompt, answer}) => answering(prompt, answer, extraction));
  const others = sample.flatMap(({prompt, normal}, index) => {
    const other = sample[(index + 1) % sample.length]!;
    return other.prompt.task !== prompt.task || other.normal === normal
      ? []
      : [answering(prompt, other.answer, extraction)];
  });
  if (own.length === 0) return;
  const [forOwn = [], forOthers = []] = await scorer.score([own, others]);
  const refused = forOwn.filter(({verdicts}) => verdicts['accuracy']?.outcome !== 'right');
  const taken = forOthers.filter(({verdicts}) => verdicts['accuracy']?.outcome === 'right');
  const tell = (wrong: readonly (typeof forOwn)[number][], all: number, what: string): void => {
    const [first] = wrong;
    if (first === undefined) return;
    const {prompt, completion} = first.rollout;
    const sentence =
      `${wrong.length} of ${all} ${what}, such as “${short(completion.answer ?? completion.reply)}” for prompt ${prompt.id}, ` +
      `whose reference is “${short(prompt.answer!)}” (${first.verdicts['accuracy']!.outcome})`;
    if (wrong.length / all > MISJUDGED)
      throw new StageFailure(`${sentence}: rewards would teach the wrong thing; look at the answers of the prompts`);
    note(sentence);
  };
  tell(refused, forOwn.length, 'references are not right as answers to their own questions');
  tell(taken, forOthers.length, 'references are right as answers to another question');
}

const short = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}…` : text);

/** What the first groups of a policy have shown so far. */
export interface Seen {
  readonly groups: number;
  /** Whose rewards differ. */
  readonly spread: number;
  readonly completions: number;
  readonly cutOff: number;
  readonly unparsable: number;
  /** Sum of all rewards. */
  readonly reward: number;
}

export const NOTHING_SEEN: Seen = {groups: 0, spread: 0, completions: 0, cutOff: 0, unparsable: 0, reward: 0};

/**
 * Adds the groups of a rollout to what was seen, and judges once there are enough.
 *
 * @param options.enough groups to judge by; 0 asks for no judgment
 * @param options.isSpreadDue whether rewards that do not differ are a fault already
 * @returns what was seen, or `undefined` once it was judged and found good
 * @throws {StageFailure} where no group has rewards that differ, or more than nine completions in ten give no answer
 */
export function lookAt(
  seen: Seen,
  groups: readonly {readonly traces: readonly Trace[]}[],
  {enough, isSpreadDue, maxNewTokens}: {enough: number; isSpreadDue: boolean; maxNewTokens: number},
): Seen | undefined {
  if (enough === 0) return undefined;
  const traces = groups.flatMap((group) => group.traces);
  const now: Seen = {
    groups: seen.groups + groups.length,
    spread:
      seen.spread + groups.filter(({traces: [first]}) => first !== undefined && !isUniform(first.groupSpread)).length,
    completions: seen.completions + traces.length,
    cutOff: seen.cutOff + traces.filter(({finished}) => !finished).length,
    unparsable: seen.unparsable + traces.filter(({finished, unparsable}) => finished && unparsable).length,
    reward: seen.reward + traces.reduce((sum, {reward}) => sum + reward, 0),
  };
  if (now.groups < enough) return now;
  const {completions, cutOff, unparsable, spread} = now;
  if ((cutOff + unparsable) / completions > LOST)
    throw new StageFailure(
      `of the first ${completions} completions, ${cutOff} were cut off at ${maxNewTokens} tokens and ${unparsable} gave no ` +
        'answer that can be read: there is next to nothing to reward. ' +
        (cutOff >= unparsable
          ? 'Raise maxNewTokens'
          : 'Try another template, let answers be found otherwise (extraction)') +
        ', or start from a model that answers in the format (sft); checkGroups=0 leaves this check out',
    );
  if (spread === 0 && isSpreadDue)
    throw new StageFailure(
      `in none of the first ${now.groups} groups of ${completions / now.groups} completions do the rewards differ (their mean is ` +
        `${(now.reward / completions).toFixed(3)}): there is nothing to learn from. Ask questions that the policy solves ` +
        'sometimes, enlarge the group, or raise the temperature; checkGroups=0 leaves this check out',
    );
  return undefined;
}

/** What to tell of a policy that is so sure of itself that it explores little; `undefined` of any other. */
export const entropyWarning = (entropy: number): string | undefined =>
  entropy >= LOW_ENTROPY
    ? undefined
    : `the policy's entropy is ${entropy.toFixed(3)} nats a token, which leaves little to explore; it may learn nonetheless`;

/** @throws {StageFailure} after so many rollouts in a row of which nothing, or next to nothing, could be learned */
export function checkPatience(
  {uniformRollouts, truncatedRollouts}: {readonly uniformRollouts: number; readonly truncatedRollouts: number},
  {patience, meanReward, maxNewTokens}: {patience: number; meanReward: number; maxNewTokens: number},
): void {
  if (uniformRollouts >= patience)
    throw new StageFailure(
      `${uniformRollouts} rollouts in a row had no group whose rewards differ, so there is nothing to learn from; ` +
        `the last rollout's mean reward is ${meanReward.toFixed(3)}`,
    );
  if (truncatedRollouts >= patience)
    throw new StageFailure(
      `${truncatedRollouts} rollouts in a row were cut off at ${maxNewTokens} tokens nine times in ten; raise maxNewTokens`,
    );
}
