import assert from 'node:assert/strict';
import test from 'node:test';

import {drawDials} from '../../../stages/tasks/dials.js';
import {FIXED_SETS, fixedSetMistakes} from '../../../stages/tasks/fixed-sets.js';
import {isWithin} from '../../../pipeline/params.js';
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

test('fixed sets hold the levels that are asked for, and none of the problems that tiny was tuned on', () => {
  const harder = heldOutDials({levels: [5, 8], perLevel: 30});
  const cells = harder.map(({steps, language}) => `${steps} ${language}`);
  assert.deepEqual(
    ['5 en', '5 zh', '8 en', '8 zh'].map((cell) => cells.filter((other) => other === cell).length),
    [15, 15, 15, 15],
  );
  // The order of the stream from which they come: the first 400 of a level were looked at before.
  const {keys, purpose} = {keys: new Set<string>(), purpose: 'fixed:held-out:5'};
  for (let index = 0; keys.size < 400; index++)
    keys.add(drawDials({seed: 0, purpose, index, split: 'held-out', steps: [5], chinese: 0}).key);
  assert.equal(overlap(keys, new Set([...harder, ...heldOutDials()].map(({key}) => key))), 0);
});

test('a level that is no number of turns, or twice in the list, is refused, as is an odd number of problems', () => {
  const {levels} = FIXED_SETS;
  assert.deepEqual(
    [[3], [2, 8], [0], [1], [3, 3], [], [2.5], [1e8]].map((list) => isWithin(levels.about.range!, list)),
    [true, true, false, false, false, false, false, false],
  );
  assert.deepEqual(fixedSetMistakes({validationPerLevel: 40, heldOutPerLevel: 7}), [
    'heldOutPerLevel is 7 and should be even: half of the problems are in each language',
  ]);
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

test('any spelling of a question has its hash', () => {
  const same = (one: string, ...others: readonly string[]): void => {
    for (const other of others) assert.equal(questionHash(other), questionHash(one), JSON.stringify(other));
  };
  same(
    'what is 2 + 2 ?',
    '  What IS\n2 + 2 ?',
    'what is 2\u00A0+\u202F2',
    'ｗｈａｔ　ｉｓ ２＋２？',
    'what is ２ + 2 ？',
  );
  same(
    'a shop sells soap',
    'a shop sells so\u00ADap',
    'a\u200B shop\uFEFF sells \u202Asoap\u202C',
    '\u2067a shop sells soap\u2069.',
  );
  same('how many at the café?', 'how many at the cafe\u0301?', 'HOW MANY AT THE CAFÉ?', 'How many at the café ?');
  same('the ﬁrst ﬂat', 'the first flat');
  same('“so” – she said…', '"so" - she said...', "'so' — she said...", '„so“ ‒ she said...');
  same('kırk iki KITAP', 'KIRK İKİ kıtap', 'kirk iki kitap');
  same('Straße ΣΊΣΥΦΟΣ', 'STRASSE σίσυφος', 'strasse Σίσυφοσ');
  same('有 3 个。', '有３个', '有3个.', '有٣个');
  same('a heart \u2764', 'a heart \u2764\uFE0F');
});

test('other questions have other hashes, and one of punctuation alone has one', () => {
  const all = [
    '2 + 2',
    '2 - 2',
    'is 3 > 2',
    'is 3 < 2',
    'résumé',
    'resume',
    'а',
    'a',
    '?',
    '!',
    '->',
    '<-',
    '一',
    '二',
  ];
  assert.equal(new Set(all.map(questionHash)).size, all.length);
});

test('the hash of a question stays what it is: sides of published runs depend on it', () => {
  assert.equal(questionHash('what is 2 + 2 ?'), '6c1745c7ddb88328');
});

test('of the fewest turns that can be asked for there are enough problems', () => {
  assert.equal(heldOutDials({levels: [2], perLevel: 140}).length, 140);
});
