/** What a model was trained on, for who is about to talk to it. */
import type {ModelOrigin, OriginStep, TrainedAsking} from '../access/model-origin.js';
import {askedText} from '../../stages/evaluation/asked.js';
import {wrapped} from '../terminal/columns.js';
import {oneLine} from '../terminal/paint.js';

/** A line for each step, the last one first: `full-sft: sft on rejection-sampling:dataset, general-data:dataset`. */
export function originText({steps}: ModelOrigin, width: number): string {
  return steps.flatMap((step, index) => wrapped(oneLine(stepText(step, index)), width, '    ', '')).join('\n');
}

function stepText({node, stage, data}: OriginStep, index: number): string {
  const on = data.length === 0 ? '' : ` on ${data.join(', ')}`;
  return `${index === 0 ? '' : '  from '}${node}: ${stage}${on}`;
}

/**
 * How a model is asked beside how it was trained.
 *
 * @returns undefined where nothing is known of its training
 */
export function askedAsText(asked: TrainedAsking, {asked: trained}: ModelOrigin): string | undefined {
  if (trained === undefined) return undefined;
  const [now, then] = [asked, trained].map((one) => askedText(one.template, one));
  return now === then ? `asked as it was trained: ${now}` : `asked under ${now}; it was trained under ${then}`;
}
