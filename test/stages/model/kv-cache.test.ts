/** Generation whose KV cache grows: the borders at which it does, and samples that end anywhere between them. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import type * as Tf from '@tensorflow/tfjs-node-gpu';
import type {Generated} from '../../../stages/model/generate.js';
import {generate} from '../../../stages/model/generate.js';
import {pack, packedLayout} from '../../../stages/model/packing.js';
import {initialWeights} from '../../../stages/model/parameters.js';
import {random} from '../../../stages/random.js';
import {loadTensorFlow} from '../../../stages/tensorflow/backend.js';
import {compile, runEagerly} from '../../rig/compile.js';
import {logSoftmax, referenceLogits} from './reference.js';
import {drawn as config} from '../engine/small.js';

await loadTensorFlow(1);

const STOP = 2;
const weights = initialWeights(config, 7);
const layout = packedLayout(config);
const packed = Object.fromEntries(layout.map((each) => [each.name, pack(each, weights, config)]));
const source = random(1, 'room test');
const PROMPT_LENGTH = 5;
const prompts = [5, 3].map((length) => tokensOf(length));
const GROUP = 2;
const ROWS = prompts.length * GROUP;

function tokensOf(length: number): number[] {
  return Array.from({length}, () => 3 + source.int(9)); // none is the stop token
}

/** A response that is wanted of each row, its uniforms, those with which it stops instead, and log p of both. */
function planned(longest: number) {
  return Array.from({length: ROWS}, (_, row) => {
    const prompt = prompts[Math.floor(row / GROUP)]!;
    const tokens = tokensOf(longest);
    const logits = referenceLogits(config, weights, [...prompt, ...tokens]);
    const steps = tokens.map((token, step) => {
      const logProbs = Array.from(logSoftmax(logits[prompt.length + step - 1]!));
      const before = (id: number): number => logProbs.slice(0, id).reduce((sum, value) => sum + Math.exp(value), 0);
      const uniformOf = (id: number): number => before(id) + Math.exp(logProbs[id]!) / 2;
      return {
        go: {token, u: uniformOf(token), logProb: logProbs[token]!},
        stop: {token: STOP, u: uniformOf(STOP), logProb: logProbs[STOP]!},
      };
    });
    return (length: number) => steps.slice(0, length).map(({go, stop}, i) => (i === length - 1 ? stop : go));
  });
}

const signatureOf = (maxNewTokens: number) => ({
  ...Object.fromEntries(layout.map(({name, shape}) => [name, {dtype: 'float32' as const, shape}])),
  tokens: {dtype: 'int32' as const, shape: [prompts.length * PROMPT_LENGTH]},
  lengths: {dtype: 'int32' as const, shape: [prompts.length]},
  idle: {dtype: 'bool' as const, shape: [ROWS]},
  uniforms: {dtype: 'float32' as const, shape: [maxNewTokens, ROWS]},
});

const generating =
  (maxNewTokens: number) =>
  (all: Readonly<Record<string, Tf.Tensor>>): Record<keyof Generated, Tf.Tensor> => {
    const parameters = Object.fromEntries(layout.map(({name}) => [name, all[name]!]));
    const inputs = {tokens: all['tokens']!, lengths: all['lengths']!, idle: all['idle']!, uniforms: all['uniforms']!};
    const shape = {prompts: prompts.length, group: GROUP, promptLength: PROMPT_LENGTH, maxNewTokens};
    return {...generate(parameters, inputs, config, shape, {temperature: 1, topP: 1, topK: 0, stopIds: [STOP]})};
  };

const givenWith = (uniforms: Float32Array) => ({
  ...packed,
  tokens: Int32Array.from(
    prompts.flatMap((prompt) => [...prompt, ...Array<number>(PROMPT_LENGTH - prompt.length).fill(0)]),
  ),
  lengths: Int32Array.from(prompts, ({length}) => length),
  idle: new Uint8Array(ROWS),
  uniforms,
});

test('samples that end at any length, beside shorter ones, are what float64 says, and the call ends with the last', () => {
  const longest = 40;
  const plan = planned(longest);
  const compiled = compile(generating(longest), signatureOf(longest));
  for (let length = 1; length <= longest; length++) {
    const rows = plan.map((of, row) => of(row === 0 ? length : Math.ceil(length / (row + 1))));
    const uniforms = new Float32Array(longest * ROWS);
    rows.forEach((steps, row) => steps.forEach(({u}, step) => (uniforms[step * ROWS + row] = u)));
    const {tokens, logProbs} = compiled(givenWith(uniforms));
    assert.deepEqual(tokens.shape, [ROWS, length]);
    rows.forEach((steps, row) =>
      steps.forEach(({token, logProb}, step) => {
        assert.equal(tokens.values[row * length + step], token, `row ${row} of ${length}, step ${step}`);
        assert.ok(Math.abs(logProbs.values[row * length + step]! - logProb) < 1e-4);
      }),
    );
  }
  compiled.dispose();
});

test('the cache has slots for responses of any length, in the graph and in JavaScript', () => {
  // One token needs no slot; the others end before a border, at it, behind it, and at lengths that no step divides.
  for (const longest of [1, 2, 3, 16, 17, 18, 32, 33, 34, 35, 50]) {
    const plan = planned(longest);
    const rows = plan.map((of) => of(longest + 1)); // none stops
    const uniforms = new Float32Array(longest * ROWS);
    rows.forEach((steps, row) => steps.forEach(({u}, step) => (uniforms[step * ROWS + row] = u)));
    const compiled = compile(generating(longest), signatureOf(longest));
    const given = givenWith(uniforms);
    const [inGraph, again] = [compiled(given), compiled(given)];
    assert.deepEqual(inGraph, again); // a call leaves nothing behind in its buffers
    const eager = runEagerly(generating(longest), signatureOf(longest), given);
    compiled.dispose();
    for (const {tokens, logProbs} of [inGraph, eager]) {
      assert.deepEqual(tokens.shape, [ROWS, longest]);
      rows.forEach((steps, row) =>
        steps.forEach(({token, logProb}, step) => {
          assert.equal(tokens.values[row * longest + step], token, `row ${row} of ${longest}, step ${step}`);
          assert.ok(Math.abs(logProbs.values[row * longest + step]! - logProb) < 1e-4);
        }),
      );
    }
  }
});
