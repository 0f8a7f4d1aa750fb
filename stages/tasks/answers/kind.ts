/** Which kind of answer a reference from outside is. */
import {agreed, LONGEST_ANSWER, referencesIn} from './answer.js';
import {normalText} from './exact.js';
import {integerOf} from './integer.js';

/** The task that checks a reference and the part of it that is the answer, or why there is none. */
export type ReferenceKind =
  | {readonly task: 'integer' | 'exact'; readonly answer: string}
  /** The end of a sentence that begins with what is wrong: `“answer” is empty`. */
  | {readonly fault: string};

/**
 * Looks a reference over. A worked solution gives the answer that it boxes (`\\boxed{…}`), else the one behind `####`, else the
 * one that it announces (`The answer is …`); of any other text, all of it is the answer.
 */
export function kindOfReference(reference: string): ReferenceKind {
  const answers = referencesIn(reference);
  const answer = answers.at(-1) ?? '';
  if (answer.length > LONGEST_ANSWER)
    return {fault: `has ${answer.length} characters; an answer has at most ${LONGEST_ANSWER}`};
  if (agreed(answers, integerOf) !== undefined) return {task: 'integer', answer};
  if (normalText(answer) === undefined) return {fault: 'is empty'};
  if (agreed(answers, normalText) === undefined)
    return {fault: `gives ${answers.length} answers that are not the same: ${answers.slice(0, 3).join(', ')}`};
  return {task: 'exact', answer};
}
