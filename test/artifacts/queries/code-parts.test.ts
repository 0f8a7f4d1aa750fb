/** What has changed between two versions of a stage's code, and what a store may say of them. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {asCodeParts, codeChanges} from '../../../artifacts/queries/code-parts.js';

const parts = (files: Readonly<Record<string, string>>, imports: Readonly<Record<string, readonly string[]>> = {}) => ({
  files,
  packages: {},
  imports,
});

test('a file that is gone here and new there with the same content has moved, one for one', () => {
  assert.deepEqual(codeChanges(parts({a: '1', b: '1', c: '2'}), parts({c: '2', x: '1', y: '3'})), [
    {change: 'gone', file: 'b', digest: '1'},
    {change: 'new', file: 'y', digest: '3'},
    {change: 'moved', file: 'a', to: 'x'},
  ]);
  assert.deepEqual(codeChanges(parts({a: '1'}), parts({a: '1', b: '1'})), [{change: 'new', file: 'b', digest: '1'}]);
});

test('files may be called like what every object has', () => {
  assert.deepEqual(codeChanges(parts({a: '1'}), parts({a: '1', constructor: '2'})), [
    {change: 'new', file: 'constructor', digest: '2'},
  ]);
});

test('imports that lead to a file that moved lead where they did', () => {
  const before = parts({a: '1', b: '2', c: '3'}, {a: ['b', 'c']});
  assert.deepEqual(codeChanges(before, parts({a: '1', d: '2', c: '3'}, {a: ['d', 'c']})), [
    {change: 'moved', file: 'b', to: 'd'},
  ]);
  assert.deepEqual(codeChanges(before, parts({a: '1', b: '2', c: '3'}, {a: ['c', 'b']})), [
    {change: 'imports', file: 'a', before: 'b, c', now: 'c, b'},
  ]);
});

test('a file that moved and was changed is known by who imports it', () => {
  const before = parts({a: '1', b: '2', c: '3'}, {a: ['zod', 'b'], b: ['c'], c: []});
  const now = parts({a: '1', x: '4', y: '5'}, {a: ['zod', 'x'], x: ['y'], y: []});
  assert.deepEqual(codeChanges(before, now), [
    {change: 'content', file: 'x', before: '2', now: '4'},
    {change: 'gone', file: 'c', digest: '3'},
    {change: 'new', file: 'y', digest: '5'},
  ]);
});

test('parts that r1 0.1 wrote are compared among themselves, and with today’s as a whole', () => {
  const old = {files: {a: '1'}, packages: {zod: '4.0.0'}};
  assert.deepEqual(codeChanges(old, {files: {a: '2'}, packages: {zod: '4.1.0'}}), [
    {change: 'content', file: 'a', before: '1', now: '2'},
    {change: 'package', name: 'zod', before: '4.0.0', now: '4.1.0'},
  ]);
  assert.deepEqual(codeChanges(old, parts({a: '1'})), [{change: 'counting'}]);
  assert.deepEqual(codeChanges(parts({a: '1'}), old), [{change: 'counting'}]);
});

test('parts that make no sense are none', () => {
  assert.deepEqual(asCodeParts({files: {a: '1'}, packages: {}}), {files: {a: '1'}, packages: {}});
  for (const stored of [undefined, null, 'text', [], {}, {files: {a: 1}, packages: {}}, {files: [], packages: {}}]) {
    assert.equal(asCodeParts(stored as never), undefined);
  }
  assert.equal(asCodeParts({files: {}, packages: {}, imports: {a: 'b'}}), undefined);
  const whole = {files: {a: '1'}, packages: {}};
  assert.deepEqual(asCodeParts({...whole, definitions: {'rewards/b': whole}}), {
    ...whole,
    definitions: {'rewards/b': whole},
  });
  for (const definitions of [null, [], 'text', {b: null}, {b: {files: {}}}])
    assert.equal(asCodeParts({...whole, definitions}), undefined);
});
