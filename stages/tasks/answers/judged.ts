/**
 * Answers that a judge reads as they are: all that a completion says to its reader, never its thinking. Votes are counted by the
 * text. A prompt may have a reference or not; '' is none.
 */
import {finalAnswer} from '../../text/completion.js';
import type {AnswerKind} from '../task.js';

/** Characters of the longest answer that is shown to a judge. */
export const LONGEST_JUDGED = 100_000;

export const judged: AnswerKind = {
  external: 'judge',
  read(completion) {
    const text = finalAnswer(completion).trim();
    return text === '' || text.length > LONGEST_JUDGED ? undefined : text;
  },
  reference: (text) => text.trim(),
};
