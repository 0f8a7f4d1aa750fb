import assert from 'node:assert/strict';
import {execFile} from 'node:child_process';
import {test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import type * as Tf from '@tensorflow/tfjs-node-gpu';
import {generate} from '../../../stages/model/generate.js';
import {pack, packedLayout} from '../../../stages/model/layout.js';
import {initialWeights} from '../../../stages/model/parameters.js';
import {productWith, sample} from '../../../stages/model/sampler.js';
import {random, samplingUniforms} from '../../../stages/random.js';
import {loadTensorFlow} from '../../../stages/tensorflow/backend.js';
import {generation, logProbabilities, openEngine} from '../../../stages/tensorflow/engine.js';
import {compile, runEagerly} from '../../../stages/tensorflow/function.js';
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
      ({logits, u}) => ({token: sample(logits, productWith(identity(5)), u, sampling).token}),
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
    ({logits, u}) => sample(logits, productWith(identity(width)), u, {temperature: 1, topP: 1, topK: 0}),
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

test('a nucleus of few tokens and one of many are those of float64, and a row does not depend on its neighbours', () => {
  const [width, topP] = [50, 0.9];
  const rows = 60;
  const compileFor = (count: number) =>
    compile(
      ({logits, u, idle}) => ({
        ...sample(logits, productWith(identity(width)), u, {temperature: 1, topP, topK: 0}, idle),
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
    ({logits, u}) => ({token: sample(logits, productWith(identity(4)), u, {temperature: 1, topP: 1, topK: 0}).token}),
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
  const started = performance.now();
  hasty.run.sample({prompts, uniforms: new Float32Array(12 * 4000)});
  assert.ok(performance.now() - started < 1000);
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
    const [{openEngine, crossEntropyTraining, generation}, {newConfig}, {initialWeights}, {random, samplingUniforms}, {createHash}] = await Promise.all([
      import('${new URL('../../../stages/tensorflow/engine.js', import.meta.url).href}'),
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
