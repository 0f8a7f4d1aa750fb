import assert from 'node:assert/strict';
import {mkdtemp, readdir, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'node:test';

import {StageFailure} from '../../../pipeline/stage.js';
import {scoreSamples, type Sample} from '../../../stages/evaluation/index.js';
import {levelText} from '../../../stages/evaluation/metrics.js';
import {computeOf} from '../../../stages/evaluation/report/compute.js';
import {curveOf, sparkline, thinned} from '../../../stages/evaluation/report/curves.js';
import {
  buildReport,
  readClaims,
  readEvaluation,
  readScores,
  renderMarkdown,
  writeReport,
  type Evaluated,
  type History,
} from '../../../stages/evaluation/report/index.js';
import {writeJson, writeRows} from '../../../stages/data/rows.js';
import {TINY_CLAIMS, TINY_CONTROL_CLAIMS} from '../../../stages/recipes/tiny-claims.js';
import {sampleOf, samplesOf} from './samples.js';

const evaluated = (samples: Sample[], template = 'chat'): Evaluated => ({
  model: 'f'.repeat(64),
  template,
  temperature: 0.6,
  topP: 0.95,
  k: 4,
  scores: scoreSamples(samples, {k: 4}),
  samples,
});
const general = [0, 1].flatMap((n) => [
  sampleOf({prompt: `g${n}`, key: `g${n}`, task: 'general', outcome: 'left-out', helpful: n === 0}),
  sampleOf({prompt: `h${n}`, key: `h${n}`, task: 'general', outcome: 'left-out', safe: true}),
]);
const repeat = (times: number, ...letters: string[]): string[] => Array.from({length: times}, () => letters).flat();
const history = (steps: number): History => ({
  rows: Array.from({length: steps}, (_, n) => ({
    id: `step-${n + 1}`,
    from: [],
    step: n + 1,
    accuracy: n / steps,
    length: 15 + n,
    reflective: n % 2,
    helpful: null,
  })),
  card: {parameters: 100, trainedTokens: 10, generatedTokens: 20, scoredTokens: 5},
});
const inputs = {
  evaluations: {
    'zero-rl': evaluated([...samplesOf(...repeat(30, 'rrrr', 'rrrw')), ...general], 'tiny-zero'),
    base: evaluated([...samplesOf(...repeat(30, 'rwww', 'iiii')), ...general], 'tiny-zero'),
    'distill-small': evaluated(samplesOf(...repeat(30, 'rrrr', 'rrrw'))),
    'student-rl': evaluated(samplesOf(...repeat(30, 'rwww', 'wwww'))),
    extra: evaluated(samplesOf('rw|w')),
  },
  histories: {
    'zero-rl': history(40),
    'distill-small': {
      rows: [{step: 1, loss: 2}],
      card: {parameters: 50, trainedTokens: 10, generatedTokens: 0, scoredTokens: 0},
    },
    'student-rl': history(20),
    'helpful-rm': {rows: [], card: {accuracy: 0.91, lengthOnlyAccuracy: 0.55}},
  },
  cards: {
    'rejection-sampling': {
      sampled: 100,
      dropped: {'answer wrong': 30, format: 10},
      parameters: 200,
      trainedTokens: 0,
      generatedTokens: 50,
      scoredTokens: 0,
    },
  },
};

test('models stand in the order of the recipe, strangers last', () => {
  const report = buildReport(inputs);
  assert.deepEqual(
    report.models.map(({node}) => node),
    ['base', 'zero-rl', 'distill-small', 'student-rl', 'extra'],
  );
  assert.deepEqual(Object.keys(report.scores[0]!), [
    'node',
    'model',
    'metric',
    'mean',
    'low',
    'high',
    'problems',
    'samples',
  ]);
});

const CLAIMS = [...TINY_CLAIMS, ...TINY_CONTROL_CLAIMS];

test('a recipe that declares nothing gets no claims, whatever its nodes are called', () => {
  const report = buildReport(inputs);
  assert.deepEqual([report.claims, report.unmeasured], [[], []]);
  assert.match(renderMarkdown(report), /No claims were declared\./);
  assert.doesNotMatch(renderMarkdown(report), /## Claims/);
});

test('claims are those whose models were measured; the others are named', () => {
  const report = buildReport(inputs, CLAIMS);
  const claims = Object.fromEntries(report.claims.map((claim) => [claim.claim, claim]));
  // Zero: (1 + 0.75) / 2 = 0.875; base: 0.25 / 2 = 0.125
  assert.equal(claims['zero-accuracy']!.value, 0.75);
  assert.equal(claims['zero-accuracy']!.verdict, 'holds');
  assert.deepEqual(claims['distillation']!.unmet, [
    'whether student-rl learned is not known, as student-small-base was not measured',
    'student-rl took only 0.48 times the operations of distill-small',
  ]);
  assert.match(renderMarkdown(report), /- distillation: student-rl took only 0\.48 times the operations/);
  assert.ok(report.unmeasured.includes('r1-accuracy'));
  assert.equal(report.claims.length + report.unmeasured.length, CLAIMS.length);
});

test('compute is 6N a trained and 2N a generated or scored token, the teacher included', () => {
  // Student: 100 · (6 · 10 + 2 · (20 + 5)) = 11,000. Distilled: 50 · 6 · 10 = 3,000 and the teacher's 200 · 2 · 50 = 20,000.
  assert.equal(computeOf(history(1).card)!.operations, 11_000);
  const rows = Object.fromEntries(buildReport(inputs).distillation.map((row) => [row.node, row.operations]));
  assert.deepEqual(rows, {'distill-small': 23_000, 'student-rl': 11_000});
  assert.match(renderMarkdown(buildReport(inputs)), /only 0\.48 times the operations of its distillation/);
  assert.equal(computeOf({parameters: 1}), undefined);
});

test('pass@k and the breakdown are counted from the samples', () => {
  const [base] = buildReport(inputs).models;
  // Half of the problems have 1 of 4 right: k = 2 misses it in C(3,2) of C(4,2) = 3 of 6 draws.
  assert.deepEqual(base!.passAtK, [
    {k: 1, mean: 0.125},
    {k: 2, mean: 0.25},
    {k: 4, mean: 0.5},
  ]);
  assert.deepEqual(
    base!.breakdown.map(({group, passAt1, problems}) => ({group, passAt1, problems})),
    [
      {group: '3 steps', passAt1: 0.125, problems: 60},
      {group: 'en', passAt1: 0.125, problems: 60},
    ],
  );
  // All problems are of this level and language, so the interval is that of the whole.
  const whole = base!.scores.find(({metric}) => metric === 'pass@1')!;
  for (const {low, high} of base!.breakdown) assert.deepEqual([low, high], [whole.low, whole.high]);
});

test('only stages that sample have curves, thinned to means of neighbours', () => {
  const report = buildReport(inputs);
  assert.deepEqual(
    report.curves.map(({node}) => node),
    ['zero-rl', 'student-rl'],
  );
  assert.ok(!('helpful' in report.curves[0]!.curves)); // null throughout
  assert.deepEqual(thinned({steps: [1, 2, 3, 4, 5], values: [0, 2, 4, 6, 9]}, 3), {
    steps: [2, 4, 5],
    values: [1, 5, 9],
  });
  assert.equal(curveOf({rows: [{step: 1}], card: {}}, 'accuracy'), undefined);
});

test('a sparkline runs from the lowest to the highest block, over the whole of the training', () => {
  const over = (values: readonly number[], first = 1) => ({steps: values.map((_, place) => first + place), values});
  assert.equal(sparkline(over([0, 1, 2, 3, 4, 5, 6, 7]), 8, 40), '▁▂▃▄▅▆▇█');
  assert.equal(sparkline(over([3, 3]), 2, 40), '▄▄');
  assert.equal(sparkline(over([0, 0]), 2, 40), '▁▁', 'what is 0 throughout is not half high');
  assert.equal(sparkline(over([1, 1, 2], 4), 6, 3), '·▁█', 'a curve that begins late');
  const long = {steps: Array.from({length: 51}, (_, step) => step + 1), values: Array.from({length: 51}, () => 1)};
  assert.equal(sparkline(thinned(long, 50), 51, 40), '▄'.repeat(40), 'no gap between points that were thinned');
});

test('the page has every table and each claim with its verdict', () => {
  const page = renderMarkdown(buildReport(inputs, CLAIMS));
  for (const title of ['The stages', 'Claims', 'pass@k', 'Distillation', 'Reflective words', 'Reward models', 'Data']) {
    assert.match(page, new RegExp(`^## ${title}`, 'm'));
  }
  assert.match(page, /\| zero-rl \| tiny-zero \| 0\.875 \[/);
  assert.match(page, /\| \*\*holds\*\* \|/);
  assert.match(page, /dropped: answer wrong 30 \(75\.0 %\), format 10 \(25\.0 %\)/);
  assert.match(page, /\| helpful-rm \| 0\.910 \| 0\.550 \|/);
  assert.match(page, /The Zero template is shortened/);
  assert.ok(!/NaN|undefined|Infinity/.test(page));
  // Every row of a table has as many cells as its head.
  for (const block of page.split('\n\n').filter((text) => text.startsWith('|'))) {
    const cells = block.split('\n').map((line) => line.replaceAll('\\|', '').split('|').length);
    assert.equal(new Set(cells).size, 1, block);
  }
});

test('how models were asked and read stands beside them where it was not as by default', () => {
  const {base} = inputs.evaluations;
  const asked = {...base, extraction: 'last-number', system: 'Be brief | `x`.\n'};
  const report = buildReport({...inputs, evaluations: {...inputs.evaluations, base: asked}}, CLAIMS);
  const text = "tiny-zero, system “Be brief | 'x'.\\n”, extraction last-number";
  assert.deepEqual(
    report.models.map((one) => one.asked),
    [text, undefined, undefined, undefined, undefined],
  );
  assert.ok(report.scores.every(({node, asked}) => asked === (node === 'base' ? text : undefined)));
  const page = renderMarkdown(report);
  assert.ok(page.includes(`| base | ${text.replace('|', '\\|')} |`), page);
  assert.match(page, /\(tiny-zero \/ tiny-zero, system .* extraction last-number\)/);
  assert.match(page, /asked or read otherwise/);
  assert.doesNotMatch(renderMarkdown(buildReport(inputs, CLAIMS)), /asked or read otherwise/);
});

test('a recipe that says what the paper calls its models has the paper’s tables beside them, marked as such', () => {
  const report = buildReport({...inputs, paperNames: {'zero-rl': 'R1-Zero', nobody: 'R1'}});
  assert.deepEqual(
    report.models.map(({paper}) => paper),
    [undefined, 'R1-Zero', undefined, undefined, undefined],
  );
  assert.ok(report.scores.every(({node, paper}) => paper === (node === 'zero-rl' ? 'R1-Zero' : undefined)));
  const page = renderMarkdown(report);
  assert.match(page, /\| zero-rl \| R1-Zero \| tiny-zero \| 0\.875/);
  assert.match(page, /\| base \| – \| tiny-zero \| 0\.125/);
  for (const title of ['pass@k', 'By number of steps and by language', 'Reflective words'])
    assert.match(page, new RegExp(`## ${title}\n\n[^#]*\n\\| base \\| [^#]*\n\\| zero-rl \\(R1-Zero\\) \\| `), title);
  assert.match(page, /## The paper’s own numbers\n\nNone of these was measured here/);
  assert.match(page, /\| AIME 2024, pass@1 \| 77\.9 \| 59 \| 74 \| 78\.1 \| 79\.8 \|/);
  const plain = renderMarkdown(buildReport(inputs));
  assert.doesNotMatch(plain, /paper’s own numbers|in the paper/);
});

test('a level of one step is one step', () => {
  assert.deepEqual([1, 5].map(levelText), ['1 step', '5 steps']);
});

test('what each stage does to accuracy stands by itself, paired on problems and by level, with no verdict', () => {
  const asked = (template: string, ...letters: string[]): Evaluated => {
    const samples = samplesOf(...letters).map((one, _, all) => ({...one, steps: one.key === all[0]!.key ? 3 : 5}));
    return {model: 'f'.repeat(64), template, temperature: 0.6, topP: 0.95, k: 2, scores: [], samples};
  };
  const evaluations = {
    first: asked('tiny-zero', 'ww', 'rw', 'ww'),
    zero: asked('tiny-zero', 'rr', 'rr', 'rw'),
    last: asked('chat', 'ww', 'rr', 'rr'),
    student: asked('chat', 'rr', 'rr', 'rr'),
  };
  const paperNames = {first: 'V3-Base', zero: 'R1-Zero', last: 'R1', student: 'R1-Distill'};
  const report = buildReport({evaluations, histories: {}, cards: {}, paperNames});
  const pairs = report.stageDifferences!;
  assert.deepEqual(
    pairs.map(({left, right, asked: how, difference: {mean}}) => [left, right, how, mean.toFixed(4)]),
    [
      ['zero', 'first', undefined, '0.6667'],
      ['last', 'zero', ['chat', 'tiny-zero'], '-0.1667'],
    ],
  );
  assert.deepEqual(
    pairs[1]!.byLevel.map(({level, mean}) => [level, mean]),
    [
      [3, -1],
      [5, 0.25],
    ],
  );
  const page = renderMarkdown(report);
  assert.match(page, /## From stage to stage\n\n[^|]*No claim is made/);
  assert.match(page, /\| last − zero \| R1 − R1-Zero \| chat \/ tiny-zero \| −0\.167 \[[^\]]+\] \| −1\.000 /);
  const unnamed = buildReport({evaluations, histories: {}, cards: {}});
  assert.ok(!('stageDifferences' in unnamed));
  assert.doesNotMatch(renderMarkdown(unnamed), /From stage to stage/);
});

test('thinking without words that becomes more common over a stage is a warning', () => {
  const rising = (last: number): History => ({
    ...history(40),
    rows: history(40).rows.map((row, step) => ({...row, wordless: step < 20 ? 0.1 : last})),
  });
  const page = (last: number): string => renderMarkdown(buildReport({...inputs, histories: {'zero-rl': rising(last)}}));
  assert.match(
    page(0.35),
    /Warning: over zero-rl, the share of responses whose thinking has no word rose from 0\.10 to 0\.35/,
  );
  assert.doesNotMatch(page(0.29), /Warning/);
});

test('what the held-out problems are stands among the limits, and what could not be read', () => {
  const problems = samplesOf('rr', 'rw', 'ii', 'ww').map((one, place) => ({
    ...one,
    ...(place < 2 ? {language: 'zh' as const, steps: 5} : {}),
  }));
  const report = buildReport({evaluations: {base: evaluated([...problems, ...general])}, histories: {}, cards: {}});
  const limits = renderMarkdown(report).split('## Limits')[1]!;
  assert.match(
    limits,
    /The 4 held-out problems: zh 1 \(25\.0 %\), en 3 \(75\.0 %\); 3 steps 3 \(75\.0 %\), 5 steps 1 \(25\.0 %\)\./,
  );
  assert.match(limits, /25\.0 % of those of base, where they are most \(0\.0 % were cut off\)/);
});

test('a model asked otherwise stands beside how it was asked among the scores, and in no other table', () => {
  const asked = (of: Evaluated, model: string): Evaluated => ({...of, model: model.repeat(64)});
  const evaluations = {
    base: asked(evaluated(samplesOf('rrrr', 'rrww')), 'a'),
    other: asked(evaluated(samplesOf('wwww', 'wwww')), 'b'),
  };
  const suffixed = {...asked(evaluated(samplesOf('rrww', 'wwww')), 'a'), suffix: ' now ?'};
  const stranger = asked(evaluated(samplesOf('rrrr', 'iiii')), 'c');
  const report = buildReport({evaluations, histories: {}, cards: {}, promptings: {suffix: suffixed, stranger}});
  assert.deepEqual(
    report.promptings!.map(({name, node, passAt1, difference, invalid}) => [
      name,
      node,
      passAt1.mean,
      difference?.mean,
      invalid,
    ]),
    [
      ['as scored', 'base', 0.75, undefined, 0],
      // (.5 − 1 + 0 − .5) / 2
      ['suffix', 'base', 0.25, -0.5, 0],
      ['stranger', undefined, 0.5, undefined, 0.5],
    ],
  );
  assert.deepEqual(
    report.models.map(({node}) => node),
    ['base', 'other'],
  );
  const page = renderMarkdown(report);
  assert.match(page, /\| base \| suffix \| chat, suffix “ now \?” \| 0\.250 \[/);
  assert.match(page, /pass@1 of base is from 0\.250 to 0\.750 over 2 ways to ask it\./);
  const without = buildReport({evaluations, histories: {}, cards: {}});
  assert.ok(!('promptings' in without) && !('earlyAnswers' in without));
  assert.doesNotMatch(renderMarkdown(without), /Prompt sensitivity|need the thinking/);
});

test('a report with a single model and nothing else is still a report', () => {
  const page = renderMarkdown(buildReport({evaluations: {base: inputs.evaluations.base}, histories: {}, cards: {}}));
  assert.match(page, /1 model was measured/);
  assert.ok(!page.includes('## Distillation'));
});

test('a training that was finished early is named, with the steps that it made and was to make', () => {
  const early = {rows: [], card: {steps: 40, plannedSteps: 100}};
  const report = buildReport({...inputs, histories: {...inputs.histories, 'zero-rl': early}});
  assert.deepEqual(report.finishedEarly, [{node: 'zero-rl', steps: 40, planned: 100}]);
  assert.match(renderMarkdown(report), /`zero-rl` was finished early by hand, after step 40 of 100: its numbers/);
  assert.ok(!('finishedEarly' in buildReport(inputs)), 'a report without one is as it always was');
});

test('what is written is read back, and equal reports are equal files', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'r1-report-'));
  try {
    const report = buildReport(inputs, CLAIMS);
    await writeReport(join(folder, 'a'), report);
    await writeReport(join(folder, 'b'), buildReport(inputs, CLAIMS));
    const files = (await readdir(join(folder, 'a'))).sort();
    assert.deepEqual(files, [
      'claims.json',
      'report.json',
      'report.md',
      'scores.json',
      'student-rl.svg',
      'zero-rl.svg',
    ]);
    for (const file of files) {
      assert.deepEqual(await readFile(join(folder, 'a', file)), await readFile(join(folder, 'b', file)));
    }
    assert.deepEqual(await readClaims(join(folder, 'a')), report.claims);
    assert.deepEqual(await readScores(join(folder, 'a')), report.scores);
    await writeFile(join(folder, 'a', 'claims.json'), '[{"claim": 1}]');
    await assert.rejects(readClaims(join(folder, 'a')), /claims\.json: “0\.claim”/);
  } finally {
    await rm(folder, {recursive: true});
  }
});

test('an evaluation is read with its samples, and a broken one is named', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'r1-scores-'));
  try {
    const {samples, ...rest} = inputs.evaluations.base;
    await writeJson(join(folder, 'scores.json'), {format: 'r1-scores-1', ...rest});
    await writeRows(
      folder,
      samples.map((one) => ({id: `${one.prompt}#${one.sample}`, from: [one.prompt], ...one})),
    );
    assert.deepEqual(await readEvaluation(folder), inputs.evaluations.base);
    await writeJson(join(folder, 'scores.json'), {format: 'r1-scores-1', ...rest, k: 0});
    await assert.rejects(
      readEvaluation(folder),
      (error: Error) => error instanceof StageFailure && /“k”/.test(error.message),
    );
  } finally {
    await rm(folder, {recursive: true});
  }
});
