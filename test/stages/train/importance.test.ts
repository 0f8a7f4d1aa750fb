/** Truncated importance weights: worked by numpy, and in the loss by torch in float64 where R1_TEST_PYTHON has it. */
import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'node:test';
import type * as Tf from '@tensorflow/tfjs-node-gpu';
import {random} from '../../../stages/random.js';
import {loadTensorFlow} from '../../../stages/tensorflow/backend.js';
import {valueAndGradients} from '../../../stages/tensorflow/gradients.js';
import {surrogate} from '../../../stages/train/grpo.js';
import {importanceMeasures, importanceWeights, samplerMismatch} from '../../../stages/train/importance.js';
import {compile} from '../../rig/compile.js';

const ROOT = join(import.meta.dirname, '../../../..');
const python = process.env['R1_TEST_PYTHON'];
await loadTensorFlow(1);

interface Case {
  readonly ratio: 'token' | 'sequence';
  readonly cap: number;
  readonly rows: readonly {
    readonly mask: number[];
    readonly trainer: number[];
    readonly sampler: number[];
    readonly weights: number[];
  }[];
  readonly mean: number;
  readonly capped: number;
}

test('weights are those that numpy works out, and so are their mean and the share that is capped', () => {
  const file = join(ROOT, 'test/fixtures/stages/importance.json');
  const cases = JSON.parse(readFileSync(file, 'utf8')) as Case[];
  assert.ok(cases.some(({capped}) => capped > 0 && capped < 1));
  for (const {ratio, cap, rows, mean, capped} of cases) {
    const made = rows.map((row) => ({mask: row.mask, importance: importanceWeights(row, {cap, ratio})}));
    made.forEach(({importance}, i) => {
      importance.forEach((weight, at) => {
        assert.ok(Math.abs(weight - rows[i]!.weights[at]!) < 1e-12, `${ratio}, row ${i}, token ${at}: ${weight}`);
      });
    });
    const measured = importanceMeasures(made, cap);
    assert.ok(Math.abs(measured.importanceMean - mean) < 1e-12);
    assert.equal(measured.importanceCapped, capped);
  }
});

const [ROWS, LENGTH] = [3, 5];
const lengths = [5, 2, 4];
const source = random(9, 'importance test');
const table = (value: (row: number, at: number) => number): number[][] =>
  Array.from({length: ROWS}, (_, row) => Array.from({length: LENGTH}, (_, at) => value(row, at)));
const mask = table((row, at) => (at < lengths[row]! ? 1 : 0));
const logs = (): number[][] => table(() => -0.2 - 2 * source.uniform());
const given = {
  mask,
  logProbs: logs(),
  old: logs(),
  sampler: logs(),
  reference: logs(),
  weights: table((row, at) => mask[row]![at]! / (ROWS * lengths[row]!)),
  advantages: [1.2, -0.7, 0.5],
  cap: 2,
  clipLow: 0.2,
  clipHigh: 0.3,
  klCoefficient: 0.05,
};

for (const ratio of ['token', 'sequence'] as const) {
  test(
    `loss and gradient with them are torch’s in float64: the ratio of the ${ratio}`,
    {skip: python === undefined && 'R1_TEST_PYTHON is not set'},
    () => {
      const script = join(ROOT, 'test/scripts/importance.py');
      const ran = spawnSync(python!, [script, 'check'], {input: JSON.stringify({...given, ratio}), encoding: 'utf8'});
      assert.equal(ran.status, 0, ran.stderr);
      const expected = JSON.parse(ran.stdout) as {loss: number; gradient: number[][]};
      const {loss, gradient} = computed(ratio);
      assert.ok(Math.abs(loss - expected.loss) < 1e-6, `${loss} for ${expected.loss}`);
      expected.gradient.flat().forEach((slope, at) => {
        assert.ok(Math.abs(gradient[at]! - slope) < 1e-6, `${at}: ${gradient[at]!} for ${slope}`);
      });
    },
  );
}

test('the gap between sampler and trainer is its mean and 99th percentile over the sampled tokens of rows that were computed', () => {
  // Gaps of 0.01, 0.02 … 2.00 over two rows; 198 of 200 are at most 1.98. Prompts do not count, nor the row without a trainer.
  const gaps = Array.from({length: 200}, (_, i) => (i + 1) / 100);
  const rowOf = (own: number[]) => ({
    mask: [0, ...own.map(() => 1)],
    samplerLogProbs: [0, ...own.map((gap, i) => -3 + (i % 2 === 0 ? gap : -gap))],
  });
  const rows = [rowOf(gaps.slice(100)), rowOf([50]), rowOf(gaps.slice(0, 100))];
  const trainer = [Array.from({length: 101}, () => -3), undefined, Array.from({length: 101}, () => -3)];
  const {samplerMismatch: mean, samplerMismatchP99: p99} = samplerMismatch(rows, trainer);
  assert.ok(Math.abs(mean! - 1.005) < 1e-9, String(mean));
  assert.ok(Math.abs(p99! - 1.98) < 1e-9, String(p99));
  assert.deepEqual(samplerMismatch(rows, []), {});
});

test('a weight multiplies the gain alone: not the KL term, and no gradient goes through it', () => {
  const weighted = computed('token', 0);
  const {gradient} = computed('token', 0, () => 1);
  const importance = weightsOf('token');
  gradient.forEach((slope, at) => {
    const [row, column] = [Math.floor(at / LENGTH), at % LENGTH];
    assert.ok(Math.abs(weighted.gradient[at]! - slope * importance[row]![column]!) < 1e-6);
  });
  const onlyKl = computed('token', 0.05, () => 0);
  assert.ok(onlyKl.gradient.some((slope) => slope !== 0));
});

function weightsOf(ratio: 'token' | 'sequence'): number[][] {
  return mask.map((marks, row) =>
    importanceWeights({mask: marks, trainer: given.old[row]!, sampler: given.sampler[row]!}, {cap: given.cap, ratio}),
  );
}

/** Loss and gradient to the log-probabilities, as the engine computes them. */
function computed(
  ratio: 'token' | 'sequence',
  klCoefficient = given.klCoefficient,
  replaced?: () => number,
): {loss: number; gradient: number[]} {
  const importance = replaced === undefined ? weightsOf(ratio) : table(replaced);
  const options = {
    ...given,
    ratio,
    klCoefficient,
    temperature: 1,
    aggregate: 'response-mean',
    importance: true,
  } as const;
  const fn = (inputs: Readonly<Record<string, Tf.Tensor>>): Record<string, Tf.Tensor> => {
    const {value, gradients} = valueAndGradients({logProbs: inputs['logProbs']!}, ({logProbs}) =>
      surrogate(logProbs!, inputs, options),
    );
    return {value, gradient: gradients[0]!};
  };
  const each = {dtype: 'float32', shape: [ROWS, LENGTH]} as const;
  const tables = {
    logProbs: given.logProbs,
    mask,
    weights: given.weights,
    oldLogProbs: given.old,
    referenceLogProbs: given.reference,
    importance,
  };
  const compiled = compile(fn, {
    ...Object.fromEntries(Object.keys(tables).map((name) => [name, each])),
    advantages: {dtype: 'float32', shape: [ROWS, 1]},
  });
  const result = compiled({
    ...Object.fromEntries(Object.entries(tables).map(([name, rows]) => [name, Float32Array.from(rows.flat())])),
    advantages: Float32Array.from(given.advantages),
  });
  const answer = {loss: result['value']!.values[0]!, gradient: Array.from(result['gradient']!.values)};
  compiled.dispose();
  return answer;
}
