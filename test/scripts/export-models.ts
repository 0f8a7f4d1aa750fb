/**
 * Writes small random models of every kind that can be written, and copies of the models that are named, each with what it
 * computes in `ours.json`, for `check_with_transformers.py` beside this file to read. Run as that file's header says.
 */
import {cp, mkdir, writeFile} from 'node:fs/promises';
import {basename, join} from 'node:path';
import type {ModelConfig} from '../../stages/model/config.js';
import {newConfig, parseConfig} from '../../stages/model/config.js';
import {openModel, saveModel} from '../../stages/model/hf-folder/index.js';
import {initialWeights, scoreWeights} from '../../stages/model/parameters.js';
import type {Weights} from '../../stages/model/parameters.js';
import {random} from '../../stages/random.js';
import {logits} from '../stages/engine/programs.js';
import {openEngine} from '../../stages/engine/engine.js';
import {scoring} from '../../stages/train/programs.js';
import {renderChat} from '../../stages/text/templates.js';
import {openTokenizer} from '../../stages/text/tokenizer.js';

const numbers = {
  vocabSize: 97,
  hiddenSize: 32,
  intermediateSize: 80,
  layers: 2,
  heads: 4,
  keyValueHeads: 2,
  maxPositions: 64,
  eosId: 2,
  padId: 0,
};
const fresh = newConfig(numbers);
const qwen2 = parseConfig({...fresh.raw, architectures: ['Qwen2ForCausalLM'], model_type: 'qwen2'}, 'a test config');
const llama = (fields: Record<string, unknown>): ModelConfig =>
  parseConfig(
    {
      architectures: ['LlamaForCausalLM'],
      model_type: 'llama',
      vocab_size: 61,
      hidden_size: 24,
      intermediate_size: 56,
      num_hidden_layers: 2,
      num_attention_heads: 4,
      num_key_value_heads: 2,
      head_dim: 8,
      max_position_embeddings: 64,
      rms_norm_eps: 1e-5,
      rope_theta: 500,
      tie_word_embeddings: false,
      hidden_act: 'silu',
      eos_token_id: 2,
      pad_token_id: 0,
      torch_dtype: 'float32',
      ...fields,
    },
    'a test config',
  );

const MODELS: Record<string, ModelConfig> = {
  fresh,
  'fresh-head-norms': newConfig({...numbers, headNorms: true}),
  'qwen2-tied': qwen2,
  'qwen2-untied': parseConfig({...qwen2.raw, tie_word_embeddings: false}, 'a test config'),
  llama: llama({}),
  'llama-biased': llama({attention_bias: true, tie_word_embeddings: true}),
  'llama-stretched': llama({
    rope_scaling: {
      rope_type: 'llama3',
      factor: 4,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 16,
    },
  }),
};

const [folder, ...named] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: node dist/test/scripts/export-models.js FOLDER [MODEL…]');

/** Spread wide, so that a wrong term shows. */
const spread = (weights: Weights, name: string): Map<string, Float32Array> => {
  const source = random(1, name);
  return new Map([...weights].map(([key, values]) => [key, values.map((value) => value + 0.1 * source.normal())]));
};

for (const [name, config] of Object.entries(MODELS)) {
  const source = random(2, name);
  const rows = Array.from({length: 3}, () => ({
    tokens: Array.from({length: 40}, () => 3 + source.int(config.vocabSize - 3)),
  }));
  const model = {config, weights: spread(initialWeights(config, 1), name)};
  const engine = await openEngine({...model, threads: 1, programs: {logits: logits({rows: 3, lengths: [40]})}});
  await write(name, model, {
    input_ids: rows.map(({tokens}) => tokens),
    logits: engine.run.logits(rows).map((row) => Array.from(row)),
  });
  engine.dispose();

  const reward = scoreWeights(model, 1);
  const judge = await openEngine({...reward, threads: 1, programs: {score: scoring({rows: 3, lengths: [40]})}});
  await write(`${name}-score`, reward, {
    input_ids: rows.map(({tokens}) => tokens),
    scores: Array.from(judge.run.score(rows)),
  });
  judge.dispose();
}

/** What a person would type, and what a tokenizer might trip over. */
const TEXTS = [
  'hello',
  'left 3 , right 5 . left up 2 . right down 1 . now ?',
  'left 3，right 5。 现在？ 你好',
  '<think> left 3 up 2 gives 5 . </think> <answer> 5 4 </answer>',
];

for (const from of named) {
  const to = join(folder, `given-${basename(from)}`);
  await cp(from, to, {recursive: true});
  const model = await openModel(to);
  const tokenizer = await openTokenizer(to);
  const conversations = TEXTS.map((content) => [{role: 'user', content} as const]);
  const texts = [
    ...TEXTS,
    ...(tokenizer.chatTemplate === undefined ? [] : conversations.map((one) => renderChat(tokenizer, one))),
  ];
  const rows = texts.map((text) => ({tokens: tokenizer.encode(text)}));
  const length = Math.max(...rows.map(({tokens}) => tokens.length));
  const program = logits({rows: 1, lengths: [length], padding: 'right'});
  const engine = await openEngine({...model, threads: 1, programs: {logits: program}});
  const computed = rows.map((row) =>
    Array.from(engine.run.logits([row])[0]!.subarray(0, row.tokens.length * model.config.vocabSize)),
  );
  engine.dispose();
  const rendered = tokenizer.chatTemplate === undefined ? {} : {conversations, chats: texts.slice(TEXTS.length)};
  await writeFile(
    join(to, 'ours.json'),
    JSON.stringify({texts, ...rendered, rows: rows.map(({tokens}, i) => ({input_ids: tokens, logits: computed[i]}))}),
  );
}

async function write(name: string, model: {config: ModelConfig; weights: Weights}, ours: unknown): Promise<void> {
  const to = join(folder!, name);
  await mkdir(to, {recursive: true});
  await saveModel(to, model);
  await writeFile(join(to, 'ours.json'), JSON.stringify(ours));
}
