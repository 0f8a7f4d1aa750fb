/** Models whose matrices are large enough to be laid otherwise for generation, in each of the ways. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import type * as Tf from '@tensorflow/tfjs-node-gpu';
import {layOutWeights} from '../../../stages/model/generation-weights.js';
import {pack, packedLayout} from '../../../stages/model/packing.js';
import {initialWeights} from '../../../stages/model/parameters.js';
import {random, samplingUniforms} from '../../../stages/random.js';
import {loadTensorFlow} from '../../../stages/tensorflow/backend.js';
import {generation} from '../../../stages/engine/programs/generation.js';
import {openEngine} from '../../../stages/engine/engine.js';
import {chunk as base, drawn as config} from '../engine/small.js';
import {logSoftmax, referenceLogits} from './reference.js';

const {tf} = await loadTensorFlow(1);

const source = random(1, 'generation test');
const prompts = [3, 6, 1, 5].map((length) => Array.from({length}, () => 3 + source.int(9)));
const STEPS = base.maxNewTokens;
const uniforms = (count: number, steps: number = STEPS): Float32Array =>
  samplingUniforms(
    {seed: 1, purpose: 'test'},
    Array.from({length: count}, (_, i) => i),
    steps,
  );

/** More tokens than fit into one piece, and not a whole number of pieces. */
const plain = {...config, vocabSize: 300, hiddenSize: 256, headDim: 64, intermediateSize: 520, initializerRange: 0.05};

const everything = {
  ...plain,
  headNorms: true,
  attentionBias: {qkv: true, output: true},
  mlpBias: true,
} as const;

for (const [words, large] of [
  ['a model of large matrices', plain],
  ['the same with biases and normalized heads', everything],
] as const)
  test(`${words} samples with the log-probabilities of float64, many rows and few`, async (t) => {
    const drawn = random(3, 'gains and biases');
    const its = initialWeights(large, 7);
    for (const [name, values] of its) {
      if (/norm|bias/.test(name)) for (let i = 0; i < values.length; i++) values[i] = 0.5 + drawn.uniform();
    }
    const {run, dispose} = await openEngine({
      config: large,
      weights: its,
      threads: 1,
      programs: {
        many: generation(base),
        crowd: generation({...base, group: 12}),
        few: generation({...base, prompts: 2, maxNewTokens: 32}),
        nucleus: generation({...base, prompts: 2, maxNewTokens: 32, topP: 0.9}),
      },
    });
    t.after(dispose);
    const longer = uniforms(6, 32);
    for (const [sampled, given, group] of [
      [run.many, {prompts, uniforms: uniforms(12)}, 3],
      [run.crowd, {prompts, uniforms: uniforms(48)}, 12],
      [run.few, {prompts: prompts.slice(0, 2), uniforms: longer}, 3],
      [run.nucleus, {prompts: prompts.slice(0, 2), uniforms: longer}, 3],
    ] as const) {
      sampled(given).forEach(({tokens, logProbs}, i) => {
        const prompt = prompts[Math.floor(i / group)]!;
        const exact = referenceLogits(large, its, [...prompt, ...tokens]);
        logProbs.forEach((value, step) => {
          const reference = logSoftmax(exact[prompt.length + step - 1]!)[tokens[step]!]!;
          assert.ok(Math.abs(value - reference) < 1e-4, `${value} against ${reference}`);
        });
      });
    }
  });

test('matrices of more than 1 GiB are not laid otherwise, for many rows or few', () => {
  const huge = {...plain, layers: 600};
  for (const rows of [8, 33]) {
    const parameters = {'model.embed_tokens.weight': tf.zeros([12, 256])};
    assert.equal(
      layOutWeights(parameters, huge, rows, 32, {instructions: 'x64 avx512f'}).forTokens.parameters,
      parameters,
    );
  }
});

test('however the matrices are laid, products are the same but for rounding', () => {
  const untied = {...plain, tied: false};
  const laid = (rows: number, instructions: string, rank: number): Record<string, ArrayLike<number>> =>
    tf.tidy(() => {
      const its = initialWeights(untied, 7);
      const parameters = Object.fromEntries(
        packedLayout(untied).map((packed) => [packed.name, tf.tensor(pack(packed, its, untied), [...packed.shape])]),
      );
      const {forTokens, output} = layOutWeights(parameters, untied, rows, 32, {instructions});
      const numbers = random(2, 'rows');
      const given = (width: number): Tf.Tensor =>
        tf.tensor(
          Float32Array.from({length: 5 * width}, () => numbers.normal()),
          [5, width],
        );
      const by = (x: Tf.Tensor, name: string): Tf.Tensor =>
        forTokens.multiply(x, forTokens.parameters[`model.layers.1.${name}.weight`]!);
      const x = given(256);
      const inner = tf.mul(by(x, 'mlp.gate_proj'), by(x, 'mlp.up_proj'));
      const products = {
        qkv: by(x, 'self_attn.qkv_proj'),
        o: by(given(256), 'self_attn.o_proj'),
        down: by(inner, 'mlp.down_proj'),
        byRow: output.byRow(x),
        byPiece: tf.slice(tf.reshape(tf.transpose(output.byPiece(x), [1, 0, 2]), [5, 320]), [0, 0], [5, 300]),
      };
      assert.deepEqual(products.byRow.shape, [5, 300]);
      assert.equal(forTokens.parameters['model.layers.1.mlp.up_proj.weight']!.rank, rank);
      return Object.fromEntries(Object.entries(products).map(([name, tensor]) => [name, tensor.dataSync()]));
    });
  const expected = laid(9, 'x64 avx512f', 2);
  for (const found of [laid(8, 'x64 avx512f', 3), laid(8, 'x64 avx2', 2), laid(33, 'x64 avx2', 2)]) {
    for (const [name, values] of Object.entries(expected)) {
      assert.equal(found[name]!.length, values.length);
      const apart = Array.from(values, (value, i) => Math.abs(value - found[name]![i]!));
      assert.ok(Math.max(...apart) < 1e-4, `${name}: ${Math.max(...apart)}`);
    }
  }
});
