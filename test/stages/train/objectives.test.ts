/** Every objective, on a whole model: compiled against eager, layers kept against recomputed, values and gradients. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import type * as Tf from '@tensorflow/tfjs-node-gpu';
import type {ModelConfig} from '../../../stages/model/config.js';
import {newConfig, parseConfig, serialiseConfig, withScoreHead} from '../../../stages/model/config.js';
import {pack, packedLayout} from '../../../stages/model/packing.js';
import {initialWeights} from '../../../stages/model/parameters.js';
import {targetLogProbabilities} from '../../../stages/model/transformer.js';
import {random} from '../../../stages/random.js';
import type {TypedArray} from '../../../stages/tensorflow/backend.js';
import {loadTensorFlow} from '../../../stages/tensorflow/backend.js';
import type {Signature} from '../../rig/compile.js';
import {compile, runEagerly} from '../../rig/compile.js';
import {valueAndGradients} from '../../../stages/tensorflow/gradients.js';
import {crossEntropyObjective, tokenArrays, tokenLogProbabilities} from '../../../stages/train/cross-entropy.js';
import {grpoObjective} from '../../../stages/train/grpo.js';
import type {Measures, Objective} from '../../../stages/engine/objective.js';
import {pairwiseObjective, pointwiseObjective} from '../../../stages/train/reward-model.js';

const {tf} = await loadTensorFlow(1);
const source = random(3, 'objectives test');

const config = newConfig({
  vocabSize: 17,
  hiddenSize: 16,
  intermediateSize: 24,
  layers: 2,
  heads: 4,
  keyValueHeads: 2,
  maxPositions: 64,
  initializerRange: 0.3,
  eosId: 2,
  padId: 0,
});
const grpo = {temperature: 0.8, aggregate: 'response-mean', clipLow: 0.2, clipHigh: 0.2, klCoefficient: 0.05} as const;
const untied = parseConfig({...serialiseConfig(config), tie_word_embeddings: false}, 'test');
const scored = withScoreHead(config);
const tokensOf = (length: number): number[] => Array.from({length}, () => source.int(config.vocabSize));
const texts = [9, 4, 7].map(tokensOf);
/** Of each token at temperature 0.8, under the weights that the objectives are computed with. */
const ownLogProbs = logProbsOf(texts);
/** What another policy makes of them, not far away: e to the power of the difference multiplies what was rounded. */
const near = (row: number): number[] => ownLogProbs[row]!.map((logProb) => logProb + source.normal() / 8);
const rows = texts.map((tokens, row) => ({
  tokens,
  mask: tokens.map((_, i) => (i < 2 ? 0 : 1)),
  advantage: source.normal(),
  oldLogProbs: near(row),
  referenceLogProbs: near(row),
  label: source.int(2) as 0 | 1,
  chosen: tokensOf(tokens.length),
  rejected: tokensOf(tokens.length + 1),
}));

function logProbsOf(texts: readonly (readonly number[])[]): number[][] {
  const shape = {rows: texts.length, length: Math.max(...texts.map(({length}) => length))};
  const weights = initialWeights(config, 1);
  return tf.tidy(() => {
    const parameters = Object.fromEntries(
      packedLayout(config).map((packed) => [packed.name, tf.tensor(pack(packed, weights, config), [...packed.shape])]),
    );
    const arrays = tokenArrays(
      texts.map((tokens) => ({tokens})),
      shape,
    );
    const inputs = {tokens: tf.tensor1d(arrays.tokens, 'int32'), targets: tf.tensor1d(arrays.targets, 'int32')};
    const values = tokenLogProbabilities(parameters, inputs, config, shape, grpo.temperature).dataSync();
    return texts.map(({length}, row) => [0, ...values.subarray(row * shape.length, row * shape.length + length - 1)]);
  });
}

type Row = (typeof rows)[number];
const OBJECTIVES: Record<string, [ModelConfig, Objective<Row, Measures>]> = {
  'cross-entropy': [config, crossEntropyObjective],
  'cross-entropy with its own output matrix': [untied, crossEntropyObjective],
  'GRPO by token': [config, grpoObjective({...grpo, ratio: 'token'})],
  'GRPO by sequence': [config, grpoObjective({...grpo, ratio: 'sequence'})],
  pairs: [scored, pairwiseObjective],
  points: [scored, pointwiseObjective],
};

for (const [name, [model, objective]] of Object.entries(OBJECTIVES)) {
  test(`compiled and eager agree, and with layers recomputed: ${name}`, () => {
    const shape = {rows: 8, length: 12};
    const weights = initialWeights(model, 1);
    const layout = packedLayout(model);
    const arrays = objective.fill(rows, shape, rows);
    const inputs = objective.inputs(shape);
    const signature: Signature = {
      ...Object.fromEntries(layout.map(({name: key, shape: size}) => [key, {dtype: 'float32' as const, shape: size}])),
      ...Object.fromEntries(
        Object.entries(arrays).map(([key, values]) => [
          key,
          {dtype: values instanceof Int32Array ? ('int32' as const) : ('float32' as const), shape: inputs[key]!.shape},
        ]),
      ),
    };
    const given: Record<string, TypedArray> = {
      ...Object.fromEntries(layout.map((packed) => [packed.name, pack(packed, weights, model)])),
      ...arrays,
    };
    const computed = (all: Readonly<Record<string, Tf.Tensor>>, recompute: boolean): Record<string, Tf.Tensor> => {
      const parameters = Object.fromEntries(layout.map(({name: key}) => [key, all[key]!]));
      const {value, gradients, metrics} = valueAndGradients(parameters, (moved) =>
        objective.compute(moved, all, model, {...shape, activationCheckpointing: recompute}),
      );
      return {
        loss: value,
        ...metrics,
        ...Object.fromEntries(layout.map(({name: key}, i) => [`d ${key}`, gradients[i]!])),
      };
    };
    const kept = (all: Readonly<Record<string, Tf.Tensor>>) => computed(all, false);
    const again = (all: Readonly<Record<string, Tf.Tensor>>) => computed(all, true);
    const [compiled, compiledAgain] = [compile(kept, signature), compile(again, signature)];
    const expected = runEagerly(kept, signature, given);
    assert.ok(Math.abs(expected['loss']!.values[0]!) > 1e-3);
    for (const found of [compiled(given), compiledAgain(given), runEagerly(again, signature, given)]) {
      for (const [key, {values}] of Object.entries(expected)) {
        const [difference, size] = [
          Math.hypot(...values.map((value, i) => value - found[key]!.values[i]!)),
          Math.hypot(...values),
        ];
        // A key's bias moves all scores of a query alike, which softmax does not see: its gradient is only rounding.
        // A response's ratio is e to the power of a sum over its tokens, of which each was rounded.
        const limit = key.startsWith('d ')
          ? 1e-5 * Math.max(size, key.endsWith('qkv_proj.bias') ? 0.1 : 0)
          : 1e-6 * Math.max(1, size) * (key === 'ratioMax' ? shape.length : 1);
        assert.ok(difference <= limit, `${key}: ${difference} of ${size}`);
      }
    }
    compiled.dispose();
    compiledAgain.dispose();
  });
}

test('log-probabilities computed some rows at a time are the same, and so are their gradients', () => {
  const signature = {
    hidden: {dtype: 'float32', shape: [10, 4]},
    output: {dtype: 'float32', shape: [7, 4]},
    targets: {dtype: 'int32', shape: [10]},
  } as const;
  const given = {
    hidden: Float32Array.from({length: 40}, () => source.normal()),
    output: Float32Array.from({length: 28}, () => source.normal()),
    targets: Int32Array.from({length: 10}, () => source.int(7)),
  };
  const at = (atATime: number) => {
    const fn = (all: {readonly hidden: Tf.Tensor; readonly output: Tf.Tensor; readonly targets: Tf.Tensor}) => {
      let logProbs: Tf.Tensor | undefined;
      const {gradients} = valueAndGradients({hidden: all.hidden, output: all.output}, ({hidden, output}) => {
        logProbs = targetLogProbabilities(hidden!, output!, all.targets, 0.7, {atATime});
        const along = tf.tensor1d(Float32Array.from({length: 10}, (_, i) => Math.cos(i)));
        return {loss: tf.sum(tf.mul(logProbs, along)), metrics: {logProbs}};
      });
      return {dHidden: gradients[0]!, dOutput: gradients[1]!};
    };
    const compiled = compile(fn, signature);
    const result = compiled(given);
    compiled.dispose();
    assert.deepEqual(Object.keys(runEagerly(fn, signature, given)), ['dHidden', 'dOutput']);
    return {result, nodes: compiled.nodes};
  };
  const whole = at(70);
  for (const atATime of [69, 21, 7]) {
    const parts = at(atATime);
    assert.ok(parts.nodes > whole.nodes); // it was cut
    for (const key of ['dHidden', 'dOutput'] as const) {
      parts.result[key].values.forEach((value, i) => assert.ok(Math.abs(value - whole.result[key].values[i]!) < 1e-5));
    }
  }
});
