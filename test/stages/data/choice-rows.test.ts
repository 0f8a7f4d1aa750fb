/** Lists of choices as public sets have them, imitated in our own words: MMLU, ARC, HellaSwag, MedQA, AQuA-RAT, CommonsenseQA. */
import assert from 'node:assert/strict';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {readPromptFile} from '../../../stages/data/import/index.js';
import type {PromptOptions} from '../../../stages/data/import/index.js';
import {columnMistakes, sampleColumnMistakes} from '../../../stages/data/import/params.js';
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
};
for (const [name, row] of Object.entries(shapes))
  test(`a row of choices becomes a question that shows them: ${name}`, async (t) => {
    const columns = {
      ...('ctx' in row ? {question: 'ctx'} : {}),
      ...('correct' in row ? {answer: 'correct'} : {}),
    };
    const prompt = await promptOf(t, row, {columns});
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
    /has no field “endings”, which columns\.choices names/,
  );
  const left = await promptOf(t, {question, choices: cities, answer: 1}, {columns: {choices: ''}});
  assert.deepEqual([left.task, left.choices], ['integer', undefined]);
  // A question that has its list already, with a letter beside it.
  const shown = await promptOf(t, {question: `${question} (A) Rome (B) Paris`, answer: 'B'}, {answers: 'choice'});
  assert.deepEqual([shown.task, shown.answer, shown.choices], ['choice', 'B', undefined]);
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
