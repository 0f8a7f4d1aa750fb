import assert from 'node:assert/strict';
import {join} from 'node:path';
import test from 'node:test';
import type {TestContext} from 'node:test';
import {lineageCommand} from '../../../bin/commands/lineage.js';
import {showCommand} from '../../../bin/commands/show.js';
import {traceCommand} from '../../../bin/commands/trace.js';
import {Bench, edge, fill, temporaryFolder} from '../../artifacts/temporary.js';
import type {Made} from '../../artifacts/temporary.js';
import {spoken} from '../spoken.js';

interface Small {
  readonly bench: Bench;
  readonly base: Made;
  readonly data: Made;
  readonly sft: Made;
}

/**
 *     prompts (from outside) ─→ data ─┐
 *                        base ─┬──────┴─→ sft
 *                              └─→ data
 */
async function small(t: TestContext): Promise<Small> {
  const bench = new Bench(t);
  const {store, run} = bench;
  const artifact = await store.ingest(fill(temporaryFolder(t), {'prompts.jsonl': '{}\n'}), 'prompts');
  const source = store.recordSource({
    run,
    node: 'prompts',
    artifact,
    path: './prompts',
    because: 'given with --source',
  });
  const prompts: Made = {attempt: source, outputs: {output: artifact}};
  const base = await bench.make({
    node: 'base',
    stage: 'pretrain',
    params: {steps: 3, rate: 0.1},
    outputs: {model: {kind: 'model', files: {w: 'base'}}},
  });
  const data = await bench.make({
    node: 'data',
    stage: 'curate',
    inputs: [edge(prompts, 'output', 'prompts'), edge(base, 'model', 'policy')],
    outputs: {dataset: {kind: 'dataset', files: {'rows.jsonl': '{}\n'}}},
  });
  const sft = await bench.make({
    node: 'sft',
    stage: 'sft',
    inputs: [edge(base, 'model', 'base'), edge(data, 'dataset', 'data')],
    outputs: {model: {kind: 'model', files: {w: 'sft'}}, history: {kind: 'history', files: {'rows.jsonl': ''}}},
  });
  return {bench, base, data, sft};
}

test('lineage draws what something was made from, down to the files from outside', async (t) => {
  const {bench, base} = await small(t);
  const {out, code} = await spoken(lineageCommand, bench.folder, ['sft:model']);
  assert.equal(code, 0);
  const short = base.outputs.model!.digest.slice(0, 8);
  const lines = out
    .split('\n')
    .map((line) => line.replace(/@[0-9a-f]{8}/g, (digest) => (digest === `@${short}` ? digest : '@…')));
  assert.deepEqual(lines, [
    'sft  model @…  sft, attempt 4, run 1',
    `├─ base ← base  model @${short}  pretrain, attempt 2, run 1`,
    '└─ data ← data  dataset @…  curate, attempt 3, run 1',
    `   ├─ policy ← base  model @${short}  pretrain, attempt 2, run 1`,
    '   └─ prompts ← prompts  prompts @…  from outside: ./prompts, run 1',
  ]);
});

test('lineage goes down too, stops at a depth and says so', async (t) => {
  const {bench} = await small(t);
  const {out} = await spoken(lineageCommand, bench.folder, ['base', '--down', '--depth', '1']);
  assert.match(out, /→ data \(policy\)[\s\S]*… and more \(--depth, --limit\)\n└─ → sft \(base\)/);
});

test('lineage as JSON and as a graph has every attempt and every edge', async (t) => {
  const {bench, sft, base} = await small(t);
  const {out} = await spoken(lineageCommand, bench.folder, ['sft', '--json']);
  const json = JSON.parse(out) as {
    root: number;
    nodes: {node: string; attempt: number}[];
    edges: {from: number; to: number; port: string}[];
  };
  assert.equal(json.root, sft.attempt);
  assert.deepEqual(
    json.nodes.map(({node}) => node),
    ['sft', 'base', 'data', 'prompts'],
  );
  assert.ok(json.edges.some(({from, to, port}) => from === base.attempt && to === sft.attempt && port === 'base'));
  assert.equal(json.edges.length, 4);
  const dot = await spoken(lineageCommand, bench.folder, ['sft', '--dot']);
  assert.match(dot.out, /^digraph lineage \{/);
  assert.match(dot.out, new RegExp(`a${base.attempt} -> a${sft.attempt} \\[label="base\\\\n@`));
});

test('lineage of a file on the disk is that of the artifact with its bytes', async (t) => {
  const {bench} = await small(t);
  const file = join(fill(temporaryFolder(t), {'model.bin': 'sft'}), 'model.bin');
  assert.match((await spoken(lineageCommand, bench.folder, [file])).out, /^sft  model/);
});

test('wrong words end with 2 and say what to type', async (t) => {
  const {bench} = await small(t);
  const unknown = await spoken(lineageCommand, bench.folder, ['bsae']);
  assert.equal(unknown.code, 2);
  assert.match(unknown.err, /“bsae”, did you mean “base”\?/);
  assert.equal((await spoken(lineageCommand, bench.folder, ['base', '--up', '--down'])).code, 2);
  assert.equal((await spoken(lineageCommand, bench.folder, ['base', '--depth', 'x'])).code, 2);
  assert.equal((await spoken(lineageCommand, bench.folder, [])).code, 2);
  assert.equal((await spoken(lineageCommand, join(bench.folder, 'none'), ['base'])).code, 2);
});

test('show tells files, maker, params, inputs and users', async (t) => {
  const {bench, base} = await small(t);
  const {out} = await spoken(showCommand, bench.folder, ['base']);
  const artifact = base.outputs.model!;
  for (const part of [
    /^model @/,
    new RegExp(artifact.digest),
    new RegExp(artifact.files[0]!.sha256),
    /made by base:model  pretrain, attempt 2, run 1/,
    /because +it was never made/,
    /params +rate 0.1\n +steps 3/,
    /bytes +all there/,
    /used by\n  data  policy  curate, attempt 3, run 1\n  sft   base    sft, attempt 4, run 1/,
  ]) {
    assert.match(out, part);
  }
  const json = JSON.parse((await spoken(showCommand, bench.folder, ['base', '--json'])).out) as {
    kind: string;
    usedBy: {node: string}[];
  };
  assert.equal(json.kind, 'model');
  assert.deepEqual(
    json.usedBy.map(({node}) => node),
    ['data', 'sft'],
  );
  assert.match(
    (await spoken(showCommand, bench.folder, ['data'])).out,
    /inputs +policy ← base:model +@[0-9a-f]{8} +attempt 2\n +prompts ← prompts:output/,
  );
});

test('show names the first rows, and what to type to trace one', async (t) => {
  const bench = new Bench(t);
  const rows = ['a b', 'two', 'three', 'four'].map((id) => `${JSON.stringify({id, from: []})}\n`).join('');
  const files = {'rows.jsonl': rows, 'notes.txt': 'no rows'};
  await bench.make({node: 'data', outputs: {rows: {kind: 'dataset', files}}});
  const {out} = await spoken(showCommand, bench.folder, ['data']);
  const shown = `  rows of rows.jsonl\n    a b\n    two\n    three\n    …\n  r1 trace 'a b' --in ${bench.run}/data:rows\n`;
  assert.ok(out.includes(shown), out);
  const traced = await spoken(traceCommand, bench.folder, ['a b', '--in', `${bench.run}/data:rows`]);
  assert.match(traced.out, /^a b {2}data:rows/);
  const few = {'rows.jsonl': '{"id":"only"}\n'};
  await bench.make({node: 'few', outputs: {rows: {kind: 'dataset', files: few}}});
  assert.match((await spoken(showCommand, bench.folder, ['few'])).out, /\n {4}only\n {2}r1 trace only --in/);
  const json = JSON.parse((await spoken(showCommand, bench.folder, ['data', '--json'])).out) as {rows: unknown};
  assert.deepEqual(json.rows, [{file: 'rows.jsonl', ids: ['a b', 'two', 'three'], isCut: true}]);
});

test('show tells what is wrong with the bytes, what is tagged, and what a reproduction found', async (t) => {
  const {bench, base, data} = await small(t);
  const {tag, pin} = await import('../../../artifacts/queries/tags.js');
  tag(bench.store, 'first', base.outputs.model!.digest);
  pin(bench.store, base.outputs.model!.digest);
  bench.store.recordReproduction(base.attempt, {verdict: 'reproducible', detail: {}});
  await bench.store.removeTree(bench.store.parts.blobs.path(base.outputs.model!.files[0]!.sha256));
  const {out} = await spoken(showCommand, bench.folder, ['@first']);
  assert.match(out, /@first, pinned/);
  assert.match(out, /w is missing/);
  assert.match(out, /verdict +reproducible \(/);
  assert.match(
    (await spoken(showCommand, bench.folder, [`${bench.run}/data`])).out,
    new RegExp(data.outputs.dataset!.digest),
  );
});
