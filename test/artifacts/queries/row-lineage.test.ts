import assert from 'node:assert/strict';
import test from 'node:test';
import type {Json} from '../../../artifacts/index.js';
import {findRow, trace, traceRow} from '../../../artifacts/queries/row-lineage.js';
import {traceCommand} from '../../../bin/commands/trace.js';
import {traceText} from '../../../bin/render/trace.js';
import {spoken} from '../../bin/spoken.js';
import {Bench, edge} from '../temporary.js';
import type {Made} from '../temporary.js';

const rows = (kind: string, list: readonly Json[]) => ({
  rows: {kind, files: {'rows.jsonl': list.map((row) => `${JSON.stringify(row)}\n`).join('')}},
});

/**
 *     prompts ─┬─→ rollouts ─→ curated (passes rows on) ─→ mixed
 *        zero ─┘                                general ─┘
 */
async function datasets(bench: Bench): Promise<Record<'prompts' | 'zero' | 'rollouts' | 'curated' | 'mixed', Made>> {
  const prompts = await bench.make({
    node: 'prompts',
    outputs: rows('prompts', [
      {id: 'p1', from: []},
      {id: 'p2', from: []},
    ]),
  });
  const zero = await bench.make({node: 'zero', outputs: {model: {kind: 'model', files: {w: '1'}}}});
  const rollouts = await bench.make({
    node: 'rollouts',
    inputs: [edge(zero, 'model', 'policy'), edge(prompts, 'rows', 'prompts')],
    outputs: rows('rollouts', [
      {id: 'p1-0', from: ['p1'], text: 'one'},
      {id: 'p2-0', from: ['p2'], text: 'two “quoted”'},
    ]),
  });
  const curated = await bench.make({
    node: 'curated',
    inputs: [edge(rollouts, 'rows')],
    outputs: rows('dataset', [{id: 'p2-0', from: ['p2-0']}]),
  });
  const general = await bench.make({node: 'general', outputs: rows('dataset', [{id: 'g1', from: []}])});
  const mixed = await bench.make({
    node: 'mixed',
    inputs: [edge(curated, 'rows', 'data', 'curated'), edge(general, 'rows', 'data', 'general')],
    outputs: rows('dataset', [
      {id: 'm1', from: ['p2-0', 'g1']},
      {id: 'm2', from: ['p1-0', 'nowhere']},
      {id: 7, from: []},
    ]),
  });
  return {prompts, zero, rollouts, curated, mixed};
}

const place = (bench: Bench, made: Made) => {
  const attempt = bench.store.attempt(made.attempt)!;
  return {attempt, output: attempt.outputs[0]!};
};

test('a row is followed to the rollout, its prompt and the policy that wrote it', async (t) => {
  const bench = new Bench(t);
  const made = await datasets(bench);
  const m1 = await traceRow(bench.store, 'm1', place(bench, made.mixed));
  assert.deepEqual(
    m1.from.map(({id, node}) => [id, node]),
    [
      ['p2-0', 'curated'],
      ['g1', 'general'],
    ],
  );
  const rollout = m1.from[0]!.from[0]!;
  assert.deepEqual([rollout.id, rollout.node, rollout.line, rollout.file], ['p2-0', 'rollouts', 2, 'rows.jsonl']);
  assert.deepEqual(rollout.row, {id: 'p2-0', from: ['p2'], text: 'two “quoted”'});
  assert.deepEqual(rollout.beside, [{port: 'policy', node: 'zero', artifact: made.zero.outputs.model!.digest}]);
  assert.deepEqual(
    rollout.from.map(({id, node, from}) => [id, node, from.length]),
    [['p2', 'prompts', 0]],
  );
});

test('a row is followed to its rollout where one attempt made both, and never in a circle', async (t) => {
  //  prompts ─→ sifted (dataset and rollouts)
  const bench = new Bench(t);
  const {prompts} = await datasets(bench);
  const both = await bench.make({
    node: 'sifted',
    inputs: [edge(prompts, 'rows', 'prompts')],
    outputs: {
      dataset: rows('dataset', [
        {id: 'sifted:p1-0', from: ['p1-0']},
        {id: 'same', from: ['same']},
      ]).rows,
      rollouts: rows('rollouts', [
        {id: 'p1-0', from: ['p1']},
        {id: 'same', from: ['same']},
      ]).rows,
    },
  });
  const attempt = bench.store.attempt(both.attempt)!;
  const start = {attempt, output: attempt.outputs.find(({port}) => port === 'dataset')!};
  const traced = await traceRow(bench.store, 'sifted:p1-0', start);
  assert.deepEqual(traced.lost, []);
  const [rollout] = traced.from;
  assert.deepEqual([rollout?.id, rollout?.node, rollout?.port], ['p1-0', 'sifted', 'rollouts']);
  assert.deepEqual(
    rollout?.from.map(({id, node}) => [id, node]),
    [['p1', 'prompts']],
  );
  const [same] = (await traceRow(bench.store, 'same', start)).from;
  assert.deepEqual([same?.port, same?.from, same?.lost], ['rollouts', [], ['same']]);
});

test('a row that skipped a generation is found further up, and one that is nowhere is told', async (t) => {
  const bench = new Bench(t);
  const made = await datasets(bench);
  const m2 = await traceRow(bench.store, 'm2', place(bench, made.mixed));
  assert.deepEqual(
    m2.from.map(({id, node}) => [id, node]),
    [['p1-0', 'rollouts']],
  );
  assert.deepEqual(m2.lost, ['nowhere']);
  assert.equal((await traceRow(bench.store, '7', place(bench, made.mixed))).line, 3);
  await assert.rejects(traceRow(bench.store, 'p1', place(bench, made.mixed)), {reason: 'not-found'});
});

test('a row is looked for in the newest run that has it', async (t) => {
  const bench = new Bench(t);
  await datasets(bench);
  assert.deepEqual(
    (await findRow(bench.store, 'p2-0')).map(({attempt}) => attempt.node),
    ['rollouts', 'curated'],
  );
  assert.deepEqual(await findRow(bench.store, 'nothing'), []);
});

test('r1 trace draws the rows, asks where when several have it, and says when none has', async (t) => {
  const bench = new Bench(t);
  await datasets(bench);
  const {out, code} = await spoken(traceCommand, bench.folder, ['m1']);
  assert.equal(code, 0);
  assert.match(out, /^m1  mixed:rows @[0-9a-f]{8}  rows\.jsonl line 1\n├─ \{"id":"m1"/);
  assert.match(out, /└─ p2  prompts:rows/);
  assert.match(out, /policy ← zero @[0-9a-f]{8}  seed 0/);
  const several = await spoken(traceCommand, bench.folder, ['p2-0']);
  assert.equal(several.code, 2);
  assert.match(several.err, /--in rollouts:rows, --in curated:rows/);
  assert.match((await spoken(traceCommand, bench.folder, ['p2-0', '--in', 'curated'])).out, /^p2-0  curated:rows/);
  assert.equal((await spoken(traceCommand, bench.folder, ['none'])).code, 2);
  const json = JSON.parse((await spoken(traceCommand, bench.folder, ['m2', '--json'])).out) as {lost: string[]};
  assert.deepEqual(json.lost, ['nowhere']);
});

test('a row is cut to the width of a terminal, and never in a file or a pipe', async (t) => {
  const bench = new Bench(t);
  const text = 'word '.repeat(60);
  await bench.make({node: 'data', outputs: rows('dataset', [{id: 'long', from: [], text}])});
  const {out} = await spoken(traceCommand, bench.folder, ['long']);
  assert.ok(out.includes(JSON.stringify({id: 'long', from: [], text})), out);
  const traced = await trace(bench.store, 'long');
  const drawn = traceText(traced, {colours: false, width: 80, isTerminal: true}).split('\n');
  assert.ok(
    drawn.every((line) => line.length <= 80),
    drawn.join('\n'),
  );
  assert.match(drawn[1]!, /…$/);
});
