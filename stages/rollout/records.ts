/** What is kept of a rollout once its rewards are known: numbers for the history, a row for those who want to read it. */
import type {RewardWeights} from '../rewards/names.js';
import {isTimedOut} from '../graders/verdict.js';
import type {ScoredRollout, Trace} from './minibatches.js';

/** How a training drew what its history is about: said beside the curves, which held-out scores are drawn otherwise than. */
export const drawnHow = (
  {temperature, generalFrom}: {readonly temperature: number; readonly generalFrom: number},
  hasGeneral: boolean,
): {readonly temperature: number; readonly generalFrom?: number} => ({
  temperature,
  ...(hasGeneral ? {generalFrom} : {}),
});

/** Rewards that every history has a column for, whatever they weigh. */
const ALWAYS = ['accuracy', 'format', 'language', 'helpful', 'safe'];

/**
 * What the history keeps of a completion.
 *
 * @param weights by name; a reward that has one is kept, and those of the paper always are
 * @param reflective counts the reflective words of a text
 */
export function traceOf(
  {rollout, reward, verdicts, preference}: ScoredRollout,
  groupSpread: number,
  weights: RewardWeights,
  reflective: (text: string) => number,
): Trace {
  const value = (name: string): number | null => {
    const verdict = verdicts[name];
    return verdict === undefined || verdict.outcome === 'left-out' ? null : verdict.value;
  };
  const language = verdicts['language'];
  const others = Object.keys(weights).filter((name) => !ALWAYS.includes(name));
  return {
    id: `${rollout.prompt.id}#${rollout.sample}`,
    reward,
    accuracy: value('accuracy'),
    format: value('format'),
    language: value('language'),
    wordless: language === undefined || language.outcome === 'left-out' ? null : language.wordless === true,
    helpful: preference?.helpful ?? null,
    safe: preference?.safe ?? null,
    tokens: rollout.tokens.length,
    ...(rollout.thinking === undefined ? {} : {thinking: rollout.thinking}),
    finished: rollout.finished,
    unparsable: verdicts['accuracy']?.outcome === 'unparsable',
    ...(isTimedOut(verdicts) ? {timedOut: true} : {}),
    reflective: reflective(rollout.completion.text),
    groupSpread,
    ...(others.length === 0 ? {} : {others: Object.fromEntries(others.map((name) => [name, value(name)]))}),
  };
}

/** A completion as a row of the `rollouts` output. */
export const scoredRow = ({rollout, reward, verdicts, preference}: ScoredRollout, step: number): object => ({
  id: `step-${step}:${rollout.prompt.id}#${rollout.sample}`,
  from: [rollout.prompt.id],
  step,
  question: rollout.prompt.question,
  completion: rollout.completion.text,
  tokens: rollout.tokens.length,
  finished: rollout.finished,
  reward,
  verdicts: Object.fromEntries(
    Object.entries(verdicts).map(([name, {outcome, value, why}]) => [
      name,
      {outcome, value, ...(why === undefined ? {} : {why})},
    ]),
  ),
  ...(preference === undefined ? {} : {preference}),
});
