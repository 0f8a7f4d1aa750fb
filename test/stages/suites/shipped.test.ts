/** Each suite that is shipped, on a small made-up file of the layout that was published, with scores that were worked out by hand. */
import assert from 'node:assert/strict';
import {test, type TestContext} from 'node:test';
import {MATH_ENVIRONMENT} from '../../../stages/graders/math/index.js';
import {openEnvironment} from '../../../stages/python/environment.js';
import {SUITES, shippedSuite} from '../../../stages/suites/index.js';
import type {SuiteOptions} from '../../../stages/suites/index.js';
import {opened} from '../../rig/python-sandbox.js';
import {startJudge} from '../graders/judge/server.js';
import {means, speak} from './speak.js';

const mathematics = await openEnvironment(MATH_ENVIRONMENT, {note: () => undefined}).then(
  () => false as const,
  (error: unknown) => (error as Error).message,
);

test('every suite that is shipped can be read, and says where its settings come from', async () => {
  for (const name of SUITES) {
    const suite = await shippedSuite(name);
    assert.equal(suite.name, name);
    if (suite.paper === undefined) continue;
    assert.ok(suite.paper.rows.length > 0, name);
    const known = [...suite.measure.metrics, `cons@${suite.measure.consensus ?? 0}`, suite.paper.metric];
    for (const {metric} of suite.paper.rows)
      assert.ok(metric === undefined || known.includes(metric), `${name}: ${metric}`);
  }
});

test('AIME 2024: whole numbers in boxes; the vote is over equal numbers', async (t) => {
  const result = await speak(t, 'aime-2024', {
    files: {
      questions: [
        'aime.jsonl',
        [
          {ID: '2024-I-1', Problem: 'Find x of key-1 .', Solution: '', Answer: 204},
          {ID: '2024-I-2', Problem: 'Find y of key-2 .', Solution: '', Answer: 25},
          {ID: '2024-II-1', Problem: 'Find z of key-3 .', Solution: '', Answer: 73},
          {ID: '2024-II-2', Problem: 'Find w of key-4 .', Solution: '', Answer: 540},
        ],
      ],
    },
    says: {
      'key-1': ['So it is \\boxed{204}.'],
      // AIME's answers have three digits.
      'key-2': ['<think> 25? </think> \\boxed{025}'],
      'key-3': ['It is \\boxed{37}.'],
      'key-4': ['I do not know.'],
    },
  });
  assert.deepEqual(means(result), {'pass@1': 0.5, unparsable: 0.25, truncated: 0, 'cons@2': 0.5});
  assert.deepEqual(result.differs, [
    'samples 2, not 64',
    'tokens a response 8, not 32768',
    'the files have 4 problems, the set has 30',
  ]);
  assert.ok(
    result.paper.some(({model, metric, value}) => model === 'DeepSeek-R1' && metric === 'pass@1' && value === 0.798),
  );
});

test('AIME 2024 in the fields of another copy', async (t) => {
  const result = await speak(t, 'aime-2024', {
    files: {questions: ['aime.csv', 'id,problem,solution,answer,url,year\n60,Find key-1 now,,204,,2024\n']},
    says: {'key-1': ['\\boxed{204}']},
  });
  assert.equal(means(result)['pass@1'], 1);
});

test('MATH-500: formulas that are written differently are one', {skip: mathematics}, async (t) => {
  const row = (id: number, answer: string) => ({
    ...{problem: `Simplify key-${id} now.`, solution: 'By hand.', answer, subject: 'Algebra', level: 2},
    unique_id: `test/algebra/${id}.json`,
  });
  const result = await speak(t, 'math-500', {
    files: {
      questions: [
        'test.jsonl',
        [row(1, '\\frac{3}{2}'), row(2, '\\left( 3, \\frac{\\pi}{2} \\right)'), row(3, 'p - q')],
      ],
    },
    says: {
      'key-1': ['\\boxed{\\tfrac{6}{4}}'],
      'key-2': ['\\boxed{(3, \\pi/2)}'],
      'key-3': ['\\boxed{q - p}'],
    },
  });
  assert.ok(Math.abs(means(result)['pass@1']! - 2 / 3) < 1e-9);
});

const gpqa = (id: number): Record<string, string> => ({
  'Record ID': `rec${id}`,
  Question: `Which of them is key-${id} ?`,
  'Correct Answer': 'the right one',
  'Incorrect Answer 1': 'wrong',
  'Incorrect Answer 2': 'very wrong',
  'Incorrect Answer 3': 'quite wrong',
});

test('GPQA Diamond: the order of choices is drawn by the seed, the right one is found again', async (t) => {
  const says = Object.fromEntries(['1', '2', '3', '4'].map((id) => [`key-${id}`, ['Hm.\nAnswer: A']]));
  const asked = {files: {questions: ['gpqa_diamond.csv', csv([1, 2, 3, 4].map(gpqa))]} as const, says};
  const result = await speak(t, 'gpqa-diamond', asked);
  // Always A is right as often as the right choice stands first.
  const first = result.samples.filter(({outcome}) => outcome === 'right').length / 8;
  assert.equal(means(result)['pass@1'], first);
  const again = await speak(t, 'gpqa-diamond', asked);
  assert.deepEqual(again.samples, result.samples);
});

/** A table with a header. */
function csv(rows: readonly Readonly<Record<string, string>>[]): string {
  const cell = (text: string): string => `"${text.replaceAll('"', '""')}"`;
  const head = Object.keys(rows[0]!);
  return [head, ...rows.map((row) => head.map((name) => row[name]!))]
    .map((cells) => cells.map(cell).join(','))
    .join('\n');
}

const CHOICES = {
  'key-1': ['It is B.\n\nAnswer: B'],
  'key-2': ['**Answer: $C$**'],
  'key-3': ['Answer: A'],
  'key-4': ['There is no telling.'],
};

test('MMLU: letters in simple-evals’ table, places in the one of cais', async (t) => {
  const letters = ['B', 'C', 'D', 'A'].map((Answer, place) => ({
    ...{Question: `What is key-${place + 1} ?`, A: 'one', B: 'two', C: 'three', D: 'four'},
    ...{Answer, Subject: 'anatomy'},
  }));
  const table = await speak(t, 'mmlu', {files: {questions: ['mmlu.csv', csv(letters)]}, says: CHOICES});
  assert.deepEqual(means(table), {'pass@1': 0.5, unparsable: 0.25, truncated: 0, 'cons@2': 0.5});
  assert.ok(table.notes.includes('cons@k is ours: the paper has it of AIME 2024 alone'));
  const places = [1, 2, 3, 0].map((answer, place) => ({
    ...{question: `What is key-${place + 1} ?`, subject: 'anatomy', choices: ['one', 'two', 'three', 'four'], answer},
  }));
  const rows = await speak(t, 'mmlu', {files: {questions: ['test.jsonl', places]}, says: CHOICES});
  assert.deepEqual(means(rows), means(table));
});

test('MMLU-Redux: only the rows without errors count', async (t) => {
  const rows = [1, 2, 3, 0].map((answer, place) => ({
    ...{question: `What is key-${place + 1} ?`, choices: ['one', 'two', 'three', 'four'], answer},
    ...{
      error_type: place === 3 ? 'wrong_groundtruth' : 'ok',
      source: null,
      correct_answer: null,
      potential_reason: null,
    },
  }));
  const result = await speak(t, 'mmlu-redux', {files: {questions: ['test.jsonl', rows]}, says: CHOICES});
  assert.ok(Math.abs(means(result)['em']! - 2 / 3) < 1e-9);
  assert.equal(result.settings.problems, 3);
});

test('MMLU-Pro: up to ten choices', async (t) => {
  const options = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'];
  const row = (id: number, answer: string) => ({
    ...{
      question_id: id,
      question: `What is key-${id} ?`,
      options,
      answer,
      answer_index: options.indexOf(answer.toLowerCase()),
    },
    ...{cot_content: '', category: 'math', src: 'made up'},
  });
  const result = await speak(t, 'mmlu-pro', {
    files: {questions: ['test.jsonl', [row(1, 'J'), row(2, 'E')]]},
    says: {'key-1': ['Answer: J'], 'key-2': ['Answer: (F)']},
  });
  assert.deepEqual(means(result), {em: 0.5, unparsable: 0, truncated: 0, 'cons@2': 0.5});
});

test('DROP: F1 over spans, three examples in front of each question', async (t) => {
  const row = (id: number, ref_text: string) => ({
    context: `Passage: They ran. Question: How far is key-${id} ? Answer:`,
    completion: ref_text.split('|')[0]!,
    ref_text,
  });
  const shots = ['one', 'two', 'three', 'four'].map((word) => ({
    context: `Shot ${word}`,
    completion: word,
    ref_text: word,
  }));
  const scored = await speak(t, 'drop', {
    files: {
      questions: ['dev.jsonl', [row(1, '12|12 yards'), row(2, 'Tom Brady|Brady'), row(3, '7')]],
      shots: ['train.jsonl', shots],
    },
    says: {'key-1': ['Answer: 12 yards'], 'key-2': ['Answer: Tom'], 'key-3': ['Answer: 8']},
  });
  // 12 yards is one of the references; Tom has precision 1 and recall 1/2 of Tom Brady, so 2/3; 8 is not 7.
  assert.ok(Math.abs(means(scored)['f1']! - (1 + 2 / 3 + 0) / 3) < 1e-9);
  assert.ok(Math.abs(means(scored)['em']! - 1 / 3) < 1e-9);
});

test('HumanEval: programs that pass their tests', {skip: opened.skip}, async (t) => {
  const head = (id: number): string => `def plus(x):\n    """Adds ${id} to x: key-${id} .\n    """\n`;
  const rows = [1, 2].map((id) => ({
    ...{
      task_id: `HumanEval/${id}`,
      prompt: head(id),
      entry_point: 'plus',
      canonical_solution: `    return x + ${id}\n`,
    },
    test: `def check(candidate):\n    assert candidate(1) == ${id + 1}\n`,
  }));
  const program = (id: number, body: string): string => `\`\`\`python\n${head(id)}    ${body}\n\`\`\``;
  const result = await speak(t, 'humaneval', {
    files: {questions: ['HumanEval.jsonl', rows]},
    says: {'key-1': [program(1, 'return x + 1')], 'key-2': [program(2, 'return x - 2')]},
  });
  assert.deepEqual(means(result), {'pass@1': 0.5, unparsable: 0, truncated: 0});
});

test('IF-Eval: all instructions of a prompt, on the response as it is', async (t) => {
  const row = (key: number, ids: readonly string[], kwargs: readonly object[]) => ({
    ...{key, prompt: `Write about key-${key} now.`, instruction_id_list: ids, kwargs},
  });
  const rows = [
    row(1, ['punctuation:no_comma', 'length_constraints:number_words'], [{}, {relation: 'at least', num_words: 2}]),
    // As in Parquet, where each record has all arguments.
    row(
      2,
      ['startend:end_checker', 'punctuation:no_comma'],
      [{end_phrase: 'Bye.', num_words: null}, {end_phrase: null}],
    ),
    row(3, ['detectable_format:title'], [{}]),
  ];
  const result = await speak(t, 'if-eval', {
    files: {questions: ['input_data.jsonl', rows]},
    says: {
      'key-1': ['<think> one, two </think> None here.'],
      'key-2': ['One, two. Bye.'],
      'key-3': ['<<It>>'],
    },
  });
  assert.deepEqual(means(result), {'prompt-strict': 2 / 3, unparsable: 0, truncated: 0});
  assert.deepEqual([...new Set(result.samples.map(({value}) => value))].sort(), [0.5, 1]);
  const asked = speak(t, 'if-eval', {
    files: {questions: ['input_data.jsonl', [row(1, ['punctuation:commas'], [{}])]]},
    says: {'key-1': ['x']},
  });
  await assert.rejects(asked, /input_data\.jsonl:1: there is no kind of instruction “punctuation:commas”/);
});

/** A judge that goes by the first word of a reply. */
async function judging(t: TestContext, verdicts: Readonly<Record<string, string>>): Promise<Partial<SuiteOptions>> {
  const server = await startJudge(t, ({mark, block}) => {
    const first = block('reply')!.split(' ')[0]!;
    return `VERDICT ${mark}: ${first === 'The' ? verdicts['Yes']! : verdicts[first]!}`;
  });
  const {R1_JUDGE_URL: before} = process.env;
  process.env['R1_JUDGE_URL'] = server.url;
  t.after(() => {
    if (before === undefined) delete process.env['R1_JUDGE_URL'];
    else process.env['R1_JUDGE_URL'] = before;
  });
  return {grading: {judge: {model: 'some-judge'}}};
}

const FACTS = {'key-1': ['Yes it is.'], 'key-2': ['No idea.'], 'key-3': ['Wrong one.'], 'key-4': ['Yes indeed.']};

test('SimpleQA and C-SimpleQA: correct, not attempted, incorrect by a judge, which is another one than the paper’s', async (t) => {
  const options = await judging(t, {Yes: '2', No: '1', Wrong: '0'});
  const table = [1, 2, 3, 4].map((id) => ({metadata: '{}', problem: `Who was key-${id} ?`, answer: 'Ada'}));
  const result = await speak(t, 'simpleqa', {files: {questions: ['simple_qa.csv', csv(table)]}, says: FACTS, options});
  // 2 of 4 are correct, 1 is not attempted: 2 of 3 attempted; 2 · (1/2 · 2/3) / (1/2 + 2/3) = 4/7.
  const wanted = {correct: 0.5, 'not-attempted': 0.25, 'correct-given-attempted': 2 / 3, 'f-score': 4 / 7};
  for (const [metric, value] of Object.entries(wanted))
    assert.ok(Math.abs(means(result)[metric]! - value) < 1e-9, metric);
  assert.ok(result.differs.some((why) => why.startsWith('other judge')));
  assert.equal(result.settings.judge, 'some-judge');
  const rows = [1, 2].map((id) => ({
    ...{
      id: `a${id}`,
      primary_category: '人文',
      secondary_category: '艺术',
      question: `key-${id} 是谁？`,
      answer: '某人',
      urls: [],
    },
  }));
  const chinese = await speak(t, 'c-simpleqa', {files: {questions: ['c.jsonl', rows]}, says: FACTS, options});
  assert.equal(means(chinese)['correct'], 0.5);
  const nobody = speak(t, 'simpleqa', {files: {questions: ['simple_qa.csv', csv(table)]}, says: FACTS});
  await assert.rejects(nobody, /the answers of SimpleQA are read by a judge, and nobody is named who judges/);
});

test('FRAMES: a judge says PASS or FAIL; the file is a table with tabs', async (t) => {
  const options = await judging(t, {Yes: 'PASS', No: 'FAIL', Wrong: 'FAIL'});
  const lines = ['\tPrompt\tAnswer\twiki_links', ...[1, 2].map((id) => `${id}\tWho was key-${id} ?\tAda\t[]`)];
  const result = await speak(t, 'frames', {files: {questions: ['test.tsv', lines.join('\n')]}, says: FACTS, options});
  assert.equal(means(result)['accuracy'], 0.5);
});

test('C-Eval: columns of choices, a line in Chinese', async (t) => {
  const rows = ['B', 'D'].map((answer, id) => ({
    ...{id: String(id), question: `key-${id + 1} 是____`, A: '一', B: '二', C: '三', D: '四', answer, explanation: ''},
  }));
  const result = await speak(t, 'c-eval', {
    files: {questions: ['val.csv', csv(rows)]},
    says: {'key-1': ['想一想。\n答案：B'], 'key-2': ['答案：**A**']},
  });
  assert.equal(means(result)['em'], 0.5);
  const {explanation: _, ...unpublished} = {...rows[0]!, answer: ''};
  const test = speak(t, 'c-eval', {files: {questions: ['test.csv', csv([unpublished])]}, says: {'key-1': ['x']}});
  await assert.rejects(test, /“answer” is “”, which is none of its 4 choices/);
});

test('CLUEWSC: whether a pronoun means the one that is named', async (t) => {
  const row = (id: number, label: string) => ({
    target: {span2_index: 9, span1_index: 0, span1_text: '床', span2_text: '它'},
    ...{idx: id, label, text: `床上有 key-${id} 它很旧`},
  });
  const result = await speak(t, 'cluewsc', {
    files: {questions: ['dev.json', [row(1, 'true'), row(2, 'false')]]},
    says: {'key-1': ['答案：A'], 'key-2': ['答案：A']},
  });
  assert.equal(means(result)['em'], 0.5);
});
