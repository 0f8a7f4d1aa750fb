/** The commands that only read: runs, cost, metrics, tag and pin. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {costCommand} from '../../bin/commands/cost.js';
import {metricsCommand} from '../../bin/commands/metrics.js';
import {runsCommand} from '../../bin/commands/runs.js';
import {pinCommand, tagCommand, unpinCommand, untagCommand} from '../../bin/commands/tag.js';
import {digestOf} from '../../artifacts/index.js';
import {Bench} from '../artifacts/temporary.js';
import {spoken} from './spoken.js';

const model = {model: {kind: 'model', files: {w: 'weights'}}};

test('runs tells what each did and how it ended', async (t) => {
  const bench = new Bench(t);
  const first = bench.run;
  const made = await bench.make({node: 'base', outputs: model});
  bench.store.endRun(first, 'succeeded');
  const second = bench.begin('other', 5);
  bench.store.recordDecisions([
    {run: second, node: 'base', action: 'reuse', attempt: made.attempt, because: ''},
    {run: second, node: 'sft', action: 'cancelled', because: ''},
  ]);
  const {out} = await spoken(runsCommand, bench.folder, ['--json']);
  const runs = JSON.parse(out) as Record<string, unknown>[];
  assert.deepEqual(
    runs.map(({run, recipe, seed, state, ran, reused, cancelled}) => ({
      run,
      recipe,
      seed,
      state,
      ran,
      reused,
      cancelled,
    })),
    [
      {run: second, recipe: 'other', seed: 5, state: 'running', ran: 0, reused: 1, cancelled: 1},
      // Its lock is still held here, so it is taken for running; the next test has one that is not.
      {run: first, recipe: 'test', seed: 0, state: 'running', ran: 1, reused: 0, cancelled: 0},
    ],
  );
  assert.match(
    (await spoken(runsCommand, bench.folder, ['--limit', '1'])).out,
    /^run +recipe[^\n]*\n +2 +other[^\n]*$/,
  );
});

test('a run whose process died is interrupted', async (t) => {
  const bench = new Bench(t);
  const run = bench.store.beginRun({recipe: 'dead', seed: 0, plan: null, command: ''});
  bench.store.holdRunnerLock(run)!.release();
  assert.match((await spoken(runsCommand, bench.folder, [])).out, /dead .* interrupted/);
});

test('cost counts failed attempts, and what reuse saved', async (t) => {
  const bench = new Bench(t);
  const made = await bench.make({node: 'base', outputs: model, wallMs: 4000});
  const begun = bench.claim('sft', {fingerprint: digestOf('f', 1)});
  bench.store.finishAttempt({
    ...begun,
    outcome: {ok: false, reason: 'stage-exited', detail: null, cost: {wallMs: 1000, peakBytes: 50, tokens: 7}},
  });
  await bench.make({node: 'sft', outputs: model, wallMs: 2000, fingerprint: digestOf('f', 1)});
  const {out} = await spoken(costCommand, bench.folder, ['--json']);
  const cost = JSON.parse(out) as {
    nodes: {node: string; attempts: number; wallMs: number; peakBytes?: number}[];
    total: {wallMs: number; tokens: number};
  };
  assert.deepEqual(
    cost.nodes.map(({node, attempts, wallMs, peakBytes}) => [node, attempts, wallMs, peakBytes]),
    [
      ['base', 1, 4000, undefined],
      ['sft', 2, 3000, 50],
    ],
  );
  assert.deepEqual([cost.total.wallMs, cost.total.tokens], [7000, 7]);
  const second = bench.begin();
  bench.store.recordDecisions([{run: second, node: 'base', action: 'reuse', attempt: made.attempt, because: ''}]);
  assert.match((await spoken(costCommand, bench.folder, [])).out, /base +reuse +7 B +4\.0 s/);
  assert.match((await spoken(costCommand, bench.folder, ['1'])).out, /sft +run ×2 +3\.0 s/);
  assert.equal((await spoken(costCommand, bench.folder, ['77'])).code, 2);
});

test('metrics come as a table, a chart, JSON and CSV, also while the attempt goes on', async (t) => {
  const bench = new Bench(t);
  const begun = bench.claim('zero');
  const points = [1, 2, 3].flatMap((step) => [
    {name: 'loss', step, value: 3 - step},
    {name: 'length, mean', step, value: step === 2 ? Number.NaN : step},
  ]);
  bench.store.addMetrics(begun.attempt, points, 10);
  assert.match((await spoken(metricsCommand, bench.folder, ['zero'])).out, /loss +3 +0 +0 +2 +█▅▁/);
  assert.match((await spoken(metricsCommand, bench.folder, ['zero', '--name', 'loss'])).out, /┤/);
  assert.deepEqual(
    JSON.parse((await spoken(metricsCommand, bench.folder, ['zero', '--json', '--name', 'length, mean'])).out),
    [
      {name: 'length, mean', step: 1, value: 1},
      {name: 'length, mean', step: 2, value: 'NaN'},
      {name: 'length, mean', step: 3, value: 3},
    ],
  );
  assert.match(
    (await spoken(metricsCommand, bench.folder, ['1/zero', '--csv'])).out,
    /^name,step,value\n"length, mean",1,1\n"length, mean",2,NaN\n/,
  );
  const wrong = await spoken(metricsCommand, bench.folder, ['zero', '--name', 'los']);
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /did you mean “loss”/);
});

test('tags and pins are given, listed and taken back', async (t) => {
  const bench = new Bench(t);
  await bench.make({node: 'base', outputs: model});
  assert.match((await spoken(tagCommand, bench.folder, ['best', 'base'])).out, /^@best is model @[0-9a-f]{8} of base$/);
  assert.match((await spoken(tagCommand, bench.folder, [])).out, /^@best  @[0-9a-f]{8}$/);
  assert.match((await spoken(pinCommand, bench.folder, ['@best'])).out, /is pinned/);
  assert.match((await spoken(pinCommand, bench.folder, [])).out, /^@[0-9a-f]{8}$/);
  assert.match((await spoken(unpinCommand, bench.folder, ['@best'])).out, /no longer pinned/);
  assert.equal((await spoken(untagCommand, bench.folder, ['@best'])).code, 0);
  assert.equal((await spoken(untagCommand, bench.folder, ['best'])).code, 2);
  assert.equal((await spoken(tagCommand, bench.folder, ['best'])).code, 2);
  assert.match((await spoken(tagCommand, bench.folder, [])).out, /no tags/);
  assert.match((await spoken(pinCommand, bench.folder, [])).out, /nothing is pinned/);
});
