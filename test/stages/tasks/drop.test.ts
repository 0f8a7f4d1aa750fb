/**
 * Short answers of one or several spans: worked by hand, and beside torchmetrics (SQuAD) and lm-evaluation-harness (DROP) where Python has
 * them:
 *
 *     pip install torchmetrics lm-eval==0.4.13 && R1_TEST_PYTHON=python3 npm test -- tasks/drop
 */
import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import {join} from 'node:path';
import {test} from 'node:test';
import {random} from '../../../stages/random.js';
import {drop, dropF1, largestSum} from '../../../stages/tasks/answers/drop.js';
import {f1, squadText} from '../../../stages/tasks/answers/f1.js';
import type {Prompt} from '../../../stages/tasks/prompt.js';
import {readCompletion} from '../../../stages/text/completion.js';

const near = (value: number, wanted: number, what = ''): void =>
  assert.ok(Math.abs(value - wanted) < 1e-9, `${what}: ${value}, not ${wanted}`);

test('spans are aligned one to one, and a pair whose numbers differ is worth nothing: worked by hand', () => {
  const cases: readonly (readonly [given: string[], wanted: string[], value: number])[] = [
    [['12'], ['12.0'], 1],
    [['$12,'], ['12'], 1],
    [['1,200 men'], ['1200 men'], 1],
    [['5 yards'], ['6 yards'], 0],
    [['yards'], ['6 yards'], 0], // the number is missing
    [['6 long yards'], ['6 yards'], 0.8], // precision 2/3, recall 1
    [['Texas', 'Arizona'], ['the Arizona', 'Texas'], 1],
    [['Arizona'], ['Arizona', 'Texas'], 0.5],
    [['Arizona', 'Texas', 'Ohio', 'Utah'], ['Arizona', 'Texas'], 0.5],
    // The big red dog: 0.8 with red dog; cat: 1; bird has nobody. 1.8 of 3.
    [['the big red dog', 'cat'], ['red dog', 'cat', 'bird'], 0.6],
    // One answer for two spans gets one of them only.
    [['Arizona Texas'], ['Arizona', 'Texas'], 1 / 3],
    [['so-called'], ['so called'], 1],
    [['a an the'], ['Arizona'], 0],
  ];
  for (const [given, wanted, value] of cases) near(dropF1(given, wanted), value, JSON.stringify([given, wanted]));
});

test('the best alignment is found where the best pair is not in it; as trying all of them finds', () => {
  near(
    largestSum([
      [0.8, 0.7],
      [0.7, 0],
    ]),
    1.4,
  );
  assert.equal(largestSum([]), 0);
  const best = (values: readonly (readonly number[])[], taken: readonly number[] = []): number => {
    const row = taken.length;
    if (row === values.length) return 0;
    const width = Math.max(values[0]!.length, values.length);
    const open = Array.from({length: width}, (_, column) => column).filter((column) => !taken.includes(column));
    return Math.max(...open.map((column) => (values[row]![column] ?? 0) + best(values, [...taken, column])));
  };
  const draw = random(0, 'test/assignment');
  for (let round = 0; round < 300; round++) {
    const [rows, columns] = [1 + draw.int(5), 1 + draw.int(5)];
    const values = Array.from({length: rows}, () => Array.from({length: columns}, () => draw.int(4) / 3));
    near(largestSum(values), best(values), JSON.stringify(values));
  }
});

const prompt = (answer: string, references: readonly string[] = []): Prompt => ({
  ...{id: 'p', from: [], task: 'drop', key: 'p', question: 'q', answer, references},
});

/** What a completion is worth. */
function worth(text: string, asked: Prompt): number | undefined {
  const given = drop.read(readCompletion(`<answer> ${text} </answer>`, true));
  return given === undefined ? undefined : drop.grade!(given, drop.reference(asked.answer!)!, asked);
}

test('an answer lists its spans by lines, semicolons, or, where there are several, by commas and “and”; the best reference counts', () => {
  const states = prompt('Arizona\nNew Mexico', ['Arizona\nNew Mexico\nTexas']);
  assert.equal(worth('New Mexico; Arizona', states), 1);
  assert.equal(worth('New Mexico\nArizona', states), 1);
  assert.equal(worth('Arizona and New Mexico', states), 1);
  assert.equal(worth('Arizona, New Mexico, and Texas', states), 1);
  assert.equal(worth('Arizona', states), 0.5);
  assert.equal(worth('Ohio', states), 0);
  assert.equal(worth('March 3, 1990', prompt('March 3, 1990')), 1);
  assert.equal(worth('5', prompt('6', ['5', '7'])), 1);
  assert.equal(worth('4', prompt('6', ['5', '7'])), 0);
  assert.equal(worth('the', states), undefined);
  assert.equal(worth(', '.repeat(4_000), states), undefined);
  const long = worth(Array.from({length: 900}, (_, n) => `x${n}`).join(', '), states)!;
  assert.ok(long < 0.01); // far too many spans are one
});

test('articles are those that Python finds: within words of any alphabet there are none', () => {
  assert.equal(squadText('la piñata ña a'), 'la piñata ña');
  assert.equal(squadText('the_a a\u00a0the b'), 'thea b');
});

const python = process.env['R1_TEST_PYTHON'];
test(
  '2,000 drawn answers are worth what torchmetrics and lm-evaluation-harness say',
  {skip: python === undefined && 'R1_TEST_PYTHON is not set'},
  () => {
    const words = [
      'the',
      'a',
      'An',
      'dog',
      'Dogs',
      'red',
      'New-York',
      'piña',
      'ña',
      '5',
      '5.0',
      '6,',
      '$6',
      '1,200',
      '-3',
      'x.',
      '"it"',
    ];
    const draw = random(1, 'test/f1');
    const span = (): string =>
      Array.from({length: 1 + draw.int(4)}, () => draw.pick(words)).join(draw.pick([' ', ' ', '  ']));
    const spans = (): string[] => Array.from({length: 1 + draw.int(3)}, span);
    const pairs = Array.from({length: 2_000}, () => ({
      given: spans(),
      references: Array.from({length: 1 + draw.int(2)}, spans),
    }));
    const script = join(import.meta.dirname, '../../../../test/scripts/f1_scores.py');
    const {status, stdout, stderr} = spawnSync(python!, [script], {
      input: JSON.stringify(pairs),
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
    });
    assert.equal(status, 0, stderr);
    const theirs = JSON.parse(stdout.trim().split('\n').at(-1)!) as {squad: number; drop: number}[];
    pairs.forEach(({given, references}, index) => {
      const what = JSON.stringify({given, references});
      near(Math.max(...references.map((wanted) => dropF1(given, wanted))), theirs[index]!.drop, `DROP ${what}`);
      const [said, first, ...others] = [given[0]!, ...references.map((wanted) => wanted[0]!)] as [
        string,
        string,
        ...string[],
      ];
      const [ours, wanted] = [squadText(said), squadText(first)];
      // Where nothing is left of an answer, there is none for us to grade.
      if (ours === undefined || wanted === undefined) return;
      const value = f1.grade!(ours, wanted, {...prompt(first), references: others});
      assert.ok(Math.abs(value - theirs[index]!.squad) < 1e-6, `SQuAD ${what}: ${value}, not ${theirs[index]!.squad}`);
    });
  },
);
