/** Manifests out of a store that somebody sent: rows that lie, and paths that lead out of the target. */
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'node:test';
import type {TestContext} from 'node:test';
import {exportArtifact} from '../../../artifacts/export/copy-out.js';
import {disk} from '../../../artifacts/files.js';
import {openStore} from '../../../artifacts/index.js';
import type {Artifact, Digest, UserErrorReason} from '../../../artifacts/index.js';
import {manifestDigest, pathMistake} from '../../../artifacts/blobs/manifest.js';
import {resolveArtifact} from '../../../artifacts/queries/reference.js';
import {verify} from '../../../artifacts/upkeep/verify.js';
import {exportCommand} from '../../../bin/commands/export.js';
import {spoken} from '../../bin/spoken.js';
import {forge as forgeWith} from '../../rig/forge.js';
import {Bench, temporaryFolder} from '../temporary.js';

const forge = (folder: string, sql: string, ...values: (string | number)[]): void =>
  forgeWith(folder, (db) => db.run(sql, ...values));

/** A store with one artifact of two files, closed. */
async function stored(t: TestContext): Promise<{folder: string; artifact: Artifact}> {
  const bench = new Bench(t);
  const made = await bench.make({
    node: 'data',
    outputs: {rows: {kind: 'dataset', files: {'a/rows.jsonl': 'one\n', 'card.json': '{}'}}},
  });
  bench.end();
  return {folder: bench.folder, artifact: made.outputs.rows!};
}

/** Makes the digest true to what the rows say now, so that nothing but the paths themselves can give them away. */
function redigest(folder: string, artifact: Artifact, path: string): Digest {
  const files = artifact.files.map((file) => (file.path === 'card.json' ? {...file, path} : file));
  const digest = manifestDigest({...artifact, files: files.sort((a, b) => (a.path < b.path ? -1 : 1))});
  forge(folder, 'UPDATE artifact SET digest = ?', digest);
  return digest;
}

const ODD: readonly string[] = [
  '/etc/owned',
  '../owned',
  'a/../../owned',
  '..',
  '.',
  './owned',
  'a//owned',
  'owned/',
  '',
  'C:\\owned',
  'C:/owned',
  '\\\\host\\owned',
  'a\\..\\..\\owned',
  'card\0.json',
  'a',
  'a/rows.jsonl/deeper',
];

test('a path that leads out of an artifact, or can be none in it, is damage, and nothing is written', async (t) => {
  for (const path of ODD) {
    const {folder, artifact} = await stored(t);
    forge(folder, "UPDATE artifact_file SET path = ? WHERE path = 'card.json'", path);
    const digest = redigest(folder, artifact, path);
    const outside = temporaryFolder(t);
    const target = join(outside, 'in', 'target');
    const exported = await spoken(exportCommand, folder, [`@${digest}`, target]);
    assert.equal(exported.code, 2, JSON.stringify(path));
    assert.match(exported.err, /the store is damaged/, JSON.stringify(path));
    const store = openStore(folder);
    t.after(() => store.close());
    await assert.rejects(store.materialise(digest, target), {reason: 'store-damaged'});
    assert.deepEqual(readdirSync(outside), [], JSON.stringify(path));
    const steps = verify(store);
    let step = await steps.next();
    while (step.done !== true) step = await steps.next();
    assert.deepEqual(step.value.manifests, [digest]);
  }
});

test('paths that are odd but lead nowhere else are paths', () => {
  for (const path of ['a', '..a', 'a..', 'a/...', 'a:b', 'Ä/ö', ' ', '-', '~', '$(x)', '\u001b[31mname'])
    assert.equal(pathMistake(path), undefined, path);
});

test('rows that do not give the digest are damage', async (t) => {
  for (const sql of [
    "UPDATE artifact_file SET path = 'b' WHERE path = 'card.json'",
    "DELETE FROM artifact_file WHERE path = 'card.json'",
    'UPDATE blob SET bytes = bytes + 1',
    'UPDATE blob SET bytes = -bytes',
    'UPDATE blob SET bytes = 9007199254740993',
    'UPDATE artifact SET bytes = 7',
    'UPDATE artifact SET empty_folders = \'["e"]\'',
    "UPDATE artifact SET empty_folders = '{}'",
    "UPDATE artifact SET empty_folders = '[1]'",
    "UPDATE artifact SET empty_folders = 'no JSON'",
    "UPDATE artifact SET shape = 'file'",
    "UPDATE artifact_file SET executable = 1 WHERE path = 'card.json'",
  ]) {
    const {folder, artifact} = await stored(t);
    forge(folder, sql);
    const store = openStore(folder);
    t.after(() => store.close());
    const target = join(temporaryFolder(t), 'target');
    await assert.rejects(store.materialise(artifact.digest, target), {reason: 'store-damaged'}, sql);
    await assert.rejects(exportArtifact(store, artifact.digest, target), {reason: 'store-damaged'}, sql);
    assert.ok(!existsSync(target), sql);
  }
});

test('an artifact that nothing made is damage, not a bug', async (t) => {
  const {folder, artifact} = await stored(t);
  forge(folder, 'DELETE FROM output');
  const store = openStore(folder, {mode: 'read'});
  t.after(() => store.close());
  await assert.rejects(resolveArtifact(store, `@${artifact.digest}`), {reason: 'store-damaged'});
});

test('a link, a pipe, a folder or a longer file in the place of a blob is not read', async (t) => {
  const odd: Record<string, (path: string) => void> = {
    link: (path) => symlinkSync('/etc/hostname', path),
    pipe: (path) => void execFileSync('mkfifo', [path]),
    folder: (path) => mkdirSync(path),
    'longer file': (path) => writeFileSync(path, 'two and more\n'),
  };
  for (const [name, put] of Object.entries(odd)) {
    const {folder, artifact} = await stored(t);
    const store = openStore(folder);
    t.after(() => store.close());
    const blob = store.parts.blobs.path(artifact.files[0]!.sha256);
    rmSync(blob);
    put(blob);
    const reason: UserErrorReason = name === 'longer file' ? 'bytes-damaged' : 'bytes-missing';
    const parent = temporaryFolder(t);
    await assert.rejects(exportArtifact(store, artifact.digest, join(parent, 'x')), {reason}, name);
    await assert.rejects(store.materialise(artifact.digest, join(parent, 'y')), {reason}, name);
    assert.deepEqual(readdirSync(parent), [], name);
  }
});

test('targets of an export that are no place for it', async (t) => {
  const {folder, artifact} = await stored(t);
  const parent = temporaryFolder(t);
  const refused = async (target: string, words: RegExp): Promise<void> => {
    const {code, err} = await spoken(exportCommand, folder, [`@${artifact.digest}`, target]);
    assert.equal(code, 2, target);
    assert.match(err, words, target);
  };
  await refused('', /an empty string/);
  await refused('-', /stdout cannot take/);
  await refused(folder, /is not empty/);
  await refused(join(folder, 'tmp'), /is inside the store/);
  await refused(join(folder, 'deep', 'er'), /is inside the store/);
  symlinkSync(folder, join(parent, 'way-in'));
  await refused(join(parent, 'way-in', 'x'), /is inside the store/);
  symlinkSync(join(parent, 'nowhere'), join(parent, 'dangling'));
  await refused(join(parent, 'dangling'), /a symbolic link that leads nowhere/);
  mkdirSync(join(parent, 'taken', 'elsewhere'), {recursive: true});
  mkdirSync(join(parent, 'target'));
  symlinkSync(join(parent, 'taken', 'elsewhere'), join(parent, 'target', 'a'));
  await refused(join(parent, 'target'), /is not empty/);
  assert.deepEqual(readdirSync(join(parent, 'taken', 'elsewhere')), []);
  writeFileSync(join(parent, 'file'), 'mine');
  await refused(join(parent, 'file'), /exists already/);
  await refused(join(parent, 'file', 'below'), /file is a file/);
  assert.deepEqual(readdirSync(parent).sort(), ['dangling', 'file', 'taken', 'target', 'way-in']);
});

test('a link that appears in the target while an export goes on is not followed', async (t) => {
  const {folder, artifact} = await stored(t);
  const parent = temporaryFolder(t);
  mkdirSync(join(parent, 'elsewhere'));
  const target = join(parent, 'target');
  const store = openStore(folder, {
    files: {
      ...disk,
      makeFolder(path) {
        const made = disk.makeFolder(path);
        if (path === target) symlinkSync(join(parent, 'elsewhere'), join(target, 'a'));
        return made;
      },
    },
  });
  t.after(() => store.close());
  await assert.rejects(exportArtifact(store, artifact.digest, target), {reason: 'target-not-empty'});
  assert.deepEqual(readdirSync(join(parent, 'elsewhere')), []);
});

test('a disk that fills up, or a stop, leaves nothing; what cannot be removed is named', async (t) => {
  const {folder, artifact} = await stored(t);
  const full = Object.assign(new Error('no space left'), {code: 'ENOSPC'});
  const parent = temporaryFolder(t);
  const target = join(parent, 'target');
  const opened = (files: typeof disk) => {
    const store = openStore(folder, {files});
    t.after(() => store.close());
    return store;
  };
  const halfway: (typeof disk)['copy'] = async (from, to) => {
    await disk.copy(from, to);
    throw full;
  };
  await assert.rejects(exportArtifact(opened({...disk, copy: halfway}), artifact.digest, target), {
    reason: 'disk-full',
  });
  assert.deepEqual(readdirSync(parent), []);

  const stop = new AbortController();
  const stopping: (typeof disk)['copy'] = (from, to, onChunk) =>
    disk.copy(from, to, (chunk) => {
      stop.abort();
      onChunk?.(chunk);
    });
  const stopped = exportArtifact(opened({...disk, copy: stopping}), artifact.digest, target, stop.signal);
  await assert.rejects(stopped, {name: 'AbortError'});
  assert.deepEqual(readdirSync(parent), []);

  const stuck = opened({
    ...disk,
    copy: halfway,
    remove() {
      throw Object.assign(new Error('no'), {code: 'EIO'});
    },
  });
  await assert.rejects(exportArtifact(stuck, artifact.digest, target), (error: Error & {hint?: string}) => {
    assert.match(error.hint ?? '', /left behind, since it could not be removed: .*rows\.jsonl/);
    return true;
  });
});

test('nothing is written through a link in the place of one of the store’s own folders', async (t) => {
  for (const name of ['blobs', 'jobs', 'locks', 'tmp', 'trash', 'set-aside', 'cache']) {
    const {folder, artifact} = await stored(t);
    const elsewhere = temporaryFolder(t);
    rmSync(join(folder, name), {recursive: true, force: true});
    symlinkSync(elsewhere, join(folder, name));
    assert.throws(() => openStore(folder), {reason: 'refused-file'}, name);
    const reader = openStore(folder, {mode: 'read'});
    assert.equal(reader.artifact(artifact.digest)?.digest, artifact.digest, 'it can be read');
    reader.close();
    assert.deepEqual(readdirSync(elsewhere), [], name);
  }
  const {folder} = await stored(t);
  const link = join(temporaryFolder(t), 'link');
  symlinkSync(folder, link);
  openStore(link).close();
});
