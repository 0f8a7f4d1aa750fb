/** What a reference leads to that can be read. */
import assert from 'node:assert/strict';
import {chmodSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import test from 'node:test';
import type {TestContext} from 'node:test';
import {readableOf, rowsFilesOf} from '../../../artifacts/queries/readable.js';
import type {Output, Readable} from '../../../artifacts/queries/readable.js';
import {storedFile} from '../../../artifacts/queries/stored-file.js';
import {Bench, edge} from '../temporary.js';

const KINDS = {own: ['rollouts', 'scores', 'dataset'], model: 'model', about: 'scores', besideModel: ['rollouts']};
const rows = (kind: string, text = '{}\n') => ({kind, files: {'rows.jsonl': text}});
const model = (text: string) => ({kind: 'model', files: {weights: text}});

/**
 *     base ─┬─→ zero (model, history, rollouts, dataset) ─→ exam
 *           ├─→ first
 *           └─→ second
 */
async function small(t: TestContext): Promise<Bench> {
  const bench = new Bench(t);
  const base = await bench.make({node: 'base', outputs: {model: model('base'), history: rows('history')}});
  const zero = await bench.make({
    node: 'zero',
    inputs: [edge(base, 'model', 'policy')],
    outputs: {data: rows('dataset', '1\n'), history: rows('history'), model: model('zero'), rollouts: rows('rollouts')},
  });
  await bench.make({node: 'exam', inputs: [edge(zero, 'model')], outputs: {scores: rows('scores')}});
  for (const node of ['first', 'second'])
    await bench.make({node, inputs: [edge(base, 'model')], outputs: {scores: rows('scores', `"${node}"\n`)}});
  return bench;
}

const names = (outputs: readonly Output[]): string[] =>
  outputs.map(({attempt, output}) => `${attempt.node}:${output.port}`);
const of = ({own, about, isExact}: Readable): object => ({own: names(own), about: names(about), isExact});

test('a node leads to its own outputs, the most telling first, and to what tells of its model', async (t) => {
  const {store} = await small(t);
  const read = async (reference: string): Promise<object> => of(await readableOf(store, reference, KINDS));
  assert.deepEqual(await read('zero'), {own: ['zero:rollouts', 'zero:data'], about: ['exam:scores'], isExact: false});
  assert.deepEqual(await read('zero:data'), {own: ['zero:data'], about: [], isExact: true});
  assert.deepEqual(await read('zero:model'), {own: ['zero:rollouts'], about: ['exam:scores'], isExact: false});
  assert.deepEqual(await read('base'), {own: [], about: ['first:scores', 'second:scores'], isExact: false});
  assert.deepEqual(await read('exam'), {own: ['exam:scores'], about: [], isExact: true});
});

test('what tells of a model is looked for in the run that was named, else in the newest that has some', async (t) => {
  const bench = await small(t);
  const digest = (await readableOf(bench.store, 'base:model', KINDS)).resolved.output!.artifact;
  bench.begin();
  await bench.make({node: 'base', params: {again: true}, outputs: {model: model('base'), history: rows('history')}});
  assert.deepEqual(of(await readableOf(bench.store, '2/base', KINDS)), {own: [], about: [], isExact: false});
  assert.deepEqual(names((await readableOf(bench.store, `@${digest}`, KINDS)).about), [
    'first:scores',
    'second:scores',
  ]);
});

test('what cannot be read, was not made or is not there any more is told', async (t) => {
  const bench = await small(t);
  const {store} = bench;
  await assert.rejects(readableOf(store, 'zero:history', KINDS), {
    reason: 'bad-argument',
    message: 'zero:history is of kind history',
    hint: 'to read there is zero:rollouts (rollouts), zero:data (dataset)',
  });
  const {attempt, ownership} = bench.claim('late');
  await assert.rejects(readableOf(store, 'late', KINDS), /^UserError: late is not done \(attempt 6 of run 1\)/);
  const outcome = {ok: false, reason: 'exit-non-zero', detail: null};
  store.finishAttempt({attempt, ownership, outcome, outputs: {}});
  await assert.rejects(readableOf(store, 'late', KINDS), {
    message: 'late made nothing (attempt 6 of run 1: exit-non-zero)',
    remedy: {type: 'read-log', node: 'late'},
  });

  const {own} = await readableOf(store, 'zero:data', KINDS);
  const [file] = rowsFilesOf(store, own[0]!);
  assert.equal(file!.file, 'rows.jsonl');
  assert.equal(readFileSync(file!.path, 'utf8'), '1\n');
  await store.removeTree(file!.path);
  assert.throws(() => rowsFilesOf(store, own[0]!), {reason: 'bytes-missing'});
  const base = await readableOf(store, 'base:model', KINDS);
  const output = base.resolved.output!;
  assert.throws(() => rowsFilesOf(store, {attempt: base.resolved.attempt, output}), /has no rows/);
});

test('bytes that were cut off are told apart from those that are gone', async (t) => {
  const {store} = await small(t);
  const output = (await readableOf(store, 'exam', KINDS)).own[0]!;
  const {artifact} = output.output;
  const [file] = rowsFilesOf(store, output);
  assert.equal(storedFile(store, artifact, 'rows.jsonl'), file!.path);
  chmodSync(file!.path, 0o644);
  writeFileSync(file!.path, '{');
  const damaged = {reason: 'bytes-damaged', message: /are damaged in the store: 1 of 3 bytes/};
  assert.throws(() => rowsFilesOf(store, output), damaged);
  assert.throws(() => storedFile(store, artifact, 'rows.jsonl'), damaged);
  rmSync(file!.path);
  assert.throws(() => rowsFilesOf(store, output), {reason: 'bytes-missing'});
  assert.throws(() => storedFile(store, artifact, 'rows.jsonl'), {reason: 'bytes-missing'});
});
