/**
 * Our contender, one process a measurement because thread counts belong to the process:
 *
 *     node --expose-gc dist/test/bench/engine/ours.js FOLDER KIND THREADS SIZE
 *
 * Answers each line of its input with one line of JSON, as `contender.py` does for the others.
 */
import {readFileSync, writeFileSync} from 'node:fs';
import {createInterface} from 'node:readline';
import {setTimeout} from 'node:timers/promises';
import {generate} from '../../../stages/model/generate.js';
import {pack, packedLayout} from '../../../stages/model/packing.js';
import {samplingUniforms} from '../../../stages/random.js';
import {loadTensorFlow} from '../../../stages/tensorflow/backend.js';
import {crossEntropyTraining} from '../../../stages/train/programs.js';
import {generation} from '../../../stages/engine/programs/generation.js';
import {openEngine} from '../../../stages/engine/engine.js';
import {compile} from '../../rig/compile.js';
import {valueAndGradients} from '../../../stages/tensorflow/gradients.js';
import {raw} from '../../../stages/tensorflow/ops.js';
import {crossEntropyObjective} from '../../../stages/train/cross-entropy.js';
import type {Size} from '../sizes.js';
import {SIZES} from '../sizes.js';
import {LEARNING_RATE, OPTIMIZER, readWeights, taskOf} from './task.js';
import type {Task} from './task.js';

interface Work {
  /** Makes its steps and returns a number that shows what it computed, such as the loss. */
  readonly step: () => number;
  readonly stepsPerCall: number;
}

type Kind = (task: Task, folder: string, threads: number) => Promise<Work>;

const maskedRows = ({tokens}: Task) => tokens.map((row) => ({tokens: row, mask: row.map((_, i) => (i === 0 ? 0 : 1))}));

/** One optimizer update of the whole batch at once, as the peers make it. */
const train =
  (precision: 'f32' | 'bf16', recompute = false): Kind =>
  async (task, folder, threads) => {
    const {config, tokens, newTokens} = task;
    const engine = await openEngine({
      config,
      weights: readWeights(folder, config),
      threads,
      precision,
      activationCheckpointing: recompute,
      optimizer: OPTIMIZER,
      programs: {train: crossEntropyTraining({rows: tokens.length, lengths: [newTokens]})},
    });
    const rows = maskedRows(task);
    return {step: () => engine.run.train(rows, {learningRate: LEARNING_RATE}).loss, stepsPerCall: 1};
  };

const meanOf = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** A whole generation from short prompts; a step is one token of every sample. */
const sampling: Kind = async ({config, prompts, group, newTokens}, folder, threads) => {
  const chunk = {prompts: prompts.length, group, promptLengths: [prompts[0]!.length], maxNewTokens: newTokens};
  const programs = {sample: generation({...chunk, temperature: 1, topP: 1, topK: 0, stopIds: [config.vocabSize]})};
  const engine = await openEngine({config, weights: readWeights(folder, config), threads, programs});
  const samples = Array.from({length: prompts.length * group}, (_, i) => i);
  const uniforms = samplingUniforms({seed: 1, purpose: 'bench'}, samples, newTokens);
  const step = (): number => meanOf(engine.run.sample({prompts, uniforms}).flatMap(({logProbs}) => logProbs));
  return {step, stepsPerCall: newTokens};
};

/** The same training step operator by operator, as plain tfjs runs it. */
const trainEagerly: Kind = async (task, folder, threads) => {
  const {tf} = await loadTensorFlow(threads);
  const {config, tokens, newTokens} = task;
  const weights = readWeights(folder, config);
  const variables = packedLayout(config).map((packed) =>
    tf.variable(tf.tensor(pack(packed, weights, config), [...packed.shape]), true, packed.name),
  );
  const shape = {rows: tokens.length, length: newTokens};
  const signature = crossEntropyObjective.inputs(shape);
  const rows = maskedRows(task);
  const optimizer = tf.train.adam(LEARNING_RATE, OPTIMIZER.beta1, OPTIMIZER.beta2, OPTIMIZER.epsilon);
  const step = (): number =>
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
      const norm = tf.sqrt(tf.addN(gradients.map((gradient) => tf.sum(tf.square(gradient)))));
      const scale = tf.minimum(tf.div(OPTIMIZER.maxNorm, tf.add(norm, 1e-6)), 1);
      optimizer.applyGradients(variables.map(({name}, i) => ({name, tensor: tf.mul(gradients[i]!, scale)})));
      return value.dataSync()[0]!;
    });
  return {step, stepsPerCall: 1};
};

/** The same generation operator by operator. */
const sampleEagerly: Kind = async ({config, prompts, group, newTokens}, folder, threads) => {
  const {tf} = await loadTensorFlow(threads);
  const weights = readWeights(folder, config);
  const parameters = Object.fromEntries(
    packedLayout(config).map((packed) => [packed.name, tf.tensor(pack(packed, weights, config), [...packed.shape])]),
  );
  const promptLength = prompts[0]!.length;
  const shape = {prompts: prompts.length, group, promptLength, maxNewTokens: newTokens};
  const rows = prompts.length * group;
  const options = {temperature: 1, topP: 1, topK: 0, stopIds: [config.vocabSize]};
  const step = (): number =>
    tf.tidy(() => {
      const inputs = {
        tokens: tf.tensor1d(Int32Array.from(prompts.flat()), 'int32'),
        lengths: tf.fill([prompts.length], promptLength, 'int32'),
        idle: tf.zeros([rows], 'bool'),
        uniforms: tf.randomUniform([newTokens, rows]),
      };
      return meanOf([...generate(parameters, inputs, config, shape, options).logProbs.dataSync()]);
    });
  return {step, stepsPerCall: newTokens};
};

/** Products of large square matrices: the rate that this machine has for them. */
const multiplying: Kind = async (_task, _folder, threads) => {
  const {tf} = await loadTensorFlow(threads);
  const side = 1024;
  // Several in a chain, because two matrices have to be handed over with each call.
  const stepsPerCall = 8;
  const product = compile(
    ({a, b}) => {
      let chain = a;
      for (let i = 0; i < stepsPerCall; i++) chain = raw.matMul(chain, b);
      return {corner: tf.slice(chain, [0, 0], [1, 1])};
    },
    {a: {dtype: 'float32', shape: [side, side]}, b: {dtype: 'float32', shape: [side, side]}},
  );
  const values = Float32Array.from({length: side * side}, (_, i) => Math.sin(i) / side);
  return {step: () => product({a: values, b: values}).corner.values[0]!, stepsPerCall};
};

const KINDS: Record<string, Kind> = {
  train: train('f32'),
  'train-bf16': train('bf16'),
  'train-recompute': train('f32', true),
  'train-eager': trainEagerly,
  generate: sampling,
  'generate-eager': sampleEagerly,
  matmul: multiplying,
};

/** A figure of this process from the kernel, in MiB. */
function resident(field: string): number {
  const found = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync('/proc/self/status', 'utf8'));
  if (found === null) throw new Error(`/proc/self/status has no ${field}`);
  return Number(found[1]) / 1024;
}

const [folder, kindName, threads, sizeName] = process.argv.slice(2);
const size: Size | undefined = (SIZES as Record<string, Size>)[sizeName ?? ''];
const kind = KINDS[kindName ?? ''];
if (folder === undefined || size === undefined || kind === undefined) {
  throw new Error(
    `say a folder, then one of ${Object.keys(KINDS).join(', ')}, threads, one of ${Object.keys(SIZES).join(', ')}`,
  );
}
const {step, stepsPerCall} = await kind(taskOf(size), folder, Number(threads));

function timed(): {value: number; ms: number} {
  const begun = performance.now();
  const value = step();
  return {value, ms: performance.now() - begun};
}

async function answerTo(line: string): Promise<unknown> {
  const [asked, count] = line.split(' ');
  switch (asked) {
    case 'start': {
      const [first, second] = [timed(), timed()];
      const version = process.versions.node;
      return {version, values: [first.value, second.value], firstMs: first.ms, laterMs: second.ms};
    }
    case 'go': {
      const calls = Number(count);
      const all = Array.from({length: calls}, () => timed().ms);
      return {ms: all.reduce((a, b) => a + b, 0) / calls / stepsPerCall};
    }
    case 'memory': {
      // The weights on their way into the session are no memory of a step. What gc finds is given back by another thread.
      globalThis.gc!();
      await setTimeout(500);
      const beforeMiB = resident('VmRSS');
      writeFileSync('/proc/self/clear_refs', '5'); // the peak counts from here on
      for (let i = 0; i < 2; i++) step();
      return {beforeMiB, peakMiB: resident('VmHWM')};
    }
    default:
      throw new Error(`nobody told me what “${line}” means`);
  }
}

for await (const line of createInterface({input: process.stdin})) {
  process.stdout.write(`${JSON.stringify(await answerTo(line))}\n`);
}
