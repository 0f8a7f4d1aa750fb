/**
 * How much hangs on the prompt: models of the report that were asked in other words, in another template or with examples, each beside
 * how it was asked among the scores. The paper says that R1 is sensitive to prompts and that few-shot prompting hurts it (v1, §5).
 */
import {askedText} from '../asked.js';
import {compare} from '../comparison.js';
import {scoreOf} from '../scores.js';
import type {Rate} from '../early-answers.js';
import type {Evaluated} from './inputs.js';
import {rateText, table} from './markdown-parts.js';

/** A model asked in one way. */
export interface PromptingRow {
  readonly name: string;
  /** What the model's scores are called, if it is among them. */
  readonly node: string | undefined;
  /** The template with all that is not as by default. */
  readonly asked: string;
  readonly passAt1: Rate;
  /** pass@1 less that of the model as it was asked among the scores, paired on problems; of that itself there is none. */
  readonly difference?: Rate;
  /** Shares of responses. */
  readonly format: number | undefined;
  readonly invalid: number | undefined;
}

/**
 * Rows by model, each led by how it was asked among the scores.
 *
 * @param evaluations the scores of the report, the first of a model is what others are compared with
 */
export function promptingRows(
  promptings: Readonly<Record<string, Evaluated>>,
  evaluations: Readonly<Record<string, Evaluated>>,
): PromptingRow[] {
  const models = [...new Set(Object.values(promptings).map(({model}) => model))];
  return models.flatMap((model): PromptingRow[] => {
    const [node, reference] = Object.entries(evaluations).find(([, one]) => one.model === model) ?? [];
    const others = Object.entries(promptings).filter(([, one]) => one.model === model);
    return [
      ...(reference === undefined ? [] : rowOf('as scored', reference, {node})),
      ...others.flatMap(([name, one]) => rowOf(name, one, {node, reference})),
    ];
  });
}

function rowOf(
  name: string,
  evaluated: Evaluated,
  {node, reference}: {readonly node: string | undefined; readonly reference?: Evaluated | undefined},
): PromptingRow[] {
  const passAt1 = scoreOf('pass@1', evaluated.samples);
  if (passAt1 === undefined) return [];
  const compared =
    reference &&
    compare({
      ...{metric: 'pass@1', statistic: 'difference', threshold: 0},
      ...{left: evaluated.samples, right: reference.samples},
    });
  const meanOf = (metric: string): number | undefined => scoreOf(metric, evaluated.samples)?.mean;
  return [
    {
      ...{name, node, asked: askedText(evaluated.template, evaluated)},
      passAt1: {mean: passAt1.mean, low: passAt1.low, high: passAt1.high},
      ...(compared === undefined ? {} : {difference: {mean: compared.value, low: compared.low, high: compared.high}}),
      ...{format: meanOf('format'), invalid: meanOf('invalid')},
    },
  ];
}

const share = (value: number | undefined): string => value?.toFixed(3) ?? '–';

/** The table with what it says in words; nothing where there are no rows. */
export function promptingSection(rows: readonly PromptingRow[] = []): string {
  if (rows.length === 0) return '';
  const lines = rows.map(({name, node, asked, passAt1, difference, format, invalid}) => [
    node ?? '–',
    name,
    asked,
    rateText(passAt1),
    difference === undefined ? '–' : rateText(difference),
    share(format),
    share(invalid),
  ]);
  const head = ['model', 'asked', 'template and texts', 'pass@1', 'less “as scored”', 'format', 'invalid'];
  return [
    'The same problems, put in other words, in another template or behind examples. Differences are paired on problems.',
    table(head, lines, 3),
    spanText(rows),
  ]
    .filter((text) => text !== '')
    .join('\n\n');
}

/** How far the ways of asking lie apart, for each model. */
function spanText(rows: readonly PromptingRow[]): string {
  const nodes = [...new Set(rows.map(({node}) => node))];
  return nodes
    .map((node) => {
      const means = rows.filter((row) => row.node === node).map(({passAt1}) => passAt1.mean);
      const [low, high] = [Math.min(...means), Math.max(...means)].map((value) => value.toFixed(3)) as [string, string];
      return `pass@1 of ${node ?? 'a model that is not among the scores'} is from ${low} to ${high} over ${means.length} ways to ask it.`;
    })
    .join(' ');
}
