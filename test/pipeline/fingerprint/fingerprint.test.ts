/** Fingerprints: what they are, for good. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {asDigest, canonicalJson} from '../../../artifacts/index.js';
import type {Json} from '../../../artifacts/index.js';
import {differences, fingerprintOf, sameCode} from '../../../pipeline/fingerprint/fingerprint.js';
import type {Ingredients} from '../../../pipeline/fingerprint/fingerprint.js';

const DIGEST = asDigest('0123456789abcdef'.repeat(4));

const PLAIN: Ingredients = {
  stage: 'sft',
  code: DIGEST,
  params: {epochs: 2, learningRate: 3e-4, style: 'long', mix: {a: [1, null, true]}},
  inputs: {base: DIGEST, scores: {one: DIGEST, two: DIGEST}},
  seed: 7,
  runtime: {tensorflow: '2.19.1', device: 'cpu', threads: 2, node: 20, instructions: 'x64 avx'},
};

// Who changes one of these makes all that users ever made be made again.
test('the fingerprints of fixed ingredients are what they always were', () => {
  assert.equal(fingerprintOf(PLAIN), '62ef41ae312037ad2048510652a133d69604fa353b0f8920922e4783c6ae320e');
  assert.equal(
    fingerprintOf({...PLAIN, params: {}, inputs: {}, seed: null, runtime: null}),
    '785a9527106c05083a788019f509a02f8f99d18d22bd91d00e2c42590f1f9ddb',
  );
  assert.equal(
    fingerprintOf({...PLAIN, env: {MODE: 'fast'}}),
    '964c4ce35f073cbeece9c297a90b8149a54b14569d6e5df4b1c2f96c9d8b56af',
  );
  assert.equal(
    fingerprintOf({...PLAIN, definitions: {'rewards/brevity': DIGEST}}),
    '7905d2e255dd2a9d1155ccfab19796a7bd0c8ae39d6fa8784bf64fbb1c4f9afc',
  );
  assert.equal(
    fingerprintOf({...PLAIN, environment: {python: '3.11', trl: '1.16.0'}}),
    '8997a37367f6c1cb421a494381e85fc6be9706ae2d0395a6afd787ff65f23d14',
  );
});

test('an ingredient that came later is not there where it is not used', () => {
  const used = {...PLAIN, env: {MODE: 'fast'}};
  assert.notEqual(fingerprintOf(used), fingerprintOf(PLAIN));
  for (const name of ['env', 'environment', 'definitions']) {
    for (const unused of [undefined, {}, []]) {
      assert.equal(fingerprintOf({...PLAIN, [name]: unused}), fingerprintOf(PLAIN), name);
    }
    assert.ok(!canonicalJson(PLAIN as unknown as Json).includes(name));
  }
});

test('what differs in definitions is said with what they are wired as, and with their files where these are known', () => {
  const digest = (letter: string) => asDigest(letter.repeat(64));
  const [a, b] = [digest('a'), digest('b')];
  const before = {...PLAIN, definitions: {'rewards/brevity': a, 'rewards/gone': a, 'tasks/same': b}};
  const now = {...PLAIN, definitions: {'rewards/brevity': b, 'rewards/new': b, 'tasks/same': b}};
  const known = {[a]: {files: {'brevity.ts': 'x'}, packages: {}}, [b]: {files: {'brevity.ts': 'y'}, packages: {}}};
  const rest = ['rewards/gone is gone', 'rewards/new is new'];
  assert.deepEqual(differences({before, now, codeParts: (of) => known[of]}), [
    'rewards/brevity: code of brevity.ts',
    ...rest,
  ]);
  assert.deepEqual(differences({before, now, codeParts: () => undefined}), ['rewards/brevity: code', ...rest]);
  assert.deepEqual(differences({before: PLAIN, now: {...PLAIN, definitions: {}}, codeParts: () => undefined}), []);
  assert.ok(!sameCode(before, now) && !sameCode(before, PLAIN) && sameCode(PLAIN, {...PLAIN, definitions: {}}));
});

test('what differs in environments is said by versions, and by digests only where no version differs', () => {
  const [a, b] = ['a'.repeat(64), 'b'.repeat(64)];
  const said = (before: Record<string, string> | undefined, environment: Record<string, string> | undefined) =>
    differences({
      before: before === undefined ? PLAIN : {...PLAIN, environment: before},
      now: environment === undefined ? PLAIN : {...PLAIN, environment},
      codeParts: () => undefined,
    });
  const lock = {python: '3.11', trl: '1.15.0', 'requirements.lock': a};
  assert.deepEqual(said(lock, lock), []);
  assert.deepEqual(said(lock, {...lock, trl: '1.16.0', 'requirements.lock': b}), ['trl 1.15.0 → 1.16.0']);
  assert.deepEqual(said(lock, {...lock, 'requirements.lock': b}), ['content of requirements.lock']);
  assert.deepEqual(said({python: '3.11'}, {python: 'none', trl: '1.16.0'}), [
    'python 3.11 → none',
    'trl none → 1.16.0',
  ]);
  assert.deepEqual(said({lock: a}, undefined), ['lock is gone']);
  assert.deepEqual(said(undefined, {lock: a}), ['lock is new']);
});
