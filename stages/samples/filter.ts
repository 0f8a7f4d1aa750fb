/** Which completions and groups somebody wants to read. */
import {reflectiveWords} from '../text/language.js';
import type {StoredSample} from './sample.js';

/** What is wanted; whatever is left out does not matter. */
export interface SampleFilter {
  /** Completions that were judged and are not right, not helpful or not safe. */
  readonly wrong?: boolean;
  /** Completions with a reflective word: “wait”, “check”, “等等” … */
  readonly reflective?: boolean;
  /** Completions that were cut off. */
  readonly truncated?: boolean;
  /** Groups with a completion that is right and one that is not. */
  readonly mixed?: boolean;
  /** Groups that were sampled at one of these steps, both ends included, or at the last one that there is. */
  readonly steps?: {readonly from: number; readonly to: number} | 'last';
  /** Groups of the prompts with these ids, or with these keys; the id of a completion stands for its prompt. */
  readonly problems?: readonly string[];
}

/** Whether a completion is right by whatever judged it; undefined where nothing did. */
export function isRight({outcome, helpful, safe}: StoredSample): boolean | undefined {
  if (outcome !== undefined) return outcome === 'right';
  const said = [helpful, safe].filter((value) => value !== undefined);
  return said.length === 0 ? undefined : said.every(Boolean);
}

/** Reflective words of a completion: as its row counts them, else of its whole text, as the history of `grpo` does. */
export const reflectionsIn = ({reflective, text}: StoredSample): number => reflective ?? reflectiveWords(text);

/** Whether a completion is wanted by itself. */
export const isWanted = (sample: StoredSample, {wrong, reflective, truncated}: SampleFilter): boolean =>
  (wrong !== true || isRight(sample) === false) &&
  (truncated !== true || sample.finished === false) &&
  (reflective !== true || reflectionsIn(sample) > 0);

/** Whether the filter looks at single completions. */
export const looksAtSamples = ({wrong, reflective, truncated}: SampleFilter): boolean =>
  wrong === true || reflective === true || truncated === true;
