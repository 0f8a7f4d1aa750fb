/** Which token is picked from logits, against float64. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import type * as Tf from '@tensorflow/tfjs-node-gpu';
import {productWith, pickToken, sumsOfPieces} from '../../../stages/model/pick-token.js';
import {random, samplingUniforms} from '../../../stages/random.js';
import {loadTensorFlow} from '../../../stages/tensorflow/backend.js';
import {compile} from '../../rig/compile.js';
import {logSoftmax} from './reference.js';

const {tf} = await loadTensorFlow(1);

const range = (from: number, to: number): number[] => Array.from({length: to - from}, (_, i) => from + i);

/** Hidden states that are the logits themselves. */
const identity = (width: number): Tf.Tensor => tf.eye(width);

test('the pick keeps to the mass whatever the uniform', () => {
  const signature = {logits: {dtype: 'float32', shape: [3, 5]}, u: {dtype: 'float32', shape: [3]}} as const;
  const almostOne = 1 - 2 ** -24;
  // Probabilities 0, 0.25, 0, 0.75, 0
  const row = [-1e4, Math.log(0.25), -1e4, Math.log(0.75), -1e4];
  const given = {logits: Float32Array.of(...row, ...row, ...row), u: Float32Array.of(0, 0.26, almostOne)};
  const tokens = (sampling: {temperature: number; topP: number; topK: number}): number[] => {
    const compiled = compile(
      ({logits, u}) => ({token: pickToken(logits, productWith(identity(5)), u, sampling).token}),
      signature,
    );
    const {values} = compiled(given).token;
    compiled.dispose();
    return Array.from(values);
  };
  assert.deepEqual(tokens({temperature: 1, topP: 1, topK: 0}), [1, 3, 3]);
  assert.deepEqual(tokens({temperature: 1, topP: 0.9, topK: 0}), [3, 3, 1]); // likeliest first
  assert.deepEqual(tokens({temperature: 1, topP: 0.75, topK: 0}), [3, 3, 3]); // the first reaches the mass
  assert.deepEqual(tokens({temperature: 1, topP: 1, topK: 1}), [3, 3, 3]);
  assert.deepEqual(tokens({temperature: 0, topP: 1, topK: 0}), [3, 3, 3]);
});

test('where tokens are cut into pieces, the pick is that of float64 sums, at their borders and for the last token too', () => {
  const [width, rows] = [300, 40];
  const compiled = compile(
    ({logits, u}) => pickToken(logits, productWith(identity(width)), u, {temperature: 1, topP: 1, topK: 0}),
    {logits: {dtype: 'float32', shape: [rows, width]}, u: {dtype: 'float32', shape: [rows]}},
  );
  const draw = random(5, 'pieces');
  // Mass on the last of a piece, the first of the next and the last token of all; then on all, far below 0.
  const borders = [0.25, 0.25, 0.5].map(Math.log);
  const bordering = Array.from({length: width}, (_, id) => borders[[63, 64, 299].indexOf(id)] ?? -1e4);
  const logits = Array.from({length: rows}, (_, row) =>
    row < 5 ? bordering : Array.from({length: width}, () => Math.fround(-500 + 3 * draw.normal())),
  );
  const u = Float32Array.from({length: rows}, (_, row) => [0, 0.24, 0.26, 0.51, 1 - 2 ** -24][row] ?? draw.uniform());
  const {token, logProb} = compiled({logits: Float32Array.from(logits.flat()), u});
  compiled.dispose();
  assert.deepEqual(Array.from(token.values.subarray(0, 5)), [63, 63, 64, 299, 299]);
  logits.forEach((row, i) => {
    const logProbs = Array.from(logSoftmax(row));
    let sum = 0;
    const sums = logProbs.map((value) => (sum += Math.exp(value)));
    const point = u[i]! * sum;
    assert.ok(Math.abs(logProb.values[i]! - logProbs[token.values[i]!]!) < 1e-5);
    // Next to a border float32 may fall on the other side.
    if (i >= 5 && sums.some((border) => Math.abs(border - point) < 1e-6)) return;
    assert.equal(
      token.values[i],
      sums.findIndex((border) => border > point),
    );
  });
});

test('cumulative sums are those of float64 and never fall, whatever the shape', () => {
  const draw = random(6, 'sums');
  for (const [pieces, rows, width] of [
    [1, 128, 40],
    [1, 128, 97],
    [1, 128, 100],
    [3, 64, 100],
    [1, 3, 53],
    [1, 1, 12],
    [1, 1, 256],
    [1, 17, 256],
    [5, 8, 64],
    [40, 1, 64],
  ] as const) {
    // Most are tiny beside the others, and every third is nothing at all.
    const masses = Float32Array.from({length: pieces * rows * width}, (_, i) =>
      i % 3 === 0 ? 0 : Math.exp(6 * draw.normal()),
    );
    const compiled = compile(({x}) => ({sums: sumsOfPieces(x)}), {
      x: {dtype: 'float32', shape: [pieces, rows, width]},
    });
    const sums = compiled({x: masses}).sums.values;
    compiled.dispose();
    for (let row = 0; row < rows; row++) {
      let [exact, before] = [0, 0];
      for (let token = 0; token < pieces * width; token++) {
        const at = (Math.floor(token / width) * rows + row) * width + (token % width);
        exact += masses[at]!;
        assert.ok(sums[at]! >= before, `${pieces} × ${rows} × ${width}: falls at ${token} of row ${row}`);
        if (masses[at] === 0) assert.equal(sums[at], before);
        assert.ok(Math.abs(sums[at]! - exact) <= 1e-5 * exact);
        before = sums[at]!;
      }
    }
  }
});

test('a nucleus of few tokens and one of many are those of float64, and a row does not depend on its neighbours', () => {
  const [width, topP] = [50, 0.9];
  const rows = 60;
  const compileFor = (count: number) =>
    compile(
      ({logits, u, idle}) => ({
        ...pickToken(logits, productWith(identity(width)), u, {temperature: 1, topP, topK: 0}, idle),
      }),
      {
        logits: {dtype: 'float32', shape: [count, width]},
        u: {dtype: 'float32', shape: [count]},
        idle: {dtype: 'bool', shape: [count]},
      },
    );
  const draw = random(2, 'nucleus test');
  // Every third row is nearly flat: its nucleus has more tokens than are sorted at first.
  const logits = Array.from({length: rows}, (_, row) =>
    Array.from({length: width}, () => Math.fround(draw.uniform() * (row % 3 === 0 ? 0.2 : 20))),
  );
  const u = Array.from({length: rows}, () => Math.fround(draw.uniform()));
  const together = compileFor(rows);
  const all = {logits: Float32Array.from(logits.flat()), u: Float32Array.from(u)};
  const mixed = together({...all, idle: new Uint8Array(rows)});
  // The flat rows are idle, so nobody needs more than a few.
  const few = together({...all, idle: Uint8Array.from(u, (_, row) => (row % 3 === 0 ? 1 : 0))});
  const alone = compileFor(1);
  let [many, checked] = [0, 0];
  logits.forEach((row, i) => {
    const single = alone({logits: Float32Array.from(row), u: Float32Array.of(u[i]!), idle: new Uint8Array(1)});
    for (const other of i % 3 === 0 ? [single] : [single, few]) {
      const at = other === few ? i : 0;
      assert.equal(other.token.values[at], mixed.token.values[i]);
      if (other === few) assert.equal(other.logProb.values[at], mixed.logProb.values[i]);
    }
    const logProbs = Array.from(logSoftmax(row));
    const order = range(0, width).sort((a, b) => row[b]! - row[a]!);
    const sums = order.map((_, rank) => order.slice(0, rank + 1).reduce((sum, id) => sum + Math.exp(logProbs[id]!), 0));
    const kept = sums.findIndex((sum) => sum >= topP);
    const point = u[i]! * sums[kept]!;
    if (kept >= 16) many++;
    // Next to a border float32 may fall on the other side.
    if (Math.abs(sums[kept]! - topP) < 1e-5 || sums.some((sum) => Math.abs(sum - point) < 1e-5)) return;
    const token = order[sums.findIndex((sum) => sum > point)]!;
    assert.equal(mixed.token.values[i], token, `row ${i}`);
    assert.ok(Math.abs(mixed.logProb.values[i]! - logProbs[token]!) < 1e-5);
    checked++;
  });
  assert.ok(many === rows / 3 && checked > 50);
  together.dispose();
  alone.dispose();
});

test('frequencies follow the distribution', () => {
  const signature = {logits: {dtype: 'float32', shape: [4000, 4]}, u: {dtype: 'float32', shape: [4000]}} as const;
  const probabilities = [0.1, 0.2, 0.3, 0.4];
  const compiled = compile(
    ({logits, u}) => ({
      token: pickToken(logits, productWith(identity(4)), u, {temperature: 1, topP: 1, topK: 0}).token,
    }),
    signature,
  );
  const {values} = compiled({
    logits: Float32Array.from({length: 16000}, (_, i) => Math.log(probabilities[i % 4]!)),
    u: samplingUniforms({seed: 3, purpose: 'f'}, range(0, 4000), 1),
  }).token;
  compiled.dispose();
  probabilities.forEach((p, id) => {
    const share = values.filter((value) => value === id).length / 4000;
    assert.ok(Math.abs(share - p) < 5 * Math.sqrt((p * (1 - p)) / 4000), `${id}: ${share}`);
  });
});
