/**
 * Choices by log-probability: by hand, on small models beside what lm-evaluation-harness said of them (fixtures/data/choices.json), and
 * beside the harness itself where Python has it:
 *
 *     pip install lm-eval==0.4.13 && R1_TEST_PYTHON=python3 npm test -- evaluation/choices
 */
import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {pairTokens, scoreChoices, scoreOf} from '../../../stages/evaluation/choices.js';
import {judgeSample, scoreSamples} from '../../../stages/evaluation/index.js';
import {newConfig} from '../../../stages/model/config.js';
import {saveModel} from '../../../stages/model/hf-folder/index.js';
import {initialWeights} from '../../../stages/model/parameters.js';
import {scoreCompletion} from '../../../stages/rewards/registry.js';
import {builtInTasks} from '../../../stages/tasks/built-in.js';
import type {Prompt} from '../../../stages/tasks/prompt.js';
import {readCompletion} from '../../../stages/text/completion.js';
import {openTokenizer} from '../../../stages/text/tokenizer.js';
import {temporaryFolder} from '../../rig/temporary.js';

const FIXTURES = join(import.meta.dirname, '../../../../test/fixtures');
const SCRIPT = join(import.meta.dirname, '../../../../test/scripts/lm_eval_choices.py');
const python = process.env['R1_TEST_PYTHON'];

test('the likeliest choice, by itself, by character and by byte: worked by hand', () => {
  // −6, −7 and −9; by character −6/2, −7/4 and −9/8; by byte −6/2, −7/4 and −9/24.
  const of = (gold: number) => {
    const {right, rightByCharacters, rightByBytes} = scoreOf(['no', 'yes.', '一二三四五六七八'], [-6, -7, -9], gold);
    return [right, rightByCharacters, rightByBytes];
  };
  assert.deepEqual([0, 1, 2].map(of), [
    [true, false, false],
    [false, false, false],
    [false, true, true],
  ]);
  // 16 characters against 8 of three bytes each: by character the first, by byte the second.
  assert.deepEqual(
    (({rightByCharacters, rightByBytes}) => [rightByCharacters, rightByBytes])(
      scoreOf(['abcdefghijklmnop', '一二三四五六七八'], [-16, -12], 0),
    ),
    [true, false],
  );
  assert.equal(scoreOf(['a', 'b'], [-1, -1], 0).right, true); // of equal ones the first
  assert.equal(scoreOf(['a', 'b'], [-1, -1], 1).right, false);
});

test('a pair is encoded as a whole and cut where its question ends; spaces there belong to the choice', () => {
  const encode = (text: string): number[] => [...(text.match(/ ?\S+| +/g) ?? [])].map((piece) => piece.length);
  assert.deepEqual(pairTokens('What is it', ' this one', encode), {tokens: [4, 3, 3, 5, 4], from: 3});
  assert.deepEqual(pairTokens('What is it ', 'this', encode), {tokens: [4, 3, 3, 5], from: 3});
  // A token of four letters across the border: the question keeps its own, and the choice has what is left.
  const inFours = (text: string): number[] => (text.match(/.{1,4}/g) ?? []).map((piece) => piece.length);
  assert.deepEqual(pairTokens('abcdef', 'ghijk', inFours), {tokens: [4, 2, 3], from: 2});
});

/** Questions with choices of several lengths, not all of them ASCII. */
const QUESTIONS: readonly {readonly stem: string; readonly choices: readonly string[]; readonly gold: number}[] = [
  {stem: 'Question: What is 3 + 4 ?\nAnswer:', choices: ['7', '12', 'seven and a half', 'none of these'], gold: 0},
  {stem: 'The cat sat on', choices: ['the mat.', 'a very large and very old wooden chair', 'it'], gold: 1},
  {stem: 'Which of these is a city?', choices: ['Zürich', '東京都', 'blue', 'Paris, the capital of France'], gold: 2},
  {stem: 'a', choices: ['b', 'c'], gold: 1},
  {stem: 'He said:  ', choices: ['"yes"', '"no, not at all"'], gold: 0},
  {stem: '小明有 5 个苹果，还有', choices: ['3 个', '三个梨子和两个苹果', 'apples'], gold: 1},
];

const CASES = [
  {tokenizer: 'llama-like', template: 'none'},
  {tokenizer: 'qwen-like', template: 'none'},
  {tokenizer: 'qwen-like', template: 'chat'},
] as const;
type Case = (typeof CASES)[number];

interface Expected {
  readonly logLikelihoods: readonly number[];
  readonly acc: number;
  readonly acc_norm: number;
  readonly acc_bytes: number;
}

const expected = JSON.parse(readFileSync(join(FIXTURES, 'data/choices.json'), 'utf8')) as Record<string, Expected[]>;

/** A small model of large weights, so that what it finds likely differs. */
async function modelOf(t: TestContext, {tokenizer: name}: Case): Promise<string> {
  const folder = temporaryFolder(t);
  const tokenizerFrom = join(FIXTURES, 'tokenizers', name);
  const {size, eosId, padId} = await openTokenizer(tokenizerFrom);
  const config = newConfig({
    ...{
      vocabSize: size,
      hiddenSize: 32,
      intermediateSize: 64,
      layers: 2,
      heads: 4,
      keyValueHeads: 2,
      maxPositions: 256,
    },
    ...{eosId, padId, initializerRange: 0.3},
  });
  await saveModel(folder, {config, weights: initialWeights(config, 7), tokenizerFrom});
  return folder;
}

const promptOf = ({stem, choices, gold}: (typeof QUESTIONS)[number], id: number): Prompt => ({
  ...{id: String(id), from: [], task: 'choice', key: String(id), question: `${stem} (shown)`},
  ...{stem, choices, answer: String.fromCharCode(65 + gold)},
});

for (const one of CASES) {
  const name = `${one.tokenizer}, ${one.template}`;
  test(`log-likelihoods within 1e-4 of lm-evaluation-harness, and the same verdicts (${name})`, async (t) => {
    const folder = await modelOf(t, one);
    const scores = await scoreChoices(folder, QUESTIONS.map(promptOf), {
      by: 'text',
      template: one.template,
      threads: 1,
    });
    const compare = (theirs: readonly Expected[] | undefined): void => {
      assert.equal(theirs?.length, QUESTIONS.length);
      theirs.forEach(({logLikelihoods, acc, acc_norm, acc_bytes}, row) => {
        const ours = scores.get(String(row))!;
        logLikelihoods.forEach((value, place) => {
          const gap = Math.abs(ours.logLikelihoods[place]! - value);
          assert.ok(gap < 1e-4, `row ${row}, choice ${place}: ${ours.logLikelihoods[place]!}, not ${value}`);
        });
        const verdicts = [ours.right, ours.rightByCharacters, ours.rightByBytes].map(Number);
        assert.deepEqual(verdicts, [acc, acc_norm, acc_bytes], `row ${row}`);
      });
    };
    if (python !== undefined) {
      const rows = join(temporaryFolder(t), 'rows.jsonl');
      writeFileSync(rows, QUESTIONS.map((row) => `${JSON.stringify(row)}\n`).join(''));
      const {status, stdout, stderr} = spawnSync(python, [SCRIPT, folder, rows, one.template], {encoding: 'utf8'});
      assert.equal(status, 0, stderr);
      const printed = stdout.trim().split('\n').at(-1)!;
      t.diagnostic(`${name}: ${printed}`);
      compare(JSON.parse(printed) as Expected[]);
    }
    compare(expected[name]);
  });
}

test('letters are read behind the question that shows the list; what cannot be scored is refused by name', async (t) => {
  const folder = await modelOf(t, CASES[0]);
  const options = {template: 'none', threads: 1} as const;
  const [first] = QUESTIONS.map(promptOf);
  const shown = {...first!, question: 'Pick.\nA. 7\nB. 12'};
  const byLetter = (await scoreChoices(folder, [shown], {...options, by: 'letter'})).get('0')!;
  const same = {...first!, stem: shown.question, choices: ['A', 'B', 'C', 'D']};
  const byText = (await scoreChoices(folder, [same], {...options, by: 'text'})).get('0')!;
  assert.deepEqual(byLetter, byText);
  // What is said around a question is read as well: here it makes the same texts of others.
  const short = {...same, stem: 'Pick.'};
  const around = {...options, by: 'text', suffix: '\nA. 7'} as const;
  assert.deepEqual((await scoreChoices(folder, [short], {...around, prefill: '\nB. 12'})).get('0'), byText);
  const plain = {...first!, choices: undefined} as unknown as Prompt;
  await assert.rejects(scoreChoices(folder, [plain], {...options, by: 'text'}), /no prompt has choices to score/);
  const long = {...first!, choices: ['a', 'b '.repeat(300)]};
  await assert.rejects(
    scoreChoices(folder, [long], {...options, by: 'text'}),
    /prompt 0 has \d+ tokens with the choice “b b/,
  );
  const stop = AbortSignal.abort(new Error('enough'));
  await assert.rejects(scoreChoices(folder, [shown], {...options, by: 'text', signal: stop}), /enough/);
});

test('acc, acc_norm and acc_bytes count each prompt once, whatever was sampled', () => {
  const choices = {logLikelihoods: [-1, -2], right: true, rightByCharacters: false, rightByBytes: true};
  const prompt = promptOf(QUESTIONS[3]!, 3);
  const samples = [0, 1, 2].map((sample) => {
    const completion = readCompletion(`<answer> ${sample === 0 ? 'B' : 'A'} </answer>`, true);
    const scored = scoreCompletion(prompt, completion, {});
    const task = builtInTasks.get('choice')!;
    return judgeSample(prompt, completion, {sample, tokens: 5, task, scored, choices});
  });
  const scores = new Map(
    scoreSamples(samples, {k: 3}).map(({metric, mean, samples: count}) => [metric, [mean, count]]),
  );
  assert.deepEqual(
    ['acc', 'acc_norm', 'acc_bytes'].map((metric) => scores.get(metric)),
    [
      [1, 1],
      [0, 1],
      [1, 1],
    ],
  );
  assert.equal(scores.get('pass@1')![0], 1 / 3);
});
