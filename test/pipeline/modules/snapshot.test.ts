/** The copies of a stage's code in its job folder. */
import assert from 'node:assert/strict';
import {chmodSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {pathToFileURL} from 'node:url';
import {codeChanged, openCurrentCode, findRebuilt, checkCode} from '../../../pipeline/job/job-code.js';
import {JOB_VERSION, jobFiles, writeJob} from '../../../pipeline/job/folder.js';
import {Snapshot, noteBeyond, writeSnapshot} from '../../../pipeline/modules/snapshot/snapshot.js';
import type {SnapshotFiles} from '../../../pipeline/modules/snapshot/snapshot.js';
import {openSources, sha256Of} from '../../../pipeline/modules/source/sources.js';
import {openTokenCache} from '../../../pipeline/fingerprint/token-cache.js';
import {temporaryFolder} from '../../rig/temporary.js';

const bytes = (url: string): Buffer => Buffer.from(`// ${new URL(url).pathname.replace(/\d/, '')}`);
const files = (...urls: string[]): SnapshotFiles =>
  Object.fromEntries(
    urls.map((url) => [url, {sha256: sha256Of(bytes(url)), format: /\.cjs$/.test(url) ? 'commonjs' : 'module'}]),
  );

test('files with the same bytes are kept once, and nobody may write to them', (t) => {
  const folder = join(temporaryFolder(t), 'code');
  writeSnapshot(folder, files('file:///a1.js', 'file:///a2.js', 'file:///b.js'), bytes);
  assert.equal(readdirSync(folder).length, 2);
});

test('a copy that is damaged or gone is an error that names it and the file', (t) => {
  const job = temporaryFolder(t);
  const folder = join(job, 'code');
  const listed = files('file:///lib/a.js');
  writeSnapshot(folder, listed, bytes);
  const snapshot = new Snapshot({preload: '', folder, files: listed});
  assert.deepEqual(snapshot.read('file:///lib/a.js'), bytes('file:///lib/a.js'));
  const copy = join(folder, readdirSync(folder)[0]!);
  chmodSync(copy, 0o644);
  writeFileSync(copy, 'other();');
  const message = (what: string) => ({
    message: `${copy}, the copy of /lib/a.js with which this attempt began, ${what}`,
  });
  assert.throws(() => snapshot.read('file:///lib/a.js'), message('is damaged'));
  rmSync(copy);
  assert.throws(() => snapshot.read('file:///lib/a.js'), message('is gone'));
});

test('names lead where they led when the digest was taken', () => {
  const urls = ['main.ts', 'lib/help.ts', 'lib/given.js', 'old.cjs', 'part/index.js'].map(
    (name) => `file:///p/${name}`,
  );
  const snapshot = new Snapshot({preload: '', folder: '/job/code', files: files(...urls)});
  for (const [specifier, from, to] of [
    ['./lib/help.js', 'main.ts', 'lib/help.ts'],
    ['./lib/given.js', 'main.ts', 'lib/given.js'],
    ['./lib/help.js?again', 'main.ts', 'lib/help.ts?again'],
    ['./lib/help.js', 'lib/given.js', undefined],
    ['./given', 'lib/given.js', undefined],
    ['./part', 'old.cjs', 'part/index.js'],
    ['./lib/given', 'old.cjs', 'lib/given.js'],
    ['file:///p/old.cjs', undefined, 'old.cjs'],
    ['/p/old.cjs', 'main.ts', 'old.cjs'],
    ['zod', 'main.ts', undefined],
    ['./other.js', 'main.ts', undefined],
  ] as const) {
    const parent = from === undefined ? undefined : `file:///p/${from}`;
    assert.equal(snapshot.resolve(specifier, parent), to === undefined ? undefined : `file:///p/${to}`, specifier);
  }
});

test('what a process may have read past the snapshot is looked at when it is over, and only then', (t) => {
  const folder = temporaryFolder(t, {'stage.js': '', 'words.txt': 'one', 'job/code/x': ''});
  const url = pathToFileURL(join(folder, 'words.txt')).href;
  const {sha256, mark} = openSources().read(url);
  const job = (command?: readonly string[]): void =>
    writeJob(join(folder, 'job'), {
      version: JOB_VERSION,
      epoch: '',
      tag: '',
      folder: join(folder, 'job'),
      node: 'a',
      stage: 'a',
      module: pathToFileURL(join(folder, 'stage.js')).href,
      export: 'a',
      params: {},
      seed: 0,
      threads: 1,
      cores: 1,
      inputs: {},
      outputs: {},
      ...(command === undefined ? {code: {[url]: {sha256}}} : {command}),
      byPath: {[url]: {[url]: {sha256, mark}}},
    });
  const seen = (reason: 'succeeded' | 'lost') => checkCode({reason}, {folder: join(folder, 'job')});
  job();
  writeFileSync(join(folder, 'words.txt'), 'two');
  assert.deepEqual(seen('succeeded'), {reason: 'succeeded'});
  job(['cat', 'words.txt']);
  assert.deepEqual(seen('succeeded'), codeChanged('running', [url]));
  job();
  noteBeyond(jobFiles(join(folder, 'job')).code);
  assert.deepEqual(seen('succeeded'), codeChanged('running', [url]));
  assert.deepEqual(seen('lost'), codeChanged('running', [url]), 'nor do its checkpoints count');
});

test('modules of this package that were rebuilt with other code are named; with the same code they may be', (t) => {
  const folder = temporaryFolder(t, {'sft.js': 'old();', 'rows.js': 'rows();'});
  const own = new Map(
    ['sft.js', 'rows.js'].map((name) => {
      const url = pathToFileURL(join(folder, name)).href;
      return [url, openSources().read(url)] as const;
    }),
  );
  assert.deepEqual(findRebuilt(own), []);
  rmSync(join(folder, 'rows.js'));
  writeFileSync(join(folder, 'rows.js'), 'rows();');
  assert.deepEqual(findRebuilt(own), []);
  writeFileSync(join(folder, 'sft.js'), 'ol');
  const changed = findRebuilt(own);
  assert.deepEqual(changed, [pathToFileURL(join(folder, 'sft.js')).href]);
  const outcome = checkCode({reason: 'succeeded'}, {folder, own});
  assert.deepEqual(outcome, {reason: 'code-changed', when: 'running', files: [join(folder, 'sft.js')]});
});

test('code that can be read no more is not renewed', (t) => {
  const folder = temporaryFolder(t, {
    'stage.js': `export const words = new URL('./words.txt', import.meta.url);`,
    'words.txt': 'one',
  });
  const [stage, words] = ['stage.js', 'words.txt'].map((name) => pathToFileURL(join(folder, name)).href);
  const code = openCurrentCode(openTokenCache(join(folder, 'store')));
  const before = code.codeOf(stage!);
  writeFileSync(join(folder, 'words.txt'), 'two');
  assert.equal(code.codeOf(stage!), before);
  assert.equal(code.renew([words!]), true);
  const after = code.codeOf(stage!);
  assert.notEqual(after.digest, before.digest);
  assert.deepEqual(code.partsOf(before.digest), before.parts);
  rmSync(join(folder, 'words.txt'));
  assert.equal(code.renew([words!]), false);
  assert.equal(code.codeOf(stage!), after);
});
