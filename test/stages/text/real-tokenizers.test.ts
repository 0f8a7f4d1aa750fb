/** Tokenizers as real models have them, against what Python's `tokenizers` says of them; see the fixtures' make.py. */
import assert from 'node:assert/strict';
import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'node:test';

import {completionFrom, readTokens} from '../../../stages/text/drawn.js';
import {NO_WORDING} from '../../../stages/text/wording.js';
import {encodePrompt, renderChat, renderPrompt} from '../../../stages/text/templates.js';
import {openTokenizer} from '../../../stages/text/tokenizer.js';

const fixtures = join(import.meta.dirname, '../../../../test/fixtures/tokenizers');

interface Expected {
  readonly text: string;
  readonly ids: readonly number[];
  readonly special: readonly number[];
  readonly decoded: string;
}

for (const name of ['qwen-like', 'llama-like']) {
  test(`a ${name} tokenizer gives the ids and the text that Python gives`, async () => {
    const folder = join(fixtures, name);
    const tokenizer = await openTokenizer(folder);
    const rows = JSON.parse(await readFile(join(folder, 'expected.json'), 'utf8')) as Expected[];
    assert.ok(rows.length > 0);
    for (const {text, ids, special, decoded} of rows) {
      assert.deepEqual(tokenizer.encode(text), ids, text);
      assert.deepEqual(tokenizer.encode(text, {addSpecial: true}), special, text);
      assert.equal(tokenizer.decode(ids), decoded);
    }
    assert.notEqual(tokenizer.padId, tokenizer.eosId);
  });

  test(`the tags of R1 are read from a ${name} tokenizer's ids`, async () => {
    const tokenizer = await openTokenizer(join(fixtures, name));
    const text = '<think>\nwait, 24 + 48\n</think>\n<answer>72</answer>';
    const tokens = [...tokenizer.encode(text), tokenizer.eosId];
    const drawn = readTokens(tokenizer, {promptTokens: [], tokens, finished: true}, NO_WORDING);
    const completion = completionFrom(drawn, NO_WORDING);
    assert.deepEqual([completion.thinking, completion.answer, completion.tagged], ['wait, 24 + 48', '72', true]);
  });
}

test('a chat format may bring its own BOS, which is not added twice', async () => {
  const tokenizer = await openTokenizer(join(fixtures, 'llama-like'));
  assert.equal(renderPrompt(tokenizer, 'chat', 'How many? '), '<s>[INST] How many? [/INST]'); // without its <think>
  const bos = tokenizer.idOf('<s>');
  assert.equal(encodePrompt(tokenizer, 'chat', 'How many?').filter((id) => id === bos).length, 1);
  assert.equal(encodePrompt(tokenizer, 'zero', 'How many?').filter((id) => id === bos).length, 1);
});

test('a chat format that refuses a conversation says why', async () => {
  const tokenizer = await openTokenizer(join(fixtures, 'llama-like'));
  assert.throws(() => renderChat(tokenizer, [{role: 'system', content: 'x'}]), /only user and assistant roles/);
});

test('a chat format in the new style is rendered', async () => {
  const tokenizer = await openTokenizer(join(fixtures, 'qwen-like'));
  const text = renderPrompt(tokenizer, 'chat', 'How many?');
  assert.equal(text, '<|im_start|>user\nHow many?<|im_end|>\n<|im_start|>assistant\n');
});
