/** The grader of programs, as rewards ask it: what is read from a completion, verdicts in order, and a stop. */
import assert from 'node:assert/strict';
import {suite, test} from 'node:test';
import {openGrader} from '../../../../stages/graders/registry.js';
import {openScorer} from '../../../../stages/rewards/index.js';
import {programOf} from '../../../../stages/tasks/answers/code.js';
import type {CodeTests} from '../../../../stages/tasks/code-tests.js';
import type {Prompt} from '../../../../stages/tasks/prompt.js';
import {readCompletion} from '../../../../stages/text/completion.js';
import {opened} from '../../../rig/python-sandbox.js';
import {rightSpread, spreadTests} from './hostile.js';

const prompt = (id: string, tests: CodeTests = spreadTests): Prompt => ({
  id,
  from: [],
  task: 'code',
  key: id,
  question: 'How far apart?',
  answer: rightSpread,
  tests,
});

const fenced = (program: string): string => `<think>Well.</think>\n\n\`\`\`python\n${program}\n\`\`\`\n`;

void suite('the grader of programs', {skip: opened.skip}, () => {
  test('rewards ask it, equal programs are run once, and each verdict says what happened', async () => {
    const scorer = await openScorer({weights: {accuracy: 1}, cores: 2});
    try {
      const texts = [
        fenced(rightSpread),
        fenced('def spread(values):\n    return 1'),
        'No program.',
        fenced('def ('),
        fenced(rightSpread),
      ];
      const scored = await scorer.score(
        texts.map((text) => ({prompt: prompt('one'), completion: readCompletion(text, true)})),
      );
      assert.deepEqual(
        scored.map(({total, verdicts: {accuracy}}) => [total, accuracy.outcome]),
        [
          [1, 'right'],
          [0, 'wrong'],
          [0, 'unparsable'],
          [0, 'unparsable'],
          [1, 'right'],
        ],
      );
      assert.match(scored[1]!.verdicts.accuracy.why!, /^fails assert/);
      assert.match(scored[3]!.verdicts.accuracy.why!, /^syntax error/);
    } finally {
      await scorer.close();
    }
  });

  test('tests that cannot be run end the stage with the name of the prompt', async () => {
    const grader = await openGrader('code', {cores: 1, note: () => undefined});
    try {
      const about = {completion: readCompletion(fenced(rightSpread), true), given: rightSpread, reference: ''};
      const broken = prompt('broken', {style: 'check', entryPoint: 'spread', code: 'assert spread(print) == 1'});
      await assert.rejects(
        grader.grade([{prompt: broken, ...about}]),
        /prompt broken cannot be tested: the tests pass an object of class/,
      );
      const {tests: _, ...without} = prompt('without');
      await assert.rejects(
        grader.grade([{prompt: without, ...about}]),
        /prompt without is of the task “code”, and its row has no “tests”/,
      );
      assert.deepEqual(await grader.grade([]), []);
    } finally {
      await grader.close();
    }
  });

  test('closing it, or its signal, ends what runs within a second', async () => {
    for (const how of ['close', 'signal'] as const) {
      const grader = await openGrader('code', {cores: 2, note: () => undefined});
      const given = 'def spread(values):\n    while True: pass\n';
      const request = {prompt: prompt('one'), completion: readCompletion(fenced(given), true), given, reference: ''};
      const stop = new AbortController();
      const batch = grader.grade(
        [request, {...request, given: `${given}\n`}, {...request, given: `${given}\n\n`}],
        stop.signal,
      );
      const failed = assert.rejects(batch, {name: 'Stopped'});
      await new Promise((resolve) => setTimeout(resolve, 300));
      const started = performance.now();
      if (how === 'signal') stop.abort();
      else await grader.close();
      await failed;
      assert.ok(performance.now() - started < 1000);
      await grader.close();
    }
  });
});

test('a program is the last fenced block of Python, or the last without a tag where there is none of Python', () => {
  const read = (text: string) => programOf(readCompletion(text, true));
  assert.equal(read('```python\na\n```'), 'a\n');
  assert.equal(read('```python\na\n```\n```py\nb\n```'), 'b\n');
  assert.equal(read('```python\na\n```\nprints\n```\n1\n```'), 'a\n');
  assert.equal(read('```\na\n```\n```text\n1\n```'), 'a\n');
  assert.equal(read('```Python3 title="x"\na\n```'), 'a\n');
  assert.equal(read('~~~~python\n```\na\n~~~\n~~~~'), '```\na\n~~~\n');
  assert.equal(read('So:\n  ```python\n  if a:\n    b\n  ```'), 'if a:\n  b\n');
  assert.equal(read('```python\r\na\r\n```\r\n'), 'a\n');
  // No program: none, of another language, empty, cut off in the middle, only thought of.
  assert.equal(read('def f(): pass'), undefined);
  assert.equal(read('```js\na\n```'), undefined);
  assert.equal(read('```python\n\n```'), undefined);
  assert.equal(read('```python\na\n```\n```python\nb'), undefined);
  assert.equal(read('<think>```python\na\n```</think> I do not know.'), undefined);
  assert.equal(read('<think>```python\na\n```</think>```python\nb\n```'), 'b\n');
  assert.equal(read('<think>x</think> <answer>```python\nb\n```</answer>'), 'b\n');
});
