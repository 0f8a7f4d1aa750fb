import assert from 'node:assert/strict';
import test from 'node:test';

import {corpus} from '../../../stages/tasks/documents.js';
import {generalRows} from '../../../stages/tasks/general-rows.js';
import {
  dialsPrompts,
  generalPrompts,
  heldOutDials,
  heldOutGeneral,
  validationDials,
} from '../../../stages/tasks/prompt-sets.js';
import {FAMILIES} from '../../../stages/tasks/scenario.js';
import {questionHash, splitOf} from '../../../stages/tasks/splits.js';

test('no training row of any kind touches a validation or held-out problem', () => {
  const keys = (rows: Iterable<{readonly key: string}>): Set<string> => new Set([...rows].map(({key}) => key));
  const general = generalPrompts({seed: 3, split: 'train', count: 2000});
  const training = [
    keys(corpus({seed: 3, count: 3000})),
    keys(dialsPrompts({seed: 3, split: 'train', count: 1000})),
    keys(general),
    keys(generalRows({seed: 3, split: 'train', count: 500, goodShare: 0.5}).map(({prompt}) => prompt)),
  ];
  const reserved = [keys(heldOutDials()), keys(validationDials()), keys(heldOutGeneral())];
  for (const set of training) {
    for (const key of set) assert.equal(splitOf(key), 'train', key);
    for (const other of reserved) assert.equal(overlap(set, other), 0);
  }
  for (const key of keys(validationDials())) assert.equal(splitOf(key), 'validation');
  for (const set of [keys(heldOutDials()), keys(heldOutGeneral())]) {
    for (const key of set) assert.equal(splitOf(key), 'held-out');
  }
});

const overlap = (a: Set<string>, b: Set<string>): number => [...a].filter((key) => b.has(key)).length;

test('the held-out set has 420 different problems, as many of each length in each language', () => {
  const prompts = heldOutDials();
  assert.equal(prompts.length, 420);
  assert.equal(new Set(prompts.map(({key}) => key)).size, 420);
  for (const steps of [3, 4, 5]) {
    for (const language of ['en', 'zh']) {
      assert.equal(prompts.filter((prompt) => prompt.steps === steps && prompt.language === language).length, 70);
    }
  }
  assert.deepEqual(heldOutDials(), prompts);
});

test('a tenth of all problems is held out, a tenth is for validation', () => {
  const sides = Array.from({length: 20_000}, (_, n) => splitOf(`problem ${n}`));
  for (const side of ['held-out', 'validation'] as const) {
    const share = sides.filter((one) => one === side).length / sides.length;
    assert.ok(Math.abs(share - 0.1) < 0.01, `${side}: ${share}`); // four standard deviations are 0.0085
  }
});

test('every word of a held-out family occurs in a training family, and a verb in one of its own kind', () => {
  const words = (side: string, kind?: string): string[] =>
    FAMILIES.filter((family) => splitOf(family.key) === side && (kind ?? family.kind) === family.kind).flatMap(
      (family) => family.key.split(':').slice(2, kind === undefined ? undefined : 3),
    );
  const training = new Set(words('train'));
  for (const word of words('held-out')) assert.ok(training.has(word), `${word} is new to the model`);
  for (const kind of ['refuse', 'how-to']) {
    const verbs = new Set(words('train', kind));
    assert.ok(words('held-out', kind).length > 0);
    for (const verb of words('held-out', kind)) assert.ok(verbs.has(verb), `${kind}: ${verb} is never trained`);
  }
});

test('the hash of a question leaves case and spacing aside', () => {
  assert.equal(questionHash('  What IS\n2 + 2 ?'), questionHash('what is 2 + 2 ?'));
  assert.equal(questionHash('what is 2 + 2 ?'), 'd174c417b3b29720');
});
