/**
 * What a model drew, as far as it counts: up to its end token, or to the first of the texts that end a response. The text begins
 * with what the response was made to begin with.
 */
import {beforeEnd, readCompletion, type Completion} from './completion.js';
import type {Tokenizer} from './tokenizer.js';
import type {Wording} from './wording.js';

/** What came out of a sampler for a prompt. */
export interface DrawnTokens {
  readonly promptTokens: readonly number[];
  /** The end token included when one was drawn. */
  readonly tokens: readonly number[];
  /** Whether the end token was drawn. */
  readonly finished: boolean;
}

/** What counts of it. */
export interface DrawnText {
  /** What the response was made to begin with, and what the model wrote behind it. */
  readonly text: string;
  /** So many tokens count: those up to the end token, or to the one that completes a text which ends the response. */
  readonly count: number;
  /** Ended by an end token or such a text, not by the limit on its length. */
  readonly finished: boolean;
}

/** How a response begins and where it ends. */
export type Ends = Pick<Wording, 'prefill' | 'stop'>;

/**
 * Tokens of a prompt that a response is decoded behind: a decoder may drop the space in front of its first token, or join
 * characters over tokens.
 */
const CONTEXT = 8;

/**
 * Reads what was drawn. A text that ends a response is looked for in what the model wrote, not in what it was made to begin with;
 * where several stand in it, the one that was complete first ends it, and the response is what stands before it, as in the
 * interfaces of OpenAI and vLLM.
 */
export function readTokens(
  tokenizer: Pick<Tokenizer, 'decode' | 'endIds'>,
  {promptTokens, tokens, finished}: DrawnTokens,
  {prefill, stop}: Ends,
): DrawnText {
  const own = beforeEnd(tokens, tokenizer.endIds);
  const before = prefill === '' ? [] : promptTokens.slice(-CONTEXT);
  const known = before.length === 0 ? '' : tokenizer.decode(before);
  const textOf = (count: number): string => {
    const text = tokenizer.decode([...before, ...own.slice(0, count)]);
    return text.startsWith(known) ? text.slice(known.length) : tokenizer.decode(own.slice(0, count));
  };
  const all = textOf(own.length);
  if (!stop.some((end) => all.includes(end))) return {text: prefill + all, count: tokens.length, finished};
  // The fewest tokens whose text holds one of them.
  let [low, high] = [1, own.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const text = textOf(middle);
    if (stop.some((end) => text.includes(end))) high = middle;
    else low = middle + 1;
  }
  const text = textOf(low);
  const places = stop.map((end) => text.indexOf(end)).filter((place) => place !== -1);
  return {text: prefill + text.slice(0, Math.min(...places)), count: low, finished: true};
}

/** Characters at the end of a text that one of the texts that end a reply may begin with. */
export function begunStop(text: string, stop: readonly string[]): number {
  const longest = Math.min(text.length, Math.max(0, ...stop.map(({length}) => length - 1)));
  for (let length = longest; length > 0; length--)
    if (stop.some((end) => end.length > length && text.endsWith(end.slice(0, length)))) return length;
  return 0;
}

/** A completion of which nothing but its text is known to the tokenizer's thread, taken apart. */
export const completionFrom = ({text, finished}: DrawnText, {prefill}: Ends): Completion =>
  readCompletion(text, finished, prefill);

/** Without the tokens that do not count. */
export const upTo = <T extends {readonly tokens: readonly number[]; readonly logProbs?: readonly number[]}>(
  drawn: T,
  {count, finished}: DrawnText,
): T => ({
  ...drawn,
  finished,
  tokens: drawn.tokens.slice(0, count),
  ...(drawn.logProbs === undefined ? {} : {logProbs: drawn.logProbs.slice(0, count)}),
});
