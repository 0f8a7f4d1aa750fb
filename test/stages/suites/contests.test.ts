/** Suites of programs and of pairs, on small made-up files of the layouts that were published, with scores worked out by hand. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {deflateSync} from 'node:zlib';
import {opened} from '../../rig/python-sandbox.js';
import {startJudge} from '../graders/judge/server.js';
import {means, speak} from './speak.js';

const lcb = (id: number, more: Readonly<Record<string, unknown>>) => ({
  ...{question_title: 'Sums', question_content: `Add key-${id} up.`, platform: 'atcoder', question_id: `abc_${id}`},
  ...{contest_id: 'abc', contest_date: '2024-09-07T00:00:00', starter_code: '', difficulty: 'easy', metadata: '{}'},
  ...more,
});
const tests = (testtype: string, ...cases: readonly (readonly [string, string])[]): string =>
  JSON.stringify(cases.map(([input, output]) => ({input, output, testtype})));
/** What Python's pickle makes of a text in its first protocol, with only ASCII in it. */
const squeezed = (text: string): string => deflateSync(`V${text.replaceAll('\\', '\\u005c')}\n.`).toString('base64');

test(
  'LiveCodeBench: programs and functions, tests that are packed, problems of the paper’s window',
  {skip: opened.skip},
  async (t) => {
    const starter = 'class Solution:\n    def addAll(self, nums: List[int], more: int) -> int:\n        ';
    const rows = [
      lcb(1, {
        public_test_cases: tests('stdin', ['1 2\n', '3\n']),
        private_test_cases: squeezed(tests('stdin', ['2 2\n', '4.0\n'])),
      }),
      lcb(2, {
        public_test_cases: tests('functional', ['[1, 2]\n3', '6']),
        private_test_cases: squeezed(tests('functional', ['[]\n1', '1'])),
        ...{starter_code: starter, metadata: '{"func_name": "addAll"}', platform: 'leetcode'},
      }),
      lcb(3, {
        public_test_cases: tests('stdin', ['1 2\n', '3\n']),
        private_test_cases: tests('stdin', ['9 9\n', '18\n']),
      }),
      // Of another month.
      lcb(4, {contest_date: '2024-07-31T00:00:00', public_test_cases: '[]', private_test_cases: '[]'}),
    ];
    const python = (...lines: readonly string[]): string[] => [`\`\`\`python\n${lines.join('\n')}\n\`\`\``];
    const sum = 'print(sum(map(int, input().split())))';
    const result = await speak(t, 'live-code-bench', {
      files: {questions: ['test6.jsonl', rows]},
      says: {
        'key-1': python(sum),
        // List and reduce are there without being imported.
        'key-2': python(
          'class Solution:',
          '    def addAll(self, nums: List[int], more: int):',
          '        return reduce(add, nums, more)',
        ),
        'key-3': python('print(3)'),
      },
    });
    assert.deepEqual(
      result.samples.filter(({sample}) => sample === 0).map(({outcome, why}) => why ?? outcome),
      ['right', 'right', 'case 2: line 1 is "3" where "18" is expected'],
    );
    assert.ok(Math.abs(means(result)['pass@1']! - 2 / 3) < 1e-9);
    const hostile = speak(t, 'live-code-bench', {
      files: {
        questions: [
          'test6.jsonl',
          [lcb(1, {public_test_cases: '[]', private_test_cases: deflateSync('cos\nsystem\n.').toString('base64')})],
        ],
      },
      says: {'key-1': ['x']},
    });
    await assert.rejects(hostile, /test6\.jsonl:1: its tests cannot be unpacked: .* it names os\.system/);
  },
);

const problem = (contest: string, index: string, more: object) => ({
  ...{id: `${contest}/${index}`, contest_id: contest, contest_name: 'Round', index, time_limit: 1, title: 'Sum'},
  ...{input_format: 'Two numbers.', output_format: 'Their sum.', interaction_format: null, note: null},
  ...{
    examples: [{input: '1 2', output: '3'}],
    official_tests: [
      {input: '1 2\n', output: '3\n'},
      {input: '5 5\n', output: '10\n'},
    ],
  },
  ...{official_tests_complete: true, input_mode: 'stdio', generated_checker: null},
  ...more,
});

test('Codeforces: ratings by the problems, and with standings by the contests', {skip: opened.skip}, async (t) => {
  const rows = [
    problem('100', 'A', {description: 'Add for key-1 .', note: 'Think of key-1 .', rating: 1500}),
    problem('100', 'B', {description: 'Add for key-2 .', rating: 1500}),
    problem('200', 'A', {description: 'Add for key-3 .', rating: null}),
    problem('200', 'B', {description: 'Any two for key-4 .', rating: 800, generated_checker: 'import sys'}),
  ];
  const python = (line: string): string[] => [`\`\`\`python\n${line}\n\`\`\``];
  const sum = python('print(sum(map(int, input().split())))');
  const asked = {
    says: {'key-1': sum, 'key-2': python('print(3)'), 'key-3': sum, 'key-4': sum},
    files: {
      questions: ['problems.jsonl', rows],
      standings: [
        'standings.csv',
        'contest_id,handle,rating,solved\n100,ada,1500,A\n200,ada,1500,A B\n200,bob,1500,A\n200,eve,1500,""\n',
      ],
      ratings: ['ratings.jsonl', [1000, 1400, 1500, 2000].map((rating) => ({handle: `h${rating}`, rating}))],
    },
  } as const;
  const result = await speak(t, 'codeforces', asked);
  const {'problem-rating': byProblems, 'contest-rating': byContests, percentile, 'pass@1': share} = means(result);
  assert.ok(Math.abs(share! - 2 / 3) < 1e-9);
  // One of two problems of 1500 is solved; the third has no rating, the fourth is left out.
  assert.ok(Math.abs(byProblems! - 1500) < 1e-3);
  // In contest 100 a tie with one of 1500; in 200 rank 2.5 of 4: 1 + 3 · p = 2.5, so 1500 as well.
  assert.ok(Math.abs(byContests! - 1500) < 1e-3);
  assert.ok(percentile === 0.5 || percentile === 0.625 || percentile === 0.75);
  assert.ok(result.noted.includes('problems that want a checker, as they have several right outputs are left out: 1'));
  assert.ok(result.notes.includes('contests: 100, 200'));
  const {standings: _, ...without} = asked.files;
  await assert.rejects(
    speak(t, 'codeforces', {...asked, files: without}),
    /a percentile is of the contest rating, which wants standings/,
  );
  const {ratings: __, ...alone} = without;
  const {scores} = await speak(t, 'codeforces', {...asked, files: alone});
  assert.deepEqual(
    scores.map(({metric}) => metric),
    ['problem-rating', 'pass@1', 'unparsable', 'truncated'],
  );
});

test('ArenaHard: two games against the baseline, five verdicts', async (t) => {
  // The judge finds what holds “good” much better than anything else, what holds “fair” a little, and two of a kind as good.
  const rank = (text: string): number => (text.includes('good') ? 4 : text.includes('fair') ? 1 : 0);
  const server = await startJudge(t, ({mark, block}) => {
    const reply = block('reply')!;
    const [, first, second] = /^\w+ A\n([^]*)\n\w+ B\n([^]*)\n\w+ end$/.exec(reply) ?? [];
    if (first === undefined) return `VERDICT ${mark}: 4`; // The question that tries it.
    const ahead = rank(second!) - rank(first);
    return `VERDICT ${mark}: ${ahead > 1 ? 4 : ahead === 1 ? 3 : ahead === 0 ? 2 : ahead === -1 ? 1 : 0}`;
  });
  const {R1_JUDGE_URL: before} = process.env;
  process.env['R1_JUDGE_URL'] = server.url;
  t.after(() => (before === undefined ? delete process.env['R1_JUDGE_URL'] : (process.env['R1_JUDGE_URL'] = before)));
  const asked = {
    says: {'key-1': ['<think> bad </think> a good one'], 'key-2': ['a fair one'], 'key-3': ['none'], 'key-4': ['none']},
    options: {asking: {samples: 1}, grading: {judge: {model: 'some-judge'}}},
  };
  const questions = [1, 2, 3, 4].map((id) => ({
    ...{question_id: `q${id}`, category: 'arena-hard-v0.1', cluster: 'made up', turns: [{content: `Do key-${id} now`}]},
  }));
  const replies = ['none', 'none', 'none', 'good work'].map((content, place) => ({
    ...{
      question_id: `q${place + 1}`,
      answer_id: 'a',
      model_id: 'gpt-4-0314',
      choices: [{index: 0, turns: [{content}]}],
    },
  }));
  const files = {questions: ['question.jsonl', questions], baseline: ['gpt-4-0314.jsonl', replies]} as const;
  const result = await speak(t, 'arena-hard', {...asked, files});
  // Much better twice: 6 of 6; a little better twice: 2 of 2; as good twice: 1 of 2; much worse twice: 0 of 6.
  assert.ok(Math.abs(means(result)['win-rate']! - 9 / 16) < 1e-9);
  assert.deepEqual(
    result.samples.map(({value}) => value),
    [1, 1, 0.5, 0],
  );
  assert.equal(result.settings.judge, 'some-judge');
  assert.ok(result.differs.includes('other judge: not gpt-4-1106-preview'));
  assert.ok(
    server.asked.every(({text}) => !text.includes('bad')),
    'the judge sees no thinking',
  );
  await assert.rejects(
    speak(t, 'arena-hard', {...asked, files: {questions: files.questions, baseline: ['b.jsonl', replies.slice(1)]}}),
    /b\.jsonl has no reply of the baseline to arena-hard:q1/,
  );
});
