/**
 * How questions are asked and answers found, from the params of a stage to its rows: each stage a process of its own, the model one
 * that says what the test wants.
 */
import assert from 'node:assert/strict';
import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {after, before, test} from 'node:test';
import {writeRows} from '../../stages/data/rows.js';
import {readEvaluation} from '../../stages/evaluation/report/index.js';
import {evaluate, grpo, rejectionSampling} from '../../stages/index.js';
import type {Prompt} from '../../stages/tasks/prompt.js';
import {NO_WORDING, wordingMistakes} from '../../stages/text/wording.js';
import {writeSpeaker} from '../rig/speaker.js';
import {rowsIn} from './here.js';
import {make, outputPath, runStage, writeJob} from './stagejob.js';

const root = mkdtempSync(join(tmpdir(), 'r1-asking-'));
const at = (name: string): string => join(root, name);
after(() => rmSync(root, {recursive: true, force: true}));

/** What the model says to each question, and the reference. */
const SAID: readonly (readonly [reply: string, answer: string])[] = [
  ['<think>9+9</think><answer>18</answer>', '18'],
  ['So she makes $18.\n\nQuestion: what is 3 + 4?', '18'],
  ['It is 18 apples, not 20.', '18'],
  ['It is 20.', '18'],
  ['I do not know.', '18'],
];

before(async () => {
  await writeSpeaker(
    at('model'),
    SAID.map(([reply], index) => ({key: `key-${index}`, replies: [reply]})),
  );
  await writeRows(
    at('questions'),
    SAID.map(([, answer], index): Prompt => ({
      ...{
        id: `p${index}`,
        from: [],
        task: 'integer',
        key: `k${index}`,
        question: `How many? key-${index}`,
        answer,
        language: 'en',
      },
    })),
  );
});

const drawn = {samples: 2, temperature: 0.1, maxNewTokens: 4, chunk: 8};
interface Row {
  readonly prompt: string;
  readonly outcome: string;
  readonly strict?: string;
  readonly answer: string | null;
  readonly wordless: boolean | null;
  readonly tokens: number;
  readonly text: string;
}
const job = (params: object) => ({
  stage: evaluate,
  exported: 'evaluate',
  inputs: {model: at('model'), prompts: at('questions')},
  params: {...drawn, ...params},
});

test('the strict and the lenient reading stand beside each other on the same responses', async () => {
  const stop = ['\n\nQuestion:'];
  await make(at('lenient'), job({extraction: 'last-number', stop}));
  const rows = rowsIn<Row>(outputPath(at('lenient'), 'scores')).filter((_, index) => index % 2 === 0);
  assert.deepEqual(
    rows.map(({outcome, strict, answer}) => [outcome, strict, answer]),
    [
      ['right', 'right', '18'],
      ['right', 'unparsable', '18'],
      ['right', 'unparsable', '18'],
      ['wrong', 'unparsable', '20'],
      ['unparsable', 'unparsable', null],
    ],
  );
  // Cut in front of the stop text, whose token is the last one that counts; the others end with the end token.
  assert.equal(rows[1]!.text, 'So she makes $18.');
  assert.deepEqual(
    rows.map(({tokens}) => tokens),
    [2, 1, 2, 2, 2],
  );
  assert.deepEqual(
    rows.map(({wordless}) => wordless),
    [true, true, true, true, true],
  );
  const {scores, samples, ...asked} = await readEvaluation(outputPath(at('lenient'), 'scores'));
  assert.equal(samples.length, 10);
  const mean = (metric: string): number | undefined => scores.find((one) => one.metric === metric)?.mean;
  assert.deepEqual(['pass@1', 'pass@1/tag', 'format', 'wordless', 'invalid'].map(mean), [0.6, 0.2, 0.2, 1, 0.2]);
  assert.equal(scores.find(({metric}) => metric === 'pass@1/tag')?.samples, 10);
  assert.deepEqual([asked.extraction, asked.stop, asked.prefill, 'system' in asked], ['last-number', stop, '', false]);
});

test('as by default there is one reading, and scores say no more than before', async () => {
  await make(at('plain'), job({}));
  const rows = rowsIn<Row>(outputPath(at('plain'), 'scores'));
  assert.ok(rows.every((row) => !('strict' in row)));
  assert.equal(rows.filter(({outcome}) => outcome === 'right').length, 2);
  const file = JSON.parse(readFileSync(join(outputPath(at('plain'), 'scores'), 'scores.json'), 'utf8')) as object;
  assert.deepEqual(Object.keys(file), ['format', 'model', 'template', 'prefill', 'temperature', 'topP', 'k', 'scores']);
});

test('a system text, a suffix and a prefill reach the model, and rows keep what it was made to begin with', async () => {
  // The model goes by the last word that it is given: here the suffix asks all questions for the third answer.
  await make(at('suffix'), job({suffix: ' (as key-2 )', extraction: 'last-number'}));
  const asked = rowsIn<Row>(outputPath(at('suffix'), 'scores'));
  assert.ok(asked.every(({text, outcome}) => text === SAID[2]![0] && outcome === 'right'));
  await make(at('prefill'), job({system: 'key-9 Be brief.', prefill: ' key-3', extraction: 'last-number'}));
  const begun = rowsIn<Row>(outputPath(at('prefill'), 'scores'));
  assert.ok(
    begun.every(({text, tokens}) => text === `key-3${SAID[3]![0]}` && tokens === 2),
    begun[0]?.text,
  );
});

test('rejection sampling takes the same params', async () => {
  const sampling = {samples: 1, temperature: 0.1, maxNewTokens: 4, template: 'chat', extraction: 'tag'};
  const inputs = {policy: at('model'), prompts: at('questions')};
  await make(at('kept'), {stage: rejectionSampling, exported: 'rejectionSampling', inputs, params: sampling});
  const verdicts = rowsIn<{verdict: string}>(outputPath(at('kept'), 'rollouts')).map(({verdict}) => verdict);
  assert.deepEqual(
    verdicts.slice(1),
    Array.from({length: 4}, () => 'answer unparsable'),
  );
});

test('thinking in digits alone is dropped as mixed, or kept where the params say that it needs no words', async () => {
  const verdicts = async (noWords: number): Promise<(string | undefined)[]> => {
    const name = `wordless-${noWords}`;
    const params = {samples: 1, temperature: 0.1, maxNewTokens: 4, noWords};
    const inputs = {policy: at('model'), prompts: at('questions')};
    await make(at(name), {stage: rejectionSampling, exported: 'rejectionSampling', inputs, params});
    return rowsIn<{verdict: string}>(outputPath(at(name), 'rollouts')).map(({verdict}) => verdict);
  };
  const [first, ...others] = await verdicts(0);
  assert.equal(first, 'mixed languages');
  assert.deepEqual(await verdicts(1), ['kept', ...others]);
});

test('a policy that is made to begin in a way learns from what it wrote behind it', async () => {
  await writeSpeaker(at('policy'), [
    {key: 'key-0', replies: ['no']},
    {key: 'key-1', replies: ['It is 18.', 'It is 20.']},
  ]);
  const params = {
    ...{
      template: 'chat',
      prefill: ' key-1',
      stop: ['.'],
      extraction: 'last-number',
      rewards: {accuracy: 1, language: 1},
    },
    ...{steps: 2, questions: 5, group: 4, minibatches: 1, maxNewTokens: 4, chunk: 5, microBatch: 20, klCoefficient: 0},
    ...{temperature: 1, learningRate: 1e-3, noWords: 1, checkGroups: 5},
  };
  // All questions hold key-0, or keys that this model does not know, and it would say “no” but for the prefill.
  const inputs = {policy: at('policy'), prompts: at('questions')};
  await make(at('zero'), {stage: grpo, exported: 'grpo', inputs, params});
  const rows = rowsIn<{
    completion: string;
    tokens: number;
    finished: boolean;
    verdicts: Record<string, {value: number}>;
  }>(outputPath(at('zero'), 'rollouts'));
  assert.ok(rows.length >= 8);
  for (const {completion, tokens, finished, verdicts} of rows) {
    assert.match(completion, /^key-1It is (?:18|20)$/); // The point ends it, and is left out.
    assert.deepEqual([tokens, finished], [1, true]); // The end token behind it was dropped, the prefill is prompt.
    assert.equal(verdicts['accuracy']!.value, Number(completion.endsWith('18')));
    assert.equal(verdicts['language']!.value, 1); // No thinking, so no words in it.
  }
  const [first] = rowsIn<{wordless: number; language: number; length: number}>(outputPath(at('zero'), 'history'));
  assert.deepEqual([first!.wordless, first!.language, first!.length], [1, 1, 1]);
});

test('an extraction that the prompts have no use for ends the stage before anything is sampled', async () => {
  writeJob(at('refused'), job({extraction: 'math-verify'}));
  const {result} = await runStage(at('refused'));
  assert.equal(result?.end, 'failed');
  assert.match(JSON.stringify(result), /extraction “math-verify” is not for the task “integer”, of which prompt p0 is/);
});

test('shots that are none, or have no place, are told before anything runs', () => {
  const asked = {...NO_WORDING, template: 'chat' as const, shots: [{question: 'a', response: 'b'}]};
  assert.deepEqual(wordingMistakes(asked), []);
  assert.match(wordingMistakes({...asked, template: 'zero'}).join(), /shots: the template “zero” has no turns/);
  assert.match(
    wordingMistakes({...asked, shots: [{question: 'a'}] as never}).join(),
    /shots is a list of .*"question":"a"/,
  );
  assert.match(wordingMistakes({...asked, shots: [null] as never}).join(), /null is none/);
});
