/** GGUF files as Python's gguf writes them (`test/fixtures/gguf/make.py`), whole and broken. */
import assert from 'node:assert/strict';
import {createHash} from 'node:crypto';
import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {StageFailure} from '../../../../pipeline/stage.js';
import {openEngine} from '../../../../stages/engine/engine.js';
import {importModel} from '../../../../stages/index.js';
import {folderFromGguf} from '../../../../stages/model/gguf/index.js';
import {openModel} from '../../../../stages/model/hf-folder/index.js';
import {openTokenizer} from '../../../../stages/text/tokenizer.js';
import {temporaryFolder} from '../../../rig/temporary.js';
import {logits} from '../../engine/programs.js';
import {runHere} from '../../here.js';

const FIXTURES = join(import.meta.dirname, '../../../../../test/fixtures/gguf');
const FILE = join(FIXTURES, 'llama-tiny.gguf');
const expected = JSON.parse(readFileSync(join(FIXTURES, 'expected.json'), 'utf8')) as {
  tensors: Record<string, string>;
  ids: number[];
  last: number[];
  texts: Record<string, number[]>;
};

async function folderOf(t: TestContext): Promise<string> {
  const folder = join(temporaryFolder(t), 'model');
  await folderFromGguf(FILE, folder);
  return folder;
}

test('every tensor of a GGUF file has the bits that Python’s gguf gives it, rows of q and k put back', async (t) => {
  const {weights} = await openModel(await folderOf(t));
  assert.equal(weights.size, Object.keys(expected.tensors).length);
  for (const [name, values] of weights) {
    const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
    assert.equal(createHash('sha256').update(bytes).digest('hex'), expected.tensors[name], name);
  }
});

test('a GGUF file computes what transformers computes from it', async (t) => {
  const {config, weights} = await openModel(await folderOf(t));
  const program = logits({rows: 1, lengths: [expected.ids.length]});
  const engine = await openEngine({config, weights, threads: 1, programs: {logits: program}});
  const [row] = engine.run.logits([{tokens: expected.ids}]);
  engine.dispose();
  const last = row!.slice(-config.vocabSize);
  assert.equal(last.length, expected.last.length);
  expected.last.forEach((value, i) => assert.ok(Math.abs(value - last[i]!) < 1e-4, `token ${i}`));
});

test('the tokenizer of a GGUF file cuts text as the one that it was made from', async (t) => {
  const folder = await folderOf(t);
  const tokenizer = await openTokenizer(folder);
  for (const [text, ids] of Object.entries(expected.texts)) {
    assert.deepEqual(tokenizer.encode(text), ids, text);
    assert.equal(tokenizer.decode(ids), text);
  }
  const think = tokenizer.idOf('<think>')!;
  assert.deepEqual(tokenizer.encode('<think>'), [think]);
  assert.equal(tokenizer.decode([think], {skipSpecial: true}), '<think>', 'user-defined tokens are text');
  assert.equal(tokenizer.idOf('[PAD]'), undefined, 'an unused row has no token');
  assert.equal(tokenizer.eosToken, '<|im_end|>');
  assert.match(tokenizer.chatTemplate!, /im_start/);
});

test('what ends a text and what ends a turn both end a response', async (t) => {
  const {config} = await openModel(await folderOf(t));
  assert.deepEqual(config.eosIds, [2, 0]);
  assert.equal(config.maxPositions, 64);
  assert.equal(config.rmsNormEps, 1e-5);
  assert.equal(config.tied, true);
});

test('import-model takes a GGUF file in the place of a folder', async (t) => {
  const {out, notes} = await runHere(t, importModel, {inputs: {folder: FILE}});
  const [imported, direct] = [await openModel(out('model')), await openModel(await folderOf(t))];
  assert.deepEqual(imported.weights, direct.weights);
  assert.match(notes.join(), /^llama, \d+ parameters, vocabulary 323$/);
});

/** Where the value of a key begins: behind the key and the number of its type. */
const valueOf = (bytes: Buffer, key: string): number => bytes.indexOf(key) + key.length + 4;
/** Where the number of a tensor's type is: behind its name, the number of its dimensions, and two of them. */
const typeOf = (bytes: Buffer, tensor: string): number => bytes.indexOf(tensor) + tensor.length + 4 + 16;
const put = (from: string, to: string) => (bytes: Buffer) => {
  assert.equal(from.length, to.length);
  const at = bytes.indexOf(from);
  assert.ok(at > 0);
  bytes.write(to, at, 'latin1');
  return bytes;
};

const BROKEN: Readonly<Record<string, readonly [damage: (bytes: Buffer) => Buffer, said: RegExp]>> = {
  'that is empty': [() => Buffer.alloc(0), /is not a GGUF file: it is empty/],
  'with wrong magic': [(b) => (b.write('GGML', 0), b), /it does not begin with the four letters GGUF/],
  'that is a Git LFS pointer': [
    () => Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n'),
    /it is a Git LFS pointer/,
  ],
  'cut in its first bytes': [(b) => b.subarray(0, 11), /is truncated: 11 bytes/],
  'cut in its header': [(b) => b.subarray(0, 4000), /is truncated/],
  'cut in its tensors': [
    (b) => b.subarray(0, b.length - 100),
    /is truncated: tensor “blk\.1\.ffn_down\.weight” ends at/,
  ],
  'of version 1': [(b) => (b.writeUInt32LE(1, 4), b), /is of GGUF version 1/],
  'of a version to come': [(b) => (b.writeUInt32LE(9, 4), b), /is of GGUF version 9/],
  'of big-endian numbers': [(b) => (b.writeUInt32BE(3, 4), b), /is a big-endian GGUF file/],
  'with more tensors than a file has': [
    (b) => (b.writeBigUInt64LE(2n ** 60n, 8), b),
    /is not a GGUF file that can be read: Tensor count/,
  ],
  'with another type of numbers': [
    (b) => (b.writeUInt32LE(10, typeOf(b, 'blk.0.attn_v.weight')), b),
    /tensor “blk\.0\.attn_v\.weight” is of type Q2_K, which cannot be read/,
  ],
  'with an unknown type of numbers': [
    (b) => (b.writeUInt32LE(77, typeOf(b, 'blk.0.attn_v.weight')), b),
    /tensor “blk\.0\.attn_v\.weight” is of type 77, which is not known/,
  ],
  'whose tensors overlap': [
    (b) => (b.writeBigUInt64LE(0n, typeOf(b, 'blk.1.ffn_down.weight') + 4), b),
    /tensors “token_embd\.weight” and “blk\.1\.ffn_down\.weight” overlap|overlap/,
  ],
  'with a tensor beyond its end': [
    (b) => (b.writeBigUInt64LE(2n ** 40n, typeOf(b, 'blk.1.ffn_down.weight') + 4), b),
    /is truncated: tensor “blk\.1\.ffn_down\.weight”/,
  ],
  'of another architecture': [
    (b) => (b.write('gemma', valueOf(b, 'general.architecture') + 8), b),
    /general\.architecture is “gemma”; llama, qwen2, qwen3 can be computed here/,
  ],
  'with a key that is not known': [
    put('llama.rope.dimension_count', 'llama.rope.dimension_cownt'),
    /llama\.rope\.dimension_cownt: not known here/,
  ],
  'with part of a head rotated': [
    (b) => (b.writeUInt32LE(8, valueOf(b, 'llama.rope.dimension_count')), b),
    /llama\.rope\.dimension_count is 8/,
  ],
  'of another tokenizer': [put('gpt2', 'bert'), /tokenizer\.ggml\.model is “bert”/],
  'cut by an unknown rule': [put('smollm', 'tekken'), /tokenizer\.ggml\.pre is “tekken”, which is not implemented/],
  'with EOS beyond the vocabulary': [
    (b) => (b.writeUInt32LE(999, valueOf(b, 'tokenizer.ggml.eos_token_id')), b),
    /tokenizer\.ggml\.eos_token_id is 999/,
  ],
  'that lacks a tensor': [
    put('blk.1.ffn_up.weight', 'blk.7.ffn_up.weight'),
    /lacks the tensor “blk\.1\.ffn_up\.weight”/,
  ],
  'with one layer too many': [
    (b) => (b.writeUInt32LE(1, valueOf(b, 'llama.block_count')), b),
    /has tensors that its keys do not explain: blk\.1\./,
  ],
  'with values that are no numbers': [
    (b) => b.fill(0xff, b.length - 300),
    /broken\.gguf: tensor “blk\.1\.ffn_down\.weight” is damaged: the value at .* is NaN/,
  ],
  'of another width': [
    (b) => (b.writeUInt32LE(64, valueOf(b, 'llama.embedding_length')), b),
    /llama\.rope\.dimension_count is 16|has shape/,
  ],
};

for (const [how, [damage, said]] of Object.entries(BROKEN)) {
  test(`a GGUF file ${how} is refused with a sentence`, async (t) => {
    const file = join(temporaryFolder(t), 'broken.gguf');
    writeFileSync(file, damage(readFileSync(FILE)));
    await assert.rejects(folderFromGguf(file, join(temporaryFolder(t), 'model')), (error: unknown) => {
      assert.ok(error instanceof StageFailure, String(error));
      assert.match(error.message, said);
      assert.match(error.message, /broken\.gguf/);
      assert.doesNotMatch(error.message, /\n/);
      return true;
    });
  });
}
