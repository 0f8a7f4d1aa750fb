import assert from 'node:assert/strict';
import {createHash} from 'node:crypto';
import {cp, mkdir, mkdtemp, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {after, test} from 'node:test';
import {newConfig, parseConfig, serialiseConfig, withScoreHead} from '../../../stages/model/config.js';
import {PAPER_SAMPLING, openModel, saveModel, weightsDigest} from '../../../stages/model/hf-folder/index.js';
import {packedLayout, pack, unpack} from '../../../stages/model/packing.js';
import {countParameters, initialWeights, parameterShapes, scoreWeights} from '../../../stages/model/parameters.js';
import {readSafetensors, writeSafetensors} from '../../../stages/model/safetensors.js';

const FIXTURES = join(import.meta.dirname, '../../../../test/fixtures/hf');
const root = await mkdtemp(join(tmpdir(), 'r1-model-'));
after(() => rm(root, {recursive: true}));
const fresh = (): Promise<string> => mkdtemp(join(root, 'model-'));
const config = newConfig({
  vocabSize: 11,
  hiddenSize: 8,
  intermediateSize: 12,
  layers: 2,
  heads: 2,
  keyValueHeads: 1,
  maxPositions: 32,
  eosId: 2,
  padId: 0,
});

test('a fresh model with normalized heads is a Qwen3, and heads that do not divide it are told', async () => {
  const numbers = {
    vocabSize: 11,
    hiddenSize: 24,
    intermediateSize: 12,
    layers: 2,
    maxPositions: 32,
    eosId: 2,
    padId: 0,
  };
  const normed = newConfig({...numbers, heads: 2, keyValueHeads: 1, headNorms: true});
  assert.deepEqual([normed.family, normed.headNorms, normed.headDim], ['qwen3', true, 12], 'and not Qwen3’s usual 128');
  const weights = initialWeights(normed, 5);
  assert.deepEqual(weights.get('model.layers.1.self_attn.q_norm.weight'), new Float32Array(12).fill(1));
  const [folder, tokenizer] = [await fresh(), await fresh()];
  await writeFile(join(tokenizer, 'tokenizer.json'), '{"a": 1}');
  await saveModel(folder, {config: normed, weights, tokenizerFrom: tokenizer, generation: PAPER_SAMPLING});
  const back = await openModel(folder);
  assert.deepEqual([back.config, back.weights], [normed, weights]);
  assert.equal(newConfig({...numbers, heads: 2}).family, 'llama');
  assert.throws(
    () => newConfig({...numbers, heads: 5, headNorms: true}),
    /hidden_size: 24 is not a multiple of 5 heads/,
  );
});

test('a model comes back from its folder bit for bit, with its tokenizer', async () => {
  const [folder, tokenizer] = [await fresh(), await fresh()];
  await writeFile(join(tokenizer, 'tokenizer.json'), '{"a": 1}');
  await writeFile(join(tokenizer, 'tokenizer_config.json'), '{"b": 2}');
  const weights = initialWeights(config, 5);
  await saveModel(folder, {config, weights, tokenizerFrom: tokenizer, generation: PAPER_SAMPLING});
  const back = await openModel(folder);
  assert.deepEqual(back.weights, weights);
  assert.deepEqual(back.config, config);
  assert.equal(await readFile(join(folder, 'tokenizer_config.json'), 'utf8'), '{"b": 2}');
  const generation = JSON.parse(await readFile(join(folder, 'generation_config.json'), 'utf8')) as Record<
    string,
    unknown
  >;
  assert.deepEqual(generation, {
    _from_model_config: false,
    eos_token_id: 2,
    pad_token_id: 0,
    do_sample: true,
    temperature: 0.6,
    top_p: 0.95,
  });
});

test('a config keeps the fields that this program does not know', async () => {
  const json = JSON.parse(await readFile(join(FIXTURES, 'llama-tiny/config.json'), 'utf8')) as Record<string, unknown>;
  assert.deepEqual(serialiseConfig(parseConfig({...json, made_up: [1]}, 'x')), {...json, made_up: [1]});
});

test('shards are read by their index', async () => {
  const folder = await fresh();
  await cp(join(FIXTURES, 'llama-tiny'), folder, {recursive: true});
  const {tensors} = await readSafetensors(join(folder, 'model.safetensors'));
  const entries = [...tensors];
  const shards: Record<string, string> = {};
  for (const [i, half] of [entries.slice(0, 7), entries.slice(7)].entries()) {
    await writeSafetensors(join(folder, `model-${i}.safetensors`), new Map(half));
    for (const [name] of half) shards[name] = `model-${i}.safetensors`;
  }
  await rm(join(folder, 'model.safetensors'));
  const index = join(folder, 'model.safetensors.index.json');
  await writeFile(index, JSON.stringify({metadata: {}, weight_map: shards}));
  assert.deepEqual((await openModel(folder)).weights, (await openModel(join(FIXTURES, 'llama-tiny'))).weights);
  const sha256 = async (...names: string[]): Promise<string> => {
    const hash = createHash('sha256');
    for (const name of names) hash.update(await readFile(join(folder, name)));
    return hash.digest('hex');
  };
  assert.equal(await weightsDigest(folder), await sha256('model-0.safetensors', 'model-1.safetensors'));
  await cp(join(FIXTURES, 'llama-tiny', 'model.safetensors'), join(folder, 'whole'));
  assert.equal(await weightsDigest(join(FIXTURES, 'llama-tiny')), await sha256('whole'));

  await writeFile(index, JSON.stringify({weight_map: {...shards, 'model.extra': 'model-1.safetensors'}}));
  await assert.rejects(openModel(folder), /promises “model.extra”/);
  await writeFile(index, JSON.stringify({weight_map: {...shards, 'model.norm.weight': 'model-0.safetensors'}}));
  await assert.rejects(openModel(folder), /“model.norm.weight”, which the index places elsewhere/);
  await writeFile(index, JSON.stringify({weight_map: {'model.norm.weight': '../elsewhere.safetensors'}}));
  await assert.rejects(openModel(folder), /outside the folder/);
});

test('a config with numbers that nothing can have is refused in words, whatever they are', async () => {
  const folder = await fresh();
  await saveModel(folder, {config, weights: initialWeights(config, 5)});
  const json = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')) as Record<string, unknown>;
  for (const [field, value, words] of [
    // Listing the tensors of so many layers would take hours, and more memory than there is.
    ['num_hidden_layers', 1e9, /lacks the tensor “model\.layers\.2\..*”, though the config asks for 1000000000 layers/],
    ['num_hidden_layers', 1e12, /num_hidden_layers: Too big/],
    ['num_hidden_layers', 'two', /num_hidden_layers: .*expected number, received string/],
    ['num_hidden_layers', 1.5, /num_hidden_layers: /],
    ['hidden_size', 1e9, /“model\.embed_tokens\.weight” has shape \[11, 8\], the config asks for \[11, 1000000000\]/],
    ['hidden_size', 1e12, /hidden_size: Too big/],
    ['vocab_size', -1, /vocab_size: Too small/],
    ['vocab_size', 2e9, /the config asks for \[2000000000, 8\]/],
    ['vocab_size', null, /vocab_size: /],
    ['num_attention_heads', 3, /hidden_size: 8 is not a multiple of 3 heads|does not divide/],
    ['num_key_value_heads', 7, /num_key_value_heads: 7 does not divide 2 heads/],
    ['head_dim', 1e9, /q_proj\.weight” has shape \[8, 8\], the config asks for \[2000000000, 8\]/],
    ['max_position_embeddings', 1e300, /max_position_embeddings: Too big/],
    ['eos_token_id', 1e12, /eos_token_id: /],
  ] as const) {
    await writeFile(join(folder, 'config.json'), JSON.stringify({...json, [field]: value}));
    await assert.rejects(openModel(folder), (error: Error) => {
      assert.equal(error.name, 'StageFailure');
      assert.match(error.message, words);
      return true;
    });
  }
});

test('a model that does not fit its config is refused by name', async () => {
  const weights = initialWeights(config, 5);
  const write = async (
    change: (tensors: Map<string, {shape: readonly number[]; values: Float32Array}>) => void,
  ): Promise<string> => {
    const folder = await fresh();
    await saveModel(folder, {config, weights});
    const {tensors} = await readSafetensors(join(folder, 'model.safetensors'));
    change(tensors);
    await writeSafetensors(join(folder, 'model.safetensors'), tensors);
    return folder;
  };
  await assert.rejects(
    openModel(await write((tensors) => tensors.delete('model.norm.weight'))),
    /lacks the tensor “model.norm.weight”/,
  );
  await assert.rejects(
    openModel(await write((tensors) => tensors.set('model.norm.weight', {shape: [4, 2], values: new Float32Array(8)}))),
    /“model.norm.weight” has shape \[4, 2\], the config asks for \[8\]/,
  );
  await assert.rejects(
    openModel(
      await write((tensors) =>
        tensors.set('model.layers.2.mlp.up_proj.weight', {shape: [1], values: new Float32Array(1)}),
      ),
    ),
    /does not explain: model.layers.2.mlp.up_proj.weight/,
  );
  await assert.rejects(openModel(await fresh()), /there is no .*config.json/);
  const strange = await fresh();
  await mkdir(join(strange, 'config.json'), {recursive: true});
  await assert.rejects(openModel(strange), /config\.json is a folder and should be a file/);
});

const REFUSED: [string, Record<string, unknown>, RegExp][] = [
  ['another family', {model_type: 'gpt2'}, /model_type/],
  ['another head', {architectures: ['Qwen2ForTokenClassification']}, /Qwen2ForTokenClassification/],
  ['a size of zero', {hidden_size: 0}, /hidden_size/],
  [
    'heads that do not divide the model',
    {num_attention_heads: 3, num_key_value_heads: 3},
    /hidden_size: 8 is not a multiple of 3/,
  ],
  ['key heads that do not divide the heads', {num_attention_heads: 4, num_key_value_heads: 3}, /num_key_value_heads/],
  ['a sliding window', {use_sliding_window: true}, /use_sliding_window/],
  ['another activation', {hidden_act: 'gelu'}, /hidden_act/],
  [
    'another stretching of positions',
    {rope_scaling: {rope_type: 'longrope', factor: 2}},
    /“longrope” is not implemented/,
  ],
  ['half a stretching of positions', {rope_scaling: {rope_type: 'llama3', factor: 2}}, /llama3 needs/],
  ['quantised weights', {quantization_config: {bits: 4}}, /quantization_config/],
];
for (const [name, fields, message] of REFUSED) {
  test(`a config with ${name} is refused by the field's name`, () => {
    assert.throws(() => parseConfig({...serialiseConfig(config), ...fields}, 'config.json'), message);
  });
}

test('fresh weights depend on the seed alone, gains are 1 and biases 0', () => {
  const weights = initialWeights(config, 5);
  assert.deepEqual(initialWeights(config, 5), weights);
  assert.notDeepEqual(initialWeights(config, 6), weights);
  assert.ok(weights.get('model.norm.weight')!.every((value) => value === 1));
  // tied: 11×8; a layer: 8 + 8×8 + 2×(4×8) + 8×8 + 8 + 3×(12×8) = 496; twice; and the last gain
  assert.equal(countParameters(config), 88 + 2 * 496 + 8);
  // Qwen2 has biases on queries, keys and values: 8 + 2×4 more in a layer.
  const qwen2 = parseConfig({...config.raw, architectures: ['Qwen2ForCausalLM'], model_type: 'qwen2'}, 'a test config');
  assert.ok(
    initialWeights(qwen2, 5)
      .get('model.layers.0.self_attn.q_proj.bias')!
      .every((value) => value === 0),
  );
  assert.equal(countParameters(qwen2), 88 + 2 * 512 + 8);
});

test('a reward model keeps the body and gets a scalar head', () => {
  const weights = initialWeights(config, 5);
  const reward = scoreWeights({config, weights}, 3);
  assert.deepEqual(reward.config, withScoreHead(config));
  assert.deepEqual(parameterShapes(reward.config).get('score.weight'), [1, 8]);
  for (const [name, values] of weights) assert.equal(reward.weights.get(name), values);
  assert.deepEqual(serialiseConfig(reward.config)['architectures'], ['LlamaForSequenceClassification']);
});

test('packing moves every number and changes none', async () => {
  for (const name of ['qwen2-tiny', 'llama-tiny']) {
    const model = await openModel(join(FIXTURES, name));
    const back = new Map<string, Float32Array>();
    for (const packed of packedLayout(model.config))
      unpack(packed, pack(packed, model.weights, model.config), model.config, back);
    assert.deepEqual(new Map([...back].sort()), new Map([...model.weights].sort()));
  }
});
