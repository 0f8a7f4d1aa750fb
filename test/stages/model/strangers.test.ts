/** Model folders as people have them: damaged, half copied, of another kind. Each is read rightly or refused in words. */
import assert from 'node:assert/strict';
import {copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {newConfig} from '../../../stages/model/config.js';
import {carriedOn, openModel, saveModel} from '../../../stages/model/hf-folder/index.js';
import type {Generation} from '../../../stages/model/hf-folder/index.js';
import {initialWeights} from '../../../stages/model/parameters.js';
import {readSafetensors, writeSafetensors} from '../../../stages/model/safetensors.js';
import {temporaryFolder} from '../../rig/temporary.js';

const shape = {
  vocabSize: 11,
  hiddenSize: 8,
  intermediateSize: 12,
  layers: 2,
  heads: 2,
  keyValueHeads: 1,
  maxPositions: 32,
};
const config = newConfig({...shape, eosId: 2, padId: 0});

async function model(t: TestContext, generation?: Generation): Promise<string> {
  const folder = temporaryFolder(t);
  await saveModel(folder, {config, weights: initialWeights(config, 5), ...(generation !== undefined && {generation})});
  return folder;
}
const json = (folder: string, file: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(folder, file), 'utf8')) as Record<string, unknown>;
const change = (folder: string, file: string, fields: object): void =>
  writeFileSync(join(folder, file), JSON.stringify({...json(folder, file), ...fields}));
type Tensors = Awaited<ReturnType<typeof readSafetensors>>['tensors'];
async function withTensors(folder: string, damage: (tensors: Tensors) => void): Promise<void> {
  const file = join(folder, 'model.safetensors');
  const {tensors} = await readSafetensors(file);
  damage(tensors);
  await writeSafetensors(file, tensors);
}
const refused = async (folder: string, said: RegExp): Promise<void> =>
  assert.rejects(openModel(folder), (error: Error) => {
    assert.equal(error.name, 'StageFailure', error.stack);
    assert.match(error.message, said);
    assert.doesNotMatch(error.message, /\n/);
    return true;
  });

test('how a model is to be sampled is kept and carried on, with every id that ends a response', async (t) => {
  const given = {_from_model_config: false, eos_token_id: [4, 2], temperature: 0.7, top_k: 20, made_up: 'x'};
  const folder = await model(t, given);
  const opened = await openModel(folder);
  assert.deepEqual(opened.generation, {...given, pad_token_id: 0});
  assert.deepEqual(json(folder, 'generation_config.json'), {...given, pad_token_id: 0});
  const next = temporaryFolder(t);
  await saveModel(next, {...opened, generation: carriedOn(opened.generation)});
  assert.deepEqual(json(next, 'generation_config.json'), {...given, pad_token_id: 0});
  assert.deepEqual(carriedOn({eos_token_id: 4}), {eos_token_id: 4, do_sample: true, temperature: 0.6, top_p: 0.95});
  const one = await model(t, {eos_token_id: 4});
  assert.deepEqual(json(one, 'generation_config.json')['eos_token_id'], [4, 2], 'the config’s own is an end, too');
  writeFileSync(join(one, 'generation_config.json'), '{"eos_token_id": "2"}');
  await refused(one, /generation_config\.json: eos_token_id: /);
});

test('the config that is written says what the weights are', async (t) => {
  const folder = await model(t);
  change(folder, 'config.json', {torch_dtype: 'bfloat16', dtype: 'float16'});
  const out = temporaryFolder(t);
  await saveModel(out, await openModel(folder));
  assert.deepEqual(
    [json(out, 'config.json')['torch_dtype'], json(out, 'config.json')['dtype']],
    ['float32', 'float32'],
  );
});

test('a head of its own beside a tied config is kept, with a note; a copy is dropped; one alone stands for both', async (t) => {
  const folder = await model(t);
  const before = await openModel(folder);
  const copy = before.weights.get('model.embed_tokens.weight')!;
  await withTensors(folder, (tensors) => tensors.set('lm_head.weight', {shape: [11, 8], values: copy.slice()}));
  const equal = await openModel(folder);
  assert.deepEqual([equal.config.tied, equal.notes, [...equal.weights.keys()]], [true, [], [...before.weights.keys()]]);

  await withTensors(folder, (tensors) =>
    tensors.set('lm_head.weight', {shape: [11, 8], values: copy.map((x) => x + 1)}),
  );
  const own = await openModel(folder);
  assert.equal(own.config.tied, false);
  assert.equal(own.weights.get('lm_head.weight')![0], Math.fround(copy[0]! + 1));
  assert.match(
    own.notes.join(),
    /“lm_head\.weight” differs from “model\.embed_tokens\.weight”.*tie_word_embeddings: true/,
  );
  const out = temporaryFolder(t);
  await saveModel(out, own);
  assert.equal(json(out, 'config.json')['tie_word_embeddings'], false);
  assert.deepEqual((await openModel(out)).notes, []);

  await withTensors(folder, (tensors) => tensors.delete('model.embed_tokens.weight'));
  assert.equal((await openModel(folder)).weights.get('model.embed_tokens.weight')![0], Math.fround(copy[0]! + 1));
});

test('a value that is no number is refused with its tensor and its place', async (t) => {
  for (const [value, said] of [
    [NaN, /tensor “model\.layers\.1\.mlp\.up_proj\.weight” is damaged: the value at \[1, 3\] is NaN$/],
    [-Infinity, /the value at \[1, 3\] is infinite$/],
  ] as const) {
    const folder = await model(t);
    await withTensors(folder, (tensors) => (tensors.get('model.layers.1.mlp.up_proj.weight')!.values[11] = value));
    await refused(folder, said);
  }
});

test('ids that the model has no row for are refused by file and field', async (t) => {
  for (const [file, fields, said] of [
    ['config.json', {eos_token_id: [2, 11]}, /config\.json.*eos_token_id: 11 is beyond/],
    ['config.json', {pad_token_id: 99}, /config\.json.*pad_token_id: 99/],
    ['config.json', {bos_token_id: 11}, /config\.json.*bos_token_id: 11/],
    ['generation_config.json', {eos_token_id: 50}, /generation_config\.json: eos_token_id is 50/],
  ] as const) {
    const folder = await model(t);
    change(folder, file, fields);
    await refused(folder, said);
  }
});

test('an index beside a whole file: left over, or two models in one folder', async (t) => {
  const folder = await model(t);
  const names = Object.keys(Object.fromEntries(await openModel(folder).then(({weights}) => weights)));
  const index = (file: string): void =>
    writeFileSync(
      join(folder, 'model.safetensors.index.json'),
      JSON.stringify({weight_map: Object.fromEntries(names.map((name) => [name, file]))}),
    );
  index('model-00001-of-00001.safetensors');
  assert.match((await openModel(folder)).notes.join(), /index\.json is left over: 1 of its 1 files are not there/);
  copyFileSync(join(folder, 'model.safetensors'), join(folder, 'model-00001-of-00001.safetensors'));
  await refused(folder, /holds weights twice, in model\.safetensors and in the 1 files of/);
  rmSync(join(folder, 'model.safetensors'));
  assert.deepEqual((await openModel(folder)).notes, []);
  rmSync(join(folder, 'model-00001-of-00001.safetensors'));
  await refused(folder, /needs 1 files, and model-00001-of-00001\.safetensors is missing/);
});

const STRANGERS: readonly (readonly [file: string, said: RegExp])[] = [
  [
    'pytorch_model.bin',
    /has no model\.safetensors: its weights are in PyTorch’s format \(pytorch_model\.bin\).*save_pretrained/,
  ],
  ['pytorch_model.bin.index.json', /PyTorch’s format/],
  ['model-00001-of-00002.safetensors', /holds shards \(model-00001-of-00002\.safetensors …\) without their/],
  ['weights.safetensors', /holds weights\.safetensors; weights in one file are called model\.safetensors/],
  ['smol.Q8_0.gguf', /holds a GGUF file \(smol\.Q8_0\.gguf\)/],
  ['consolidated.00.pth', /in its maker’s own format/],
];

test('a folder whose weights are something else is refused with what it holds', async (t) => {
  for (const [file, said] of STRANGERS) {
    const folder = await model(t);
    renameSync(join(folder, 'model.safetensors'), join(folder, file));
    await refused(folder, said);
  }
});

test('weights without a config are told as that', async (t) => {
  const folder = await model(t);
  rmSync(join(folder, 'config.json'));
  await refused(folder, /no .*config\.json: its weights are there \(model\.safetensors\).*copy config\.json/);
});

test('what is no model folder at all is told apart', async (t) => {
  const folder = temporaryFolder(t);
  await refused(folder, /there is no .*config\.json: the folder is empty$/);
  await refused(join(folder, 'nowhere'), /there is no folder .*nowhere$/);
  writeFileSync(join(folder, 'file'), 'x');
  await refused(join(folder, 'file'), /is a file; a model is a folder/);
  writeFileSync(join(folder, 'adapter_config.json'), '{}');
  await refused(
    folder,
    /no .*config\.json: it is an adapter \(adapter_config\.json: PEFT, LoRA\).*merge it into its base first/,
  );
  const cache = temporaryFolder(t);
  mkdirSync(join(cache, 'snapshots'));
  await refused(cache, /the model is in a folder under snapshots/);
});

test('files that only look like what they should be are told by their first bytes', async (t) => {
  const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 5\n';
  for (const [content, said] of [
    [pointer, /is a Git LFS pointer of a few lines, not the file itself; `git lfs pull`/],
    ['<!DOCTYPE html><html>', /is an HTML page/],
    [Buffer.from('PK\x03\x04archive/data.pkl', 'latin1'), /is a zip file \(PyTorch saves such\)/],
    [Buffer.from('GGUF\x03'), /is a GGUF file under another name/],
  ] as const) {
    const folder = await model(t);
    writeFileSync(join(folder, 'model.safetensors'), content);
    await refused(folder, said);
  }
  const folder = await model(t);
  writeFileSync(join(folder, 'config.json'), pointer);
  await refused(folder, /config\.json is a Git LFS pointer/);
});

test('JSON is read strictly', async (t) => {
  const folder = await model(t);
  const file = join(folder, 'config.json');
  const text = readFileSync(file, 'utf8');
  for (const [content, said] of [
    [`\uFEFF${text}`, /config\.json begins with a byte order mark/],
    [`// mine\n${text}`, /config\.json is not JSON: .*; JSON has no comments/],
    [text.replace('{', '{"vocab_size": 12,'), /config\.json says “vocab_size” twice/],
    [text.replace('llama', 'll\u00e9ma'), /“lléma”/],
    [Buffer.from(text.replace('llama', 'll\u00e9ma'), 'latin1'), /config\.json is not UTF-8/],
    [text.slice(0, 40), /config\.json is not JSON/],
  ] as const) {
    writeFileSync(file, content);
    await refused(folder, said);
  }
});

test('a header of tensors is held against the format', async (t) => {
  const folder = await model(t);
  const file = join(folder, 'model.safetensors');
  const whole = readFileSync(file);
  const length = Number(whole.readBigUInt64LE(0));
  const header = whole.toString('utf8', 8, 8 + length).trimEnd();
  const write = (text: string): void => {
    const prefix = Buffer.alloc(8);
    prefix.writeBigUInt64LE(BigInt(Buffer.byteLength(text)));
    writeFileSync(file, Buffer.concat([prefix, Buffer.from(text), whole.subarray(8 + length)]));
  };
  const [first] = Object.entries(JSON.parse(header) as Record<string, unknown>).filter(
    ([name]) => name !== '__metadata__',
  );
  write(header.replace('{', `{${JSON.stringify(first![0])}:${JSON.stringify(first![1])},`));
  await refused(folder, new RegExp(`the header names “${first![0].replaceAll('.', '\\.')}” twice`));
  write(JSON.stringify({...(JSON.parse(header) as object), __metadata__: {format: 'tf'}}));
  await refused(folder, /its metadata say format “tf”/);
  write(header);
  await openModel(folder);
});
