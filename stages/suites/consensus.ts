/**
 * cons@k: whether the answer that most of k samples give is right (DeepSeek-R1, arXiv 2501.12948, §3; self-consistency, arXiv
 * 2203.11171). The paper does not say when two answers are one; here they are when the grader takes each for right where the other is
 * the reference. Samples that were cut off, and those without an answer that can be read, have no vote.
 */
import {closingAfter} from '../train/closing.js';
import type {GradingSettings} from '../graders/settings.js';
import {openGrader} from '../graders/registry.js';
import {random} from '../random.js';
import type {Sample} from '../evaluation/index.js';
import {builtInTasks} from '../tasks/built-in.js';
import type {Prompt} from '../tasks/prompt.js';
import type {AnswerKind} from '../tasks/task.js';
import {readCompletion} from '../text/completion.js';

/** Answers of one prompt that count as one. */
interface AnswerClass {
  /** The first of them: the others are compared with it, and its verdict is theirs. */
  readonly answer: string;
  readonly right: boolean;
}

/** What a sample votes for: the class's number, or undefined where it does not vote. */
export interface Ballot {
  readonly votes: readonly (number | undefined)[];
  /** Whether each class is right. */
  readonly right: readonly boolean[];
}

/** Kinds of answers that are worth comparing: of programs, replies that a judge reads and the like, no two are one. */
const VOTING: readonly string[] = ['integer', 'exact', 'math', 'choice', 'drop', 'f1'];

/** Whether the answers of a task can be voted for. */
export const canVote = (task: string): boolean => VOTING.includes(task);

/** Whether each of some pairs is equal: `given` would be right if the reference were `reference`. */
export type AreEqual = (
  pairs: readonly {readonly prompt: Prompt; readonly given: string; readonly reference: string}[],
) => Promise<readonly boolean[]>;

/**
 * What the samples of each prompt vote for. Answers are looked at in the order of the samples: each joins the first class whose first
 * answer it equals both ways round, and else begins a class.
 *
 * @param groups samples by prompt, in the order of the samples
 */
export async function ballotsOf(
  prompts: readonly Prompt[],
  groups: readonly (readonly Sample[])[],
  equal: AreEqual,
): Promise<Ballot[]> {
  const classes = prompts.map((): AnswerClass[] => []);
  const classOf = prompts.map(() => new Map<string, number>());
  const waiting = groups.map((group) => [...new Map(group.filter(votes).map((one) => [one.answer!, one])).values()]);
  // One answer of each prompt at a time, so that a grader is asked about all prompts at once.
  for (let round = 0; waiting.some((list) => list.length > round); round++) {
    const asked = waiting.flatMap((list, index) => {
      const one = list[round];
      return one === undefined
        ? []
        : classes[index]!.map((known, number) => ({index, number, given: one.answer!, known}));
    });
    const forward = await equal(
      asked.map(({index, given, known}) => ({prompt: prompts[index]!, given, reference: known.answer})),
    );
    const likely = asked.filter((_, place) => forward[place]);
    const back = await equal(
      likely.map(({index, given, known}) => ({prompt: prompts[index]!, given: known.answer, reference: given})),
    );
    const same = likely.filter((_, place) => back[place]);
    waiting.forEach((list, index) => {
      const one = list[round];
      if (one === undefined) return;
      const found = same.find((pair) => pair.index === index);
      const number = found?.number ?? classes[index]!.length;
      if (found === undefined) classes[index]!.push({answer: one.answer!, right: one.outcome === 'right'});
      classOf[index]!.set(one.answer!, number);
    });
  }
  return groups.map((group, index) => ({
    votes: group.map((one) => (votes(one) ? classOf[index]!.get(one.answer!) : undefined)),
    right: classes[index]!.map(({right}) => right),
  }));
}

const votes = ({answer, outcome, truncated}: Sample): boolean =>
  answer !== null && !truncated && (outcome === 'right' || outcome === 'wrong' || outcome === 'partial');

/** Draws of k samples of n. */
const SUBSETS = 200;

/**
 * cons@k of one prompt, in [0, 1]: a tie among t classes counts 1/t if a right one is among them, nobody voting is 0; where there are
 * more than k samples, the mean over 200 subsets that the seed draws.
 *
 * @param key of the prompt among those of the suite, for the draws
 */
export function consensusOf({votes: all, right}: Ballot, k: number, seed: number, key: number): number {
  if (all.length <= k) return winner(all, right);
  const draws = random(seed, 'suite/consensus', key);
  let sum = 0;
  for (let draw = 0; draw < SUBSETS; draw++) sum += winner(draws.shuffle(all).slice(0, k), right);
  return sum / SUBSETS;
}

function winner(cast: readonly (number | undefined)[], right: readonly boolean[]): number {
  const counts = right.map(() => 0);
  for (const vote of cast) if (vote !== undefined) counts[vote]! += 1;
  const most = Math.max(0, ...counts);
  if (most === 0) return 0;
  const tied = right.filter((_, number) => counts[number] === most);
  return tied.filter(Boolean).length / tied.length;
}

/**
 * Compares answers as the grader of a task does, for as long as `use` runs.
 *
 * @throws {StageFailure} where a grader cannot work
 */
export async function withEquality<T>(
  task: string,
  options: GradingSettings & {readonly cores: number; readonly note: (text: string) => void},
  use: (equal: AreEqual) => Promise<T>,
): Promise<T> {
  const kind = builtInTasks.get(task)!.answer!;
  if (kind.external === undefined) return use((pairs) => Promise.resolve(pairs.map((pair) => isEqual(kind, pair))));
  const grader = await openGrader(kind.external, options);
  return closingAfter([grader], () =>
    use(async (pairs) => {
      const completion = readCompletion('', true);
      const verdicts = await grader.grade(pairs.map((pair) => ({...pair, completion})));
      return verdicts.map(({outcome}) => outcome === 'right');
    }),
  );
}

const isEqual = (
  kind: AnswerKind,
  {prompt: {references: _, ...prompt}, given, reference}: Parameters<AreEqual>[0][number],
): boolean => (kind.grade === undefined ? given === reference : kind.grade(given, reference, prompt) === 1);
