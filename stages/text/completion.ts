/**
 * What a model wrote after its prompt, taken apart by the tags of the R1 format. Only the completion is looked at, never
 * the prompt, so tags that a template quotes count for nothing.
 */
import type {Tokenizer} from './tokenizer.js';

/** A completion, taken apart by its tags. */
export interface Completion {
  /** Everything up to the end token, tags included. */
  readonly text: string;
  /** Ended by the end token, not by the limit on its length. */
  readonly finished: boolean;
  /** Between the first `<think>` and the first `</think>` behind it; '' when nothing is between them. */
  readonly thinking?: string;
  /** Between the last `<answer>` and the `</answer>` behind it. */
  readonly answer?: string;
  /** Finished, and exactly `<think> … </think> <answer> … </answer>` with an answer that is not empty and nothing around. */
  readonly tagged: boolean;
}

/** `<think>`, then no further tag until `</think>`, and likewise for the answer. */
const TAGGED =
  /^<think>(?:(?!<\/?(?:think|answer)>)[^])*<\/think>\s*<answer>(?:(?!<\/?(?:think|answer)>)[^])*\S(?:(?!<\/?(?:think|answer)>)[^])*<\/answer>$/;

/** Takes a completion's text apart. A part whose tags do not close is absent. */
export function readCompletion(text: string, finished: boolean): Completion {
  const trimmed = text.trim();
  const thinking = between(trimmed, '<think>', '</think>', trimmed.indexOf('<think>'));
  const answer = between(trimmed, '<answer>', '</answer>', trimmed.lastIndexOf('<answer>'));
  return {
    text: trimmed,
    finished,
    ...(thinking === undefined ? {} : {thinking}),
    ...(answer === undefined ? {} : {answer}),
    tagged: finished && answer !== undefined && answer !== '' && TAGGED.test(trimmed),
  };
}

/** Reads the ids that a model sampled, with or without the end token, which is left out of the text. */
export function completionOf(tokenizer: Tokenizer, ids: ArrayLike<number>, finished: boolean): Completion {
  return readCompletion(tokenizer.decode(beforeEnd(Array.from(ids), tokenizer.eosId)), finished);
}

/** What was sampled before the end token. */
export function beforeEnd(ids: readonly number[], eosId: number): readonly number[] {
  const end = ids.indexOf(eosId);
  return end === -1 ? ids : ids.slice(0, end);
}

/**
 * The part that is meant for the reader: the answer; without answer tags, what follows the thinking; without those,
 * everything.
 */
export function finalAnswer(completion: Completion): string {
  if (completion.answer !== undefined) return completion.answer;
  const end = completion.text.lastIndexOf('</think>');
  return (end === -1 ? completion.text : completion.text.slice(end + '</think>'.length))
    .replace(/<\/?(?:think|answer)>/g, ' ')
    .trim();
}

function between(text: string, open: string, close: string, start: number): string | undefined {
  if (start === -1) return undefined;
  const end = text.indexOf(close, start + open.length);
  return end === -1 ? undefined : text.slice(start + open.length, end).trim();
}
