/** What a run measured: scores, which are read from its evaluations, and claims, which are read from its report. */
import assert from 'node:assert/strict';
import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type TestContext} from 'node:test';

import {claimsCommand} from '../../../bin/commands/claims.js';
import {compareCommand} from '../../../bin/commands/compare.js';
import {scoresCommand} from '../../../bin/commands/scores.js';
import {scoreSamples, type ClaimOverRuns, type Sample} from '../../../stages/evaluation/index.js';
import type {FollowedTraining} from '../../../stages/evaluation/report/followed.js';
import {buildReport, writeReport, type ScoreRow} from '../../../stages/evaluation/report/index.js';
import {TINY_CLAIMS} from '../../../stages/recipes/tiny-claims.js';
import {Bench, temporaryFolder} from '../../artifacts/temporary.js';
import {evaluatedRun} from '../../rig/evaluations.js';
import type {Trained} from '../../rig/evaluations.js';
import {samplesOf} from '../../stages/evaluation/samples.js';
import {spoken} from '../spoken.js';

const evaluated = (samples: Sample[]) => ({
  model: 'f'.repeat(64),
  template: 'tiny-zero',
  temperature: 0.6,
  topP: 0.95,
  k: 4,
  scores: scoreSamples(samples, {k: 4}),
  samples,
});

/** A report in which zero-rl solves `right` of 20 problems and base one in four samples of half of them. */
async function makeReport(
  t: TestContext,
  bench: Bench,
  right: number,
  node = 'report',
  more = {},
  followed: readonly FollowedTraining[] = [],
): Promise<void> {
  const folder = temporaryFolder(t);
  const problems = Array.from({length: 20}, (_, n) => (n < right ? 'rrrr' : 'wwww'));
  const base = Array.from({length: 20}, (_, n) => (n % 2 === 0 ? 'rwww' : 'wwww'));
  const evaluations = {base: evaluated(samplesOf(...base)), 'zero-rl': evaluated(samplesOf(...problems)), ...more};
  const histories = {'zero-rl': {rows: [], card: {steps: 20}}};
  await writeReport(folder, buildReport({evaluations, histories, cards: {}, followed}, TINY_CLAIMS));
  const made = ['scores.json', 'claims.json', 'trends.json'].filter((name) => existsSync(join(folder, name)));
  const files = made.map((name) => [name, readFileSync(join(folder, name))] as const);
  await bench.make({
    node,
    params: {right, run: bench.run},
    outputs: {report: {kind: 'report', files: Object.fromEntries(files)}},
  });
}

const model = (node: string, ...problems: string[]): Trained => ({
  node,
  evaluations: [{node: `evaluate-${node}`, samples: samplesOf(...problems), k: 4}],
});

const solved = (right: number): string[] => Array.from({length: 20}, (_, n) => (n < right ? 'rrrr' : 'wwww'));
const BASE = model('base', ...Array.from({length: 20}, (_, n) => (n % 2 === 0 ? 'rwww' : 'wwww')));

test('scores prints every evaluation of the newest run that has one, wired to a report or not, in the order of the recipe', async (t) => {
  const bench = new Bench(t);
  const chat = {node: 'evaluate-base-chat', wiredAs: 'base-chat', samples: samplesOf('ww', 'ww'), k: 2};
  await evaluatedRun(bench, {
    models: [model('zero-rl', ...solved(18)), {...BASE, evaluations: [...BASE.evaluations, chat]}],
  });
  bench.begin('without scores');
  const {out, err, code} = await spoken(scoresCommand, bench.folder, []);
  assert.equal(code, 0);
  assert.match(err, /run 3 has no scores \(yet\); these are the numbers of run 2/);
  assert.match(out, /^run 2: tried, seed 0\n\nmodel /);
  // Of base, two evaluations: the one that a report is wired with has its name there, the other that of its node.
  assert.deepEqual(
    [...out.matchAll(/^(\S+) +\.\d{3} \[/gm)].map(([, name]) => name),
    ['zero-rl', 'evaluate-base', 'base-chat'],
  );
  assert.match(out, /^zero-rl +\.900 \[\.\d{3}, (?:\.\d{3}|1\.000)\]\* /m);
  assert.match(out, /brackets: 95 % over problems, the sampling of problems only; not the noise of training/);
  for (const line of out.split('\n')) assert.ok(line.length <= 100, line); // the width that `spoken` has
});

test('scores as JSON are rows, and are chosen and sorted by metric and model', async (t) => {
  const bench = new Bench(t);
  await evaluatedRun(bench, {models: [BASE, model('zero-rl', ...solved(18)), model('other', ...solved(3))]});
  const rows = async (...words: string[]): Promise<(ScoreRow & {evaluation: string})[]> =>
    JSON.parse((await spoken(scoresCommand, bench.folder, [...words, '--json'])).out) as (ScoreRow & {
      evaluation: string;
    })[];
  const keys = ['run', 'seed', 'node', 'evaluation', 'model', 'metric', 'mean', 'low', 'high', 'problems', 'samples'];
  const all = await rows();
  assert.deepEqual(Object.keys(all[0]!), keys);
  const pass = all.find(({node, metric}) => node === 'zero-rl' && metric === 'pass@1')!;
  assert.deepEqual([pass.mean, pass.problems, pass.samples, pass.evaluation], [0.9, 20, 80, 'evaluate-zero-rl']);
  const sorted = await rows('--metric', 'pass@1', '--sort', 'pass@1');
  assert.deepEqual(
    sorted.map(({node, mean}) => [node, mean]),
    [
      ['zero-rl', 0.9],
      ['other', 0.15],
      ['base', 0.125],
    ],
  );
  assert.deepEqual(
    new Set((await rows('--model', 'evaluate-base,other')).map(({node}) => node)),
    new Set(['base', 'other']),
  );
  const table = (await spoken(scoresCommand, bench.folder, ['--metric', 'pass@1', '--metric', 'pass@4'])).out;
  assert.match(table, /^model +pass@1 +pass@4\nbase +\.125 \[.*\] +\.500 \[.*\] *\n/m);
  for (const [word, ...words] of [
    ['pass@1', '--metric', 'pas@1'],
    ['pass@1', '--sort', 'pas@1'],
    ['zero-rl', '--model', 'zer-rl'],
  ]) {
    const {err, code} = await spoken(scoresCommand, bench.folder, words);
    assert.equal(code, 2);
    assert.ok(err.includes(`did you mean “${word}”`), err);
  }
});

test('of several runs the spread over seeds comes first, then each of them', async (t) => {
  const bench = new Bench(t);
  for (const [seed, right] of [18, 17, 16].entries())
    await evaluatedRun(bench, {seed, models: [BASE, model('zero-rl', ...solved(right))]});
  const {out} = await spoken(scoresCommand, bench.folder, ['--run', '2,3,4', '--metric', 'pass@1']);
  // .9, .85, .8: mean .85, s / √3 = .05 / √3 = .0288675, t(2) = 4.302653
  assert.match(
    out,
    /^3 seeds of tried: runs 2, 3, 4\n\nmodel +seeds +pass@1\nbase +3 +\.125 \(\.125 to \.125\) \[\.125, \.125\]\nzero-rl +3 +\.850 \(\.800 to \.900\) \[\.726, \.974\]\n/,
  );
  assert.match(out, /over seeds \(t\), the noise of training only[^]*\nrun 2: tried, seed 0[^]*\nrun 3: [^]*\nrun 4: /);
  const {scores, overSeeds} = JSON.parse(
    (await spoken(scoresCommand, bench.folder, ['--run', '2,3', '--json'])).out,
  ) as {
    scores: ScoreRow[];
    overSeeds: {model: string; metric: string; runs: number[]; interval?: object}[];
  };
  assert.ok(scores.length > 10);
  const row = overSeeds.find(({model: name, metric}) => name === 'zero-rl' && metric === 'pass@1')!;
  assert.deepEqual([row.runs, row.interval], [[2, 3], undefined]); // no interval of two seeds
  const two = (await spoken(scoresCommand, bench.folder, ['--run', '2', '--run', '3'])).out;
  assert.match(two, /of fewer than 3 seeds no interval is made/);
});

test('snapshots of a training are shown only where they are asked for, and named otherwise', async (t) => {
  const bench = new Bench(t);
  const kept = {...model('zero-step-5', ...solved(9)), stage: 'snapshot', params: {step: 5}};
  for (const seed of [0, 1])
    await evaluatedRun(bench, {seed, models: [BASE, kept, model('zero', ...solved(18 - seed))]});
  const named = ({out}: {readonly out: string}): (string | undefined)[] =>
    [...out.matchAll(/^(\S+) +\.\d{3} \[/gm)].map(([, name]) => name);
  const plain = await spoken(scoresCommand, bench.folder, []);
  assert.deepEqual(named(plain), ['base', 'zero']);
  assert.match(plain.out, /^snapshots of a training, which --model all shows: zero-step-5$/m);
  const all = await spoken(scoresCommand, bench.folder, ['--model', 'all']);
  assert.deepEqual(named(all), ['base', 'zero-step-5', 'zero']);
  assert.doesNotMatch(all.out, /snapshots of a training/);
  assert.deepEqual(named(await spoken(scoresCommand, bench.folder, ['--model', 'zero-step-5'])), ['zero-step-5']);
  assert.deepEqual(named(await spoken(scoresCommand, bench.folder, ['--model', 'evaluate-zero-step-5'])), [
    'zero-step-5',
  ]);
  const rows = async (...words: string[]): Promise<Set<string>> => {
    const {out} = await spoken(scoresCommand, bench.folder, [...words, '--json']);
    return new Set((JSON.parse(out) as ScoreRow[]).map(({node}) => node));
  };
  assert.deepEqual(await rows(), new Set(['base', 'zero']));
  assert.deepEqual(await rows('--model', 'all'), new Set(['base', 'zero-step-5', 'zero']));
  const seeds = await spoken(scoresCommand, bench.folder, ['--run', '2,3']);
  assert.doesNotMatch(seeds.out.slice(0, seeds.out.indexOf('\nrun 2')), /zero-step-5/);
  const compared = await spoken(compareCommand, bench.folder, ['2', '3']);
  assert.match(compared.out, /zero/);
  assert.doesNotMatch(compared.out, /zero-step-5/);
  const reached = await spoken(compareCommand, bench.folder, ['zero-step-5', 'zero']);
  assert.equal(reached.code, 0, reached.err);
});

test('runs that differ in more than the seed are listed, without a spread', async (t) => {
  const bench = new Bench(t);
  await evaluatedRun(bench, {models: [BASE]});
  await evaluatedRun(bench, {seed: 1, models: [{...BASE, params: {steps: 9}}]});
  await evaluatedRun(bench, {seed: 0, models: [{...BASE, params: {steps: 9}}]});
  const {out} = await spoken(scoresCommand, bench.folder, ['--run', '2,3']);
  assert.match(out, /^run 2: tried, seed 0[^]*\nrun 3: tried, seed 1/);
  assert.match((await spoken(scoresCommand, bench.folder, ['--run', '2,3,4'])).out, /^2 seeds of tried: runs 3, 4\n/);
});

test('an evaluation that cannot be read is told of, and the others are shown', async (t) => {
  const bench = new Bench(t);
  await evaluatedRun(bench, {models: [BASE]});
  await bench.make({node: 'mine', outputs: {scores: {kind: 'scores', files: {'scores.json': '{"format": "mine"}'}}}});
  const {out, err, code} = await spoken(scoresCommand, bench.folder, []);
  assert.equal(code, 0);
  assert.match(err, /^mine of run 2 is left out: mine @[0-9a-f]{8}: scores\.json: “format”/);
  assert.match(out, /^base /m);
});

test('a run without scores says what would make some', async (t) => {
  const bench = new Bench(t);
  await evaluatedRun(bench, {models: [BASE], isMade: (node) => node === 'base'});
  bench.end();
  assert.match(
    (await spoken(scoresCommand, bench.folder, [])).err,
    /^run 2 has no scores\nevaluate-base was to make some: r1 resume 2 goes on/,
  );
  assert.match((await spoken(scoresCommand, bench.folder, ['--run', '9'])).err, /there is no run 9/);
  assert.equal((await spoken(scoresCommand, bench.folder, ['--run', '2,2'])).code, 2);
});

test('models that were asked or read otherwise are named with how, in scores and in claims', async (t) => {
  const bench = new Bench(t);
  const lenient = {...evaluated(samplesOf(...Array.from({length: 20}, () => 'rrww'))), extraction: 'last-number'};
  const asked = 'tiny-zero, prefill “\\u001b[31m<think>”, extraction last-number';
  const how = {prefill: '\u001b[31m<think>', extraction: 'last-number'};
  await evaluatedRun(bench, {
    models: [
      {...BASE, evaluations: [{...BASE.evaluations[0]!, template: 'tiny-zero', asked: how}]},
      model('zero-rl', 'rrrr'),
    ],
  });
  const scores = await spoken(scoresCommand, bench.folder, []);
  assert.ok(scores.out.includes(`\nbase was asked and read with ${asked}`), scores.out);
  const rows = JSON.parse((await spoken(scoresCommand, bench.folder, ['--json'])).out) as ScoreRow[];
  assert.ok(rows.every((row) => row.asked === (row.node === 'base' ? asked : undefined)));
  bench.begin('test', 1);
  await makeReport(t, bench, 18, 'report', {base: {...lenient, prefill: '\u001b[31m<think>'}});
  const claims = await spoken(claimsCommand, bench.folder, []);
  // In the last column, in as many lines as it takes.
  const [, said] = /zero-accuracy.*?(pass@1: [^]*?)\nfails/.exec(claims.out)!;
  assert.equal(said!.replace(/\s+/g, ' '), `pass@1: zero-rl − base (tiny-zero / ${asked})`);
});

test('claims prints each claim with its verdict', async (t) => {
  const bench = new Bench(t);
  await makeReport(t, bench, 18);
  const {out} = await spoken(claimsCommand, bench.folder, ['--json']);
  const [first] = JSON.parse(out) as ClaimOverRuns[];
  assert.deepEqual(Object.keys(first!).slice(0, 5), ['claim', 'value', 'low', 'high', 'verdict']);
  assert.deepEqual([first!.claim, first!.value, first!.verdict], ['zero-accuracy', 0.9 - 0.125, 'holds']);
  const text = await spoken(claimsCommand, bench.folder, []);
  assert.match(text.out, /holds +zero-accuracy +0\.775 \[.*> 0\.15 +pass@1: zero-rl − base/);
});

test('claims fit the terminal: in columns, with what they are of under them, or one under the other', async (t) => {
  const bench = new Bench(t);
  await makeReport(t, bench, 18);
  const at = async (width: number, isTerminal = true): Promise<readonly string[]> => {
    const {out} = await spoken(claimsCommand, bench.folder, [], {width, isTerminal});
    for (const line of out.split('\n')) assert.ok(line.length <= width, `${width}: ${line}`);
    return out.split('\n');
  };
  const row = /^(?:holds|not significant) +zero-accuracy +0\.775 \[0\.\d+, 0\.\d+\] +> 0\.15/;
  assert.ok((await at(100)).some((line) => row.test(line) && line.endsWith('  pass@1: zero-rl − base')));
  const lines = await at(80);
  assert.equal(lines[lines.findIndex((line) => row.test(line)) + 1], '  pass@1: zero-rl − base');
  const narrow = (await at(60)).join('\n');
  assert.match(narrow, /\nholds +zero-accuracy\n {2}0\.775 \[.*\], claimed > 0\.15\n {2}pass@1: zero-rl − base\n/);
  await at(40);
});

test('over several runs the seed is the unit, and every run is listed', async (t) => {
  const bench = new Bench(t);
  await makeReport(t, bench, 18);
  bench.begin('test', 1);
  await makeReport(t, bench, 17);
  bench.begin('test', 2);
  await makeReport(t, bench, 16);
  const {out} = await spoken(claimsCommand, bench.folder, ['--run', '1', '--run', '2', '--run', '3', '--json']);
  const [first] = JSON.parse(out) as ClaimOverRuns[];
  // 0.775, 0.725, 0.675: mean 0.725, s / √3 = 0.05 / √3 = 0.0288675, t(2) = 4.302653
  assert.ok(Math.abs(first!.value - 0.725) < 1e-12);
  assert.ok(Math.abs(first!.high - (0.725 + 4.302653 * 0.0288675)) < 1e-5);
  assert.deepEqual(
    first!.runs.map(({run}) => run),
    ['1', '2', '3'],
  );
  const text = await spoken(claimsCommand, bench.folder, ['--run', '1', '--run', '2']);
  assert.match(text.out, /zero-accuracy +2 of 2 +0\.775 +0\.725$/m);
});

test('over several runs each training that is followed has one slope a seed', async (t) => {
  const bench = new Bench(t);
  const followed = [{node: 'zero-rl', base: 'base', snapshots: {'10': 'zero-10'}}];
  for (const [seed, right] of [18, 16, 14].entries()) {
    if (seed > 0) bench.begin('test', seed);
    const more = {'zero-10': evaluated(samplesOf(...solved(10)))};
    await makeReport(t, bench, right, 'report', more, followed);
  }
  // From step 0 to 20 and with 10 in the middle, the slope is (last − first) / 20, here per 100 steps: 5 × (.9 − .125) and so on.
  const {out} = await spoken(claimsCommand, bench.folder, ['--run', '1,2,3']);
  // 3.875, 3.375, 2.875: mean 3.375, s / √3 = .288675, t(2) = 4.302653
  assert.match(out, /one slope a seed:\n\ntrend +slope per 100 steps +run 1 +run 2 +run 3\n/);
  assert.match(
    out,
    /zero-rl: pass@1 +\+3\.375 \(\+2\.875 to \+3\.875\) \[\+2\.133, \+4\.617\] +\+3\.875 +\+3\.375 +\+2\.875$/m,
  );
  assert.doesNotMatch((await spoken(claimsCommand, bench.folder, ['--run', '1'])).out, /slope/);
});

test('two runs of one seed are not two seeds', async (t) => {
  const bench = new Bench(t);
  await makeReport(t, bench, 18);
  bench.begin('test', 0);
  await makeReport(t, bench, 17);
  const {err, code} = await spoken(claimsCommand, bench.folder, ['--run', '1', '--run', '2']);
  assert.equal(code, 2);
  assert.match(err, /runs 1 and 2 have the same seed, 0/);
});

test('two runs with one report are not two seeds either', async (t) => {
  const bench = new Bench(t);
  await makeReport(t, bench, 18);
  bench.begin('test', 1);
  await makeReport(t, bench, 18);
  const {err, code} = await spoken(claimsCommand, bench.folder, ['--run', '1', '--run', '2']);
  assert.equal(code, 2);
  assert.match(err, /runs 1 and 2 have the same report, byte by byte\nnothing in it depends on the seed/);
});

test('where the newest run has no report yet, it is said whose numbers these are', async (t) => {
  const bench = new Bench(t);
  await makeReport(t, bench, 18);
  bench.begin('test', 1);
  const {out, err} = await spoken(claimsCommand, bench.folder, []);
  assert.match(out, /^run 1: /);
  assert.match(err, /run 2 has no report \(yet\); these are the numbers of run 1/);
});

test('a run without a report and a report without a run are told apart', async (t) => {
  const bench = new Bench(t);
  assert.match(
    (await spoken(claimsCommand, bench.folder, [])).err,
    /no run in this store has made a report yet\nr1 run tiny makes one/,
  );
  assert.match((await spoken(claimsCommand, bench.folder, ['--run', '1'])).err, /run 1 has made no report/);
  assert.match((await spoken(claimsCommand, bench.folder, ['--run', '9'])).err, /there is no run 9/);
  await makeReport(t, bench, 18);
  assert.match(
    (await spoken(claimsCommand, bench.folder, ['--run', '1', '--report', 'other'])).err,
    /run 1 has no report “other”; it has report/,
  );
});
