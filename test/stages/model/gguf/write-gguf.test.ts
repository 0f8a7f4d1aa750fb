/** Model folders as GGUF files, and back. What Python's gguf and transformers make of them is in python.test.ts. */
import assert from 'node:assert/strict';
import {existsSync, readFileSync, readdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {StageFailure} from '../../../../pipeline/stage.js';
import {folderFromGguf} from '../../../../stages/model/gguf/index.js';
import {openModel, saveModel} from '../../../../stages/model/hf-folder/index.js';
import {scoreWeights} from '../../../../stages/model/parameters.js';
import {openTokenizer} from '../../../../stages/text/tokenizer.js';
import {writeWordTokenizer} from '../../../../stages/text/word-tokenizer.js';
import {temporaryFolder} from '../../../rig/temporary.js';
import {CASES, copyTokenizer, exportGguf, writeSmall} from './small.js';

/** The largest gap between tensors, relative to the largest value of their kind's step: halves keep 11 bits, Q8_0 about 7. */
const STEPS = {f16: 2 ** -11, q8_0: 1 / 254 + 2 ** -11} as const;

for (const name of Object.keys(CASES)) {
  for (const type of ['f16', 'q8_0'] as const) {
    test(`${name}, written in ${type}, is read back as the same model`, async (t) => {
      const folder = temporaryFolder(t);
      const [from, file, to] = [join(folder, 'from'), join(folder, 'model.gguf'), join(folder, 'to')];
      await writeSmall(from, name);
      const bytes = await exportGguf(from, file, type);
      assert.equal(readFileSync(file).length, bytes);
      await folderFromGguf(file, to);

      const [before, after] = [await openModel(from), await openModel(to)];
      const {raw: _, family, initializerRange: __, padId: none, ...shape} = before.config;
      const {raw: ___, family: read, initializerRange: ____, padId, ...again} = after.config;
      assert.equal(read, family === 'mistral' ? 'llama' : family, 'Mistral is a Llama in GGUF');
      assert.deepEqual(again, shape);
      assert.deepEqual([none, padId], [undefined, 0], 'the tokenizer’s, where the config names none');
      assert.deepEqual([...after.weights.keys()].sort(), [...before.weights.keys()].sort());
      for (const [tensor, values] of before.weights) {
        const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        const gap = after.weights
          .get(tensor)!
          .reduce((most, value, i) => Math.max(most, Math.abs(value - values[i]!)), 0);
        assert.ok(gap <= largest * STEPS[type], `${tensor}: ${gap} of ${largest}`);
        if (/norm|bias/.test(tensor)) assert.equal(gap, 0, `${tensor} is a vector, which stays as it is`);
      }

      const [tokenizer, reread] = [await openTokenizer(from), await openTokenizer(to)];
      for (const text of ['What is 12 + 345?\n\n <think>café</think> 你好', '<|im_start|>user\nhi<|im_end|>']) {
        assert.deepEqual(reread.encode(text), tokenizer.encode(text));
      }
      assert.equal(reread.chatTemplate, tokenizer.chatTemplate);
      assert.equal(reread.eosToken, tokenizer.eosToken);
    });
  }
}

test('equal folders give equal bytes, and nothing is left beside them', async (t) => {
  const folder = temporaryFolder(t);
  for (const each of ['a', 'b']) {
    await writeSmall(join(folder, each), 'llama');
    await exportGguf(join(folder, each), join(folder, `${each}.gguf`), 'q8_0');
  }
  assert.deepEqual(readFileSync(join(folder, 'a.gguf')), readFileSync(join(folder, 'b.gguf')));
  assert.deepEqual(readdirSync(folder).sort(), ['a', 'a.gguf', 'b', 'b.gguf']);
});

const edit = (file: string, change: (json: Record<string, unknown>) => void): void => {
  const json = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  change(json);
  writeFileSync(file, JSON.stringify(json));
};

const REFUSED: Readonly<Record<string, readonly [change: (folder: string) => Promise<void> | void, said: RegExp]>> = {
  'a word-level tokenizer': [(folder) => writeWordTokenizer(folder, ['left', 'right']), /its model is WordLevel/],
  'a SentencePiece tokenizer': [
    (folder) => {
      copyTokenizer('llama-like', folder);
      edit(join(folder, 'config.json'), (json) => Object.assign(json, {eos_token_id: 2}));
    },
    /its model has byte_fallback/,
  ],
  'text that is cut by a rule without a name': [
    (folder) =>
      edit(join(folder, 'tokenizer.json'), (json) => Object.assign(json, {pre_tokenizer: {type: 'Whitespace'}})),
    /its normalizer, pre-tokenizer and ignore_merges together are of no kind that is known \(gpt-2/,
  ],
  'an added token that eats blanks': [
    (folder) =>
      edit(join(folder, 'tokenizer.json'), (json) => {
        for (const token of json['added_tokens'] as {rstrip: boolean}[]) token.rstrip = true;
      }),
    /its added token “<\|endoftext\|>” has single_word, lstrip or rstrip/,
  ],
  'a reward model': [
    async (folder) => {
      const {config, weights} = await openModel(folder);
      await saveModel(folder, {...scoreWeights({config, weights}, 1)});
    },
    /is a reward model/,
  ],
  'weights beyond a half': [
    async (folder) => {
      const {config, weights} = await openModel(folder);
      weights.get('model.layers.1.mlp.up_proj.weight')![5] = 1e5;
      await saveModel(folder, {config, weights});
    },
    /tensor “blk\.1\.ffn_up\.weight” cannot be written as f16: 100000 is beyond the range of F16/,
  ],
};

for (const [what, [change, said]] of Object.entries(REFUSED)) {
  test(`${what} cannot be a GGUF file, and none is left`, async (t) => {
    const folder = temporaryFolder(t);
    const file = join(folder, 'model.gguf');
    await writeSmall(join(folder, 'from'), 'llama');
    await change(join(folder, 'from'));
    await assert.rejects(exportGguf(join(folder, 'from'), file, 'f16'), (error: unknown) => {
      assert.ok(error instanceof StageFailure, String(error));
      assert.match(error.message, said);
      return true;
    });
    assert.ok(!existsSync(file));
    assert.ok(!existsSync(`${file}.partial`));
  });
}
