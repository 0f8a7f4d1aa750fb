import assert from 'node:assert/strict';
import {test} from 'node:test';
import type * as Tf from '@tensorflow/tfjs-node-gpu';
import {random} from '../../../stages/random.js';
import {loadTensorFlow} from '../../../stages/tensorflow/backend.js';
import {compile} from '../../rig/compile.js';
import {valueAndGradients} from '../../../stages/tensorflow/gradients.js';
import {gatherLogProbabilities} from '../../../stages/tensorflow/ops.js';
import type {Aggregate, GrpoOptions, GrpoRow} from '../../../stages/train/grpo.js';
import {grpoObjective, surrogate} from '../../../stages/train/grpo.js';
import {logSoftmax} from '../model/reference.js';

const {tf} = await loadTensorFlow(1);

const V = 5;
const PROMPT = 2;
const source = random(4, 'grpo test');
/** Responses of 3, 1 and 4 tokens behind prompts of two. */
const rows = [3, 1, 4].map((length, i): GrpoRow => {
  const total = PROMPT + length;
  const logs = (): number[] => Array.from({length: total}, () => -0.3 - 2 * source.uniform());
  return {
    tokens: Array.from({length: total}, () => source.int(V)),
    mask: Array.from({length: total}, (_, at) => (at < PROMPT ? 0 : 1)),
    advantage: [1.3, -0.8, 0.4][i]!,
    oldLogProbs: logs(),
    referenceLogProbs: logs(),
  };
});
/** Logits at each position of each row, the position before a token. */
const logits = rows.map(({tokens}) =>
  Array.from({length: tokens.length - 1}, () => Array.from({length: V}, () => source.normal())),
);

interface Reference {
  loss: number;
  /** Of each ratio: was its gradient cut? */
  clipped: boolean[];
  ratios: number[];
  kls: number[];
}

/** The loss as the papers print it, in float64: max J → −J. */
function reference(given: number[][][], options: GrpoOptions): Reference {
  const result: Reference = {loss: 0, clipped: [], ratios: [], kls: []};
  const allTokens = rows.reduce((sum, {mask}) => sum + Array.from(mask).reduce((a, b) => a + b), 0);
  let objective = 0;
  rows.forEach((row, i) => {
    const sampled = Array.from(row.tokens)
      .map((_, t) => t)
      .filter((t) => row.mask[t]);
    const logProbs = sampled.map(
      (t) => logSoftmax(given[i]![t - 1]!.map((logit) => logit / options.temperature))[row.tokens[t]!]!,
    );
    const term = (logRatio: number, logReference: number): number => {
      const ratio = Math.exp(logRatio);
      const free = ratio * row.advantage;
      const cut = Math.min(1 + options.clipHigh, Math.max(1 - options.clipLow, ratio)) * row.advantage;
      const k3 = Math.exp(logReference) - logReference - 1;
      result.ratios.push(ratio);
      result.clipped.push(cut < free);
      result.kls.push(k3);
      return Math.min(free, cut) - options.klCoefficient * k3;
    };
    const logRatios = sampled.map((t, at) => logProbs[at]! - row.oldLogProbs![t]!);
    const logReferences = sampled.map((t, at) => row.referenceLogProbs![t]! - logProbs[at]!);
    const sum = (values: number[]): number => values.reduce((a, b) => a + b, 0);
    const {aggregate} = options;
    const share = // of one token of this response in the whole
      aggregate === 'response-mean'
        ? 1 / (rows.length * sampled.length)
        : aggregate === 'token-mean'
          ? 1 / allTokens
          : 1 / (rows.length * aggregate.constant);
    objective +=
      options.ratio === 'token'
        ? sum(logRatios.map((logRatio, at) => share * term(logRatio, logReferences[at]!)))
        : share * sampled.length * term(sum(logRatios), sum(logReferences));
  });
  result.loss = -objective;
  return result;
}

const SHAPE = {rows: 4, length: 7}; // one row and some positions more than needed
const VARIANTS: Record<string, Partial<GrpoOptions>> = {
  DeepSeekMath: {},
  'the ratio of the sequence': {ratio: 'sequence'},
  'the ratio of the sequence, wide clip': {ratio: 'sequence', clipLow: 10, clipHigh: 10},
  'Dr. GRPO': {aggregate: {constant: 6}, klCoefficient: 0},
  DAPO: {aggregate: 'token-mean', clipHigh: 0.28, klCoefficient: 0},
  'a colder policy': {temperature: 0.7},
  'no clip to speak of': {clipLow: 1, clipHigh: 1e6},
  'sequence ratio, token mean': {ratio: 'sequence', aggregate: 'token-mean'},
};

for (const [name, variant] of Object.entries(VARIANTS)) {
  test(`loss and gradient agree with the papers in float64: ${name}`, () => {
    const aggregate: Aggregate = 'response-mean';
    const options: GrpoOptions = {
      temperature: 1,
      ratio: 'token',
      aggregate,
      clipLow: 0.2,
      clipHigh: 0.2,
      klCoefficient: 0.1,
      ...variant,
    };
    const objective = grpoObjective(options);
    const arrays = objective.fill(rows, SHAPE, rows);
    const inputs = objective.inputs(SHAPE);
    const signature = Object.fromEntries(
      Object.keys(arrays).map((key) => [
        key,
        {dtype: arrays[key] instanceof Int32Array ? 'int32' : 'float32', shape: inputs[key]!.shape} as const,
      ]),
    );
    const flat = new Float32Array(SHAPE.rows * SHAPE.length * V);
    logits.forEach((row, i) => row.forEach((each, t) => flat.set(each, (i * SHAPE.length + t) * V)));

    const fn = (given: Readonly<Record<string, Tf.Tensor>>): Record<string, Tf.Tensor> => {
      const {value, gradients, metrics} = valueAndGradients({logits: given['logits']!}, ({logits: x}) => {
        const logProbs = gatherLogProbabilities(tf.mul(x!, 1 / options.temperature), given['targets']!);
        return surrogate(tf.reshape(logProbs, [SHAPE.rows, SHAPE.length]), given, options);
      });
      return {loss: value, gradient: gradients[0]!, ...metrics};
    };
    const compiled = compile(fn, {...signature, logits: {dtype: 'float32', shape: [SHAPE.rows * SHAPE.length, V]}});
    const result = compiled({...arrays, logits: flat});
    const {loss, clipped, ratios, kls} = reference(logits, options);
    const count = (flags: boolean[]): number => flags.filter(Boolean).length;

    assert.ok(Math.abs(result['loss']!.values[0]! - loss) < 1e-5, `${result['loss']!.values[0]!} for ${loss}`);
    const parts = [Object.fromEntries(Object.entries(result).map(([key, {values}]) => [key, values[0]!]))];
    const report = objective.report(parts, rows);
    assert.equal(report.clippedShare, count(clipped) / clipped.length);
    assert.ok(Math.abs(report.ratioMax! / Math.max(...ratios) - 1) < 1e-5);
    const kl = options.klCoefficient === 0 ? 0 : kls.reduce((a, b) => a + b) / kls.length;
    assert.ok(Math.abs(report.kl - kl) < 1e-5 * (1 + kl));
    // The variants between them clip some ratios and let others pass.
    if (name === 'DeepSeekMath') assert.ok(count(clipped) > 0 && count(clipped) < clipped.length);

    const gradient = result['gradient']!.values;
    let checked = 0;
    for (let at = 0; at < gradient.length; at++) {
      const [i, t, v] = [Math.floor(at / V / SHAPE.length), Math.floor(at / V) % SHAPE.length, at % V];
      const moved = (by: number): number =>
        reference(
          logits.map((row, a) =>
            row.map((each, b) => each.map((x, c) => (a === i && b === t && c === v ? x + by : x))),
          ),
          options,
        ).loss;
      const slope = (moved(1e-6) - moved(-1e-6)) / 2e-6;
      assert.ok(
        Math.abs(gradient[at]! - slope) < 1e-5 * (1 + Math.abs(slope)),
        `row ${i}, position ${t}, token ${v}: ${gradient[at]!} for ${slope}`,
      );
      if (slope !== 0) checked++;
    }
    assert.ok(checked >= 5, `${checked} slopes were not zero`);
    compiled.dispose();
  });
}

test('a position far from the old policy outside the mask spoils nothing', () => {
  const options: GrpoOptions = {
    temperature: 1,
    ratio: 'token',
    aggregate: 'response-mean',
    clipLow: 0.2,
    clipHigh: 0.2,
    klCoefficient: 0.1,
  };
  const fn = (given: Readonly<Record<string, Tf.Tensor>>): Record<string, Tf.Tensor> => {
    const {value, gradients} = valueAndGradients({logProbs: given['logProbs']!}, ({logProbs}) =>
      surrogate(logProbs!, given, options),
    );
    return {value, gradient: gradients[0]!};
  };
  const each = {dtype: 'float32', shape: [1, 2]} as const;
  const compiled = compile(fn, {
    logProbs: each,
    mask: each,
    weights: each,
    oldLogProbs: each,
    referenceLogProbs: each,
    advantages: {dtype: 'float32', shape: [1, 1]},
  });
  const result = compiled({
    logProbs: Float32Array.of(-1, -200),
    mask: Float32Array.of(1, 0),
    weights: Float32Array.of(1, 0),
    oldLogProbs: Float32Array.of(-1, 0),
    referenceLogProbs: Float32Array.of(-1, 0),
    advantages: Float32Array.of(2),
  });
  assert.equal(result['value']!.values[0], -2);
  assert.deepEqual(
    Array.from(result['gradient']!.values, (slope) => slope + 0),
    [-2, 0],
  );
  compiled.dispose();
});

test('a row without the reference is refused where the loss needs it', () => {
  const objective = grpoObjective({
    temperature: 1,
    ratio: 'token',
    aggregate: 'response-mean',
    clipLow: 0.2,
    clipHigh: 0.2,
    klCoefficient: 0.1,
  });
  const {referenceLogProbs: _, ...without} = rows[0]!;
  assert.throws(() => objective.fill([without], SHAPE, [without]), /referenceLogProbs/);
});
