/** Supervised data from general scenarios. */
import {random} from '../random.js';
import {generalOf, goodResponse, poorResponse, writeResponse} from './general.js';
import type {Prompt} from './prompt.js';
import {generalPrompts} from './prompt-sets.js';

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
}): GeneralRow[] {
  const {seed, split, count, goodShare, purpose = 'general-rows'} = options;
  return generalPrompts({seed, split, count, purpose}).map((prompt, index) => {
    const draws = random(seed, `general-rows:${purpose}`, index);
    const {scenario, language} = generalOf(prompt);
    const good = draws.uniform() < goodShare;
    const response = good ? goodResponse(scenario, language) : poorResponse(scenario, language, draws);
    const quality = good ? 'good' : 'poor';
    return {id: `${purpose}:${index}`, from: [prompt.id], prompt, response: writeResponse(response), quality};
  });
}
