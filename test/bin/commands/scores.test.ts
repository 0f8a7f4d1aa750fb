/** The commands that read a report: scores and claims. */
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type TestContext} from 'node:test';

import {claimsCommand} from '../../../bin/commands/claims.js';
import {scoresCommand} from '../../../bin/commands/scores.js';
import {scoreSamples, type ClaimOverRuns, type Sample} from '../../../stages/evaluation/index.js';
import {buildReport, writeReport, type ScoreRow} from '../../../stages/evaluation/report/index.js';
import {TINY_CLAIMS} from '../../../stages/recipes/tiny-claims.js';
import {Bench, temporaryFolder} from '../../artifacts/temporary.js';
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
async function makeReport(t: TestContext, bench: Bench, right: number, node = 'report', more = {}): Promise<void> {
  const folder = temporaryFolder(t);
  const problems = Array.from({length: 20}, (_, n) => (n < right ? 'rrrr' : 'wwww'));
  const base = Array.from({length: 20}, (_, n) => (n % 2 === 0 ? 'rwww' : 'wwww'));
  const evaluations = {base: evaluated(samplesOf(...base)), 'zero-rl': evaluated(samplesOf(...problems)), ...more};
  await writeReport(folder, buildReport({evaluations, histories: {}, cards: {}}, TINY_CLAIMS));
  const files = ['scores.json', 'claims.json'].map((name) => [name, readFileSync(join(folder, name))] as const);
  await bench.make({
    node,
    params: {right, run: bench.run},
    outputs: {report: {kind: 'report', files: Object.fromEntries(files)}},
  });
}

test('scores prints the newest report as rows and as a table', async (t) => {
  const bench = new Bench(t);
  await makeReport(t, bench, 18);
  bench.begin('without a report');
  const json = await spoken(scoresCommand, bench.folder, ['--json']);
  const rows = JSON.parse(json.out) as ScoreRow[];
  assert.deepEqual(Object.keys(rows[0]!), ['node', 'model', 'metric', 'mean', 'low', 'high', 'problems', 'samples']);
  const pass = rows.find(({node, metric}) => node === 'zero-rl' && metric === 'pass@1');
  assert.equal(pass?.mean, 0.9);
  assert.deepEqual([pass.problems, pass.samples], [20, 80]);
  const {out, code} = await spoken(scoresCommand, bench.folder, ['--run', '1']);
  assert.equal(code, 0);
  assert.match(out, /^run 1: test, seed 0/);
  assert.match(out, /zero-rl +\.900 \[\.\d{3}, (?:\.\d{3}|1\.000)\]/);
  for (const line of out.split('\n')) assert.ok(line.length <= 100, line); // the width that `spoken` has
});

test('models that were asked or read otherwise are named with how, in scores and in claims', async (t) => {
  const bench = new Bench(t);
  const lenient = {...evaluated(samplesOf(...Array.from({length: 20}, () => 'rrww'))), extraction: 'last-number'};
  await makeReport(t, bench, 18, 'report', {base: {...lenient, prefill: '\u001b[31m<think>'}});
  const scores = await spoken(scoresCommand, bench.folder, []);
  const asked = 'tiny-zero, prefill “\\u001b[31m<think>”, extraction last-number';
  assert.ok(scores.out.includes(`\nbase was asked and read with ${asked}`), scores.out);
  const claims = await spoken(claimsCommand, bench.folder, []);
  assert.ok(claims.out.includes(`pass@1: zero-rl − base (tiny-zero / ${asked})`), claims.out);
  const rows = JSON.parse((await spoken(scoresCommand, bench.folder, ['--json'])).out) as ScoreRow[];
  assert.ok(rows.every((row) => row.asked === (row.node === 'base' ? asked : undefined)));
});

test('claims prints each claim with its verdict', async (t) => {
  const bench = new Bench(t);
  await makeReport(t, bench, 18);
  const {out} = await spoken(claimsCommand, bench.folder, ['--json']);
  const [first] = JSON.parse(out) as ClaimOverRuns[];
  assert.deepEqual(Object.keys(first!).slice(0, 5), ['claim', 'value', 'low', 'high', 'verdict']);
  assert.deepEqual([first!.claim, first!.value, first!.verdict], ['zero-accuracy', 0.9 - 0.125, 'holds']);
  const text = await spoken(claimsCommand, bench.folder, []);
  assert.match(text.out, /holds +zero-accuracy +0\.775 \[.*> 0\.25 +pass@1: zero-rl − base/);
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
  assert.match(text.out, /zero-accuracy +0\.775 +0\.725$/m);
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
  for (const command of [scoresCommand, claimsCommand]) {
    const {out, err} = await spoken(command, bench.folder, []);
    assert.match(out, /^run 1: /);
    assert.match(err, /run 2 has no report \(yet\); these are the numbers of run 1/);
  }
});

test('a run without a report and a report without a run are told apart', async (t) => {
  const bench = new Bench(t);
  assert.match(
    (await spoken(scoresCommand, bench.folder, [])).err,
    /no run in this store has made a report yet\nr1 run tiny makes one/,
  );
  assert.match((await spoken(scoresCommand, bench.folder, ['--run', '1'])).err, /run 1 has made no report/);
  assert.match((await spoken(scoresCommand, bench.folder, ['--run', '9'])).err, /there is no run 9/);
  await makeReport(t, bench, 18);
  assert.match(
    (await spoken(scoresCommand, bench.folder, ['--run', '1', '--report', 'other'])).err,
    /run 1 has no report “other”; it has report/,
  );
});
