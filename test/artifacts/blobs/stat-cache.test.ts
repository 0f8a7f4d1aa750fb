import assert from 'node:assert/strict';
import {join} from 'node:path';
import test from 'node:test';
import {openDatabase} from '../../../artifacts/database/database.js';
import {sha256} from '../../../artifacts/digest.js';
import type {FileStat} from '../../../artifacts/files.js';
import {openStatCache} from '../../../artifacts/blobs/stat-cache.js';
import {temporaryFolder} from '../temporary.js';

const MS = 1_000_000n;
const digest = sha256('x');
/** Last changed at 1,000,000.5 ms. */
const stat: FileStat = {
  kind: 'file',
  dev: 1n,
  ino: 2n,
  bytes: 10,
  mtimeNs: 5n * MS,
  ctimeNs: 1_000_000n * MS + 500_000n,
  links: 1,
  writable: false,
  executable: false,
};

test('a row is believed only if the last change was a clock tick before the look', (t) => {
  const db = openDatabase(join(temporaryFolder(t), 'db'));
  t.after(() => db.close());
  const cache = openStatCache(db, false);
  cache.remember([{stat, sha256: digest, seenAt: 1_000_010}]);
  assert.equal(cache.lookup(stat), undefined, 'a second change within the tick would look the same');
  cache.remember([{stat, sha256: digest, seenAt: 1_000_030}]);
  assert.equal(cache.lookup(stat), digest);
});

test('any difference in size, stamps or inode makes a row worthless', (t) => {
  const db = openDatabase(join(temporaryFolder(t), 'db'));
  t.after(() => db.close());
  const cache = openStatCache(db, false);
  cache.remember([{stat, sha256: digest, seenAt: 2_000_000}]);
  assert.equal(cache.lookup(stat), digest);
  assert.equal(cache.lookup({...stat, bytes: 11}), undefined);
  assert.equal(cache.lookup({...stat, mtimeNs: stat.mtimeNs + 1n}), undefined);
  assert.equal(cache.lookup({...stat, ctimeNs: stat.ctimeNs + 1n}), undefined);
  assert.equal(cache.lookup({...stat, ino: 3n}), undefined);
  assert.equal(cache.lookup({...stat, dev: 3n}), undefined);
  cache.forget([stat]);
  assert.equal(cache.lookup(stat), undefined);
});

test('stamps of whole seconds are taken for a coarse clock', (t) => {
  const db = openDatabase(join(temporaryFolder(t), 'db'));
  t.after(() => db.close());
  const cache = openStatCache(db, false);
  const coarse = {...stat, ctimeNs: 1_000_000n * MS};
  const foundAfter = (file: FileStat, seenAt: number): boolean => {
    cache.remember([{stat: file, sha256: digest, seenAt}]);
    return cache.lookup(file) === digest;
  };
  assert.equal(foundAfter(coarse, 1_001_000), false);
  assert.equal(foundAfter(coarse, 1_002_200), true);
  assert.equal(foundAfter(stat, 1_000_021), true);
});

test('inode numbers with the top bit set are kept apart', (t) => {
  const db = openDatabase(join(temporaryFolder(t), 'db'));
  t.after(() => db.close());
  const cache = openStatCache(db, false);
  const high = {...stat, ino: (1n << 64n) - 1n};
  cache.remember([{stat: high, sha256: digest, seenAt: 2_000_000}]);
  assert.equal(cache.lookup(high), digest);
  assert.equal(cache.lookup(stat), undefined);
});
