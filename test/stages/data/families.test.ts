/** What rows have in common: families, duplicates, contradictions, runs of words. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import fc from 'fast-check';
import {Families} from '../../../stages/data/import/families.js';
import {Runs} from '../../../stages/data/import/ngrams.js';
import {Survey} from '../../../stages/data/import/survey.js';
import {questionHash} from '../../../stages/tasks/splits.js';

type Row = readonly [question: string, group?: string];

function familiesOf(rows: readonly Row[]): string[] {
  const families = new Families();
  for (const [question, group] of rows) families.add(questionHash(question), group);
  return rows.map((_, row) => families.of(row));
}

test('groups and spellings join rows, and what they join is joined', () => {
  // a ─ g1 ─ b ≈ B ─ g2 ─ c      d      e ─ g3
  const [a, b, B, c, d, e] = familiesOf([
    ['a?', 'g1'],
    ['b?', 'g1'],
    ['B ?', 'g2'],
    ['c?', 'g2'],
    ['d?'],
    ['e?', 'g3'],
  ]);
  assert.deepEqual([b, B, c], [a, a, a]);
  assert.equal(new Set([a, d, e]).size, 3);
  assert.equal(d, questionHash('D'), 'a question that is alone has the key that it has everywhere');
});

test('families and their names are the same in any order of rows', () => {
  const question = fc.constantFrom('a', 'A ', 'b', 'c', 'd', 'e', 'f');
  const row: fc.Arbitrary<Row> = fc.oneof(fc.tuple(question), fc.tuple(question, fc.constantFrom('1', '2', '3')));
  const mixed = fc.array(row, {minLength: 1, maxLength: 12}).chain((rows) => {
    const all = {minLength: rows.length, maxLength: rows.length};
    return fc.tuple(fc.constant(rows), fc.shuffledSubarray([...rows.keys()], all));
  });
  fc.assert(
    fc.property(mixed, ([rows, order]) => {
      const straight = familiesOf(rows);
      assert.deepEqual(
        familiesOf(order.map((place) => rows[place]!)),
        order.map((place) => straight[place]),
      );
      for (const [i, [question, group]] of rows.entries())
        for (const [j, [other, its]] of rows.entries())
          if (questionHash(question) === questionHash(other) || (group !== undefined && group === its))
            assert.equal(straight[i], straight[j]);
    }),
  );
});

test('a variant that is added to a group leaves its name as it is', () => {
  const [before] = familiesOf([['a', 'g']]);
  const after = familiesOf([
    ['z', 'g'],
    ['a', 'g'],
    ['0', 'g'],
  ]);
  assert.deepEqual(after, [before, before, before]);
});

test('duplicates by any spelling of the question, contradictions by the letter: 2³ is not 23', () => {
  const survey = new Survey();
  const rows: (readonly [string, string])[] = [
    ['What is 2³?', '8'], // 0
    ['What is 23?', '23'], // 1: the same as 0 by compatibility forms only
    ['what is 2³ ?', '8'], // 2: repeats 0
    ['How many?', '4'], // 3
    ['how  many?', '5'], // 4: contradicts 3
    ['At the café?', 'x²'], // 5
    ['At the cafe\u0301?', 'x2'], // 6: contradicts 5 in its answer, letter by letter
  ];
  for (const [question, answer] of rows) survey.add({question, hash: questionHash(question), answer});
  assert.deepEqual(
    rows.map((_, row) => survey.duplicateOf(row)),
    [undefined, undefined, 0, undefined, undefined, undefined, undefined],
  );
  assert.deepEqual(
    rows.map((_, row) => survey.contradicts(row)),
    [false, false, false, true, true, true, true],
  );
});

const words = (count: number, from = 0): string => Array.from({length: count}, (_, n) => `w${from + n}`).join(' ');

test('13 words in a row are an overlap, 12 are none; case, punctuation and spaces do not count', () => {
  const runs = new Runs();
  runs.add(words(40));
  assert.ok(runs.overlaps(`so: ${words(13, 20).toUpperCase().replaceAll(' ', ' , ')}!`));
  assert.ok(!runs.overlaps(`so ${words(12, 20)} so`));
  assert.ok(!runs.overlaps(''));
});

test('a text shorter than a run is looked for as a whole, and one of 7 words not at all', () => {
  const runs = new Runs();
  runs.add(words(8));
  assert.ok(runs.overlaps(`x ${words(8)} y`));
  assert.ok(!runs.overlaps(`x ${words(7)} y`));
  const none = new Runs();
  none.add(words(7));
  assert.ok(!none.overlaps(words(30)));
});

test('of Chinese, 20 characters are a run, in any width and with any spaces', () => {
  const runs = new Runs();
  const text = '一團霧從海上飄來逐漸籠罩一座城市它每十分鐘可以覆蓋這座城市的三英里';
  runs.add(text);
  assert.ok(runs.overlaps(`請問：${Array.from(text.slice(3, 23)).join(' ')}？`));
  assert.ok(!runs.overlaps(`請問：${text.slice(3, 22)}？`));
});

test('the runs of texts are found as a set of strings finds them', () => {
  const text = fc.array(fc.constantFrom('a', 'b', 'c'), {minLength: 13, maxLength: 40});
  fc.assert(
    fc.property(text, text, (one, other) => {
      const runs = new Runs();
      runs.add(one.join(' '));
      const windows = (of: readonly string[]): string[] =>
        of.flatMap((_, at) => (at + 13 <= of.length ? [of.slice(at, at + 13).join()] : []));
      const known = new Set(windows(one));
      assert.equal(
        runs.overlaps(other.join(' ')),
        windows(other).some((window) => known.has(window)),
      );
    }),
  );
});

test('a set of many runs forgets none, and takes none for another', () => {
  const runs = new Runs();
  runs.add(words(100_000));
  for (let from = 0; from < 100_000 - 13; from += 997) assert.ok(runs.overlaps(words(13, from)));
  for (let from = 100_001; from < 200_000; from += 997) assert.ok(!runs.overlaps(words(13, from)));
});
