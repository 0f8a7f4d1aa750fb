/** Curves of a training on held-out problems, held against numbers that are computed here from the artifacts themselves. */
import assert from 'node:assert/strict';
import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {writeJson, writeRows} from '../../../stages/data/rows.js';
import {scoreSamples} from '../../../stages/evaluation/index.js';
import type {Sample} from '../../../stages/evaluation/index.js';
import {bandOf} from '../../../stages/evaluation/report/curves.js';
import {trainingFigure} from '../../../stages/evaluation/report/figures.js';
import type {FollowedTraining} from '../../../stages/evaluation/report/followed.js';
import type {TrainingProgress} from '../../../stages/evaluation/report/progress.js';
import type {Report} from '../../../stages/evaluation/report/index.js';
import {StageFailure} from '../../../pipeline/stage.js';
import {report} from '../../../stages/index.js';
import {temporaryFolder} from '../../rig/temporary.js';
import {mistakesOf} from '../../rig/wired.js';
import {rowsIn, runHere} from '../here.js';
import {sampleOf} from './samples.js';

const PROBLEMS = 20;
const SAMPLES = 4;

/** Responses of a model that solves more of the problems, the easy ones first, and thinks longer, the more it has learned. */
const responses = (learned: number): Sample[] =>
  Array.from({length: PROBLEMS}, (_, problem) =>
    Array.from({length: SAMPLES}, (_, sample) => {
      const right = (problem * 7 + sample * 5) % 23 < learned;
      const thinking = 5 + learned + (problem % 3) + sample;
      const answer = right ? '1 1' : `${sample % 2} 9`;
      return sampleOf({
        ...{prompt: `p${problem}`, key: `p${problem}`, sample, steps: 1 + (problem % 2)},
        ...{outcome: right ? 'right' : 'wrong', answer, tokens: thinking + 6, thinking},
      });
    }),
  ).flat();

const LEARNED = {base: 4, 'zero-step-10': 9, 'zero-step-20': 12, zero: 19, last: 22};

const FOLLOWED: FollowedTraining = {
  node: 'zero',
  base: 'base',
  snapshots: {'20': 'zero-step-20', '10': 'zero-step-10'},
  beside: ['last'],
};

/** The history of a training, with the standard errors of its means or without. */
const history = (steps: number, hasErrors: boolean): Record<string, unknown>[] =>
  Array.from({length: steps}, (_, n) => ({
    ...{id: `step-${n + 1}`, from: [], step: n + 1, accuracy: n / steps, length: 20 + n, 'length/thinking': 14 + n},
    'length/answer': 6,
    ...(hasErrors
      ? {'error/accuracy': 0.1, 'error/length': 2, 'error/length/thinking': 2, 'error/length/answer': 0}
      : {}),
  }));

async function made(
  t: TestContext,
  {
    steps = 30,
    hasErrors = true,
    followed = [FOLLOWED],
    asked = () => ({}),
  }: {
    steps?: number;
    hasErrors?: boolean;
    followed?: FollowedTraining[];
    /** How many problems and samples a model is asked, and under which template, where that is not as the others. */
    asked?: (name: string) => {problems?: number; samples?: number; template?: string};
  } = {},
) {
  const folder = temporaryFolder(t);
  const scores: Record<string, string> = {};
  for (const [name, learned] of Object.entries(LEARNED)) {
    const {problems = PROBLEMS, samples: k = SAMPLES, template = 'tiny-zero'} = asked(name);
    const samples = responses(learned).filter(({key, sample}) => Number(key.slice(1)) < problems && sample < k);
    scores[name] = join(folder, name);
    await writeRows(
      scores[name],
      samples.map((one) => ({id: `${one.prompt}#${one.sample}`, from: [one.prompt], ...one})),
    );
    await writeJson(join(scores[name], 'scores.json'), {
      ...{format: 'r1-scores-1', model: name, template, temperature: 0.6, topP: 0.95, k},
      scores: scoreSamples(samples, {k}),
    });
  }
  await writeRows(join(folder, 'history'), history(steps, hasErrors), {steps});
  const inputs = {scores, histories: {zero: join(folder, 'history')}, cards: {}};
  const {out} = await runHere(t, report, {inputs: inputs as never, params: {followed}});
  const path = (file: string): string => join(out('report'), file);
  const read = (file: string): string => readFileSync(path(file), 'utf8');
  return {scores, path, read, data: JSON.parse(read('report.json')) as Report};
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Means of the problems, of rows as they lie in an artifact. */
function problemMeans(folder: string, value: (row: Sample) => number): number[] {
  const rows = rowsIn<Sample>(folder);
  return Array.from({length: PROBLEMS}, (_, problem) => mean(rows.filter(({key}) => key === `p${problem}`).map(value)));
}

const isRight = (row: Sample): number => (row.outcome === 'right' ? 1 : 0);
const score = ({points}: TrainingProgress, place: number, wanted: string) =>
  points[place]!.scores.find(({metric}) => metric === wanted)!;

test('points are the scores of the models at their steps, the first and the last among them', async (t) => {
  const {data, scores} = await made(t);
  const [progress] = data.progress!;
  assert.deepEqual(
    progress!.points.map(({step, node}) => [step, node]),
    [
      [0, 'base'],
      [10, 'zero-step-10'],
      [20, 'zero-step-20'],
      [30, 'zero'],
    ],
  );
  for (const [place, {node}] of progress!.points.entries()) {
    assert.ok(Math.abs(score(progress!, place, 'pass@1').mean - mean(problemMeans(scores[node]!, isRight))) < 1e-12);
    const lengths = ['length', 'length/thinking', 'length/answer'].map(
      (metric) => score(progress!, place, metric).mean,
    );
    const expected = [
      (row: Sample) => row.tokens!,
      (row: Sample) => row.thinking!,
      (row: Sample) => row.tokens! - row.thinking!,
    ].map((of) => mean(problemMeans(scores[node]!, of)));
    lengths.forEach((length, index) => assert.ok(Math.abs(length - expected[index]!) < 1e-9, `${length}`));
    // cons@4 by counting votes.
    const rows = rowsIn<Sample>(scores[node]!);
    const consensus = Array.from({length: PROBLEMS}, (_, problem) => {
      const answers = rows.filter(({key}) => key === `p${problem}`).map(({answer}) => answer!);
      const votes = [...new Set(answers)].map((one) => answers.filter((answer) => answer === one).length);
      const most = [...new Set(answers)].filter((_, index) => votes[index] === Math.max(...votes));
      return most.includes('1 1') ? 1 / most.length : 0;
    });
    assert.ok(Math.abs(score(progress!, place, 'cons@4').mean - mean(consensus)) < 1e-12);
    const levels = progress!.points[place]!.levels.map(({level, score: {mean: value}}) => [level, value]);
    const odd = problemMeans(scores[node]!, isRight).filter((_, problem) => problem % 2 === 0);
    assert.deepEqual(
      levels.map(([level]) => level),
      [1, 2],
    );
    assert.ok(Math.abs(levels[0]![1]! - mean(odd)) < 1e-12);
  }
});

test('the trend is the mean of the problems’ slopes per 100 steps, with a bootstrap over the problems', async (t) => {
  const {data, scores, read} = await made(t);
  const names = ['base', 'zero-step-10', 'zero-step-20', 'zero'];
  const values = names.map((name) => problemMeans(scores[name]!, isRight));
  // Least squares over the steps 0, 10, 20, 30: offsets −15, −5, 5, 15, whose squares add up to 500.
  const slopes = Array.from(
    {length: PROBLEMS},
    (_, problem) => (100 * [-15, -5, 5, 15].reduce((sum, off, at) => sum + off * values[at]![problem]!, 0)) / 500,
  );
  const centre = mean(slopes);
  // A bootstrap of this file's own: other draws, so equal but for what 2,000 of them leave open.
  let state = 12345;
  const draw = (): number => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
  const means = Array.from({length: 5000}, () => mean(slopes.map(() => slopes[Math.floor(draw() * PROBLEMS)]!)));
  means.sort((a, b) => a - b);
  const trend = data.progress![0]!.trends.find(({metric}) => metric === 'pass@1')!;
  assert.ok(Math.abs(trend.value - centre) < 1e-9, `${trend.value} and ${centre}`);
  const width = means[4874]! - means[124]!;
  assert.ok(Math.abs(trend.low - means[124]!) < 0.06 * width, `${trend.low} and ${means[124]!}`);
  assert.ok(Math.abs(trend.high - means[4874]!) < 0.06 * width, `${trend.high} and ${means[4874]!}`);
  assert.ok(trend.p < 0.001 && trend.problems === PROBLEMS);
  const rows = JSON.parse(read('trends.json')) as {node: string; metric: string; value: number}[];
  assert.deepEqual(
    rows.map(({node, metric}) => `${node} ${metric}`),
    ['pass@1', 'cons@4', 'length', 'length/thinking', 'length/answer'].map((metric) => `zero ${metric}`),
  );
  assert.equal(rows[0]!.value, trend.value);
  // Beside it stands what the metric has come to, which of a curve that bends is not the slope.
  const change = data.progress![0]!.changes.find(({metric}) => metric === 'pass@1')!;
  assert.ok(Math.abs(change.value - (mean(values[3]!) - mean(values[0]!))) < 1e-9);
  assert.ok(change.low < change.value && change.value < change.high);
  // The answer is as long at every step.
  assert.ok(Math.abs(rows[4]!.value) < 1e-9);
});

test('snapshots are in the curves and in no table of models', async (t) => {
  const {data, read} = await made(t);
  assert.deepEqual(
    data.models.map(({node}) => node),
    ['base', 'last', 'zero'],
  );
  assert.ok(data.scores.every(({node}) => !node.includes('step')));
  const page = read('report.md');
  const stages = page.slice(page.indexOf('## The stages'), page.indexOf('## Reinforcement'));
  assert.doesNotMatch(stages, /zero-step-10/);
  assert.match(page, /\n\| 10 \| zero-step-10 \| 0\.\d{3} \[/);
  assert.match(
    page,
    /!\[[^\]]*\]\(zero-accuracy\.svg\)\n\nAs the paper’s Figure 2[^\n]*A step is one optimizer update\.[^\n]*steps 0, 10, 20 and 30 were evaluated; these steps were fixed before the run\. Each was asked the same 20 problems, 4 responses to each, under the template `tiny-zero`[^\n]*pass@1: [^\n]*cons@4: [^\n]*Bands: pointwise 95 %[^\n]*Dashed: pass@1 of base \(step 0\) and last, on the same problems/,
  );
  assert.match(
    page,
    /!\[[^\]]*\]\(zero-length\.svg\)\n\nAs the paper’s Figure 3[^\n]*Length: sampled tokens[^\n]*“thinking” is[^\n]*1\.96 standard errors[^\n]*no test is made/,
  );
  assert.match(page, /\| pass@1 \| \+[\d.]+ \[[\d.]+, [\d.]+\] \| \+[\d.]+ \[[\d.]+, [\d.]+\] \| < 0\.001 \|/);
  assert.match(page, /bootstrap interval over problems \(2000 draws, percentiles\)[^\n]*speaks of this run only/);
  // The curves of the training questions have no p.
  assert.doesNotMatch(page.slice(page.indexOf('### zero'), page.indexOf('#### zero')), /\| p \|/);
});

test('the figures have these numbers where their axes say', async (t) => {
  const {data, read} = await made(t);
  const [progress] = data.progress!;
  const svg = read('zero-accuracy.svg');
  // The first panel ends where the second one's title begins.
  const panel = svg.slice(0, svg.indexOf('pass@1 by level'));
  const grid = [...panel.matchAll(/class="g"[^>]* y1="([\d.]+)"[^>]*\/>\n<text[^>]*>([\d.]+)<\/text>/g)];
  const at = (label: string): number => Number(grid.find(([, , text]) => text === label)![1]);
  const [zero, one] = [at('0.0'), at('1.0')];
  const circles = [...panel.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/g)].map(
    ([, x, y]) => [Number(x), Number(y)] as const,
  );
  assert.equal(circles.length, 8, 'four steps of pass@1, and of cons@4');
  circles.forEach(([, y], index) => {
    const value = score(progress!, index % 4, index < 4 ? 'pass@1' : 'cons@4').mean;
    assert.ok(Math.abs((zero - y) / (zero - one) - value) < 0.001, `point ${index} is at ${value}`);
  });
  const ticks = new Map(
    [...panel.matchAll(/<text x="([\d.]+)"[^>]*text-anchor="middle">(\d+)<\/text>/g)].map(([, x, step]) => [
      step,
      Number(x),
    ]),
  );
  assert.deepEqual(
    [circles[0]![0], circles[1]![0], circles[3]![0]],
    [ticks.get('0'), ticks.get('10'), ticks.get('30')],
  );
  // The bands are the intervals: those of the first step of pass@1, above and below.
  const band = /<polygon[^>]* points="([^"]+)"/
    .exec(panel)![1]!
    .split(' ')
    .map((point) => Number(point.split(',')[1]));
  const {low, high} = score(progress!, 0, 'pass@1');
  assert.ok(Math.abs((zero - band[0]!) / (zero - one) - high) < 0.001);
  assert.ok(Math.abs((zero - band.at(-1)!) / (zero - one) - low) < 0.001);
  const references = [...panel.matchAll(/class="r"[^>]* y1="([\d.]+)" y2="\1"/g)];
  assert.ok(panel.includes(`last: pass@1 ${mean(responses(LEARNED.last).map(isRight)).toFixed(3)}`), 'R1 has a line');
  assert.ok(references.length >= 2);
});

test('a band in training is 1.96 standard errors of a mean of steps; without errors there is a line alone, and the caption says nothing of a band', async (t) => {
  const {data} = await made(t, {steps: 50});
  // 25 points of two steps each: √(0.1² + 0.1²) / 2.
  const {steps, values, low, high} = data.curves[0]!.bands['accuracy']!;
  assert.deepEqual([steps.length, steps[0], values[0]], [25, 1.5, 0.01]);
  assert.ok(Math.abs(high[0]! - values[0]! - 1.96 * Math.sqrt(0.005)) < 1e-12);
  assert.ok(Math.abs(values[3]! - low[3]! - 1.96 * Math.sqrt(0.005)) < 1e-12);
  const plain = await made(t, {hasErrors: false});
  assert.deepEqual(plain.data.curves[0]!.bands, {});
  assert.doesNotMatch(plain.read('zero.svg'), /<polygon/);
  assert.match(plain.read('zero.svg'), /<polyline/);
  const caption = /\(zero\.svg\)\n\n([^\n]+)/.exec(plain.read('report.md'))![1]!;
  assert.doesNotMatch(caption, /standard error/);
});

test('a step of a single question is left out of a curve with a band, and the caption counts it', async () => {
  const rows = [
    {step: 1, accuracy: 0.2, 'error/accuracy': 0.1},
    {step: 2, accuracy: 1, 'error/accuracy': null},
    {step: 3, accuracy: null, 'error/accuracy': null},
    {step: 4, accuracy: 0.6, 'error/accuracy': 0.3},
  ];
  const {leftOut, steps, values, low} = bandOf({rows, card: {}}, 'accuracy', 1)!;
  assert.deepEqual([leftOut, steps, values.map((value) => value.toFixed(3))], [1, [2.5], ['0.400']]);
  assert.ok(Math.abs(values[0]! - low[0]! - (1.96 * Math.sqrt(0.1)) / 2) < 1e-12);
  const curve = {steps: [4], values: [0.4]};
  const training = {
    ...{node: 'rl', steps: 4, curves: {accuracy: curve, length: curve}},
    bands: {accuracy: bandOf({rows, card: {}}, 'accuracy', 1)!},
  };
  const {caption} = trainingFigure(training);
  assert.match(caption, /leaves out one step in which a single question had an answer to check/);
  assert.doesNotMatch(caption, /temperature|general prompts/);
  const said = trainingFigure({...training, temperature: 1, generalFrom: 0.25}).caption;
  assert.match(said, /draws at temperature 1 and top-p 1, so these numbers are not those of held-out responses/);
  assert.match(said, /After 25 % of the steps general prompts come in/);
});

test('a training that was ended early has its last model once, at the step that it is of', async (t) => {
  const {data} = await made(t, {steps: 12});
  assert.deepEqual(
    data.progress![0]!.points.map(({step, node}) => [step, node]),
    [
      [0, 'base'],
      [10, 'zero-step-10'],
      [12, 'zero'],
    ],
  );
});

test('where snapshots are asked less, all points are of what all were asked, and the caption says so', async (t) => {
  const asked = (name: string) => (name.includes('step') ? {problems: 8, samples: 2} : {});
  const {data, scores, read} = await made(t, {asked});
  const [progress] = data.progress!;
  assert.deepEqual([progress!.problems, progress!.problemsAtEnds], [8, 20]);
  assert.deepEqual(
    progress!.points.map(({samples}) => samples),
    [4, 2, 2, 4],
  );
  const first = problemMeans(scores['base']!, isRight).slice(0, 8);
  assert.ok(Math.abs(score(progress!, 0, 'pass@1').mean - mean(first)) < 1e-12);
  assert.deepEqual(
    progress!.points.map(({scores: all}) =>
      all.filter(({metric}) => metric.startsWith('cons')).map(({metric}) => metric),
    ),
    Array.from({length: 4}, () => ['cons@2']),
  );
  assert.deepEqual(new Set(progress!.trends.map(({problems}) => problems)), new Set([8]));
  assert.ok(data.scores.some(({node, metric, problems}) => node === 'base' && metric === 'pass@1' && problems === 20));
  assert.match(
    read('report.md'),
    /the same 8 problems \(those of the 20 held-out problems that all of these models were asked\), 2 to 4 responses to each, [^\n]*The other tables of this report rest on more problems or responses\./,
  );
  const whole = await made(t);
  assert.doesNotMatch(whole.read('report.md'), /rest on more problems/);
});

test('a curve is of models that were asked alike and are there', async (t) => {
  const failing = (options: Parameters<typeof made>[1]): Promise<string> =>
    made(t, options).then(
      () => assert.fail('a report was made'),
      (error: unknown) => (error instanceof StageFailure ? error.message : assert.fail(String(error))),
    );
  const other = (name: string) => (name === 'zero-step-20' ? {template: 'chat'} : {});
  assert.match(
    await failing({asked: other}),
    /^followed training “zero”: “zero-step-20” was asked otherwise than “base” \(chat, .*; tiny-zero, /,
  );
  const missing = {...FOLLOWED, snapshots: {'10': 'zero-step-11'}};
  assert.match(await failing({followed: [missing]}), /“zero” names “zero-step-11” among the scores; there are base, /);
  assert.match(
    await failing({followed: [{...FOLLOWED, node: 'one'}]}),
    /names “one” among the histories; there are zero$/,
  );
  assert.match(await failing({followed: [{...FOLLOWED, beside: ['none']}]}), /names “none” among the scores/);
  // A reference may be asked otherwise: the caption says how.
  const {read} = await made(t, {asked: (name) => (name === 'last' ? {template: 'chat'} : {})});
  assert.match(read('report.md'), /Dashed: pass@1 of base \(step 0\) and last \(asked under `chat`\)/);
});

test('a report that follows no training has no such curves', async (t) => {
  const {data, path} = await made(t, {followed: []});
  assert.ok(!('progress' in data));
  assert.equal(data.models.length, Object.keys(LEARNED).length);
  for (const file of ['trends.json', 'zero-accuracy.svg', 'zero-length.svg']) assert.ok(!existsSync(path(file)), file);
});

test('mistakes in the trainings to follow are found before anything runs', () => {
  const mistakes = (followed: unknown): string => mistakesOf(report, {followed}).join('; ');
  assert.equal(mistakes([FOLLOWED]), '');
  assert.match(mistakes([{base: 'base', snapshots: {'1': 'a'}}]), /training 1: “node” is missing or not a text/);
  assert.match(
    mistakes([{node: 'zero', base: 'base', snapshots: {first: 'a'}}]),
    /training “zero”: “snapshots” should map steps to names/,
  );
  assert.match(mistakes([{...FOLLOWED, beside: 'last'}]), /“beside” should be a list of names/);
  assert.match(
    mistakes([{...FOLLOWED, besides: ['last']}]),
    /no field “besides”; there are node, base, snapshots, beside/,
  );
  assert.match(mistakes([FOLLOWED, FOLLOWED]), /training “zero” is there twice/);
  const other = {node: 'zero', base: 'base', snapshots: {'5': 'zero', '10': 'base', '20': 'a', '30': 'a'}};
  const taken = [...mistakes([other]).matchAll(/“(\w+)” is a snapshot and something else/g)].map(([, name]) => name);
  assert.deepEqual(taken, ['zero', 'base', 'a'], 'of the two that are alike the second');
});
