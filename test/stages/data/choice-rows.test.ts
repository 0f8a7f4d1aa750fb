/** Lists of choices as public sets have them, imitated in our own words: MMLU, ARC, HellaSwag, MedQA, AQuA-RAT, CommonsenseQA. */
import assert from 'node:assert/strict';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {readPromptFile} from '../../../stages/data/import/index.js';
import type {PromptOptions} from '../../../stages/data/import/index.js';
import {PROMPT_WORDING} from '../../../bin/options/prompt-options.js';
import {columnMistakes, sampleColumnMistakes} from '../../../stages/data/import/params.js';
import {readBenchmarks} from '../../../stages/data/import/protected.js';
import {temporaryFolder} from '../../rig/temporary.js';

async function promptOf(t: TestContext, row: object, options: PromptOptions = {}) {
  const file = join(temporaryFolder(t, {rows: JSON.stringify(row)}), 'rows');
  return (await readPromptFile(file, 'rows', options)).prompts[0]!;
}

const cities = ['Rome', 'Paris', 'Oslo'];
const question = 'Which city is in France?';

/** Where the right choice is found: in these rows it is Paris. */
const shapes: Readonly<Record<string, object>> = {
  'an index from 0 (MMLU)': {question, choices: cities, answer: 1},
  'an index as text (HellaSwag)': {ctx: question, endings: cities, label: '1'},
  'a letter': {question, options: cities, answer: 'B'},
  'a letter that is announced': {question, options: cities, answer: 'The answer is (b).'},
  'the text of a choice': {question, options: cities, answer: 'Paris'},
  'labels beside texts (ARC)': {question, choices: {text: cities, label: ['A', 'B', 'C']}, answerKey: 'B'},
  'labels that are numbers from 1 (ARC)': {question, choices: {text: cities, label: ['1', '2', '3']}, answerKey: '2'},
  'a record by letter (MedQA)': {
    question,
    options: {A: 'Rome', B: 'Paris', C: 'Oslo'},
    answer: 'Paris',
    answer_idx: 'B',
  },
  'texts with their letters (AQuA-RAT)': {question, options: ['A)Rome', 'B)Paris', 'C)Oslo'], correct: 'B'},
  'a record by letter with places that are empty (Parquet)': {
    question,
    options: {A: 'Rome', B: 'Paris', C: 'Oslo', D: null, E: null},
    answer: 'B',
  },
  'a record by number': {question, choices: {1: 'Rome', 2: 'Paris', 3: 'Oslo'}, answer: 2},
  'records of a text and a label (OpenBookQA)': {
    question_stem: question,
    choices: cities.map((text, place) => ({text, label: 'ABC'[place]})),
    answerKey: 'B',
  },
  'a list under the second name, with null under the first': {question, choices: null, options: cities, answer: 1},
  'a list under the second name, with an empty one under the first': {
    question,
    choices: [],
    options: cities,
    answer: 1,
  },
  'columns by letter beside settings': {question, A: 'Rome', B: 'Paris', C: 'Oslo', options: {n: 1}, answer: '(b)'},
  'columns by letter (C-Eval)': {
    id: 0,
    question,
    A: 'Rome',
    B: 'Paris',
    C: 'Oslo',
    D: '',
    answer: 'B',
    explanation: '',
  },
  'columns by letter and names in capitals (CMMLU)': {
    Question: question,
    A: 'Rome',
    B: 'Paris',
    C: 'Oslo',
    Answer: 'B',
  },
};
for (const [name, row] of Object.entries(shapes))
  test(`a row of choices becomes a question that shows them: ${name}`, async (t) => {
    const prompt = await promptOf(t, row);
    assert.equal(prompt.task, 'choice');
    assert.equal(prompt.answer, 'B');
    assert.equal(prompt.stem, question);
    assert.deepEqual(prompt.choices, cities);
    assert.equal(
      prompt.question,
      `${question}\n\nA. Rome\nB. Paris\nC. Oslo\n\nAnswer with the letter of the right choice.`,
    );
  });

test('numbers among the choices are told by their kind, or refused', async (t) => {
  const options = ['1', '2', '4'];
  assert.equal((await promptOf(t, {question, options, answer: 'C'})).answer, 'C');
  assert.equal((await promptOf(t, {question, options, answer: '4'})).answer, 'C'); // no index goes so far
  assert.equal((await promptOf(t, {question, options: ['2', '1', '0'], answer: 2})).answer, 'C'); // MMLU
  // An index or a value: nobody can tell.
  await assert.rejects(promptOf(t, {question, options: [3, 0, 1], answer: 0}), /may be more than one/);
});

test('what is none of the choices, or may be two of them, is refused with its field', async (t) => {
  for (const [row, why] of [
    [{question, choices: cities, answer: 3}, /“answer” is “3”, which is none of its 3 choices/],
    [{question, choices: cities, answer: 'D'}, /which is none of its 3 choices/],
    [{question, choices: cities, answer: 'London'}, /which is none of its 3 choices/],
    [{question, choices: ['0', '1', '2', '0'], answer: '0'}, /may be more than one of its 4 choices/],
    [{question, choices: ['B', 'A'], answer: 'A'}, /may be more than one of its 2 choices/],
    [{question, choices: ['2', '1', '0'], answer: '2'}, /may be more than one of its 3 choices/],
    [{question, choices: cities}, /has no answer/],
  ] as const)
    await assert.rejects(promptOf(t, row), why);
});

test('a list that is no list of choices is left alone, unless choices were asked for', async (t) => {
  const row = {question, options: {temperature: 1}, answer: '4'};
  assert.equal((await promptOf(t, row)).task, 'integer');
  await assert.rejects(
    promptOf(t, row, {answers: 'choice'}),
    /“options” is no list of choices .* but a record of temperature/,
  );
  await assert.rejects(promptOf(t, row, {columns: {choices: 'options'}}), /is no list of choices/);
  await assert.rejects(
    promptOf(t, row, {columns: {choices: 'endings'}}),
    /has no field “endings”, which columns: \{choices: 'endings'\} names/,
  );
  const left = await promptOf(t, {question, choices: cities, answer: 1}, {columns: {choices: ''}});
  assert.deepEqual([left.task, left.choices], ['integer', undefined]);
  // A question that has its list already, with a letter beside it.
  const shown = await promptOf(t, {question: `${question} (A) Rome (B) Paris`, answer: 'B'}, {answers: 'choice'});
  assert.deepEqual([shown.task, shown.answer, shown.choices], ['choice', 'B', undefined]);
});

test('choices that cannot be read are refused with what is wrong, in the words of whoever reads', async (t) => {
  for (const [fields, wrong] of [
    [{choices: "['a1', 'b1']"}, "the text “['a1', 'b1']”"],
    [{options: 'A) x B) y C) z'}, 'the text “A) x B) y C) z”'],
    [{choices: ['a1', 'b1', null]}, 'number 3 of its 3 is null'],
    [{choices: ['a1', 'b1', '', '']}, 'number 3 of its 4 is empty'],
    [{endings: ['', 'x']}, 'number 1 of its 2 is empty'],
    [{choices: ['x']}, 'a list of 1'],
    [{choices: []}, 'empty'],
    [{choices: {text: ['x', 'y'], label: ['A']}}, 'its labels are not one for each text'],
    [{options: {A: 'x', B: null, C: 'y'}}, 'number 2 of its 3 is null'],
    [{options: {first: 'x', second: 'y'}, answer: 'second'}, 'a record of first, second'],
    [{choices: {first: 'x', second: 'y'}, answer: '7'}, 'a record of first, second'],
    [{A: 'x', B: '', C: 'y'}, 'number 2 of its 3 is empty'],
  ] as const) {
    const field = 'A' in fields ? 'A … C' : Object.keys(fields)[0]!;
    await assert.rejects(promptOf(t, {question, answer: 'B', ...fields}), (error: Error) => {
      assert.ok(error.message.startsWith(`rows:1: “${field}” is no list of choices (2 to 26 texts; `), error.message);
      assert.ok(error.message.endsWith(`, but ${wrong}; columns: {choices: ''} leaves it alone`), error.message);
      return true;
    });
  }
  await assert.rejects(
    promptOf(t, {question, choices: 'x or y', answer: '7'}, {wording: PROMPT_WORDING}),
    /--column choices= leaves/,
  );
  const left = await promptOf(t, {question, choices: 'x or y', answer: '7'}, {columns: {choices: ''}});
  assert.equal(left.task, 'integer');
});

test('what is called as choices are, and holds none that the answer needs, is left alone and told', async (t) => {
  const rows = [
    {question: 'q', options: {temperature: 1}, answer: '4'},
    {question: 'r', options: [], answer: '5'},
    {question: 's', options: null, answer: '6'},
    {question: 't', A: 'x', B: 'y', answer: '7'}, // Not one of them.
  ];
  const file = join(temporaryFolder(t, {rows: rows.map((row) => JSON.stringify(row)).join('\n')}), 'rows');
  const {prompts, notes} = await readPromptFile(file, 'rows');
  assert.deepEqual(
    prompts.map(({task}) => task),
    ['integer', 'integer', 'integer', 'integer'],
  );
  assert.deepEqual(notes, [
    '2 rows have a field “options” that is no list of choices, and asked without it',
    '1 row has a field “A … B” that is no list of choices, and asked without it',
  ]);
});

test('a table with a column for each choice: they are read, and a note names the columns', async (t) => {
  const table = 'id,question,A,B,C,D,answer\n0,Which is even?,1,2,3,5,B\n1,Yes?,yes,no,,,A\n';
  const file = join(temporaryFolder(t, {rows: table}), 'rows');
  const {prompts, notes} = await readPromptFile(file, 'rows');
  assert.deepEqual(
    prompts.map(({task, answer, choices}) => [task, answer, choices]),
    [
      ['choice', 'B', ['1', '2', '3', '5']],
      ['choice', 'A', ['yes', 'no']],
    ],
  );
  assert.ok(notes.includes('choices from “A … D”'), notes.join('\n'));
  const left = await readPromptFile(file, 'rows', {columns: {choices: ''}});
  assert.deepEqual(
    left.prompts.map(({task}) => task),
    ['exact', 'exact'],
  );
});

test('a list that the question shows already is not shown again; Chinese questions ask in Chinese', async (t) => {
  const shown = `${question}\n(A) Rome\n(B) Paris\n(C) Oslo`;
  const prompt = await promptOf(t, {question: shown, options: cities, answer: 'B'});
  assert.equal(prompt.question, shown);
  assert.deepEqual(prompt.choices, cities);
  const chinese = await promptOf(t, {
    question: '哪个城市在法国？',
    options: ['罗马', '巴黎'],
    answer: 1,
    language: 'zh',
  });
  assert.match(chinese.question, /\n\nA\. 罗马\nB\. 巴黎\n\n请用正确选项的字母作答。$/);
});

test('mappings that nobody would look at are refused', () => {
  assert.deepEqual(columnMistakes({choices: 'options'}), []);
  assert.match(columnMistakes({choices: 'options'}, {answers: 'f1'}).join(), /columns\.choices: choices are read/);
  assert.match(
    sampleColumnMistakes({choices: 'options'}).join(),
    /columns\.choices: rows to learn from have no choices/,
  );
  assert.match(sampleColumnMistakes({rubric: 'options'}).join(), /columns\.rubric/);
});

test('references: SQuAD’s, lists, and DROP’s with those of its validators', async (t) => {
  const asked = {question: 'Where?', context: 'In Rome or Paris.'};
  const shapesOf: readonly (readonly [
    row: object,
    answers: 'f1' | 'drop',
    answer: string,
    others: string[] | undefined,
  ])[] = [
    [{answers: {text: ['Rome', 'in Rome', 'Rome'], answer_start: [3, 0, 3]}}, 'f1', 'Rome', ['in Rome']],
    [{answer: ['Rome', 'Roma']}, 'f1', 'Rome', ['Roma']],
    [{answer: 'Rome'}, 'f1', 'Rome', undefined],
    [{answer: 'Rome', references: ['Roma', 'Rome']}, 'f1', 'Rome', ['Roma']],
    [{answer: 'Rome', answers: ['Rome', 'Roma']}, 'f1', 'Rome', ['Roma']],
    [{answer: 'Rome', answers: ['Oslo', 'Paris']}, 'f1', 'Rome', undefined], // what there was to choose from
    [
      {answer: {number: '', date: {day: '', month: '', year: ''}, spans: ['Rome', 'Paris']}},
      'drop',
      'Rome\nParis',
      undefined,
    ],
    [{answer: {number: 5, date: {day: '', month: '', year: ''}, spans: []}}, 'drop', '5', undefined],
    [
      {
        answer: {number: '', date: {day: '3', month: 'March', year: ''}, spans: []},
        validated_answers: {
          number: ['', '7'],
          date: [
            {day: '', month: 'March', year: '1990'},
            {day: '', month: '', year: ''},
          ],
          spans: [[], []],
        },
      },
      'drop',
      '3 March',
      ['March 1990', '7'],
    ],
    [{references: [['Rome', 'Paris'], ['Rome']]}, 'drop', 'Rome\nParis', ['Rome']],
  ];
  for (const [row, answers, answer, others] of shapesOf) {
    const prompt = await promptOf(t, {...asked, ...row}, {answers});
    assert.deepEqual([prompt.task, prompt.answer, prompt.references], [answers, answer, others], JSON.stringify(row));
  }
  await assert.rejects(
    promptOf(t, {...asked, answers: {text: [], answer_start: []}}, {answers: 'f1'}),
    /has no answer/,
  );
  const mapped = await promptOf(
    t,
    {...asked, gold: ['x', 'y'], answers: ['z']},
    {answers: 'f1', columns: {references: 'gold', answer: ''}},
  );
  assert.deepEqual([mapped.answer, mapped.references], ['x', ['y']]);
  assert.match(columnMistakes({references: 'gold'}).join(), /columns\.references: more than one reference/);
});

test('benchmarks are protected with their choices, also those in columns; what cannot be read is refused', async (t) => {
  const folder = temporaryFolder(t, {
    table: 'question,A,B,answer\nYes?,the first of both,the second of both,B\n',
    broken: JSON.stringify({question, choices: ['x', null], answer: 'A'}),
  });
  const read = await readBenchmarks(join(folder, 'table'), {}, () => undefined);
  assert.ok(read.touches({question: 'Yes?\nthe first of both\nthe second of both'}));
  assert.ok(!read.touches({question: 'Yes?'}));
  await assert.rejects(
    readBenchmarks(join(folder, 'broken'), {}, () => undefined),
    /number 2 of its 2 is null; benchmarkColumns: \{choices: ''\} leaves it alone/,
  );
});
