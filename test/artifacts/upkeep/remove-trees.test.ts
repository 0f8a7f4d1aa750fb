/** Removing the folders of jobs, which may hold anything. */
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {chmodSync, existsSync, statSync} from 'node:fs';
import {dirname, join} from 'node:path';
import test from 'node:test';
import type {AttemptId} from '../../../artifacts/index.js';
import {Bench, fill} from '../temporary.js';

test('a read-only folder inside a job folder can be removed', async (t) => {
  const {store} = new Bench(t);
  const job = fill(await store.makeJobFolder(1 as AttemptId), {'deep/er/file': 'x'});
  chmodSync(join(job, 'deep', 'er'), 0o555);
  await store.removeTree(job);
  assert.equal(existsSync(job), false);
  await store.removeTree(job); // nothing there is fine
});

test('a folder to which a job has taken its own rights away can be removed', async (t) => {
  const folder = new Bench(t).folder;
  const {files} = new Bench(t, {folder}).store.parts;
  // As it is for everybody but the superuser.
  const needs = (path: string): void => {
    if ((statSync(path).mode & 0o700) === 0) throw Object.assign(new Error(`EACCES: ${path}`), {code: 'EACCES'});
  };
  const list = (path: string) => (needs(path), files.list(path));
  const stat = (path: string) => (existsSync(dirname(path)) && needs(dirname(path)), files.stat(path));
  const {store} = new Bench(t, {folder, files: {...files, list, stat}});
  const job = fill(await store.makeJobFolder(1 as AttemptId), {'outputs/deep/er/file': 'x'});
  chmodSync(join(job, 'outputs', 'deep'), 0o000);
  await store.removeTree(join(job, 'outputs'));
  assert.equal(existsSync(join(job, 'outputs')), false);
});

test('a tree with paths that are longer than the system takes can be removed', async (t) => {
  const {store} = new Bench(t);
  const job = fill(await store.makeJobFolder(1 as AttemptId), {'outputs/beside': 'x'});
  execFileSync(
    '/bin/sh',
    ['-c', 'for i in $(seq 600); do mkdir 1234567890 && cd 1234567890; done; : >file; ln -s . link'],
    {
      cwd: join(job, 'outputs'),
    },
  );
  await store.removeTree(join(job, 'outputs'));
  assert.equal(existsSync(join(job, 'outputs')), false);
});
