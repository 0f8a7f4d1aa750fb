/** Whether a file can be executed is part of an artifact, and of nothing that two artifacts share. */
import assert from 'node:assert/strict';
import {chmodSync, linkSync, mkdirSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'node:test';
import {digestOf, sha256} from '../../../artifacts/index.js';
import type {Artifact} from '../../../artifacts/index.js';
import {exportArtifact} from '../../../artifacts/export/copy-out.js';
import {toProv} from '../../../artifacts/export/prov.js';
import {scopeOf} from '../../../artifacts/export/scope.js';
import {diffArtifacts} from '../../../artifacts/queries/diff-artifacts.js';
import {resolveArtifact} from '../../../artifacts/queries/reference.js';
import {verify} from '../../../artifacts/upkeep/verify.js';
import {Bench, edge, fill, temporaryFolder} from '../temporary.js';

/** Larger than what is copied in any case. */
const LARGE = Buffer.alloc(2 << 20, 1);
const SCRIPT = '#!/bin/sh\necho hello\n';
const FILES = {'run.sh': SCRIPT, program: LARGE, notes: 'n', weights: Buffer.alloc(2 << 20, 2)};
const EXECUTABLE = ['run.sh', 'program'];

function programs(folder: string): string {
  fill(folder, FILES);
  for (const name of EXECUTABLE) chmodSync(join(folder, name), 0o750);
  return folder;
}

const modeOf = (...path: string[]): number => statSync(join(...path)).mode & 0o777;
const inFolder = (folder: string): Record<string, number> =>
  Object.fromEntries(Object.keys(FILES).map((name) => [name, modeOf(folder, name)]));
const listed = ({files}: Artifact): readonly string[] =>
  files.filter(({executable}) => executable).map(({path}) => path);

/** An attempt that left `programs`. */
async function made(bench: Bench, node = 'build'): Promise<{attempt: number; artifact: Artifact}> {
  const begun = bench.claim(node);
  const folder = programs(join(begun.jobFolder, 'out'));
  const artifact = await bench.store.ingest(folder, 'tools', {own: true});
  bench.store.finishAttempt({
    ...begun,
    outcome: {ok: true, reason: 'succeeded', detail: null},
    outputs: {out: artifact},
  });
  return {attempt: begun.attempt, artifact};
}

test('what can be executed goes in, and comes out as an input and as an export', async (t) => {
  const bench = new Bench(t);
  const {artifact} = await made(bench);
  assert.deepEqual(listed(artifact), ['program', 'run.sh']);
  assert.deepEqual(bench.store.artifact(artifact.digest), {...artifact, kind: 'tools'});
  const target = join(temporaryFolder(t), 'input');
  const placed = await bench.store.materialise(artifact.digest, target);
  assert.deepEqual(inFolder(target), {'run.sh': 0o555, program: 0o555, notes: 0o444, weights: 0o444});
  assert.deepEqual(await bench.store.inputsIntact([placed]), []);
  const exported = join(temporaryFolder(t), 'export');
  await exportArtifact(bench.store, artifact.digest, exported);
  // What the umask leaves to others is not r1's to say.
  const owner = Object.entries(inFolder(exported)).map(([name, mode]) => [name, mode & 0o700]);
  assert.deepEqual(Object.fromEntries(owner), {'run.sh': 0o700, program: 0o700, notes: 0o600, weights: 0o600});
  assert.equal((await bench.store.describe(exported, 'tools')).digest, artifact.digest);
  assert.equal((await bench.store.describe(target, 'tools')).digest, artifact.digest);
});

test('the digest of what cannot be executed is what it was before anybody asked', async (t) => {
  const {store} = new Bench(t);
  const folder = fill(temporaryFolder(t), {a: 'x', b: 'y'});
  const file = (path: string, content: string) => ({bytes: 1, path, sha256: sha256(content)});
  const digest = (files: object[]) => digestOf('artifact', {shape: 'folder', emptyFolders: [], files} as never);
  assert.equal((await store.describe(folder, '')).digest, digest([file('a', 'x'), file('b', 'y')]));
  chmodSync(join(folder, 'a'), 0o744);
  const executable = {...file('a', 'x'), executable: true};
  assert.equal((await store.describe(folder, '')).digest, digest([executable, file('b', 'y')]));
  chmodSync(join(folder, 'a'), 0o655);
  assert.equal(
    (await store.describe(folder, '')).digest,
    digest([file('a', 'x'), file('b', 'y')]),
    'the owner’s bit only',
  );
});

test('a single file can be a program', async (t) => {
  const bench = new Bench(t);
  const script = join(temporaryFolder(t), 'run.sh');
  writeFileSync(script, SCRIPT, {mode: 0o755});
  const artifact = await bench.store.ingest(script, 'tool');
  bench.store.recordSource({run: bench.run, node: 'tool', artifact, path: script, because: 'given'});
  const target = join(temporaryFolder(t), 'tool');
  await bench.store.materialise(artifact.digest, target);
  assert.equal(modeOf(target), 0o555);
});

test('equal bytes that one artifact may execute and another may not stay apart', async (t) => {
  const bench = new Bench(t);
  const {artifact} = await made(bench);
  const plain = await bench.make({node: 'plain', outputs: {out: {kind: 'data', files: FILES}}});
  const root = temporaryFolder(t);
  await bench.store.materialise(artifact.digest, join(root, 'tools'));
  await bench.store.materialise(plain.outputs.out!.digest, join(root, 'plain'));
  await bench.store.materialise(artifact.digest, join(root, 'tools again'));
  assert.deepEqual(new Set(Object.values(inFolder(join(root, 'plain')))), new Set([0o444]));
  assert.deepEqual(inFolder(join(root, 'tools again')), inFolder(join(root, 'tools')));
  for (const {sha256: sha} of artifact.files) assert.equal(modeOf(bench.store.parts.blobs.path(sha)), 0o444);
});

test('an output that is stored twice, since the first time was interrupted, is the same', async (t) => {
  const bench = new Bench(t);
  const folder = programs(join(bench.folder, 'jobs', 'x', 'out'));
  const first = await bench.store.ingest(folder, 'tools', {own: true});
  assert.deepEqual(
    EXECUTABLE.map((name) => modeOf(folder, name)),
    [0o750, 0o750],
  );
  assert.equal((await bench.store.ingest(folder, 'tools', {own: true})).digest, first.digest);
});

test('a stage that makes its linked input executable changes nothing for others', async (t) => {
  const bench = new Bench(t);
  const plain = await bench.make({node: 'plain', outputs: {out: {kind: 'data', files: FILES}}});
  const {digest} = plain.outputs.out!;
  const root = temporaryFolder(t);
  const placed = await bench.store.materialise(digest, join(root, 'one'));
  chmodSync(join(root, 'one', 'program'), 0o555);
  assert.deepEqual(await bench.store.inputsIntact([placed]), []);
  await bench.store.materialise(digest, join(root, 'two'));
  assert.equal(modeOf(root, 'two', 'program'), 0o444);
  const blob = bench.store.parts.blobs.path(sha256(LARGE));
  chmodSync(blob, 0o555);
  const steps = verify(bench.store);
  while ((await steps.next()).done !== true);
  assert.equal(modeOf(blob), 0o444, 'and `verify` mends it');
});

test('an output that is a link to an input is stored as it is', async (t) => {
  const bench = new Bench(t);
  const {artifact} = await made(bench);
  const job = join(bench.folder, 'jobs', 'y');
  mkdirSync(join(job, 'out'), {recursive: true});
  await bench.store.materialise(artifact.digest, join(job, 'in'));
  for (const name of Object.keys(FILES)) linkSync(join(job, 'in', name), join(job, 'out', name));
  assert.equal((await bench.store.ingest(join(job, 'out'), 'tools', {own: true})).digest, artifact.digest);
});

test('the difference is told by name, and lineage in standard form has it', async (t) => {
  const bench = new Bench(t);
  const {artifact} = await made(bench);
  const plain = await bench.make({node: 'plain', outputs: {out: {kind: 'data', files: FILES}}});
  const found = await diffArtifacts(bench.store, artifact.digest, plain.outputs.out!.digest);
  const modes = ['program', 'run.sh'].map((path) => ({path, executable: false}));
  assert.deepEqual(
    {...found, tensors: undefined},
    {
      added: [],
      gone: [],
      changed: [],
      modes,
      tensors: undefined,
      rows: {},
      missing: [],
    },
  );
  const prov = JSON.stringify(toProv(scopeOf(bench.store, bench.store.run(bench.run)!)));
  assert.equal(prov.split('"r1:executable"').length - 1, EXECUTABLE.length);
});

test('a folder is known by its bytes where modes were lost on the way', async (t) => {
  const bench = new Bench(t);
  const {artifact, attempt} = await made(bench);
  const copy = fill(join(temporaryFolder(t), 'copy'), FILES);
  const found = await resolveArtifact(bench.store, copy);
  assert.deepEqual([found.attempt.id, found.output.artifact], [attempt, artifact.digest]);
  // Until there is one with just these modes.
  const plain = await bench.make({
    node: 'plain',
    inputs: [edge({attempt: attempt as never, outputs: {out: artifact}}, 'out')],
    outputs: {out: {kind: 'data', files: FILES}},
  });
  assert.equal((await resolveArtifact(bench.store, copy)).attempt.id, plain.attempt);
  writeFileSync(join(copy, 'more'), '');
  await assert.rejects(resolveArtifact(bench.store, copy), {reason: 'not-found'});
});
