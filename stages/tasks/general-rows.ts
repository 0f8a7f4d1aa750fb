/** Supervised data from general scenarios. */
import {random} from '../random.js';
import {generalOf, goodResponse, poorResponse, writeResponse} from './general.js';
import type {Prompt} from './prompt.js';
import {ALL_GENERAL, type GeneralChoice} from './general-choice.js';
import {generalPrompts} from './prompt-sets.js';
import {spelled} from './spelling.js';

export interface GeneralRow {
  readonly id: string;
  /** The prompt's id. */
  readonly from: readonly string[];
  readonly prompt: Prompt;
  /** The whole response with its tags. */
  readonly response: string;
  readonly quality: 'good' | 'poor';
}

/**
 * `count` prompts of one side with a response each, good with probability `goodShare`: supervised data is decent but not
 * perfect, so that preference rewards have something left to improve.
 */
export function generalRows(options: {
  readonly seed: number;
  readonly split: 'train' | 'held-out';
  readonly count: number;
  readonly goodShare: number;
  readonly purpose?: string;
  readonly choice?: GeneralChoice;
}): GeneralRow[] {
  const {seed, split, count, goodShare, purpose = 'general-rows', choice = ALL_GENERAL} = options;
  return generalPrompts({seed, split, count, purpose, choice}).map((prompt, index) => {
    const draws = random(seed, `general-rows:${purpose}`, index);
    const {scenario, language} = generalOf(prompt);
    const good = draws.uniform() < goodShare;
    const {thinking, answer} = good
      ? goodResponse(scenario, language)
      : poorResponse(scenario, language, draws, choice.languages);
    const said = (text: string): string => spelled(text, language, choice.spelling);
    const response = {thinking: said(thinking), answer: said(answer)};
    const quality = good ? 'good' : 'poor';
    return {id: `${purpose}:${index}`, from: [prompt.id], prompt, response: writeResponse(response), quality};
  });
}
