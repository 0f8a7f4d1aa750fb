import assert from 'node:assert/strict';
import test from 'node:test';
import canonicalize from 'canonicalize';
import fc from 'fast-check';
import {asDigest, canonicalJson, digestOf, sha256} from '../../artifacts/digest.js';
import type {Json} from '../../artifacts/digest.js';

const json = fc.jsonValue({maxDepth: 4}) as fc.Arbitrary<Json>;

/** The same value with the keys of every object in another order. */
function reordered(value: Json): Json {
  if (Array.isArray(value)) return value.map((item: Json) => reordered(item));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, item]: [string, Json]) => [key, reordered(item)]),
  );
}

test('the digest of some bytes is their SHA-256, as sha256sum prints it', () => {
  assert.equal(sha256('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});

test('a structure is hashed as canonical JSON with its tag in front', () => {
  // printf '["run",{"a":1,"b":[true,null]}]' | sha256sum
  assert.equal(digestOf('run', {b: [true, null], a: 1}), sha256('["run",{"a":1,"b":[true,null]}]'));
});

test('the order of keys does not count', () => {
  fc.assert(fc.property(json, (value) => assert.equal(digestOf('t', reordered(value)), digestOf('t', value))));
});

test('canonical JSON says the same as the value it was made from', () => {
  // -0 is the one number that JSON does not keep.
  fc.assert(
    fc.property(json, (value) => assert.deepEqual(JSON.parse(canonicalJson(value)), JSON.parse(JSON.stringify(value)))),
  );
});

test('canonical JSON is what the reference implementation of RFC 8785 makes of it, in whatever order it comes', () => {
  const same = (value: Json) => assert.equal(canonicalJson(value), canonicalize(value));
  fc.assert(
    fc.property(json, (value) => {
      same(value);
      same(reordered(value));
      same(JSON.parse(canonicalize(value)!) as Json);
    }),
  );
  const names = fc.dictionary(fc.constantFrom('a', 'B', '2', '10', 'é', '\u{1f600}', '\ufb33', ''), json);
  fc.assert(fc.property(names, same));
  same({a: '\\ud800', b: -0, c: 1e21, d: [1e-7, '\u2028"\n']});
});

test('different values, and equal values under different tags, have different digests', () => {
  fc.assert(
    fc.property(json, json, (a, b) => {
      assert.equal(digestOf('t', a) === digestOf('t', b), canonicalJson(a) === canonicalJson(b));
      assert.notEqual(digestOf('t', a), digestOf('u', a));
    }),
  );
});

test('a tag cannot run into the value behind it', () => {
  assert.notEqual(digestOf('a","b', 'c'), digestOf('a', 'b","c'));
});

test('what JSON cannot carry is a bug, not a digest', () => {
  assert.throws(() => digestOf('t', Number.NaN), /NaN/);
  assert.throws(() => digestOf('t', {a: [Infinity]}), /Infinity/);
  for (const lone of ['\ud800', 'a\udc00']) assert.throws(() => digestOf('t', {a: lone}), /surrogate/);
  assert.throws(() => canonicalJson(undefined as unknown as Json), /no JSON form/);
  assert.throws(() => asDigest('abc'), /Internal error/);
});
