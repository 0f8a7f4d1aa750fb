import assert from 'node:assert/strict';
import {execFile} from 'node:child_process';
import {test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import type * as Tf from '@tensorflow/tfjs-node-gpu';
import {generate} from '../../../stages/model/generate.js';
import {pack, packedLayout} from '../../../stages/model/packing.js';
import {initialWeights} from '../../../stages/model/parameters.js';
import {random, samplingUniforms} from '../../../stages/random.js';
import {loadTensorFlow} from '../../../stages/tensorflow/backend.js';
import {generation} from '../../../stages/engine/programs/generation.js';
import {logProbabilities} from '../../../stages/train/programs.js';
import {openEngine} from '../../../stages/engine/engine.js';
import {compile, runEagerly} from '../../rig/compile.js';
import {logSoftmax, referenceLogits} from '../model/reference.js';
import {chunk as base, drawn as config} from './small.js';

const {tf} = await loadTensorFlow(1);

const weights = initialWeights(config, 7);
const source = random(1, 'generation test');
const prompts = [3, 6, 1, 5].map((length) => Array.from({length}, () => 3 + source.int(9)));
const STEPS = base.maxNewTokens;
const uniforms = (samples: number[]): Float32Array => samplingUniforms({seed: 1, purpose: 'test'}, samples, STEPS);
const range = (from: number, to: number): number[] => Array.from({length: to - from}, (_, i) => from + i);

const engine = await openEngine({
  config,
  weights,
  threads: 1,
  programs: {
    sample: generation(base),
    warm: generation({...base, temperature: 0.7, topP: 0.9, topK: 8}),
    alone: generation({...base, prompts: 1, group: 1}),
    logProbs: logProbabilities({rows: 4, lengths: [24], temperature: 1}),
    warmLogProbs: logProbabilities({rows: 4, lengths: [24], temperature: 0.7}),
  },
});

test('samples agree with the training graph’s log-probabilities and with float64, in every group', () => {
  for (const [sampled, scored, temperature] of [
    [engine.run.sample, engine.run.logProbs, 1],
    [engine.run.warm, engine.run.warmLogProbs, 0.7],
  ] as const) {
    const samples = sampled({prompts, uniforms: uniforms(range(0, 12))});
    assert.equal(samples.length, 12);
    assert.ok(new Set(samples.slice(0, 3).map(({tokens}) => tokens.join())).size > 1); // a group is not one sample thrice
    const rows = samples.map(({tokens}, i) => ({tokens: [...prompts[Math.floor(i / 3)]!, ...tokens]}));
    const again = scored(rows);
    samples.forEach(({tokens, logProbs}, i) => {
      const start = prompts[Math.floor(i / 3)]!.length;
      const exact = referenceLogits(config, weights, rows[i]!.tokens);
      assert.equal(logProbs.length, tokens.length);
      logProbs.forEach((value, t) => {
        const reference = logSoftmax(exact[start + t - 1]!.map((logit) => logit / temperature))[tokens[t]!]!;
        assert.ok(Math.abs(value - reference) < 1e-4);
        assert.ok(Math.abs(value - again[i]![start + t]!) < 1e-4);
      });
    });
  }
});

test('a token is where u falls in the kept mass of float64 probabilities', () => {
  const [temperature, topP, topK] = [0.7, 0.9, 8];
  const u = uniforms(range(0, 12));
  const samples = engine.run.warm({prompts, uniforms: u});
  let checked = 0;
  samples.forEach(({tokens}, i) => {
    const prompt = prompts[Math.floor(i / 3)]!;
    const exact = referenceLogits(config, weights, [...prompt, ...tokens]);
    tokens.forEach((token, t) => {
      const logits = exact[prompt.length + t - 1]!.map((logit) => logit / temperature);
      const order = range(0, logits.length)
        .sort((a, b) => logits[b]! - logits[a]!)
        .slice(0, topK);
      const probabilities = logSoftmax(order.map((id) => logits[id]!)).map(Math.exp);
      const before = probabilities.map((_, at) => probabilities.slice(0, at).reduce((a, b) => a + b, 0));
      const kept = probabilities.map((p, at) => (before[at]! < topP ? p : 0));
      const point = u[i * STEPS + t]! * kept.reduce((a, b) => a + b, 0);
      const at = kept.findIndex((_, rank) => kept.slice(0, rank + 1).reduce((a, b) => a + b, 0) > point);
      // Next to a border float32 may fall on the other side.
      const border =
        kept.some((_, rank) => Math.abs(kept.slice(0, rank + 1).reduce((a, b) => a + b, 0) - point) < 1e-5) ||
        before.some((sum) => Math.abs(sum - topP) < 1e-5);
      if (border) return;
      assert.equal(token, order[at]);
      checked++;
    });
  });
  assert.ok(checked > 50);
});

test('a sample ends with its stop token, and the call ends with its last sample', async () => {
  const samples = engine.run.sample({prompts, uniforms: uniforms(range(0, 12))});
  assert.ok(samples.some(({finished}) => finished) && samples.some(({finished}) => !finished));
  for (const {tokens, finished} of samples) {
    assert.equal(tokens.includes(2), finished);
    if (finished) assert.equal(tokens.indexOf(2), tokens.length - 1);
    else assert.equal(tokens.length, STEPS);
  }
  // Every token stops: one step, and a thousand more would take a while.
  const hasty = await openEngine({
    config,
    weights,
    threads: 1,
    programs: {sample: generation({...base, maxNewTokens: 4000, stopIds: range(0, 12)})},
  });
  const first = hasty.run.sample({prompts, uniforms: new Float32Array(12 * 4000)});
  const before = process.cpuUsage();
  hasty.run.sample({prompts, uniforms: new Float32Array(12 * 4000)});
  assert.ok(process.cpuUsage(before).user < 1e6); // microseconds of the processor, which others may share
  assert.ok(first.every(({tokens, finished}) => finished && tokens.length === 1));
  hasty.dispose();
});

test('a sample is the same in a chunk that is not full, and next to other prompts', () => {
  const whole = engine.run.sample({prompts, uniforms: uniforms(range(0, 12))});
  const part = engine.run.sample({prompts: prompts.slice(0, 2), uniforms: uniforms(range(0, 6))});
  assert.deepEqual(part, whole.slice(0, 6));
  const swapped = engine.run.sample({
    prompts: [prompts[1]!, prompts[0]!],
    uniforms: uniforms([...range(3, 6), ...range(0, 3)]),
  });
  assert.deepEqual(
    swapped.slice(0, 3).map(({tokens}) => tokens),
    whole.slice(3, 6).map(({tokens}) => tokens),
  );
});

test('in another batch size log-probabilities stay within 1e-5 and tokens change at near-ties only', () => {
  const whole = engine.run.sample({prompts, uniforms: uniforms(range(0, 12))});
  let different = 0;
  whole.forEach(({tokens, logProbs}, i) => {
    const [alone] = engine.run.alone({prompts: [prompts[Math.floor(i / 3)]!], uniforms: uniforms([i])});
    if (alone!.tokens.join() !== tokens.join()) different++;
    else alone!.logProbs.forEach((value, t) => assert.ok(Math.abs(value - logProbs[t]!) < 1e-5));
  });
  assert.equal(different, 0); // no uniform of this seed lies within rounding of a border
});

test('the loop of the graph and the loop in JavaScript make the same tokens', () => {
  const layout = packedLayout(config);
  const shape = {prompts: 2, group: 2, promptLength: 6, maxNewTokens: 8};
  const signature = {
    ...Object.fromEntries(layout.map((packed) => [packed.name, {dtype: 'float32' as const, shape: packed.shape}])),
    tokens: {dtype: 'int32' as const, shape: [12]},
    lengths: {dtype: 'int32' as const, shape: [2]},
    idle: {dtype: 'bool' as const, shape: [4]},
    uniforms: {dtype: 'float32' as const, shape: [8, 4]},
  };
  const fn = (all: Readonly<Record<string, Tf.Tensor>>): Record<string, Tf.Tensor> => {
    const parameters = Object.fromEntries(layout.map(({name}) => [name, all[name]!]));
    const inputs = {tokens: all['tokens']!, lengths: all['lengths']!, idle: all['idle']!, uniforms: all['uniforms']!};
    return {...generate(parameters, inputs, config, shape, {temperature: 1, topP: 0.95, topK: 0, stopIds: [2]})};
  };
  const given = {
    ...Object.fromEntries(layout.map((packed) => [packed.name, pack(packed, weights, config)])),
    tokens: Int32Array.from([...prompts[0]!, 0, 0, 0, ...prompts[1]!]),
    lengths: Int32Array.of(3, 6),
    idle: new Uint8Array(4),
    uniforms: Float32Array.from({length: 32}, () => source.uniform()),
  };
  const compiled = compile(fn, signature);
  const before = tf.memory().numTensors;
  const [fast, slow] = [compiled(given), runEagerly(fn, signature, given)];
  assert.equal(tf.memory().numTensors, before);
  assert.deepEqual(fast['tokens'], slow['tokens']);
  slow['logProbs']!.values.forEach((value, i) => assert.ok(Math.abs(value - fast['logProbs']!.values[i]!) < 1e-5));
  compiled.dispose();
});

test('training and sampling give the same bytes in every process', async () => {
  const script = `
    const [{openEngine}, {crossEntropyTraining}, {generation}, {newConfig}, {initialWeights}, {random, samplingUniforms}, {createHash}] = await Promise.all([
      import('${new URL('../../../stages/engine/engine.js', import.meta.url).href}'),
      import('${new URL('../../../stages/train/programs.js', import.meta.url).href}'),
      import('${new URL('../../../stages/engine/programs/generation.js', import.meta.url).href}'),
      import('${new URL('../../../stages/model/config.js', import.meta.url).href}'),
      import('${new URL('../../../stages/model/parameters.js', import.meta.url).href}'),
      import('${new URL('../../../stages/random.js', import.meta.url).href}'),
      import('node:crypto'),
    ]);
    const threads = Number(process.argv[1]);
    const config = newConfig({vocabSize: 64, hiddenSize: 32, intermediateSize: 64, layers: 2, heads: 4, maxPositions: 64, eosId: 2, padId: 0});
    const source = random(1, 'bytes');
    const engine = await openEngine({config, weights: initialWeights(config, 1), threads, optimizer: {}, programs: {
      train: crossEntropyTraining({rows: 16, lengths: [32]}),
      sample: generation({prompts: 8, group: 2, promptLengths: [8], maxNewTokens: 12, temperature: 1, topP: 1, topK: 0, stopIds: [2]}),
    }});
    for (let step = 0; step < 40; step++) {
      const rows = Array.from({length: 24}, () => Array.from({length: 8 + source.int(20)}, () => source.int(64))).map((tokens) => ({tokens, mask: tokens.map((_, i) => (i ? 1 : 0))}));
      engine.run.train(rows, {learningRate: 1e-2});
    }
    const hash = createHash('sha256');
    for (const values of engine.read('policy').values()) hash.update(values);
    const prompts = Array.from({length: 8}, () => Array.from({length: 5}, () => source.int(64)));
    hash.update(JSON.stringify(engine.run.sample({prompts, uniforms: samplingUniforms({seed: 1, purpose: 's'}, Array.from({length: 16}, (_, i) => i), 12)})));
    process.stdout.write(hash.digest('hex'));
  `;
  const run = async (threads: number): Promise<string> =>
    (
      await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, String(threads)], {
        cwd: fileURLToPath(new URL('.', import.meta.url)),
      })
    ).stdout;
  for (const threads of [1, 2]) {
    const [first, second] = [await run(threads), await run(threads)];
    assert.match(first, /^[0-9a-f]{64}$/);
    assert.equal(first, second, `${threads} threads`);
  }
});

test('a call that does not fit is refused', async () => {
  assert.throws(
    () => engine.run.sample({prompts: [...prompts, [3]], uniforms: uniforms(range(0, 15))}),
    /takes 4 prompts at a time, not 5/,
  );
  assert.throws(() => engine.run.sample({prompts, uniforms: new Float32Array(3)}), /needs 12 × 14 uniforms and got 3/);
  assert.throws(
    () => engine.run.sample({prompts: [range(3, 12)], uniforms: uniforms(range(0, 3))}),
    /1 to 8 tokens, not 9 to 9/,
  );
  assert.throws(() => engine.run.sample({prompts: [[]], uniforms: uniforms(range(0, 3))}), /1 to 8 tokens, not 0/);
  await assert.rejects(
    openEngine({config, weights, threads: 1, programs: {none: generation({...base, stopIds: []})}}),
    /no token to stop at/,
  );
  await assert.rejects(
    openEngine({config, weights, threads: 1, programs: {none: generation({...base, topP: 0})}}),
    /top-p 0/,
  );
  engine.dispose();
});
