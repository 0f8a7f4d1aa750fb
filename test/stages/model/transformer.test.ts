import assert from 'node:assert/strict';
import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {test} from 'node:test';
import type {ModelConfig} from '../../../stages/model/config.js';
import {parseConfig} from '../../../stages/model/config.js';
import {openModel} from '../../../stages/model/hf-folder/index.js';
import {initialWeights, parameterShapes, size} from '../../../stages/model/parameters.js';
import {random} from '../../../stages/random.js';
import {crossEntropyLoss, logits} from '../engine/programs.js';
import {crossEntropyTraining} from '../../../stages/train/programs.js';
import {generation} from '../../../stages/engine/programs/generation.js';
import {openEngine} from '../../../stages/engine/engine.js';
import {gapsOf} from './expectations.js';
import {referenceLogits, referenceLoss, toFloat64} from './reference.js';

const FIXTURES = join(import.meta.dirname, '../../../../test/fixtures/hf');

interface Expected {
  input_ids: number[][];
  logits: number[][][];
  padded_input_ids: number[][];
  attention_mask: number[][];
  padded_logits: number[][][];
  greedy_prompt: number[][];
  greedy_tokens: number[][];
  loss: number;
  grad_norms: Record<string, number>;
}

const largestGap = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  assert.equal(a.length, b.length);
  return Array.from(a).reduce((gap, value, i) => Math.max(gap, Math.abs(value - b[i]!)), 0);
};

for (const name of ['qwen2-tiny', 'llama-tiny']) {
  test(`${name} computes what transformers computes`, async () => {
    const {config, weights} = await openModel(join(FIXTURES, name));
    const expected = JSON.parse(await readFile(join(FIXTURES, name, 'expected.json'), 'utf8')) as Expected;
    const ids = expected.input_ids;
    const rows = ids.map((tokens) => ({tokens, mask: tokens.map((_, i) => (i === 0 ? 0 : 1))}));
    const engine = await openEngine({
      config,
      weights,
      threads: 1,
      // β1 = 0 leaves the gradient of the last update in the first moment.
      optimizer: {beta1: 0, maxNorm: 0},
      programs: {
        logits: logits({rows: ids.length, lengths: [ids[0]!.length]}),
        left: logits({rows: 2, lengths: [expected.padded_input_ids[0]!.length], padding: 'left'}),
        train: crossEntropyTraining({rows: 2, lengths: [ids[0]!.length]}),
        greedy: generation({
          prompts: 2,
          group: 1,
          promptLengths: [expected.greedy_prompt[0]!.length + 2],
          maxNewTokens: expected.greedy_tokens[0]!.length,
          temperature: 0,
          topP: 1,
          topK: 0,
          stopIds: [config.vocabSize], // never made
        }),
      },
    });

    engine.run.logits(rows).forEach((row, i) => {
      assert.ok(largestGap(row, expected.logits[i]!.flat()) < 1e-4);
    });

    const real = expected.padded_input_ids[0]!.filter((_, i) => expected.attention_mask[0]![i] === 1);
    assert.ok(real.length < expected.padded_input_ids[0]!.length);
    const [left] = engine.run.left([{tokens: real}]);
    assert.ok(largestGap(left!, expected.padded_logits[0]!.flat()) < 1e-4);

    const {loss} = engine.run.train(rows, {learningRate: 0});
    assert.ok(Math.abs(loss / expected.loss - 1) < 1e-4);
    for (const [parameter, gradient] of engine.read('adam.m')) {
      const norm = Math.hypot(...gradient);
      assert.ok(Math.abs(norm / expected.grad_norms[parameter]! - 1) < 1e-4, `${parameter}: ${norm}`);
    }

    const greedy = engine.run.greedy({
      prompts: expected.greedy_prompt,
      uniforms: new Float32Array(2 * expected.greedy_tokens[0]!.length),
    });
    assert.deepEqual(
      greedy.map(({tokens}) => tokens),
      expected.greedy_tokens,
    );
    engine.dispose();
  });
}

for (const name of [
  'qwen3-untied',
  'qwen3-yarn-tied',
  'mistral',
  'llama-linear-biased',
  'llama-llama3',
  'qwen2-yarn',
]) {
  test(`${name} computes what transformers computes: logits, greedy tokens, loss, gradients`, async () => {
    const gaps = await gapsOf(join(FIXTURES, name));
    assert.ok(gaps.logit < 1e-4 && gaps.loss < 1e-4 && gaps.norm < 1e-4, JSON.stringify(gaps));
  });
}

const llama = (fields: Record<string, unknown>): ModelConfig =>
  parseConfig(
    {
      architectures: ['LlamaForCausalLM'],
      model_type: 'llama',
      vocab_size: 19,
      hidden_size: 12,
      intermediate_size: 20,
      num_hidden_layers: 2,
      num_attention_heads: 4,
      num_key_value_heads: 4,
      max_position_embeddings: 64,
      rms_norm_eps: 1e-5,
      rope_theta: 100,
      tie_word_embeddings: false,
      ...fields,
    },
    'test',
  );

/** One config for each branch that changes the numbers. */
const CONFIGS: Record<string, ModelConfig> = {
  'one key head a query head': llama({head_dim: 4}),
  'all query heads on one key head': llama({num_key_value_heads: 1, head_dim: 6}),
  'grouped keys, tied, heads wider than the model': llama({
    num_key_value_heads: 2,
    head_dim: 8,
    tie_word_embeddings: true,
  }),
  'biases everywhere': llama({num_key_value_heads: 2, head_dim: 4, attention_bias: true, mlp_bias: true}),
  'positions in between': llama({head_dim: 4, rope_scaling: {type: 'linear', factor: 3}}),
  'positions stretched by YaRN': llama({
    head_dim: 8,
    rope_scaling: {type: 'yarn', factor: 4, original_max_position_embeddings: 12, truncate: false},
  }),
  'stretched positions': llama({
    head_dim: 8,
    rope_scaling: {
      rope_type: 'llama3',
      factor: 4,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 16,
    },
  }),
  'matrices so large that gains scale tokens': llama({head_dim: 4, intermediate_size: 1024, hidden_act: 'silu'}),
  Qwen3: {...llama({num_key_value_heads: 2, head_dim: 8}), headNorms: true, family: 'qwen3'},
  Qwen2: {...llama({head_dim: 4}), attentionBias: {qkv: true, output: false}, family: 'qwen2'},
};

for (const [name, config] of Object.entries(CONFIGS)) {
  test(`a random model agrees with float64 loops and finite differences: ${name}`, async () => {
    const source = random(3, name);
    // Spread wide, so that a wrong term shows.
    const weights = new Map(
      [...initialWeights(config, 1)].map(([key, values]) => [
        key,
        values.map((value) => value + 0.3 * source.normal()),
      ]),
    );
    const rows = [7, 11, 4].map((length) => ({
      tokens: Array.from({length}, () => source.int(config.vocabSize)),
      mask: Array.from({length}, (_, i) => (i > 1 ? 1 : 0)),
    }));
    const engine = await openEngine({
      config,
      weights,
      threads: 1,
      optimizer: {beta1: 0, maxNorm: 0},
      programs: {
        logits: logits({rows: 2, lengths: [6, 12]}),
        train: crossEntropyTraining({rows: 2, lengths: [6, 12]}),
        loss: crossEntropyLoss({rows: 4, lengths: [12]}),
      },
    });
    const exact = toFloat64(weights);
    engine.run.logits(rows).forEach((row, i) => {
      assert.ok(largestGap(row, referenceLogits(config, exact, rows[i]!.tokens).flat()) < 1e-4);
    });
    const {loss} = engine.run.train(rows, {learningRate: 0});
    assert.ok(Math.abs(loss - referenceLoss(config, exact, rows)) < 1e-5);
    assert.ok(Math.abs(loss - engine.run.loss(rows).loss) < 1e-6);

    const gradients = engine.read('adam.m');
    for (const [parameter, shape] of parameterShapes(config)) {
      const values = exact.get(parameter)!;
      const gradient = gradients.get(parameter)!;
      for (let draw = 0; draw < 4; draw++) {
        const at = source.int(size(shape));
        const kept = values[at]!;
        const lossAt = (value: number): number => {
          values[at] = value;
          return referenceLoss(config, exact, rows);
        };
        const slope = (lossAt(kept + 1e-5) - lossAt(kept - 1e-5)) / 2e-5;
        values[at] = kept;
        assert.ok(
          Math.abs(gradient[at]! - slope) < 1e-5 + 1e-4 * Math.abs(slope),
          `${parameter}[${at}]: ${gradient[at]!} for ${slope}`,
        );
      }
    }
    engine.dispose();
  });
}
