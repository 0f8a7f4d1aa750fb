/**
 * Mathematics and programs the whole way, as a person has them: questions from a file, reinforcement learning, scores, a report, and
 * `r1 eval` on the same file. The model is one that says what it is told to. Skipped where there is no environment of Python, or no
 * sandbox.
 */
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {test, type TestContext} from 'node:test';
import {MATH_ENVIRONMENT} from '../../stages/graders/math/index.js';
import {openEnvironment} from '../../stages/python/environment.js';
import {r1} from '../rig/command.js';
import {opened} from '../rig/python-sandbox.js';
import {writeSpeaker, type Line} from '../rig/speaker.js';
import {temporaryFolder} from '../rig/temporary.js';

const made = await openEnvironment(MATH_ENVIRONMENT, {note: () => undefined}).then(
  () => false as const,
  (error: unknown) => (error as Error).message,
);

const recipe = (answers: string): string => `
import {recipe} from 'r1';
import {evaluate, grpo, importModel, importPrompts, report} from 'r1/stages';

export default recipe('graded', (add) => {
  const base = add('base', importModel, {folder: add.source('checkpoint', 'folder', './model')});
  const asked = add('asked', importPrompts, {file: add.source('file', 'jsonl', './rows.jsonl')}, {answers: '${answers}'});
  const asking = {template: 'chat', maxNewTokens: 4, chunk: 2} as const;
  const rl = add('rl', grpo, {policy: base.model, prompts: asked.train},
    {...asking, steps: 2, questions: 2, group: 4, minibatches: 1, microBatch: 8, learningRate: 1e-3, rewards: {accuracy: 1}});
  const {scores} = add('evaluate', evaluate, {model: rl.model, prompts: asked.heldOut}, {...asking, samples: 4});
  add('report', report, {scores: {rl: scores}, histories: {rl: rl.history}, cards: {}});
});
`;

interface Row {
  readonly text: string;
  readonly outcome: string;
  readonly why?: string;
}

/** Runs the recipe and `r1 eval` in a folder with these rows. Gives what was printed, and the rows of both. */
async function graded(
  t: TestContext,
  {answers, rows, lines}: {answers: string; rows: readonly object[]; lines: readonly Line[]},
): Promise<{readonly ran: string; readonly scores: string; readonly evaluated: readonly Row[]; readonly asked: Row[]}> {
  const jsonLines = (those: readonly object[]): string => those.map((row) => JSON.stringify(row)).join('\n');
  const cwd = temporaryFolder(t, {
    'graded.recipe.ts': recipe(answers),
    'rows.jsonl': jsonLines(rows),
    'few.jsonl': jsonLines(rows.slice(0, 8)),
  });
  await writeSpeaker(join(cwd, 'model'), lines);
  const {R1_CACHE} = process.env;
  const env = R1_CACHE === undefined ? {} : {R1_CACHE};
  const run = await r1(t, ['run', './graded.recipe.ts'], {cwd, env});
  assert.equal(run.code, 0, run.err);
  const scores = await r1(t, ['scores'], {cwd, env});
  const exported = await r1(t, ['export', 'evaluate:scores', './scores'], {cwd, env});
  assert.equal(exported.code, 0, exported.err);
  const evaluated = readFileSync(join(cwd, 'scores/rows.jsonl'), 'utf8').trimEnd().split('\n');
  const evaluation = ['eval', './model', '--prompts', './few.jsonl', '--answers', answers, '--samples', '2', '--json'];
  const asked = await r1(t, evaluation, {cwd, env});
  assert.equal(asked.code, 0, asked.err);
  assert.match(asked.err, /grading \d+ responses\n.*\d+ answers: \d+ right, /s);
  const {samples} = JSON.parse(asked.out) as {samples: Row[]};
  return {
    ran: run.err,
    scores: scores.out,
    evaluated: evaluated.map((line) => JSON.parse(line) as Row),
    asked: samples,
  };
}

/** What each text was held to be, with the reason, once for each of them. */
const outcomes = (rows: readonly Row[]): Map<string, string> =>
  new Map(rows.map(({text, outcome, why}) => [text, why === undefined ? outcome : `${outcome}: ${why}`]));

test('mathematics from a file of questions to a report', {skip: made}, async (t) => {
  const replies = ['\\boxed{\\tfrac{6}{4}}', '\\boxed{1.4}', 'It is \\boxed{1} or \\boxed{2}.', 'No idea.'];
  const numbers = Array.from({length: 40}, (_, number) => number);
  const {ran, scores, evaluated, asked} = await graded(t, {
    answers: 'math',
    rows: numbers.map((number) => ({problem: `Simplify key-${number} for me.`, answer: '$\\frac{3}{2}$'})),
    lines: numbers.map((number) => ({key: `key-${number}`, replies})),
  });
  assert.match(ran, /asked +questions from “problem”, answers from “answer”/);
  assert.match(ran, /evaluate +\d+ answers: \d+ right, \d+ wrong, \d+ unparsable(?:; |\n)/);
  assert.match(scores, /pass@1 .*pass@4 .*cons@4/);
  for (const rows of [evaluated, asked])
    for (const [text, outcome] of outcomes(rows))
      assert.equal(
        outcome,
        ['right', 'wrong', 'unparsable: two different answers', 'unparsable'][replies.indexOf(text)],
      );
  assert.equal(outcomes(asked).size, replies.length);
});

const NUMBERS = Array.from({length: 40}, (_, number) => number);
const head = (number: number): string => `def plus(x):\n    """x and ${number}: key-${number} .\n    """\n`;
const fenced = (program: string): string => `Here:\n\`\`\`python\n${program}\`\`\``;

/** Rows in HumanEval's fields, and what the model says to them: a program that is right, one that is not, and none. */
const PROGRAMS = {
  answers: 'code',
  rows: NUMBERS.map((number) => ({
    task_id: `Sum/${number}`,
    prompt: head(number),
    entry_point: 'plus',
    canonical_solution: `    return x + ${number}\n`,
    test: `def check(candidate):\n    assert candidate(1) == ${number + 1}\n`,
  })),
  lines: NUMBERS.map((number) => ({
    key: `key-${number}`,
    replies: ['    return {number} + x\n', '    return {number} - x\n', '    return (\n'].map((body) =>
      fenced(head(number) + body.replace('{number}', String(number))),
    ),
  })),
};

test('programs from rows in HumanEval’s fields to a report', {skip: opened.skip}, async (t) => {
  const {ran, scores, evaluated, asked} = await graded(t, PROGRAMS);
  assert.match(ran, /evaluate +programs are tested with Python 3\.\d+/);
  assert.match(ran, /evaluate +\d+ answers: \d+ right, \d+ wrong, \d+ unparsable(?:; |\n)/);
  assert.doesNotMatch(
    ran,
    /share a run of words/,
    'what r1 writes in front of each question is nothing that they share',
  );
  assert.match(scores, /pass@1 .*pass@4 .*cons@4/);
  for (const rows of [evaluated, asked])
    for (const [text, outcome] of outcomes(rows))
      if (text.includes('+ x')) assert.equal(outcome, 'right');
      else if (text.includes('- x')) assert.match(outcome, /^wrong: fails assert candidate\(1\) == \d+$/);
      else assert.match(outcome, /^unparsable: syntax error: line \d+: /);
});

test('r1 eval runs programs without a sandbox where it is told so in so many words', async (t) => {
  const cwd = temporaryFolder(t, {
    'few.jsonl': PROGRAMS.rows
      .slice(0, 2)
      .map((row) => JSON.stringify(row))
      .join('\n'),
  });
  await writeSpeaker(join(cwd, 'model'), PROGRAMS.lines);
  const words = ['eval', './model', '--prompts', './few.jsonl', '--samples', '4', '--sandbox'];
  const trusted = await r1(t, [...words, 'none-i-trust-every-program'], {cwd});
  assert.equal(trusted.code, 0, trusted.err);
  assert.match(
    trusted.err,
    /run without a sandbox, with all that this user may do \(sandbox: none-i-trust-every-program\)/,
  );
  assert.match(trusted.err, /8 answers: [1-7] right, /);
  const short = await r1(t, [...words, 'none'], {cwd});
  assert.equal(short.code, 2);
  assert.match(short.err, /--sandbox <kind>.*bubblewrap, none-i-trust-every-program/s);
});
