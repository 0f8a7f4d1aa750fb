/** Benchmarks on a terminal: what a model scored, beside the paper's numbers where both were measured in one way; and which there are. */
import {
  benchmarkNotes,
  benchmarkNumber,
  benchmarkRows,
  benchmarkValue,
  type Benchmark,
  type ScoreRow,
} from '../../stages/evaluation/report/index.js';
import type {Suite, SuiteResult} from '../../stages/suites/index.js';
import {tableText} from './table.js';

const HEAD = ['model', 'benchmark', 'measure', 'mean, 95 % interval', 'the paper'];

/** The benchmarks among the scores of a report, and under them how each was asked. */
export function benchmarkTable(rows: readonly ScoreRow[]): string {
  const benchmarks = new Map<string, Benchmark & {scores: ScoreRow[]}>();
  for (const row of rows) {
    const {node, model, suite} = row;
    if (suite === undefined) continue;
    const known = benchmarks.get(node) ?? {node, model, suite, scores: []};
    known.scores.push(row);
    benchmarks.set(node, known);
  }
  const all = [...benchmarks.values()];
  return [tableText(benchmarkRows(all), {head: HEAD, right: [3]}), ...benchmarkNotes(all)].join('\n\n');
}

/** What a model scored on one suite, the paper's numbers under it, or why they may not be compared. */
export function suiteText(model: string, result: SuiteResult): string {
  const {title, suite: name, settings, scores, paper, differs, notes} = result;
  const {problems, of, samples, temperature, topP, maxNewTokens, judge, baseline} = settings;
  const asked = [
    problems === of ? `${problems} problem${of === 1 ? '' : 's'}` : `${problems} of ${of} problems`,
    samples === 1 ? '1 sample each' : `${samples} samples each`,
    `temperature ${temperature}, top-p ${topP}, at most ${maxNewTokens} tokens`,
    ...(judge === undefined ? [] : [`judged by ${judge}`]),
    ...(baseline === undefined ? [] : [`beside replies of ${baseline}`]),
  ].join(', ');
  const table = tableText(
    scores.map((score) => [score.metric, benchmarkValue(score)]),
    {head: ['measure', 'mean, 95 % interval'], right: [1]},
  );
  const metrics = [...new Set(paper.map(({metric}) => metric))].filter((metric) =>
    scores.some((score) => score.metric === metric),
  );
  const models = [...new Set(paper.filter(({metric}) => metrics.includes(metric)).map((row) => row.model))];
  const printed = tableText(
    models.map((one) => [
      one,
      ...metrics.map((metric) => {
        const row = paper.find((each) => each.model === one && each.metric === metric);
        return row === undefined ? '' : benchmarkNumber(row.value, metric);
      }),
    ]),
    {head: ['the paper', ...metrics], right: metrics.map((_, index) => index + 1)},
  );
  const beside =
    paper.length === 0
      ? 'The paper has no number for it.'
      : metrics.length === 0
        ? `The paper’s numbers are of ${[...new Set(paper.map(({metric}) => metric))].join(' and ')}, which were not measured here.`
        : differs.length === 0
          ? printed
          : `Not comparable with the paper’s numbers (r1 bench-eval --list ${name} has them):\n${differs.map((why) => `- ${why}`).join('\n')}`;
  const remarks = notes.length === 0 ? [] : [notes.map((note) => `Note: ${note}.`).join('\n')];
  return [`${model} on ${title}: ${asked}`, table, beside, ...remarks].join('\n\n');
}

/** The suites that are shipped, a line each. */
export const suiteTable = (suites: readonly Suite[]): string =>
  tableText(
    suites.map(({name, title, measure, ask}) => [name, title, measure.metrics.join(', '), String(ask.samples)]),
    {head: ['suite', 'benchmark', 'measures', 'samples'], right: [3]},
  );

/** All that a suite says: the files that it wants, how it asks, where its settings come from, and what the paper printed. */
export function suiteDetails({name, title, about, data, ask, grade, measure, paper}: Suite): string {
  const others = Object.entries(data.others).map(([role, what]) => `  ${role}: ${what}`);
  const lines = [
    `${name}: ${title}${about === undefined ? '' : `; ${about}`}`,
    `questions: ${data.from}`,
    ...(others.length === 0 ? [] : ['other files:', ...others]),
    ...(data.url === undefined ? [] : [`where: ${data.url}`]),
    ...(data.problems === undefined ? [] : [`problems: ${data.problems}`]),
    `asked: ${ask.samples} samples, temperature ${ask.temperature}, top-p ${ask.topP}, at most ${ask.maxNewTokens} tokens, template ${ask.template}`,
    ...(['system', 'suffix', 'prefill'] as const).flatMap((key) =>
      ask[key] === '' ? [] : [`${key}: ${JSON.stringify(ask[key])}`],
    ),
    ...(ask.stop.length === 0 ? [] : [`a response ends at: ${ask.stop.map((end) => JSON.stringify(end)).join(', ')}`]),
    `graded: as ${grade.task}${grade.judge === undefined ? '' : `; the paper’s judge is ${grade.judge}`}`,
    `measured: ${measure.metrics.join(', ')}${measure.consensus === undefined ? '' : `, cons@${measure.consensus}`}`,
    ...(paper === undefined ? ['the paper has no number for it'] : [`settings: ${paper.settings}`]),
    ...(paper?.differs ?? []).map((why) => `not as in the paper: ${why}`),
    ...(paper?.notes ?? []).map((note) => `note: ${note}`),
  ];
  const rows = (paper?.rows ?? []).map(({model, metric = paper?.metric ?? measure.metrics[0]!, value, source}) => [
    model,
    metric,
    String(value),
    source,
  ]);
  const printed =
    rows.length === 0 ? [] : ['', tableText(rows, {head: ['the paper', 'measure', 'value', 'source'], right: [2]})];
  return [...lines, ...printed, '', `prompt:\n${ask.prompt}`].join('\n');
}
