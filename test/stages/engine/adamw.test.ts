import assert from 'node:assert/strict';
import {test} from 'node:test';
import {newConfig} from '../../../stages/model/config.js';
import {initialWeights, parameterShapes} from '../../../stages/model/parameters.js';
import {random} from '../../../stages/random.js';
import {crossEntropyTraining} from '../../../stages/train/programs.js';
import {openEngine} from '../../../stages/engine/engine.js';
import {ADAMW_DEFAULTS} from '../../../stages/engine/adamw.js';
import type {AdamWOptions} from '../../../stages/engine/adamw.js';

const config = newConfig({
  vocabSize: 13,
  hiddenSize: 8,
  intermediateSize: 12,
  layers: 1,
  heads: 2,
  maxPositions: 32,
  eosId: 2,
  padId: 0,
});
const shapes = parameterShapes(config);
const source = random(2, 'adamw test');
const batch = Array.from({length: 4}, () => {
  const tokens = Array.from({length: 9}, () => source.int(config.vocabSize));
  return {tokens, mask: tokens.map((_, i) => (i === 0 ? 0 : 1))};
});

/** AdamW in float64, as PyTorch's documentation prints it. */
class Reference {
  readonly weights: Map<string, Float64Array>;
  readonly #m = new Map<string, Float64Array>();
  readonly #v = new Map<string, Float64Array>();
  #t = 0;

  constructor(weights: ReadonlyMap<string, Float32Array>) {
    this.weights = new Map([...weights].map(([name, values]) => [name, Float64Array.from(values)]));
  }

  step(gradients: ReadonlyMap<string, Float32Array>, rate: number, options: AdamWOptions): number {
    this.#t++;
    const {beta1, beta2, epsilon, weightDecay, maxNorm} = options;
    const norm = Math.sqrt(
      [...gradients.values()].reduce((sum, values) => sum + values.reduce((a, b) => a + b * b, 0), 0),
    );
    const scale = maxNorm === 0 ? 1 : Math.min(1, maxNorm / (norm + 1e-6));
    for (const [name, gradient] of gradients) {
      const w = this.weights.get(name)!;
      const m = this.#m.get(name) ?? new Float64Array(w.length);
      const v = this.#v.get(name) ?? new Float64Array(w.length);
      gradient.forEach((raw, i) => {
        const g = raw * scale;
        if (shapes.get(name)!.length > 1) w[i]! -= rate * weightDecay * w[i]!;
        m[i] = beta1 * m[i]! + (1 - beta1) * g;
        v[i] = beta2 * v[i]! + (1 - beta2) * g * g;
        w[i]! -= (rate * (m[i] / (1 - beta1 ** this.#t))) / (Math.sqrt(v[i] / (1 - beta2 ** this.#t)) + epsilon);
      });
      this.#m.set(name, m);
      this.#v.set(name, v);
    }
    return norm;
  }
}

for (const [name, variant] of Object.entries({
  plain: {maxNorm: 0},
  clipped: {maxNorm: 0.05},
  'with weight decay': {weightDecay: 0.5, maxNorm: 0},
  'with a large epsilon': {epsilon: 1e-2, weightDecay: 0.1, maxNorm: 1},
})) {
  for (const rows of [4, 2]) {
    test(`ten updates agree with AdamW in float64: ${name}, ${4 / rows} micro-batches`, async () => {
      const options: AdamWOptions = {...ADAMW_DEFAULTS, ...variant};
      // Gains and biases away from 1 and 0, so that their decay would show.
      const weights = new Map(
        [...initialWeights(config, 1)].map(([key, values]) => [key, values.map((value) => value + 0.1)]),
      );
      const open = (optimizer: AdamWOptions) =>
        openEngine({
          config,
          weights,
          threads: 1,
          optimizer,
          programs: {train: crossEntropyTraining({rows, lengths: [8]})},
        });
      const engine = await open(options);
      const probe = await open({...options, beta1: 0, maxNorm: 0}); // its first moment is the gradient
      const reference = new Reference(weights);
      for (let step = 0; step < 10; step++) {
        const learningRate = 0.01 / (step + 1);
        probe.write('policy', engine.read('policy'));
        probe.run.train(batch, {learningRate: 0});
        const norm = reference.step(probe.read('adam.m'), learningRate, options);
        const {gradNorm} = engine.run.train(batch, {learningRate});
        assert.ok(Math.abs(gradNorm / norm - 1) < 1e-4, `${gradNorm} for ${norm}`);
      }
      assert.equal(engine.updates, 10);
      for (const [key, values] of engine.read('policy')) {
        const expected = reference.weights.get(key)!;
        // Where a gradient is zero but for rounding (a key's bias), Adam makes steps of its noise.
        if (key.endsWith('k_proj.bias')) continue;
        values.forEach((value, i) =>
          assert.ok(Math.abs(value - expected[i]!) < 2e-5, `${key}[${i}]: ${value} for ${expected[i]!}`),
        );
      }
      engine.dispose();
      probe.dispose();
    });
  }
}
