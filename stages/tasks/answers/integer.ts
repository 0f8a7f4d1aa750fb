/**
 * Answers that are whole numbers, as in grade-school problems: no formula, no bound, no list. Which ways to write them are
 * read, and which are not, is in README.md.
 */
import type {AnswerKind} from '../task.js';
import {agreed, givenIn, referencesIn} from './answer.js';
import {isWhole, numberOf, statedNumber} from './number.js';

const wholeOnly = (decimal: string | undefined): string | undefined =>
  decimal !== undefined && isWhole(decimal) ? decimal : undefined;

/** The whole number that an answer states, without leading zeros or sign of zero; `undefined` when it states none, or several. */
export const statedInteger = (text: string): string | undefined => wholeOnly(statedNumber(text));

/** The whole number that a reference is; `undefined` when it is anything more or else. */
export const integerOf = (text: string): string | undefined => wholeOnly(numberOf(text));

export const integer: AnswerKind = {
  read: (completion) => agreed(givenIn(completion), statedInteger),
  reference: (text) => agreed(referencesIn(text), integerOf),
};
