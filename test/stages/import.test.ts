/** Models and questions from outside, whole and broken. */
import assert from 'node:assert/strict';
import {copyFileSync, cpSync, readdirSync, rmSync, truncateSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {fileURLToPath} from 'node:url';
import {StageFailure} from '../../pipeline/stage.js';
import {importModel, importPrompts} from '../../stages/index.js';
import {openModel} from '../../stages/model/hf-folder/index.js';
import {splitOf} from '../../stages/tasks/splits.js';
import {openTokenizer} from '../../stages/text/tokenizer.js';
import {vocabulary} from '../../stages/tasks/lexicon.js';
import {writeWordTokenizer} from '../../stages/text/word-tokenizer.js';
import {temporaryFolder} from '../rig/temporary.js';
import {cardIn, rowsIn, runHere} from './here.js';

const fixture = (path: string): string => fileURLToPath(new URL(`../../../test/fixtures/${path}`, import.meta.url));

/** A checkpoint as Python transformers writes it, with a tokenizer that is small enough for its vocabulary. */
async function checkpoint(t: TestContext, name: string): Promise<string> {
  const folder = temporaryFolder(t);
  cpSync(fixture(`hf/${name}`), folder, {recursive: true});
  rmSync(join(folder, 'expected.json'));
  await writeWordTokenizer(folder, vocabulary().slice(0, 40));
  return folder;
}

for (const name of ['qwen2-tiny', 'llama-tiny']) {
  test(`${name} is imported tensor by tensor, with its tokenizer`, async (t) => {
    const from = await checkpoint(t, name);
    const {out, notes} = await runHere(t, importModel, {inputs: {folder: from}});
    const [before, after] = [await openModel(from), await openModel(out('model'))];
    assert.deepEqual(after.weights, before.weights);
    assert.deepEqual({...after.config, raw: {}}, {...before.config, raw: {}});
    assert.equal((await openTokenizer(out('model'))).size, (await openTokenizer(from)).size);
    assert.match(notes.join(), /^(qwen2|llama), \d+ parameters, vocabulary \d+$/);
    for (const file of ['config.json', 'generation_config.json', 'tokenizer.json', 'tokenizer_config.json']) {
      assert.ok(readdirSync(out('model')).includes(file), file);
    }
  });
}

const BROKEN: Readonly<Record<string, readonly [damage: (folder: string) => void, said: RegExp]>> = {
  'without config.json': [(folder) => rmSync(join(folder, 'config.json')), /there is no .*config\.json/],
  'with a garbled config.json': [
    (folder) => writeFileSync(join(folder, 'config.json'), '{"a": '),
    /config\.json is not JSON/,
  ],
  'of another family': [
    (folder) =>
      writeFileSync(join(folder, 'config.json'), '{"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"]}'),
    /config\.json has model_type “gpt2”/,
  ],
  'without weights': [(folder) => rmSync(join(folder, 'model.safetensors')), /has no model\.safetensors/],
  'with truncated weights': [
    (folder) => truncateSync(join(folder, 'model.safetensors'), 30_000),
    /model\.safetensors.*truncated/,
  ],
  'with weights cut in the header': [
    (folder) => truncateSync(join(folder, 'model.safetensors'), 100),
    /model\.safetensors.*truncated/,
  ],
  'without a tokenizer': [(folder) => rmSync(join(folder, 'tokenizer.json')), /tokenizer\.json is missing/],
  'with a tokenizer of another model': [
    (folder) => {
      for (const file of ['tokenizer.json', 'tokenizer_config.json'])
        copyFileSync(fixture(`tokenizers/qwen-like/${file}`), join(folder, file));
    },
    /tokenizer\.json has ids up to 423, but the model beside it has a vocabulary of 97/,
  ],
};

for (const [how, [damage, said]] of Object.entries(BROKEN)) {
  test(`a folder ${how} is refused with a sentence that names the file`, async (t) => {
    const folder = await checkpoint(t, 'qwen2-tiny');
    damage(folder);
    await assert.rejects(runHere(t, importModel, {inputs: {folder}}), (error: unknown) => {
      assert.ok(error instanceof StageFailure, String(error));
      assert.match(error.message, said);
      assert.doesNotMatch(error.message, /\n/);
      return true;
    });
  });
}

const questions = (count: number): string =>
  Array.from({length: count}, (_, i) => JSON.stringify({question: `what is ${i} + 1 ?`, answer: i + 1})).join('\n');

test('imported questions are split by what they ask, none on two sides, none lost', async (t) => {
  const folder = temporaryFolder(t, {
    'questions.jsonl': `${questions(200)}\n${JSON.stringify({question: 'What is  7 + 1 ?', answer: 8})}\n`,
  });
  const {out} = await runHere(t, importPrompts, {inputs: {file: join(folder, 'questions.jsonl')}});
  const sides = {train: 'train', validation: 'validation', heldOut: 'held-out'} as const;
  let rows = 0;
  for (const [port, side] of Object.entries(sides)) {
    for (const {key} of rowsIn<{key: string}>(out(port))) assert.equal(splitOf(key), side);
    rows += rowsIn(out(port)).length;
    assert.deepEqual(cardIn(out(port)), {rows: rowsIn(out(port)).length});
  }
  assert.equal(rows, 201);
  assert.deepEqual(cardIn(out('card'))['findings'], {duplicate: 1});
  const seven = Object.keys(sides).filter((port) =>
    rowsIn<{question: string}>(out(port)).some(({question}) => /7 \+ 1/.test(question) && !/\d7/.test(question)),
  );
  assert.equal(seven.length, 1, 'the same question, written twice, is on one side');
});

test('a garbled file of questions, and one with too few, are refused with the place', async (t) => {
  const refused = async (content: string, said: RegExp): Promise<void> => {
    const file = join(temporaryFolder(t, {'questions.jsonl': content}), 'questions.jsonl');
    await assert.rejects(runHere(t, importPrompts, {inputs: {file}}), (error: unknown) => {
      assert.ok(error instanceof StageFailure);
      assert.match(error.message, said);
      return true;
    });
  };
  await refused(`${questions(3)}\n{"question": "what`, /questions\.jsonl:4 is not JSON/);
  await refused(`${questions(3)}\n{"question": "what ?"}`, /questions\.jsonl:4 has no answer/);
  await refused('', /is empty/);
  await refused('\n\n', /holds no questions/);
  await refused(questions(1), /none of its 1 questions falls on the .* side; more questions are needed/);
});
