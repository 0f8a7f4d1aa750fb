import assert from 'node:assert/strict';
import {join} from 'node:path';
import test from 'node:test';
import {UserError} from '../../../artifacts/index.js';
import type {UserErrorReason} from '../../../artifacts/index.js';
import {pin, pins, tag, tags, unpin, untag} from '../../../artifacts/queries/tags.js';
import {resolve, resolveArtifact} from '../../../artifacts/queries/reference.js';
import {Bench, fill, temporaryFolder} from '../temporary.js';

const isUserError = (reason: UserErrorReason, text: RegExp) => (error: unknown) =>
  error instanceof UserError &&
  error.reason === reason &&
  text.test(`${error.message}\n${error.hint ?? ''}${JSON.stringify(error.remedy)}`);
const model = (weights: string) => ({
  model: {kind: 'model', files: {'model.safetensors': weights, 'config.json': '{}'}},
});
const both = (weights: string) => ({...model(weights), history: {kind: 'history', files: {'rows.jsonl': weights}}});

test('a node stands for the newest run that made or reused it', async (t) => {
  const bench = new Bench(t);
  const first = await bench.make({node: 'zero', outputs: model('1'), params: 1});
  const firstRun = bench.run;
  const secondRun = bench.begin();
  const second = await bench.make({node: 'zero', outputs: model('2'), params: 2});
  assert.equal((await resolve(bench.store, 'zero')).attempt.id, second.attempt);
  assert.equal((await resolve(bench.store, `${firstRun}/zero`)).attempt.id, first.attempt);
  const thirdRun = bench.begin();
  bench.store.recordDecisions([
    {run: thirdRun, node: 'zero', action: 'reuse', attempt: first.attempt, because: 'set back'},
  ]);
  const found = await resolve(bench.store, 'zero');
  assert.deepEqual([found.attempt.id, found.run], [first.attempt, thirdRun]);
  assert.deepEqual(
    (await resolve(bench.store, `${secondRun}/zero:model`)).output?.artifact,
    second.outputs.model!.digest,
  );
});

test('a newer attempt that failed does not hide what was made before', async (t) => {
  const bench = new Bench(t);
  const made = await bench.make({node: 'zero', outputs: model('1'), params: 1});
  bench.begin();
  const begun = bench.claim('zero', {fingerprint: made.outputs.model!.digest});
  bench.store.finishAttempt({...begun, outcome: {ok: false, reason: 'stage-failed', detail: null}});
  assert.equal((await resolve(bench.store, 'zero')).attempt.id, made.attempt);
  const failed = `${bench.run}/zero`;
  assert.equal((await resolve(bench.store, failed)).attempt.id, begun.attempt);
  await assert.rejects(
    resolveArtifact(bench.store, failed),
    isUserError('not-found', /stage-failed[\s\S]*read-log.*zero/),
  );
});

test('a node that a run could not come to is told apart from one that there is not', async (t) => {
  const bench = new Bench(t);
  await bench.make({node: 'base', outputs: model('1')});
  bench.store.recordDecisions([{run: bench.run, node: 'zero', action: 'cancelled', because: 'it was stopped'}]);
  const suggest = (node: string): string => `, did you mean “${node}”?`;
  await assert.rejects(
    resolve(bench.store, 'zero', {suggest}),
    isUserError('not-found', /^“zero” has not been made yet\n\{"type":"list-nodes"\}$/),
  );
  await assert.rejects(resolve(bench.store, `${bench.run}/zero`), isUserError('not-found', /not been made yet in run/));
  await assert.rejects(resolve(bench.store, 'zeroo'), isUserError('not-found', /no run has a node “zeroo”/));
});

test('a port is needed only where several outputs could be meant', async (t) => {
  const bench = new Bench(t);
  const made = await bench.make({node: 'zero', outputs: both('1')});
  await assert.rejects(
    resolveArtifact(bench.store, 'zero'),
    isUserError('ambiguous-reference', /zero:history \(history\), zero:model \(model\)/),
  );
  assert.equal((await resolveArtifact(bench.store, 'zero', {kind: 'model'})).output.port, 'model');
  assert.equal((await resolveArtifact(bench.store, 'zero:history')).output.artifact, made.outputs.history!.digest);
  await assert.rejects(
    resolve(bench.store, 'zero:modell'),
    isUserError('not-found', /no output “modell”[\s\S]*zero:model/),
  );
  await assert.rejects(
    resolveArtifact(bench.store, 'zero', {kind: 'tokenizer'}),
    isUserError('not-found', /no tokenizer/),
  );
});

test('unknown words come back with what is known', async (t) => {
  const bench = new Bench(t);
  await assert.rejects(resolve(bench.store, 'zero'), isUserError('not-found', /begin-run/));
  await bench.make({node: 'zero', outputs: model('1')});
  const suggest = (word: string, candidates: readonly string[]) => `, did you mean “${candidates[0]!}” by ${word}?`;
  await assert.rejects(
    resolve(bench.store, 'zeero', {suggest}),
    isUserError('not-found', /“zeero”, did you mean “zero” by zeero\?[\s\S]*nodes: zero/),
  );
  await assert.rejects(resolve(bench.store, '99/zero'), isUserError('not-found', /no run 99[\s\S]*list-runs/));
  await assert.rejects(resolve(bench.store, ':x'), isUserError('bad-argument', /not a reference/));
  await assert.rejects(resolve(bench.store, 'a:b:c'), isUserError('bad-argument', /not a reference/));
  await assert.rejects(resolve(bench.store, '@ffffffff'), isUserError('not-found', /no artifact/));
  await assert.rejects(resolve(bench.store, '@ab'), isUserError('not-found', /give-tag/));
  await assert.rejects(resolve(bench.store, './nowhere'), isUserError('not-found', /does not exist/));
});

test('a digest may be abbreviated as long as it is the only one', async (t) => {
  const bench = new Bench(t);
  const digests: string[] = [];
  // Enough artifacts that some share their first digit, and none their first twelve.
  for (let index = 0; index < 20; index++) {
    digests.push((await bench.make({node: `n${index}`, outputs: model(String(index))})).outputs.model!.digest);
  }
  for (const digest of digests)
    assert.equal((await resolve(bench.store, `@${digest.slice(0, 12)}`)).output?.artifact, digest);
  const blob = (await resolve(bench.store, 'n3')).output!.artifact;
  const file = bench.store.artifact(blob)!.files.find(({path}) => path === 'model.safetensors')!;
  assert.equal((await resolve(bench.store, `@${file.sha256}`)).output?.artifact, blob, 'the digest of a file in it');
  const shared = bench.store.artifact(blob)!.files.find(({path}) => path === 'config.json')!;
  await assert.rejects(
    resolve(bench.store, `@${shared.sha256}`),
    isUserError('ambiguous-reference', /any of 20[\s\S]*n0:model/),
  );
});

test('a path is found by its bytes, wherever it lies', async (t) => {
  const bench = new Bench(t);
  const made = await bench.make({node: 'zero', outputs: model('weights')});
  const elsewhere = fill(join(temporaryFolder(t), 'download'), {'model.safetensors': 'weights', 'config.json': '{}'});
  assert.equal((await resolve(bench.store, elsewhere)).attempt.id, made.attempt);
  assert.equal(
    (await resolve(bench.store, join(elsewhere, 'model.safetensors'))).output?.artifact,
    made.outputs.model!.digest,
  );
  await assert.rejects(
    resolve(bench.store, fill(join(elsewhere, 'other'), {a: '?'})),
    isUserError('not-found', /knows nothing with the bytes/),
  );
});

test('the same bytes from two attempts stand for the newer one', async (t) => {
  const bench = new Bench(t);
  const one = await bench.make({node: 'a', outputs: model('same')});
  const two = await bench.make({node: 'b', outputs: model('same')});
  assert.equal(one.outputs.model!.digest, two.outputs.model!.digest);
  assert.equal((await resolve(bench.store, `@${one.outputs.model!.digest}`)).attempt.id, two.attempt);
});

test('a tag is a name that can be moved and taken back', async (t) => {
  const bench = new Bench(t);
  const one = await bench.make({node: 'a', outputs: model('same')});
  const two = await bench.make({node: 'b', outputs: model('same')});
  const three = await bench.make({node: 'c', outputs: model('other')});
  tag(bench.store, 'best', one.outputs.model!.digest, one.attempt);
  assert.equal((await resolve(bench.store, '@best')).attempt.id, one.attempt, 'the maker that was meant');
  tag(bench.store, 'best', three.outputs.model!.digest);
  assert.equal((await resolve(bench.store, '@best')).attempt.id, three.attempt);
  assert.deepEqual(
    tags(bench.store).map(({name, artifact}) => [name, artifact]),
    [['best', three.outputs.model!.digest]],
  );
  untag(bench.store, 'best');
  assert.deepEqual(tags(bench.store), []);
  await assert.rejects(resolve(bench.store, '@best'), isUserError('not-found', /no tag/));
  assert.throws(() => untag(bench.store, 'best'), isUserError('not-found', /no tag/));
  assert.throws(
    () => tag(bench.store, 'decade', two.outputs.model!.digest),
    isUserError('bad-argument', /looks like a digest/),
  );
  assert.throws(
    () => tag(bench.store, 'a b', two.outputs.model!.digest),
    isUserError('bad-argument', /cannot be a tag/),
  );
});

test('a pin can be given and taken back', async (t) => {
  const bench = new Bench(t);
  const {digest} = (await bench.make({node: 'a', outputs: model('x')})).outputs.model!;
  pin(bench.store, digest);
  assert.deepEqual(
    pins(bench.store).map(({artifact}) => artifact),
    [digest],
  );
  unpin(bench.store, digest);
  assert.deepEqual(pins(bench.store), []);
  assert.throws(() => unpin(bench.store, digest), isUserError('not-found', /not pinned/));
});
