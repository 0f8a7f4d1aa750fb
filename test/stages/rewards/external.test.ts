import assert from 'node:assert/strict';
import test from 'node:test';

import type {Grader, GradeRequest, OpenGrader} from '../../../stages/graders/grader.js';
import {verdict} from '../../../stages/graders/verdict.js';
import {accuracy, askOf} from '../../../stages/rewards/accuracy.js';
import {openScorer} from '../../../stages/rewards/index.js';
import type {Prompt} from '../../../stages/tasks/prompt.js';
import type {Task} from '../../../stages/tasks/task.js';
import {readCompletion} from '../../../stages/text/completion.js';

const prompt: Prompt = {id: 'p', from: [], task: 'integer', key: 'p', question: 'q', answer: 'r'};
const module = new URL('./asking.js', import.meta.url).href;
const texts = (...all: string[]) => all.map((text) => ({prompt, completion: readCompletion(text, true)}));

/** A grader that finds `ask-right` right, `ask-late` late, and never comes to an end with `ask-hang`. */
function graderOf(log: string[]): OpenGrader {
  const one = ({given}: GradeRequest) => {
    if (given === 'ask-late') return {...verdict('timed-out'), why: '1 s of processor time'};
    if (given === 'ask-found') return {...verdict('right'), read: '7'};
    if (given === 'ask-lost') return {...verdict('unparsable'), read: null};
    return verdict(given === 'ask-right' ? 'right' : 'wrong');
  };
  return (kind): Promise<Grader> => {
    log.push(`open ${kind}`);
    return Promise.resolve({
      grade(requests, signal) {
        signal?.addEventListener('abort', () => void log.push('given up'));
        if (requests.some(({given}) => given === 'ask-hang')) return new Promise(() => undefined);
        return Promise.resolve(requests.map(one));
      },
      close: () => Promise.resolve(void log.push('closed')),
    });
  };
}

test('a grader is opened for the first answer that needs one, and its verdict is the accuracy in the total', async () => {
  const log: string[] = [];
  const notes: string[] = [];
  const weights = {accuracy: 1, format: 0.5};
  const note = (text: string) => void notes.push(text);
  const scorer = await openScorer({weights, module, open: graderOf(log), note});
  try {
    const [plain] = await scorer.score(texts('yes'));
    assert.equal(plain!.total, 1.5);
    assert.deepEqual(log, []);
    const scored = await scorer.score(texts('ask-right', 'yes', 'ask-wrong', 'ask-late', 'ask-late'));
    assert.deepEqual(
      scored.map(({verdicts, total}) => [verdicts.accuracy.outcome, total]),
      [
        ['right', 1.5],
        ['right', 1.5],
        ['wrong', 0.5],
        ['timed-out', 0.5],
        ['timed-out', 0.5],
      ],
    );
    assert.ok(scored.every((one) => !('ask' in one)));
    // A grader that finds the answer itself says what votes are counted by.
    const found = await scorer.score(texts('ask-found', 'ask-lost', 'ask-right'));
    assert.deepEqual(
      found.map(({answer}) => answer),
      ['7', null, scored[0]!.answer],
    );
    assert.ok(found.every(({verdicts}) => !('read' in verdicts.accuracy)));
    await scorer.score(texts('ask-right'));
  } finally {
    await scorer.close();
  }
  assert.deepEqual(log, ['open math', 'closed']);
  assert.deepEqual(notes, [
    'an answer to prompt p was not graded in time (1 s of processor time); it earns 0 as “timed-out”',
    '2 answers were not graded in time (math)',
  ]);
});

test('a stop is obeyed within a second, though the grader does not listen', async () => {
  const log: string[] = [];
  const stop = new AbortController();
  const scorer = await openScorer({weights: {}, module, open: graderOf(log), signal: stop.signal});
  const scoring = assert.rejects(scorer.score(texts('ask-hang')), {name: 'Stopped'});
  const began = performance.now();
  setTimeout(() => stop.abort(), 100);
  await scoring;
  assert.ok(performance.now() - began < 1_500, `${performance.now() - began} ms`);
  await scorer.close();
  assert.deepEqual(log, ['open math', 'given up', 'closed']);
});

test('a grader that cannot be opened ends the batch with its own sentence', async () => {
  const open: OpenGrader = () => Promise.reject(new Error('no Python'));
  const scorer = await openScorer({weights: {}, module, open});
  await assert.rejects(scorer.score(texts('yes', 'ask')), {message: 'no Python'});
  await scorer.close();
});

test('only an answer that was read, of a task with a grader, is asked about', () => {
  const read = ({answer}: {readonly answer?: string}) => answer;
  const task: Task = {name: 't', reasoning: true, answer: {external: 'math', read, reference: (text) => text}};
  const answer = readCompletion('<answer> 1/2 </answer>', true);
  assert.deepEqual(askOf(prompt, answer, task), {kind: 'math', given: '1/2', reference: 'r'});
  assert.equal(accuracy(prompt, answer, {task}).outcome, 'left-out');
  assert.equal(askOf(prompt, readCompletion('none', true), task), undefined);
  assert.equal(accuracy(prompt, readCompletion('none', true), {task}).outcome, 'unparsable');
  const plain: Task = {name: 't', reasoning: true, answer: {read, reference: (text) => text}};
  assert.equal(askOf(prompt, answer, plain), undefined);
  assert.equal(accuracy(prompt, answer, {task: plain}).outcome, 'wrong');
});
