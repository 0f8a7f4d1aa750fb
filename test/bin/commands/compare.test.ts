/** `r1 compare`: models and runs beside each other; the first run of a bench is empty, so that these begin with 2. The numbers are worked out in test/stages/evaluation/compare-evaluations.test.ts. */
import assert from 'node:assert/strict';
import test, {type TestContext} from 'node:test';
import {compareCommand} from '../../../bin/commands/compare.js';
import {diffCommand} from '../../../bin/commands/diff.js';
import type {Sample} from '../../../stages/evaluation/index.js';
import {Bench} from '../../artifacts/temporary.js';
import {r1} from '../../rig/command.js';
import {evaluatedRun} from '../../rig/evaluations.js';
import type {Trained} from '../../rig/evaluations.js';
import {temporaryFolder} from '../../rig/temporary.js';
import {samplesOf} from '../../stages/evaluation/samples.js';
import {spoken} from '../spoken.js';

/** Levels 3 and 4 by turns. */
const levelled = (...problems: string[]): Sample[] =>
  samplesOf(...problems).map((sample) => ({
    ...sample,
    steps: 3 + (Number(sample.key.slice(1)) % 2),
    text: `<answer> ${sample.answer ?? ''} </answer>`,
  }));

const BASE: Trained = {
  ...{node: 'base', stage: 'pretrain', curve: [0.1, 0.2]},
  evaluations: [
    {node: 'evaluate-base', wiredAs: 'base', samples: levelled('ww', 'ww', 'ww', 'wr', 'wr', 'wr', 'rr')},
    {node: 'evaluate-base-chat', wiredAs: 'base-chat', samples: levelled('ww', 'ww'), template: 'tiny-zero'},
  ],
};

const zero = (...problems: string[]): Trained => ({
  ...{node: 'zero-rl', from: 'base', curve: [0.2, 0.5, 0.9]},
  evaluations: [{node: 'evaluate-zero-rl', samples: levelled(...problems)}],
});

const GOOD = ['rr', 'rr', 'rr', 'rr', 'rr', 'rr', 'wr'];

async function oneRun(t: TestContext): Promise<Bench> {
  const bench = new Bench(t);
  await evaluatedRun(bench, {models: [BASE, zero(...GOOD)]});
  return bench;
}

interface Json {
  readonly pairs: readonly {
    readonly isSame: boolean;
    readonly metrics: readonly {
      metric: string;
      difference?: {value: number; low: number; told: string; problems: number};
    }[];
    readonly answers?: {
      won: number;
      lost: number;
      tied: number;
      byLevel: unknown;
      changes: readonly {problem: string}[];
    };
    readonly settings: readonly unknown[];
    readonly relation?: {kind: string; through: readonly {node: string}[]};
  }[];
  readonly models: readonly {letter: string; evaluation: string; others: readonly string[]}[];
}

test('two models have levels, a paired difference, problems won and lost, a question and the way between them', async (t) => {
  const {folder} = await oneRun(t);
  const {out, code} = await spoken(compareCommand, folder, ['base', 'zero-rl']);
  assert.equal(code, 0);
  assert.match(out, /^A {2}base +run 2, tried, seed 0 {2}evaluate-base @[0-9a-f]{8}$/m);
  assert.match(out, /^base was also evaluated by 2\/evaluate-base-chat$/m);
  // Differences 1 1 1 ½ ½ ½ −½: mean 4/7, squares of what is off 1.7143, error √(1.7143 / 6 / 7) = .20203, t(6) = 2.446912.
  assert.match(out, /^pass@1 .* {2}\+\.571 \[\+\.077, \+1\.000\] {2}higher$/m);
  assert.match(out, /^truncated .* \.000 \[.*\] {2}not told apart$/m);
  assert.match(out, /^all +6 +1 +0$/m);
  assert.match(out, /^3 steps +3 +1 +0$/m);
  assert.match(out, /won by most:\n {2}0\/2 → 2\/2 {2}p0\n/);
  assert.match(out, /lost by most:\n {2}2\/2 → 1\/2 {2}p6\n/);
  assert.match(
    out,
    /\np0\n {2}what is p0 \?\n {2}answer: 1 1\n {2}A base: right in 0 of 2; sample 0, wrong:\n {4}<answer> 2 2 <\/answer>\n/,
  );
  assert.match(out, /^r1 samples 2\/evaluate-base --beside 2\/evaluate-zero-rl --problem p0$/m);
  assert.match(out, /trained by different stages: pretrain, grpo\n--curve draws one that all have: accuracy$/m);
  assert.match(out, /\nB was made from A: zero-rl \(grpo\)$/);
  assert.match(out, /brackets: 95 % over problems, the sampling of problems only; not the noise of training/);
  for (const line of out.split('\n')) assert.ok(line.length <= 100, line);
});

test('as JSON, a comparison has all of it', async (t) => {
  const {folder} = await oneRun(t);
  const {out} = await spoken(compareCommand, folder, ['base', 'zero-rl', '--json', '--curve', 'accuracy']);
  const {models, pairs, curves} = JSON.parse(out) as Json & {curves: {metric: string; points: Record<string, unknown>}};
  assert.deepEqual(
    models.map(({letter, evaluation, others}) => [letter, evaluation, others]),
    [
      ['A', 'evaluate-base', ['2/evaluate-base-chat']],
      ['B', 'evaluate-zero-rl', []],
    ],
  );
  const [pair] = pairs;
  assert.deepEqual([pair!.answers!.won, pair!.answers!.lost, pair!.answers!.tied], [6, 1, 0]);
  assert.equal(pair!.answers!.changes.length, 7);
  assert.deepEqual(
    pair!.relation!.through.map(({node}) => node),
    ['zero-rl'],
  );
  assert.equal(pair!.metrics.find(({metric}) => metric === 'pass@1')!.difference!.told, 'higher');
  assert.deepEqual(curves.points['A'], [
    {step: 1, value: 0.1},
    {step: 2, value: 0.2},
  ]);
});

test('what was asked otherwise is named, and nothing is said of problems that one alone was asked', async (t) => {
  const {folder} = await oneRun(t);
  const {out} = await spoken(compareCommand, folder, ['evaluate-base', 'evaluate-base-chat']);
  assert.match(out, /both were asked, 2 in all; not on 5 that A alone was asked$/m);
  assert.match(out, /evaluated otherwise, .*\n {2}asked and read with: A chat, B tiny-zero$/m);
  assert.match(out, /A and B are one model, evaluated twice$/);
});

test('an evaluation beside itself is said to be one', async (t) => {
  const {folder} = await oneRun(t);
  const {out, code} = await spoken(compareCommand, folder, ['base', 'base:model', '--metric', 'pass@1']);
  assert.equal(code, 0);
  assert.match(out, /A and B are one and the same evaluation: there is nothing to compare$/);
});

test('mistakes say what to type', async (t) => {
  const bench = await oneRun(t);
  const later = await evaluatedRun(bench, {
    models: [
      {...BASE, params: {steps: 3}},
      {...zero(...GOOD), params: {steps: 9}},
    ],
    isMade: (node) => !['evaluate-zero-rl', 'evaluate-base-chat'].includes(node),
  });
  assert.equal(later, 3);
  const err = async (...words: string[]) => {
    const said = await spoken(compareCommand, bench.folder, words);
    assert.equal(said.code, 2, words.join(' '));
    return said.err;
  };
  assert.match(await err('base'), /two or more: models, or numbers of runs\nr1 compare base OTHER/);
  assert.match(await err('2', 'base'), /a run cannot be compared with a model/);
  assert.match(await err('2', '02'), /a run is named twice/);
  assert.match(
    await err('base', 'zero-r'),
    /no node “zero-r”, did you mean “zero-rl”|no run has a node “zero-r”, did you mean “zero-rl”/,
  );
  assert.match(await err('base', 'prompts'), /prompts:heldOut|prompts is of kind prompts/);
  assert.match(
    await err('base', '3/zero-rl'),
    /nothing has evaluated 3\/zero-rl of run 3\nevaluate-zero-rl of run 3 is to: .*\n.*: 2\/zero-rl$/m,
  );
  assert.match(
    await err('2/base', 'base', '--metric', 'pas@1'),
    /no metric “pas@1” among these scores, did you mean “pass@1”/,
  );
  assert.match(
    await err('2/base', '2/zero-rl', '--curve', 'acuracy'),
    /no.* metric “acuracy”, did you mean “accuracy”/,
  );
  assert.match(await err('2/base', 'zero-rl', '--run', '2'), /2\/base says itself where it is/);
  assert.match(await err('2', '9'), /there is no run 9/);
});

test('two runs are compared model by model, and diff ends with the same', async (t) => {
  const bench = await oneRun(t);
  await evaluatedRun(bench, {models: [BASE, {...zero(...GOOD.map(() => 'ww')), params: {rate: 2}}]});
  const {out} = await spoken(compareCommand, bench.folder, ['2', '3']);
  assert.match(out, /^run 2: tried, seed 0\nrun 3: tried, seed 0\n/);
  assert.match(out, /^pass@1\nmodel +run 2 +run 3 +run 3 − run 2\nzero-rl .* −\.929 \[.*\] {2}lower$/m);
  assert.match(out, /^also told apart\n(.*\n)*zero-rl +pass@2 .*lower$/m);
  assert.match(out, /^one and the same evaluation in both: base, base-chat$/m);
  assert.match(out, /^first difference: zero-rl, param rate {2}nothing → 2$/m);
  const json = JSON.parse((await spoken(compareCommand, bench.folder, ['2', '3', '--json'])).out) as {
    pairs: {models: {name: string; isSame?: boolean; answers?: object}[]}[];
  };
  assert.deepEqual(
    json.pairs[0]!.models.map(({name, isSame}) => [name, isSame]),
    [
      ['base', true],
      ['base-chat', true],
      ['zero-rl', false],
    ],
  );
  assert.deepEqual(json.pairs[0]!.models[2]!.answers, {
    ...{won: 0, lost: 7, tied: 0},
    byLevel: [
      {level: 3, won: 0, lost: 4, tied: 0},
      {level: 4, won: 0, lost: 3, tied: 0},
    ],
  });
  const diff = await spoken(diffCommand, bench.folder, ['2', '3']);
  assert.match(diff.out, /^first difference: zero-rl[^]*what came of it in the scores\n\npass@1\n[^]*zero-rl .*lower/m);
  assert.doesNotMatch((await spoken(diffCommand, bench.folder, ['2', '3', '--quick'])).out, /what came of it/);
  const effect = JSON.parse((await spoken(diffCommand, bench.folder, ['2', '3', '--json'])).out) as {effect: object};
  assert.deepEqual(effect.effect, json.pairs[0]);
});

test('runs whose models have other names share nothing, and are told how to be compared', async (t) => {
  const bench = await oneRun(t);
  const {evaluations} = zero(...GOOD);
  await evaluatedRun(bench, {recipe: 'mine', models: [{node: 'm', evaluations: [{...evaluations[0]!, node: 'e'}]}]});
  const {out, code} = await spoken(compareCommand, bench.folder, ['2', '3']);
  assert.equal(code, 0);
  assert.match(
    out,
    /scored in run 2 alone: base, base-chat, zero-rl\nscored in run 3 alone: m\n.*r1 compare 2\/NODE 3\/NODE/,
  );
  assert.match((await spoken(compareCommand, bench.folder, ['2/base', '3/m'])).out, /both were asked, 7 in all/);
});

test('over several runs the spread over seeds comes first, with an interval from three on', async (t) => {
  const bench = new Bench(t);
  // Differences of pass@1: 4/7, 5/14 and 3/14 less or more than those of the first.
  const seeds = [GOOD, ['rr', 'rr', 'rr', 'wr', 'wr', 'wr', 'rr'], ['rr', 'rr', 'wr', 'wr', 'wr', 'wr', 'rr']];
  for (const [seed, problems] of seeds.entries()) await evaluatedRun(bench, {seed, models: [BASE, zero(...problems)]});
  const two = await spoken(compareCommand, bench.folder, ['base', 'zero-rl', '--run', '2,3', '--metric', 'pass@1']);
  // 4/7 and 3/7.
  assert.match(two.out, /^over seeds: the differences within 2 seeds of tried, runs 2, 3$/m);
  assert.match(two.out, /pass@1 +\+\.500 \(\+\.429 to \+\.571\)$/m);
  assert.match(two.out, /of fewer than 3 seeds no interval is made/);
  const {out} = await spoken(compareCommand, bench.folder, ['base', 'zero-rl', '--run', '2', '--run', '3,4', '--json']);
  const {overSeeds, runs} = JSON.parse(out) as {
    overSeeds: {metric: string; seeds: number; mean: number; interval: {low: number; high: number}}[];
    runs: {run: number; pairs: unknown[]}[];
  };
  assert.deepEqual(
    runs.map(({run, pairs}) => [run, pairs.length]),
    [
      [2, 1],
      [3, 1],
      [4, 1],
    ],
  );
  const pass = overSeeds.find(({metric}) => metric === 'pass@1')!;
  // 8/14, 6/14, 5/14: mean 19/42, s = √((.1190² + .0238² + .0952²) / 2) = .1091; t(2) = 4.302653.
  assert.equal(pass.seeds, 3);
  assert.ok(Math.abs(pass.mean - 19 / 42) < 1e-12);
  assert.ok(Math.abs(pass.interval.high - (19 / 42 + (4.302653 * 0.109109) / Math.sqrt(3))) < 1e-4);
  const text = await spoken(compareCommand, bench.folder, ['2', '3', '4']);
  assert.match(text.out, /^3 seeds of tried: runs 2, 3, 4\n\nmodel +seeds +pass@1\nbase +3 /);
  assert.match(text.out, /brackets: 95 % over seeds \(t\), the noise of training only; not the sampling of problems/);
});

test('the command line compares', async (t) => {
  const {folder} = await oneRun(t);
  const cwd = temporaryFolder(t);
  const said = await r1(t, ['compare', 'base', 'zero-rl', '--store', folder], {cwd});
  assert.equal(said.code, 0, said.err);
  assert.match(said.out, /pass@1 .*higher/);
});
