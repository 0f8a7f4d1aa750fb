/**
 * What a reward model is worth: its accuracy on prompts that were held out, beside a baseline that looks at nothing but
 * length, and how its scores are squashed to [0, 1]. Pure functions; the training is `reward-model.ts`.
 */
import {random} from '../random.js';

/** What is judged: a pair of completions, or one with its label. */
export interface Example {
  readonly question: string;
  /** First chosen, then rejected; or one row with its label. */
  readonly tokens: readonly (readonly number[])[];
  /** 1 for safe; absent from pairs. */
  readonly label?: 0 | 1;
}

/**
 * Sets some questions aside. Prompts, not rows, are held out: two completions of one question never fall on both sides.
 *
 * @param share of the questions to hold out, rounded up
 */
export function splitByQuestion(
  examples: readonly Example[],
  share: number,
  seed: number,
): {learn: Example[]; check: Example[]} {
  const questions = random(seed, 'reward-model/held-out').shuffle([...new Set(examples.map(({question}) => question))]);
  const held = new Set(questions.slice(0, Math.ceil(questions.length * share)));
  return {
    learn: examples.filter(({question}) => !held.has(question)),
    check: examples.filter(({question}) => held.has(question)),
  };
}

/** What a reward model is worth on what was held out; shares in [0, 1]. */
export interface HeldOutAccuracy {
  readonly accuracy: number;
  /** Accuracy of calling the shorter answer better, or the longer, whichever fits more. */
  readonly lengthOnly: number;
  /** For `squash`. */
  readonly calibration: {readonly shift: number; readonly scale: number};
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);

/** Shift: half way between the two sides' means; scale: so that the means come out at σ(±2) = 0.12 and 0.88. */
function between(good: readonly number[], bad: readonly number[]): {shift: number; scale: number} {
  const [high, low] = [mean(good), mean(bad)];
  return {shift: (high + low) / 2, scale: Math.max(1e-3, Math.abs(high - low) / 4)};
}

/**
 * Accuracy on pairs: the share in which the chosen one scores higher, ties counted half.
 *
 * @param scores two a pair, of chosen and rejected in turn
 */
export function judgePairs(check: readonly Example[], scores: readonly number[]): HeldOutAccuracy {
  const couples = check.map(({tokens}, index) => ({
    good: scores[2 * index]!,
    bad: scores[2 * index + 1]!,
    longer: tokens[0]!.length - tokens[1]!.length,
  }));
  const share = (test: (couple: (typeof couples)[number]) => number): number => mean(couples.map(test));
  const longer = share(({longer: gap}) => (gap === 0 ? 0.5 : gap > 0 ? 1 : 0));
  return {
    accuracy: share(({good, bad}) => (good > bad ? 1 : good === bad ? 0.5 : 0)),
    lengthOnly: Math.max(longer, 1 - longer),
    calibration: between(
      couples.map(({good}) => good),
      couples.map(({bad}) => bad),
    ),
  };
}

/**
 * Accuracy on labelled rows: the share that is on the right side of 0, above it meaning safe.
 *
 * @param scores one a row
 */
export function judgePoints(check: readonly Example[], scores: readonly number[]): HeldOutAccuracy {
  const rows = check.map(({tokens, label}, index) => ({
    score: scores[index]!,
    length: tokens[0]!.length,
    safe: label === 1,
  }));
  const accuracyAt = (of: (row: (typeof rows)[number]) => number, threshold: number): number =>
    mean(rows.map((row) => (of(row) > threshold === row.safe ? 1 : 0)));
  const thresholds = [...new Set(rows.map(({length}) => length))].flatMap((length) => [length - 0.5, length + 0.5]);
  return {
    accuracy: accuracyAt(({score}) => score, 0),
    lengthOnly: Math.max(
      ...thresholds.flatMap((at) => [accuracyAt(({length}) => length, at), 1 - accuracyAt(({length}) => length, at)]),
    ),
    calibration: between(
      rows.filter(({safe}) => safe).map(({score}) => score),
      rows.filter(({safe}) => !safe).map(({score}) => score),
    ),
  };
}
