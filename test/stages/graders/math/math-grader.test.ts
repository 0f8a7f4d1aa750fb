/** Mathematics by Math-Verify. Without Python, or without an environment and a package index to make one, these are skipped. */
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import test, {after} from 'node:test';

import {openMathGrader} from '../../../../stages/graders/math/math-grader.js';
import type {GradeRequest} from '../../../../stages/graders/grader.js';
import type {Prompt} from '../../../../stages/tasks/prompt.js';
import {readCompletion} from '../../../../stages/text/completion.js';
import {root} from '../../../docs/documents.js';
import path from 'node:path';
import {mathPython} from './environment.js';

const found = await mathPython();
const skip = 'why' in found && found.why;
const python = 'python' in found ? found.python : '';

/** One for all tests but those that end it. */
const opened = skip === false ? await openMathGrader({python, processes: 2}) : undefined;
after(() => opened?.close());
const grader = opened!; // Where there is none, the tests that use it are skipped.

const prompt: Prompt = {id: 'p', from: [], task: 'math', key: 'p', question: 'How many?', answer: '5'};
const asked = (reference: string, given: string, question = 'How many?'): GradeRequest => ({
  prompt: {...prompt, question},
  completion: readCompletion(given, true),
  given,
  reference,
});

/** Pairs of our own, each with whether it is right. */
const pairs = readFileSync(path.join(root, 'test/fixtures/math/pairs.jsonl'), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as {kind: string; reference: string; given: string; right: boolean});

test('of each kind of answer, right and wrong are told apart', {skip}, async () => {
  const some = pairs.filter((_, index) => index % 12 === 0);
  assert.ok(new Set(some.map(({kind}) => kind)).size > 20);
  const said = await grader.grade(some.map(({reference, given}) => asked(reference, given)));
  const differ = some.filter(({right}, index) => right !== (said[index]!.outcome === 'right'));
  assert.deepEqual(differ, []);
});

/** The kinds of pairs that came with the checks of denials, capitals, spaces, and spellings, and with a set that was kept aside. */
const WRITTEN = new Set([
  ...['denial', 'capitals', 'spaces in numbers', 'matrix', 'spelling'],
  ...['root as typed', 'set by a condition', 'alternatives', 'two points', 'arithmetic', 'one variable twice'],
]);

test('denials, other variables and split numbers are not right; usual spellings of one value are', {skip}, async () => {
  const some = pairs.filter(({kind}) => WRITTEN.has(kind));
  const said = await grader.grade(some.map(({reference, given}) => asked(reference, given)));
  const differ = some.filter(({right}, index) => right !== (said[index]!.outcome === 'right'));
  assert.deepEqual(differ, []);
});

test('of a whole reply Math-Verify finds the answer, and says which', {skip}, async (t) => {
  const finding = await openMathGrader({python, processes: 2, findsAnswers: true});
  t.after(() => finding.close());
  const said = await finding.grade([
    asked('18', 'She makes 9 * 2 = 18 dollars. The answer is 18, not 20.'),
    asked('\\frac{3}{4}', 'So $x = 5$, and the final answer is $\\frac{3}{4}$. I hope it is correct.'),
    asked('5', 'Hence \\boxed{6}.'),
    asked('18\\%', 'It is 18%.', 'What percent?'),
    asked('5', 'I do not know.'),
    asked('5', 'y '.repeat(7_000)),
  ]);
  assert.deepEqual(
    said.map(({outcome, read}) => [outcome, read]),
    [
      ['right', '18'],
      ['right', '\\frac{3}{4}'],
      ['wrong', '6'],
      ['right', '18\\%'],
      ['unparsable', null],
      ['unparsable', null],
    ],
  );
});

test('what is no one answer is unparsable, with why', {skip}, async () => {
  const said = await grader.grade([
    asked('5', '\\boxed{5} or \\boxed{4}'),
    asked('5', '$5$ or $4$'),
    asked('5', '5, 4'),
    asked('5', 'There are 5 cats and 4 dogs'),
    asked('5', `${'('.repeat(100)}5${')'.repeat(100)}`),
    asked('5', 'x'.repeat(20_000)),
  ]);
  assert.deepEqual(
    said.map(({outcome, why}) => [outcome, why]),
    [
      ['unparsable', 'two different answers'],
      ['unparsable', 'two different answers'],
      ['unparsable', 'a list where one value is asked for'],
      ['unparsable', 'several numbers in a sentence, none of them said to be the answer'],
      ['unparsable', 'nested too deeply'],
      ['unparsable', 'longer than 12000 characters'],
    ],
  );
});

test('28 % is 28 where a percentage is asked for, and nowhere else', {skip}, async () => {
  const said = await grader.grade([asked('28', '28\\%'), asked('28', '28\\%', 'What percentage is it?')]);
  assert.deepEqual(
    said.map(({outcome}) => outcome),
    ['wrong', 'right'],
  );
});

test('what computes for ever is timed out by its processor time, and the others are graded', {skip}, async () => {
  const said = await grader.grade([
    asked('5', '9^{9^{9^{9^{9}}}}'),
    asked('x+1', '$1+x$'),
    asked('5', '\\binom{10^8}{5\\cdot 10^7}'),
  ]);
  assert.deepEqual(
    said.map(({outcome}) => outcome),
    ['timed-out', 'right', 'timed-out'],
  );
  assert.equal(said[0]!.why, '1 s of processor time');
});

test('a verdict does not depend on what SymPy draws, in which each process would be another', {skip}, async () => {
  const hard = asked('5', '$\\begin{pmatrix}x&y\\\\z&w\\end{pmatrix}^{1000}$');
  const said: string[] = [];
  for (let process = 0; process < 3; process++) {
    const one = await openMathGrader({python, processes: 1});
    said.push(JSON.stringify(await one.grade([hard])));
    await one.close();
  }
  assert.deepEqual(new Set(said).size, 1, said.join());
});

test('a batch that is given up ends at once, and so does the process', {skip}, async () => {
  const grader = await openMathGrader({python, processes: 1, limits: {cpu: 60, wall: 60, memory: 4096}});
  const stop = new AbortController();
  const grading = grader.grade([asked('5', '9^{9^{9^{9^{9}}}}')], stop.signal);
  const began = performance.now();
  setTimeout(() => {
    stop.abort();
  }, 200);
  await assert.rejects(grading, {name: 'Stopped'});
  await grader.close();
  assert.ok(performance.now() - began < 1_200, `${performance.now() - began} ms`);
});

test('a reference that cannot be read is named, when it is checked and when it is used', {skip}, async () => {
  const [good, bad] = await grader.check(['\\frac{1}{2}', '\\frac{1}{']);
  assert.equal(good, undefined);
  assert.equal(bad, 'no mathematics that can be read');
  await assert.rejects(grader.grade([asked('\\frac{1}{', '5')]), {
    name: 'StageFailure',
    message: /the reference answer of prompt p cannot be read as mathematics/,
  });
});

test(
  'a Python without Math-Verify is refused with what it says',
  {skip: typeof skip === 'string' && skip},
  async () => {
    await assert.rejects(openMathGrader({python: '/bin/false', processes: 1}), {
      name: 'StageFailure',
      message: /the Python process that grades mathematics has ended/,
    });
  },
);
