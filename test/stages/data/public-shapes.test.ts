/**
 * Small imitations, in our own words, of how public sets are laid out: which fields are found, and what they hold. Shapes after the
 * sets' cards: openai/gsm8k, hendrycks MATH and MATH-500, DeepScaleR-Preview, OpenR1-Math-220k, NuminaMath-CoT, Alpaca,
 * databricks-dolly-15k, ShareGPT, verl's GSM8K, HumanEval, GSM-Symbolic.
 */
import assert from 'node:assert/strict';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {fileURLToPath} from 'node:url';
import {readPromptFile} from '../../../stages/data/import/index.js';
import {PROMPT_WORDING} from '../../../bin/options/prompt-options.js';
import type {PromptOptions} from '../../../stages/data/import/index.js';
import {temporaryFolder} from '../../rig/temporary.js';

interface Shape {
  readonly row: object;
  readonly options?: PromptOptions;
  readonly question: string;
  readonly answer: string;
  readonly task: string;
  readonly id?: string;
  readonly note?: string;
}

const SHAPES: Readonly<Record<string, Shape>> = {
  GSM8K: {
    row: {question: 'Ana has 3 pens and buys 4. How many has she?', answer: 'She has 3 + 4 = <<3+4=7>>7 pens.\n#### 7'},
    question: 'Ana has 3 pens and buys 4. How many has she?',
    answer: '7',
    task: 'integer',
  },
  MATH: {
    row: {
      problem: 'Solve $2x = 3$.',
      level: 'Level 1',
      type: 'Algebra',
      solution: 'Halving gives $x = \\boxed{\\frac{3}{2}}$.',
    },
    question: 'Solve $2x = 3$.',
    answer: '\\frac{3}{2}',
    task: 'exact',
    note: 'questions from “problem”, answers from “solution”',
  },
  'MATH-500': {
    row: {
      problem: 'What is $2^5$?',
      solution: 'It is $\\boxed{32}$.',
      answer: '32',
      subject: 'Algebra',
      level: 1,
      unique_id: 'test/algebra/1.json',
    },
    question: 'What is $2^5$?',
    answer: '32',
    task: 'integer',
    id: 'test/algebra/1.json',
    note: 'questions from “problem”, answers from “answer” and not from “solution”, which is there, too',
  },
  DeepScaleR: {
    row: {problem: 'Find $n$ with $n + 1 = 9007199254740994$.', answer: 9007199254740993n, solution: ''},
    question: 'Find $n$ with $n + 1 = 9007199254740994$.',
    answer: '9007199254740993',
    task: 'integer',
  },
  'OpenR1-Math': {
    row: {
      ...{
        problem: 'What is 6 times 7?',
        solution: 'Six sevens.',
        answer: '42',
        problem_type: 'Algebra',
        question_type: 'math-word-problem',
      },
      ...{uuid: 'u-1', generations: ['<think>…</think> \\boxed{42}'], correctness_math_verify: [true]},
      messages: [
        {role: 'user', content: 'What is 6 times 7?'},
        {role: 'assistant', content: '<think>…</think> \\boxed{42}'},
      ],
    },
    question: 'What is 6 times 7?',
    answer: '42',
    task: 'integer',
    id: 'u-1',
  },
  'NuminaMath, by its messages': {
    row: {
      source: 'own',
      messages: [
        {role: 'user', content: 'What is 1 + 1?'},
        {role: 'assistant', content: 'It is \\boxed{2}.'},
      ],
    },
    question: 'What is 1 + 1?',
    answer: '2',
    task: 'integer',
    note: 'questions from “messages”, answers from “messages”',
  },
  Alpaca: {
    row: {instruction: 'Name the color.', input: 'snow', output: 'white'},
    question: 'Name the color.\n\nsnow',
    answer: 'white',
    task: 'exact',
    note: 'questions from “instruction” with “input” behind them, answers from “output”',
  },
  'Alpaca without an input': {
    row: {instruction: 'Name a color.', input: '', output: 'white'},
    question: 'Name a color.',
    answer: 'white',
    task: 'exact',
  },
  Dolly: {
    row: {
      instruction: 'When was it built?',
      context: 'The bridge was built in 1901.',
      response: '1901',
      category: 'closed_qa',
    },
    question: 'When was it built?\n\nThe bridge was built in 1901.',
    answer: '1901',
    task: 'integer',
  },
  ShareGPT: {
    row: {
      id: 'x_0',
      conversations: [
        {from: 'system', value: 'Be brief.'},
        {from: 'human', value: 'Hello!'},
        {from: 'gpt', value: 'Hello.'},
        {from: 'human', value: 'Capital of France?'},
        {from: 'gpt', value: 'Paris'},
      ],
    },
    question: 'Capital of France?',
    answer: 'Paris',
    task: 'exact',
    id: 'x_0',
    note: '1 question is the last turn of a conversation, and the turns before are left out',
  },
  'HumanEval, its solutions as texts': {
    row: {
      task_id: 'Own/0',
      prompt: 'def one():\n    """Gives 1."""\n',
      canonical_solution: '    return 1\n',
      entry_point: 'one',
    },
    options: {columns: {answer: 'canonical_solution'}, answers: 'exact'},
    question: 'def one():\n    """Gives 1."""\n',
    answer: 'return 1',
    task: 'exact',
    id: 'Own/0',
  },
  SciQ: {
    row: {
      question: 'Which gas do plants take in?',
      ...{distractor1: 'neon', distractor2: 'argon', distractor3: 'helium', correct_answer: 'carbon dioxide'},
      support: 'Plants take in carbon dioxide.',
    },
    question: 'Which gas do plants take in?',
    answer: 'carbon dioxide',
    task: 'exact',
    note: 'questions from “question”, answers from “correct_answer”',
  },
  'BIG-bench': {row: {input: '2 + 2 =', target: '4'}, question: '2 + 2 =', answer: '4', task: 'integer'},
  'names in capitals': {row: {ID: 1, Question: 'q', Answer: '5'}, question: 'q', answer: '5', task: 'integer'},
  'an answer beside a verdict and a record': {
    row: {question: 'q', solution: '5', correct: true, target: {value: 6}},
    question: 'q',
    answer: '5',
    task: 'integer',
  },
  'parts of a message': {
    row: {
      messages: [
        {
          role: 'user',
          content: [
            {type: 'text', text: 'What is '},
            {type: 'text', text: '2 + 2?'},
          ],
        },
      ],
      label: 4,
    },
    question: 'What is 2 + 2?',
    answer: '4',
    task: 'integer',
  },
  'an answer in a list of one': {row: {question: 'q', answer: ['5']}, question: 'q', answer: '5', task: 'integer'},
  'a field with a dot in its name': {
    row: {'a.b': 'q', c: {d: ['x', 'y']}},
    options: {columns: {question: 'a.b', answer: 'c.d.1'}},
    question: 'q',
    answer: 'y',
    task: 'exact',
  },
};

/** JSON with whole numbers of any length. */
const json = (row: object): string =>
  JSON.stringify(row, (_, value: unknown) => (typeof value === 'bigint' ? `big:${value}` : value)).replaceAll(
    /"big:(\d+)"/g,
    '$1',
  );

async function read(t: TestContext, text: string, options: PromptOptions = {}) {
  return readPromptFile(join(temporaryFolder(t, {file: text}), 'file'), 'f', options);
}

for (const [name, {row, options = {}, question, answer, task, id, note}] of Object.entries(SHAPES)) {
  test(`${name}: question and answer are found`, async (t) => {
    const {prompts, notes} = await read(t, json(row), options);
    const [prompt] = prompts;
    assert.deepEqual(
      {question: prompt!.question, answer: prompt!.answer, task: prompt!.task},
      {question, answer, task},
    );
    if (id !== undefined) assert.equal(prompt!.id, id);
    if (note !== undefined)
      assert.ok(
        notes.some((one) => one.startsWith(note)),
        notes.join('\n'),
      );
  });
}

test('verl: the question is the last turn of the user, the answer lies within a record', async () => {
  const file = fileURLToPath(new URL('../../../../test/fixtures/data/rows.parquet', import.meta.url));
  const {prompts, notes} = await readPromptFile(file, 'f');
  assert.deepEqual(
    prompts.map(({question, answer}) => [question, answer]),
    [1, 2, 3, 4].map((n) => [`What is ${n} + 1?`, String(n + 1)]),
  );
  assert.ok(notes.includes('4 rows have a system prompt, which is left out'), notes.join('\n'));
});

test('GSM-Symbolic: variants of a template, and both languages of one, have one key; languages by their codes', async (t) => {
  const row = (language: string, id: number, question: string, answer: string): string =>
    `question = "${question}"\nanswer = """\n…\n#### ${answer}\n"""\nid_orig = ${id}\nlanguage = "${language}"\n`;
  const folder = temporaryFolder(t, {
    'eng-1.toml': row('eng', 7, 'Ana has 3 pens.', '3'),
    'zho-1.toml': row('zho', 7, '小安有 3 支筆。', '3'),
    'eng-2.toml': row('eng', 8, 'Ben has 4 pens.', '4'),
  });
  const {prompts} = await readPromptFile(folder, 'd');
  const [one, two, zh] = prompts;
  assert.equal(one!.key, zh!.key);
  assert.notEqual(one!.key, two!.key);
  assert.deepEqual(
    prompts.map(({language}) => language),
    ['en', 'en', 'zh'],
  );
});

const FAULTS: Readonly<Record<string, readonly [row: object, said: RegExp, options?: PromptOptions]>> = {
  'a mapping to a field that is not there': [
    {question: 'q', solution: 'a'},
    /^f:1 has no field “answr”, which columns: \{answer: 'answr'\} names; its fields are question, solution$/,
    {columns: {answer: 'answr'}},
  ],
  'a record where a text should be': [
    {question: {text: 'q'}, answer: '1'},
    /^f:1: “question” must be a text, and is a record of text; name the field within, as columns: \{question: 'question\.…'\}$/,
  ],
  'several answers': [
    {question: 'q', answer: ['1', '2']},
    /^f:1: “answer” must be a text, and is a list of 2; name the field within/,
  ],
  'tools in a conversation': [
    {
      messages: [
        {role: 'user', content: 'q'},
        {role: 'tool', content: 'x'},
      ],
      answer: '1',
    },
    /^f:1: “messages\.1”: a turn is of system, user or assistant, and this one of “tool”$/,
  ],
  'pictures in a conversation': [
    {messages: [{role: 'user', content: [{type: 'image_url', image_url: {}}]}], answer: '1'},
    /^f:1: “messages\.0” has parts that are no texts \(pictures, sounds\)$/,
  ],
  'a conversation without a question': [
    {messages: [{role: 'assistant', content: 'hi'}], answer: '1'},
    /^f:1: “messages” has no turn of the user that says something$/,
  ],
  'a text that should be a whole number': [
    {question: 'q', answer: 'x + 1'},
    /^f:1: “answer” is no whole number: “x \+ 1”$/,
    {answers: 'integer'},
  ],
};
for (const [what, [row, said, options]] of Object.entries(FAULTS)) {
  test(`${what}: refused with place and field`, async (t) => {
    await assert.rejects(
      read(t, json(row), options),
      (error: Error) => error.name === 'StageFailure' && said.test(error.message),
    );
  });
}

test('names that differ by case alone are none that is meant', async (t) => {
  await assert.rejects(read(t, json({Question: 'q', QUESTION: 'r', answer: '1'})), /has no question/);
});

test('a passage that is not asked is told, with what puts it behind the question', async (t) => {
  const rows = [
    {question: 'Who built it?', context: 'Ann built it.', answer: 'Ann'},
    {question: 'Who saw it?', context: 'Ben saw it.', answer: 'Ben'},
    {question: 'Is it old?', passage: 'It is old.', answer: 'yes'},
    {question: 'It is new. Is it?', passage: 'It is new.', answer: 'yes'}, // Asked already.
    {question: 'Is it big?', passage: '', answer: 'no'},
  ];
  const lines = rows.map(json).join('\n');
  const told = (notes: readonly string[]) => notes.filter((note) => note.includes('which is not asked'));
  assert.deepEqual(told((await read(t, lines)).notes), [
    "2 rows have a field “context”, which is not asked; columns: {context: 'context'} puts it behind the question, columns: {context: ''} says that it does not belong to it",
    "1 row has a field “passage”, which is not asked; columns: {context: 'passage'} puts it behind the question, columns: {context: ''} says that it does not belong to it",
  ]);
  const flags = await read(t, lines, {wording: PROMPT_WORDING});
  assert.match(told(flags.notes)[0]!, /; --column context=context puts it behind the question/);
  assert.deepEqual(told((await read(t, lines, {columns: {context: ''}})).notes), []);
  const asked = await read(t, json(rows[0]!), {columns: {context: 'context'}});
  assert.equal(asked.prompts[0]!.question, 'Who built it?\n\nAnn built it.');
  assert.deepEqual(told(asked.notes), []);
});

test('rows that cannot be used are dropped and counted where that is asked for', async (t) => {
  const lines = [{question: 'q', answer: '1'}, {question: 'r'}, {question: 's', answer: null}, {answer: '2'}]
    .map(json)
    .join('\n');
  const {prompts, notes} = await read(t, lines, {unusable: 'drop'});
  assert.equal(prompts.length, 1);
  assert.deepEqual(notes, ['left out as unusable: 2 no answer, 1 no question']);
});
