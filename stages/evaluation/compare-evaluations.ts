/**
 * Two evaluations beside each other: what each scored, the difference paired on the problems that both were asked, problems won and
 * lost, and in what the two differ beside the model. A pure function of what the `scores` artifacts hold.
 */
import {askedText, type Asked} from './asked.js';
import {compare} from './comparison.js';
import type {Interval} from './intervals.js';
import {isMetric, metricsFor, type Metric} from './metrics.js';
import type {Sample} from './sample.js';
import {scoreOf, type Score} from './scores.js';
import {wonAndLost, type WonAndLost} from './won-and-lost.js';

/** What a `scores` artifact says of one model: `scores.json`, and the rows beside it. */
export interface EvaluationToCompare extends Asked {
  readonly template: string;
  readonly temperature: number;
  readonly topP: number;
  /** Samples of each prompt. */
  readonly k: number;
  readonly samples: readonly Sample[];
  /** As they were recorded; a metric that is not among them is computed. */
  readonly scores: readonly Score[];
}

/** Whether an interval of a difference tells on which side of 0 it lies. */
export type Told = 'higher' | 'lower' | 'not told apart';

/** The mean of the other model less that of the baseline, with its interval at 95 %. */
export interface PairedDifference extends Interval {
  readonly value: number;
  /** Two-sided p-value of "there is no difference". */
  readonly p: number;
  /** Problems that both have a value of, on which it is paired. */
  readonly problems: number;
  readonly told: Told;
}

/** One metric of two models; what only one of them has is undefined in the other. */
export interface MetricComparison {
  readonly metric: Metric;
  /** Over all the problems that the model was asked. */
  readonly baseline: Score | undefined;
  readonly other: Score | undefined;
  /** Undefined where no problem has a value of both. */
  readonly difference: PairedDifference | undefined;
}

/** Something beside the model that is not the same, as texts. */
export interface SettingDifference {
  readonly name: string;
  readonly baseline: string;
  readonly other: string;
}

/** How far two evaluations are of the same problems. */
export interface SharedProblems {
  readonly shared: number;
  readonly onlyBaseline: number;
  readonly onlyOther: number;
  /** Of the shared ones, those that were put to the two in other words. */
  readonly reworded: number;
}

/** Two evaluations beside each other; see `compareEvaluations`. */
export interface EvaluationComparison {
  readonly settings: readonly SettingDifference[];
  readonly problems: SharedProblems;
  /** In the order of a table of scores. */
  readonly metrics: readonly MetricComparison[];
  /** Undefined where no problem with an answer is shared. */
  readonly answers: WonAndLost | undefined;
}

/**
 * Compares what two models scored: every metric of either with its interval over problems, the difference other − baseline paired on
 * the problems that both were asked (over-problems.ts), problems won and lost, and which settings were not the same. The intervals
 * hold the sampling of problems; what another seed of the training would give is not in them.
 */
export function compareEvaluations(baseline: EvaluationToCompare, other: EvaluationToCompare): EvaluationComparison {
  return {
    settings: settingsOf(baseline, other),
    problems: sharedProblems(baseline.samples, other.samples),
    metrics: metricsOf(baseline, other).flatMap((metric) => compareMetric(metric, baseline, other)),
    answers: wonAndLost(baseline.samples, other.samples),
  };
}

/** On which side of 0 an interval lies; one that 0 is in, or at an end of, does not tell. */
export const toldBy = ({low, high}: Interval): Told => (low > 0 ? 'higher' : high < 0 ? 'lower' : 'not told apart');

/** The metrics of either, in the order of a table; what a benchmark alone measures is last. */
function metricsOf({scores, k}: EvaluationToCompare, other: EvaluationToCompare): readonly Metric[] {
  const recorded = [...scores, ...other.scores].map(({metric}) => metric);
  return [...new Set([...metricsFor(k, other.k), ...recorded])];
}

function compareMetric(
  metric: Metric,
  baseline: EvaluationToCompare,
  other: EvaluationToCompare,
): readonly MetricComparison[] {
  const [before, after] = [levelOf(metric, baseline), levelOf(metric, other)];
  if (before === undefined && after === undefined) return [];
  const measured = isMetric(metric)
    ? compare({
        ...{metric, statistic: 'difference', threshold: 0},
        ...{left: other.samples, right: baseline.samples},
      })
    : undefined;
  if (measured === undefined) return [{metric, baseline: before, other: after, difference: undefined}];
  const {value, low, high, p, problems} = measured;
  const difference = {value, low, high, p, problems, told: toldBy(measured)};
  return [{metric, baseline: before, other: after, difference}];
}

function levelOf(metric: Metric, {scores, samples}: EvaluationToCompare): Score | undefined {
  return scores.find((score) => score.metric === metric) ?? (isMetric(metric) ? scoreOf(metric, samples) : undefined);
}

function settingsOf(baseline: EvaluationToCompare, other: EvaluationToCompare): readonly SettingDifference[] {
  const texts = ({
    template,
    k,
    temperature,
    topP,
    ...asked
  }: EvaluationToCompare): Readonly<Record<string, string>> => ({
    'asked and read with': askedText(template, asked),
    'samples of each prompt': String(k),
    temperature: String(temperature),
    'top-p': String(topP),
  });
  const [before, after] = [texts(baseline), texts(other)];
  return Object.keys(before)
    .map((name) => ({name, baseline: before[name]!, other: after[name]!}))
    .filter((setting) => setting.baseline !== setting.other);
}

function sharedProblems(baseline: readonly Sample[], other: readonly Sample[]): SharedProblems {
  const [before, after] = [promptsOf(baseline), promptsOf(other)];
  const shared = [...before.keys()].filter((problem) => after.has(problem));
  const isReworded = (problem: string): boolean =>
    [...before.get(problem)!].every((prompt) => !after.get(problem)!.has(prompt));
  return {
    shared: shared.length,
    onlyBaseline: before.size - shared.length,
    onlyOther: after.size - shared.length,
    reworded: shared.filter(isReworded).length,
  };
}

function promptsOf(samples: readonly Sample[]): ReadonlyMap<string, ReadonlySet<string>> {
  const prompts = new Map<string, Set<string>>();
  for (const {key, prompt} of samples) {
    const known = prompts.get(key);
    if (known === undefined) prompts.set(key, new Set([prompt]));
    else known.add(prompt);
  }
  return prompts;
}
