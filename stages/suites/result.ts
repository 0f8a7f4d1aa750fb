/** What came of a suite: scores, how they were measured, and what the paper printed, where the two may stand side by side. */
import type {ServedBy, Usage} from '../endpoint/served.js';
import type {Sample, Score} from '../evaluation/index.js';
import type {TemplateName} from '../text/template-names.js';
import {isPercent, type Suite} from './suite.js';

/** How a model was asked, as it came about. */
export interface SuiteSettings {
  readonly template: TemplateName;
  readonly samples: number;
  readonly temperature: number;
  readonly topP: number;
  readonly maxNewTokens: number;
  /** What the suite had said around its prompts, began responses with, and ended them at; absent where there was nothing. */
  readonly system?: string;
  readonly suffix?: string;
  readonly prefill?: string;
  readonly stop?: readonly string[];
  /** Problems that were asked, and those that the files have. */
  readonly problems: number;
  readonly of: number;
  /** Who judged, where somebody did. */
  readonly judge?: string;
  /** Whose replies they stood beside, where the files say so. */
  readonly baseline?: string;
}

/** A number of the paper. */
export interface PaperScore {
  readonly model: string;
  readonly metric: string;
  /** A share, as ours are; of a rating its points. */
  readonly value: number;
  readonly source: string;
}

/** The verdict on a response. */
export interface SuiteSample extends Sample {
  /** How the response came about, of a model at an endpoint. */
  readonly served?: ServedBy;
}

export interface SuiteResult {
  readonly suite: string;
  readonly title: string;
  readonly settings: SuiteSettings;
  readonly scores: readonly Score[];
  /** Whatever was chosen. */
  readonly paper: readonly PaperScore[];
  /** Why the paper's numbers are not measured in this way; empty where they may be compared. */
  readonly differs: readonly string[];
  /** What a reader should know beside that. */
  readonly notes: readonly string[];
  /** What was counted over the answers of a model at an endpoint. */
  readonly usage?: Usage;
  readonly samples: readonly SuiteSample[];
}

/** The paper's numbers of a suite. */
export const paperScores = ({paper, measure}: Suite): PaperScore[] =>
  (paper?.rows ?? []).map(({model, metric = paper?.metric ?? measure.metrics[0]!, value, source}) => ({
    model,
    metric,
    value: isPercent(metric) ? Number((value / 100).toFixed(6)) : value,
    source,
  }));

/** What a reader of the scores calls what is said around prompts. */
const AROUND = {
  system: 'a system text,',
  suffix: 'a text behind each question,',
  prefill: 'responses are made to begin with',
  stop: 'responses end at',
};

/** In what the settings are not those of the suite, each as the end of “not comparable: …”. */
export function differences(suite: Suite, settings: SuiteSettings): string[] {
  const {ask, data, grade, paper} = suite;
  const unequal = (what: string, is: number | string, was: number | string): string[] =>
    is === was ? [] : [`${what} ${is}, not ${was}`];
  return [
    ...(paper?.differs ?? []),
    ...unequal('samples', settings.samples, ask.samples),
    ...unequal('temperature', settings.temperature, ask.temperature),
    ...unequal('top-p', settings.topP, ask.topP),
    ...unequal('tokens a response', settings.maxNewTokens, ask.maxNewTokens),
    ...unequal('template', settings.template, ask.template),
    // Nothing of the kind is printed there.
    ...(['system', 'suffix', 'prefill', 'stop'] as const).flatMap((name) =>
      settings[name] === undefined ? [] : [`${AROUND[name]} ${JSON.stringify(settings[name])}`],
    ),
    ...(settings.problems < settings.of ? [`${settings.problems} of ${settings.of} problems`] : []),
    ...(data.problems === undefined || settings.of === data.problems
      ? []
      : [`the files have ${settings.of} problem${settings.of === 1 ? '' : 's'}, the set has ${data.problems}`]),
    ...(grade.baseline === undefined || settings.baseline === grade.baseline
      ? []
      : [`other baseline: ${settings.baseline ?? 'nobody is named'}, not ${grade.baseline}`]),
    ...(grade.judge === undefined || settings.judge === grade.judge ? [] : [`other judge: not ${grade.judge}`]),
  ];
}
