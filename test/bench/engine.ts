/**
 * Times the engine, one measurement a process, because thread counts belong to the process:
 *
 *     node dist/test/bench/engine.js                 all of A and B, compiled and eager
 *     node dist/test/bench/engine.js train C 2       one of them: what, size, threads
 *
 * Prints the median and the best of the repeats, in milliseconds a step. Run it on a machine that does nothing else.
 */
import {execFileSync} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {generate} from '../../stages/model/generate.js';
import {pack, packedLayout} from '../../stages/model/layout.js';
import {initialWeights} from '../../stages/model/parameters.js';
import {random, samplingUniforms} from '../../stages/random.js';
import {loadTensorFlow} from '../../stages/tensorflow/backend.js';
import {crossEntropyTraining, generation, openEngine} from '../../stages/tensorflow/engine.js';
import {valueAndGradients} from '../../stages/tensorflow/gradients.js';
import {crossEntropyObjective} from '../../stages/train/cross-entropy.js';
import type {Size} from './sizes.js';
import {configOf, SIZES, trainingOperations} from './sizes.js';

export interface Timing {
  readonly what: string;
  readonly size: string;
  readonly threads: number;
  readonly medianMs: number;
  readonly bestMs: number;
}

type Measurement = (size: Size, threads: number) => Promise<{step: () => void; stepsPerCall: number}>;

const PROMPTS = 8;
const PROMPT_LENGTH = 16;

const rowsOf = ({rows, length, vocabSize}: Size) => {
  const source = random(1, 'bench');
  return Array.from({length: rows}, () => ({
    tokens: Array.from({length: length + 1}, () => source.int(vocabSize)),
    mask: Array.from({length: length + 1}, (_, i) => (i === 0 ? 0 : 1)),
  }));
};

/** One optimizer update of the whole batch at once, as the peers make it. */
const train =
  (precision: 'f32' | 'bf16', perBatch?: number): Measurement =>
  async (size, threads) => {
    const config = configOf(size);
    const programs = {
      train: crossEntropyTraining({rows: Math.min(size.rows, perBatch ?? size.rows), lengths: [size.length]}),
    };
    const engine = await openEngine({
      config,
      weights: initialWeights(config, 1),
      threads,
      precision,
      optimizer: {},
      programs,
    });
    const rows = rowsOf(size);
    return {step: () => void engine.run.train(rows, {learningRate: 1e-3}), stepsPerCall: 1};
  };

/** A whole generation from short prompts; a step is one token of every sample. */
const decode: Measurement = async (size, threads) => {
  const config = configOf(size);
  const group = Math.max(1, size.rows / PROMPTS);
  const prompts = size.rows / group;
  const chunk = {prompts, group, promptLengths: [PROMPT_LENGTH], maxNewTokens: size.length};
  const programs = {sample: generation({...chunk, temperature: 1, topP: 1, topK: 0, stopIds: [size.vocabSize]})};
  const engine = await openEngine({config, weights: initialWeights(config, 1), threads, programs});
  const source = random(1, 'bench prompts');
  const given = Array.from({length: prompts}, () =>
    Array.from({length: PROMPT_LENGTH}, () => source.int(size.vocabSize)),
  );
  const uniforms = samplingUniforms(
    {seed: 1, purpose: 'bench'},
    Array.from({length: size.rows}, (_, i) => i),
    size.length,
  );
  return {step: () => void engine.run.sample({prompts: given, uniforms}), stepsPerCall: size.length};
};

const trainEagerly: Measurement = async (size, threads) => {
  const {tf} = await loadTensorFlow(threads);
  const config = configOf(size);
  const weights = initialWeights(config, 1);
  const variables = packedLayout(config).map((packed) =>
    tf.variable(tf.tensor(pack(packed, weights, config), [...packed.shape]), true, packed.name),
  );
  const shape = {rows: size.rows, length: size.length};
  const signature = crossEntropyObjective.inputs(shape);
  const rows = rowsOf(size);
  const optimizer = tf.train.adam(1e-3);
  const step = (): void => {
    tf.tidy(() => {
      const arrays = crossEntropyObjective.fill(rows, shape, rows);
      const inputs = Object.fromEntries(
        Object.entries(arrays).map(([name, values]) => [
          name,
          tf.tensor(values, [...signature[name]!.shape], values instanceof Int32Array ? 'int32' : 'float32'),
        ]),
      );
      const parameters = Object.fromEntries(variables.map((variable) => [variable.name, variable]));
      const {value, gradients} = valueAndGradients(parameters, (moved) =>
        crossEntropyObjective.compute(moved, inputs, config, shape),
      );
      optimizer.applyGradients(variables.map(({name}, i) => ({name, tensor: gradients[i]!})));
      value.dataSync();
    });
  };
  return {step, stepsPerCall: 1};
};

const decodeEagerly: Measurement = async (size, threads) => {
  const {tf} = await loadTensorFlow(threads);
  const config = configOf(size);
  const weights = initialWeights(config, 1);
  const parameters = Object.fromEntries(
    packedLayout(config).map((packed) => [packed.name, tf.tensor(pack(packed, weights, config), [...packed.shape])]),
  );
  const group = Math.max(1, size.rows / PROMPTS);
  const shape = {prompts: size.rows / group, group, promptLength: PROMPT_LENGTH, maxNewTokens: size.length};
  const step = (): void => {
    tf.tidy(() => {
      const inputs = {
        tokens: tf.zeros([shape.prompts * PROMPT_LENGTH], 'int32'),
        lengths: tf.fill([shape.prompts], PROMPT_LENGTH, 'int32'),
        idle: tf.zeros([size.rows], 'bool'),
        uniforms: tf.randomUniform([size.length, size.rows]),
      };
      generate(parameters, inputs, config, shape, {
        temperature: 1,
        topP: 1,
        topK: 0,
        stopIds: [size.vocabSize],
      }).tokens.dataSync();
    });
  };
  return {step, stepsPerCall: size.length};
};

const MEASUREMENTS: Record<string, Measurement> = {
  train: train('f32'),
  'train-micro': train('f32', 16),
  'train-bf16': train('bf16'),
  'train-eager': trainEagerly,
  decode,
  'decode-eager': decodeEagerly,
};

async function measure(what: string, name: string, threads: number): Promise<Timing> {
  const size: Size | undefined = (SIZES as Record<string, Size>)[name];
  const measurement = MEASUREMENTS[what];
  if (size === undefined || measurement === undefined) {
    throw new Error(`measure ${Object.keys(MEASUREMENTS).join(', ')} at ${Object.keys(SIZES).join(', ')}`);
  }
  const {step, stepsPerCall} = await measurement(size, threads);
  const timed = (): number => {
    const started = performance.now();
    step();
    return (performance.now() - started) / stepsPerCall;
  };
  timed(); // compiles
  const once = timed();
  const repeats = Math.max(5, Math.min(40, Math.ceil(2000 / (once * stepsPerCall))));
  const times = Array.from({length: repeats}, timed).sort((a, b) => a - b);
  return {what, size: name, threads, medianMs: times[Math.floor(repeats / 2)]!, bestMs: times[0]!};
}

const [what, size, threads] = process.argv.slice(2);
if (what !== undefined) {
  process.stdout.write(`${JSON.stringify(await measure(what, size ?? 'A', Number(threads ?? 1)))}\n`);
} else {
  for (const name of ['A', 'B'] as const) {
    const gigaoperations = trainingOperations(SIZES[name]) / 1e9;
    for (const [each, count] of [
      ['train', 2],
      ['train-micro', 2],
      ['train-bf16', 2],
      ['train-eager', 2],
      ['decode', 1],
      ['decode-eager', 1],
    ] as const) {
      const out = execFileSync(process.execPath, [fileURLToPath(import.meta.url), each, name, String(count)], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const {medianMs, bestMs} = JSON.parse(out) as Timing;
      const rate = each.startsWith('train') ? `, ${(gigaoperations / (medianMs / 1000)).toFixed(0)} GFLOP/s` : '';
      process.stdout.write(
        `${name} ${each}, ${count} threads: ${medianMs.toFixed(2)} ms a step (best ${bestMs.toFixed(2)}${rate})\n`,
      );
    }
  }
}
