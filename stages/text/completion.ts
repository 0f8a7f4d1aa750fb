/**
 * What a model wrote after its prompt, taken apart by the tags of the R1 format: the one reader of thinking and answer, for
 * rewards, metrics and tables alike. Only the completion is looked at, never the prompt, so tags that a template quotes count
 * for nothing. One pass over the text, whatever is in it.
 */

/** A completion, taken apart by its tags. */
export interface Completion {
  /** Everything up to the end token, tags included. */
  readonly text: string;
  /** Ended by the end token, not by the limit on its length. */
  readonly finished: boolean;
  /**
   * Between `<think>` and `</think>`, '' when nothing is between them; several parts are joined by line breaks. Where
   * `</think>` comes without `<think>`, as under templates that write `<think>` themselves, all that stands before it. Absent
   * where no thinking was closed.
   */
  readonly thinking?: string;
  /** What stands outside the thinking, tags of answers included. Nothing behind a `<think>` that is not closed does. */
  readonly reply: string;
  /** Between `<answer>` and the next `</answer>` in the reply, one after the other. */
  readonly answers: readonly string[];
  /** The last of `answers`. */
  readonly answer?: string;
  /** Finished, and exactly `<think> … </think> <answer> … </answer>` with an answer that is not empty and nothing around. */
  readonly tagged: boolean;
  /** What the response was made to begin with, a part of `text`; absent where the model wrote all of it. */
  readonly prefill?: string;
}

const TAGS = /<\/?(?:think|answer)>/g;
const FORMAT = ['<think>', '</think>', '<answer>', '</answer>'];

/**
 * Takes a completion's text apart. Tags do not nest: `</think>` closes the thinking however often it was opened.
 *
 * @param prefill what the text begins with and the model did not write
 */
export function readCompletion(text: string, finished: boolean, prefill = ''): Completion {
  const trimmed = text.trim();
  const tags = [...trimmed.matchAll(TAGS)].map(({0: tag, index}) => ({tag, at: index, end: index + tag.length}));
  let thoughts: string[] = [];
  let reply: string[] = [];
  let answers: string[] = [];
  /** Where the thinking, the reply and the answer that are open began. */
  let thinkingFrom: number | undefined;
  let replyFrom = 0;
  let answerFrom: number | undefined;
  for (const {tag, at, end} of tags) {
    if (tag === '<think>' && thinkingFrom === undefined) {
      reply.push(trimmed.slice(replyFrom, at));
      thinkingFrom = end;
      answerFrom = undefined;
    } else if (tag === '</think>') {
      if (thinkingFrom === undefined) {
        [thoughts, reply, answers] = [[trimmed.slice(0, at).trim()], [], []];
        answerFrom = undefined;
      } else thoughts.push(trimmed.slice(thinkingFrom, at).trim());
      thinkingFrom = undefined;
      replyFrom = end;
    } else if (thinkingFrom === undefined && tag === '<answer>') answerFrom = end;
    else if (tag === '</answer>' && answerFrom !== undefined) {
      answers.push(trimmed.slice(answerFrom, at).trim());
      answerFrom = undefined;
    }
  }
  if (thinkingFrom === undefined) reply.push(trimmed.slice(replyFrom));
  const answer = answers.at(-1);
  return {
    text: trimmed,
    finished,
    ...(thoughts.length === 0 ? {} : {thinking: thoughts.join('\n')}),
    reply: reply.join(' ').trim(),
    answers,
    ...(answer === undefined ? {} : {answer}),
    tagged: finished && answer !== undefined && answer !== '' && isInFormat(trimmed, tags),
    ...(prefill === '' ? {} : {prefill}),
  };
}

/**
 * Pairs of tags, `<think> … </think>` or `<answer> … </answer>`, that the model closed itself; one that it was made to begin with as a
 * whole is not its own.
 */
export function ownPairs({text, prefill = ''}: Pick<Completion, 'text' | 'prefill'>): number {
  const forced = prefill.trimStart().length;
  return [...text.matchAll(TAGS)].filter(({0: tag, index}) => tag.startsWith('</') && index + tag.length > forced)
    .length;
}

/** The four tags in their order, nothing before, between thinking and answer, and behind. */
function isInFormat(
  text: string,
  tags: readonly {readonly tag: string; readonly at: number; readonly end: number}[],
): boolean {
  return (
    tags.length === FORMAT.length &&
    tags.every(({tag}, place) => tag === FORMAT[place]) &&
    tags[0]!.at === 0 &&
    text.slice(tags[1]!.end, tags[2]!.at).trim() === '' &&
    tags[3]!.end === text.length
  );
}

/** What was sampled before the first end token. */
export function beforeEnd(ids: readonly number[], endIds: readonly number[]): readonly number[] {
  const end = ids.findIndex((id) => endIds.includes(id));
  return end === -1 ? ids : ids.slice(0, end);
}

/** The part that is meant for the reader: the answer; without answer tags, what stands outside the thinking. */
export const finalAnswer = ({answer, reply}: Completion): string => answer ?? reply.replaceAll(TAGS, ' ').trim();
