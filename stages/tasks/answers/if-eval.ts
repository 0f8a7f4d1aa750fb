/**
 * Responses that have to follow instructions (IF-Eval, arXiv 2311.07911): all that a completion says to its reader, as it is. The
 * reference is JSON, a list of `{id, given}`; a response is worth the share of them that it follows, and right where it follows all.
 */
import {finalAnswer} from '../../text/completion.js';
import {followed, instructionFault, type Wanted} from '../if-eval/instructions.js';
import type {AnswerKind} from '../task.js';

/** The instructions of a reference; `undefined` where it is none. */
export function instructionsIn(text: string): readonly Wanted[] | undefined {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    return undefined; // The caller says that it is no reference.
  }
  const wanted = Array.isArray(list) ? (list as readonly Wanted[]) : [];
  return wanted.length > 0 && wanted.every((one) => instructionFault(one) === undefined) ? wanted : undefined;
}

export const ifEval: AnswerKind = {
  detects: true,
  read: (completion) => finalAnswer(completion),
  reference: (text) => (instructionsIn(text) === undefined ? undefined : text),
  grade(given, reference) {
    const wanted = instructionsIn(reference)!;
    return followed(wanted, given) / wanted.length;
  },
};
