/**
 * Answers that are whole numbers, as in grade-school problems. The last number of the answer counts; thousands commas, a
 * currency or percent sign, units and a fraction of zeros are looked through. No arithmetic is done: `6*7` is 7.
 */
import type {AnswerKind} from '../task.js';
import {answerText} from './answer.js';

/** A number: not part of a word, with or without commas between thousands, maybe with decimals. */
const NUMBER = /(?<![\w.,])[-−]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?![\w]|[.,]\d)/g;

/** The last number of a text without leading zeros or sign of zero; `undefined` when there is none or it is no integer. */
export function lastInteger(text: string): string | undefined {
  const last = text
    .replaceAll(/[$€£¥￥]/g, ' ')
    .match(NUMBER)
    ?.at(-1);
  if (last === undefined) return undefined;
  const [whole = '', decimals = ''] = last.replaceAll(',', '').replace('−', '-').split('.');
  return /^0*$/.test(decimals) ? BigInt(whole).toString() : undefined;
}

export const integer: AnswerKind = {
  read: (completion) => {
    const text = answerText(completion);
    return text === undefined ? undefined : lastInteger(text);
  },
  reference: lastInteger,
};
