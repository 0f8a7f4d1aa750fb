/** How the answers of a file are compared. */
import {builtInTasks} from '../../tasks/built-in.js';
import {kindOfReference} from '../../tasks/answers/kind.js';
import type {Answers} from './params.js';

export type Reference = {readonly task: string; readonly answer: string} | {readonly fault: string};

/**
 * The task of a reference and what of it is compared. `auto` tells whole numbers from other texts; any other word is the task that
 * all answers of the file belong to.
 */
export function referenceOf(text: string, answers: Answers): Reference {
  return ofKind(text, answers);
}

/** Whatever tasks there are; which of them a file may name is Answers' to say. */
function ofKind(text: string, answers: string): Reference {
  if (answers === 'auto') return kindOfReference(text);
  if (answers === 'integer' || answers === 'exact') {
    const found = kindOfReference(text);
    if ('fault' in found) return found;
    if (answers === 'integer' && found.task !== 'integer')
      return {fault: `is no whole number: “${short(found.answer)}”`};
    return {task: answers, answer: found.answer};
  }
  const kind = builtInTasks.get(answers)?.answer;
  if (kind === undefined) throw new Error(`Internal error: no task “${answers}” checks answers`);
  if (kind.reference(text) === undefined) return {fault: `is no reference of the kind “${answers}”: “${short(text)}”`};
  return {task: answers, answer: text};
}

/** Whether a text is mathematics that has many spellings, so that comparing it as text refuses right answers. */
export const isFormula = (text: string): boolean =>
  /\\[a-zA-Z]+|[\^√π∞≤≥±×÷²³]|\d\s*[/*+=]\s*[\d(a-z]|[a-z]\s*[=^/+]\s*[\d(]|^[([]\s*-?\d.*,.*[)\]]$|\d\.\d/.test(text);

const short = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}…` : text);
