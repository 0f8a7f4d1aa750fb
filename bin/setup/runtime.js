/**
 * Tries the native parts together and writes node_modules/.r1/runtime.json: the facts on which the bits of a result
 * depend, so that the runner can name them without loading TensorFlow.
 */
import {mkdirSync, readFileSync, renameSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {SetupError} from './failure.js';
import {gpuTraces, instructions, processor} from './machine.js';
import {notes, root} from './places.js';
import {say, saying} from './say.js';
import {lastLines, run} from './shell.js';

const step = 'runtime';
const file = path.join(notes, 'runtime.json');
const nodeMajor = Number(process.versions.node.split('.')[0]);

/**
 * @typedef {object} Runtime
 * @property {string} tensorflow TensorFlow's version, as the library itself tells it
 * @property {string} device `cpu`, or `gpu` with the model's name
 * @property {number} node Node's major version
 * @property {string} abi the Node ABI that better-sqlite3 was made for
 * @property {string} instructions architecture and instruction set
 * @property {string} processor the processor's name
 * @property {string} wanted the device that was asked for or found; `device` differs where TensorFlow cannot use the GPU
 * @property {string[]} gpus the GPUs that nvidia-smi listed
 * @property {string} gpuTraces what a look at the GPUs cost nothing to see
 */

/** @returns {Partial<Runtime>} what the last set-up wrote, nothing where there was none */
export function lastRuntime() {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError || (error instanceof Error && 'code' in error && error.code === 'ENOENT'))
      return {};
    throw error;
  }
}

/** Whether the facts still hold for this Node and this machine. @param {string} wanted */
export function runtimeHolds(wanted) {
  const last = lastRuntime();
  // Who asks for the GPU by name is not content with the processor that an earlier set-up fell back on.
  if (process.env['R1_DEVICE'] === 'gpu' && last.device?.startsWith('gpu') !== true) return false;
  return (
    last.wanted === wanted &&
    last.node === nodeMajor &&
    last.abi === process.versions.modules &&
    last.processor === processor() &&
    last.instructions === instructions() &&
    last.gpuTraces === gpuTraces()
  );
}

/** Node 23 took two functions away that the package calls; without them it does not even load. */
const probe = `
  const util = require('node:util');
  util.isArray ??= Array.isArray;
  util.isNullOrUndefined ??= (value) => value === null || value === undefined;
  const tf = require('@tensorflow/tfjs-node-gpu');
  const product = tf.matMul(tf.tensor2d([[1, 2], [3, 4]]), tf.tensor2d([[5, 6], [7, 8]])).dataSync();
  if (String(product) !== '19,22,43,50') throw new Error('a 2 × 2 matrix product came out as ' + String(product));
  const {binding, isUsingGpuDevice} = tf.backend();
  process.stdout.write('\\n' + JSON.stringify({tensorflow: binding.TF_Version, gpu: isUsingGpuDevice === true}) + '\\n');
`;

/**
 * @param {'cpu' | 'gpu'} wanted
 * @param {readonly string[]} gpus
 */
export async function writeRuntime(wanted, gpus) {
  const result = await saying(
    step,
    (seconds) => `trying TensorFlow, ${String(seconds)} s`,
    () =>
      run(process.execPath, ['--input-type=commonjs', '-e', probe], {
        cwd: root,
        timeoutMs: 300_000,
        env: {TF_CPP_MIN_LOG_LEVEL: '1'},
      }),
  );
  const line = result.output.split('\n').find((text) => text.startsWith('{"tensorflow"'));
  if (!result.ok || line === undefined) {
    throw new SetupError(`TensorFlow does not work here: ${result.problem || 'it reported nothing about itself'}.`, [
      ...lastLines(result.output, 15),
      'Try other libraries: R1_LIBTENSORFLOW=/folder npm run setup',
    ]);
  }
  const {tensorflow, gpu} = /** @type {{tensorflow: string, gpu: boolean}} */ (JSON.parse(line));
  if (wanted === 'gpu' && !gpu) {
    const reasons = lastLines(result.output, 40)
      .filter((text) => text.trim() !== '' && text !== line && !/already (been )?registered|absl::Init/.test(text))
      .slice(-8);
    if (process.env['R1_DEVICE'] === 'gpu') {
      throw new SetupError('R1_DEVICE=gpu, but TensorFlow cannot use the GPU that is here.', reasons);
    }
    for (const reason of reasons) say(step, reason);
    say(step, 'a GPU is here, but TensorFlow cannot use it (see above); continuing on the CPU');
  }
  /** @type {Runtime} */
  const runtime = {
    tensorflow,
    device: gpu ? `gpu ${gpus[0] ?? 'unknown'}` : 'cpu',
    node: nodeMajor,
    abi: process.versions.modules,
    instructions: instructions(),
    processor: processor(),
    wanted,
    gpus: [...gpus],
    gpuTraces: gpuTraces(),
  };
  mkdirSync(notes, {recursive: true});
  writeFileSync(`${file}.part`, `${JSON.stringify(runtime, null, 2)}\n`);
  renameSync(`${file}.part`, file);
  say(step, `TensorFlow ${tensorflow} works on ${runtime.device === 'cpu' ? 'the CPU' : runtime.device}`);
}
