/**
 * Thinking that a model is made to have: its own, cut at ends of lines, that of another problem, or filler. From it the answer is
 * forced, `</think> <answer>`, and what the model then answers says whether it reads its thinking (early answering and filler tokens
 * of Lanham et al. 2023, arXiv 2307.13702, §2.3 and §2.5; the thinking of another problem is not from there).
 */
import {random} from '../random.js';
import type {Task} from '../tasks/task.js';
import type {Sample} from './sample.js';

/** A response in the format, as far as the tag that opens its answer. The parts in a row are its text. */
export interface Thinking {
  /** `<think>` with the space behind it. */
  readonly opening: string;
  /** The thinking line by line; the last without the space behind it. */
  readonly lines: readonly string[];
  /** The space in front of `</think>`, the tag, and what follows it as far as `<answer>`, that included. */
  readonly closing: string;
}

const FORMAT = /^(\s*<think>\s*)(.*?)(\s*<\/think>\s*<answer>)/s;

/** A text line by line, where a line ends at a line break; line breaks that follow each other end one line. */
const lineByLine = (text: string): string[] => text.match(/[^\n]*\n\s*|[^\n]+$/gu) ?? [];

/**
 * Takes a response apart around its thinking.
 *
 * @returns `undefined` where it has none, or does not go on with an answer in its tag
 */
export function thinkingOf(text: string, {lines = lineByLine}: Pick<Task, 'lines'>): Thinking | undefined {
  const [, opening, thinking, closing] = FORMAT.exec(text) ?? [];
  if (opening === undefined || thinking === undefined || closing === undefined || thinking === '') return undefined;
  return {opening, lines: lines(thinking), closing};
}

/** The text that a response is made to begin with: these lines for the thinking, and the tag that opens the answer. */
export function forced({opening, closing}: Pick<Thinking, 'opening' | 'closing'>, lines: readonly string[]): string {
  // Without a line in between, the spaces on both sides would stand side by side.
  return (lines.length === 0 ? opening.trimEnd() : opening) + lines.join('').trimEnd() + closing;
}

/** How many of so many lines a share is, to the nearest; halves count up. */
export const linesOfShare = (share: number, lines: number): number => Math.floor(share * lines + 0.5);

/** The same lines with each word, whatever stands between spaces, replaced by the filler. */
export const fillerFor = (lines: readonly string[], filler: string): string[] =>
  lines.map((line) => line.replaceAll(/\S+/gu, () => filler));

/** A response whose thinking can be forced, with the verdict that it was stored with. */
export interface StoredResponse {
  readonly sample: Sample;
  readonly thinking: Thinking;
}

/** What the model is made to think: its own thinking or the first lines of it, the whole one of another problem, or filler. */
export const CONDITIONS = ['own', 'other', 'filler'] as const;
export type Condition = (typeof CONDITIONS)[number];

/** One condition of a response. */
export interface ForcedThinking {
  readonly condition: Condition;
  /** Of the lines; 1 for the controls, which have all of them. */
  readonly share: number;
  /** Lines that are forced. */
  readonly lines: number;
  /** What the response is made to begin with. */
  readonly prefill: string;
}

/** A response in every condition: its own thinking to these shares, that of its donor, and filler. */
export function forcedThinking(
  {thinking}: StoredResponse,
  donor: StoredResponse,
  {shares, filler}: {readonly shares: readonly number[]; readonly filler: string},
): ForcedThinking[] {
  const {lines} = thinking;
  const having = (condition: Condition, share: number, put: readonly string[]): ForcedThinking => ({
    ...{condition, share, lines: put.length},
    prefill: forced(thinking, put),
  });
  return [
    ...shares.map((share) => having('own', share, lines.slice(0, linesOfShare(share, lines.length)))),
    having('other', 1, donor.thinking.lines),
    having('filler', 1, fillerFor(lines, filler)),
  ];
}

/**
 * For each response one to another problem whose thinking it can be given: of the same task, level and language, and drawn so that
 * the thinking of each problem goes to one other. Responses to a problem without a like are absent.
 */
export function donorsFor(responses: readonly StoredResponse[], seed: number): Map<StoredResponse, StoredResponse> {
  const donors = new Map<StoredResponse, StoredResponse>();
  const strata = groupBy(responses, ({sample: {task, steps, language}}) => JSON.stringify([task, steps, language]));
  for (const [stratum, members] of strata) {
    const problems = groupBy(members, ({sample}) => sample.key);
    const order = random(seed, `early-answering/other/${stratum}`).shuffle([...problems.keys()]);
    if (order.length < 2) continue;
    order.forEach((key, place) => {
      const others = problems.get(order[(place + 1) % order.length]!)!;
      problems.get(key)!.forEach((response, index) => donors.set(response, others[index % others.length]!));
    });
  }
  return donors;
}

/** In the order in which the first of each group stands. */
export function groupBy<T>(items: Iterable<T>, keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
