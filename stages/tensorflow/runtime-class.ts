/**
 * The runtime class: the facts about TensorFlow and the machine on which the bits of a result depend. Set-up tries
 * TensorFlow and writes them down, so that whoever plans a run need not load it. Does not look at the machine beyond
 * what tells that the facts are another machine's.
 */
import {existsSync, readFileSync} from 'node:fs';
import {cpus} from 'node:os';
import {ownFile} from '../../pipeline/modules/own-package.js';

/** Part of the fingerprint of every stage that computes with tensors: another class, another attempt. */
export type RuntimeClass = {
  /** TensorFlow's version, as the library itself tells it. */
  readonly tensorflow: string;
  /** `cpu`, or `gpu` with the model's name. */
  readonly device: string;
  /** Threads as the stage declares them, not as the machine has them. */
  readonly threads: number;
  /** Node's major version. */
  readonly node: number;
  /** Architecture and instruction set, e.g. `x64 avx avx2 fma`: kernels are chosen by it. */
  readonly instructions: string;
};

/** What set-up wrote, as far as it is read here. */
export interface RuntimeFacts {
  readonly tensorflow: string;
  readonly device: string;
  readonly instructions: string;
  /** The processor's name. */
  readonly processor: string;
}

const factsFile = ownFile('node_modules/.r1/runtime.json');

/** What to type to set up: in a clone, or where the package is installed (which comes without tsconfig.json). */
export const setupCommand = existsSync(ownFile('tsconfig.json')) ? 'npm run setup' : 'npx r1-setup';

/** Set-up has not run, or not for this machine and device. Made to be shown: `message` and `hint` are for the reader. */
export class NotSetUp extends Error {
  override readonly name = 'UserError';
  readonly reason = 'not-set-up';
  readonly hint = setupCommand;
}

/**
 * Reads what set-up wrote.
 *
 * @throws NotSetUp where it is missing, written on another processor, or not for the device that R1_DEVICE asks for
 */
export function readRuntimeFacts(file = factsFile, asked = process.env['R1_DEVICE']): RuntimeFacts {
  const facts = parse(file);
  const processor = cpus()[0]?.model.trim() ?? 'unknown';
  if (facts.processor !== processor) {
    throw new NotSetUp(`set-up was done on another machine (${facts.processor}; this one is ${processor})`);
  }
  if ((asked === 'gpu' || asked === 'cpu') && !facts.device.startsWith(asked)) {
    throw new NotSetUp(`R1_DEVICE=${asked}, but set-up was done for ${facts.device}`);
  }
  return facts;
}

function parse(file: string): RuntimeFacts {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    throw new NotSetUp('TensorFlow is not set up here: node_modules/.r1/runtime.json is missing');
  }
  const facts = JSON.parse(text) as Partial<Record<keyof RuntimeFacts, unknown>>;
  const {tensorflow, device, instructions, processor} = facts;
  if (
    typeof tensorflow !== 'string' ||
    typeof device !== 'string' ||
    typeof instructions !== 'string' ||
    typeof processor !== 'string'
  ) {
    throw new NotSetUp('node_modules/.r1/runtime.json was written by another version');
  }
  return {tensorflow, device, instructions, processor};
}

let read: RuntimeFacts | undefined;

/**
 * The runtime class of a stage that declares `threads`, for `runtimeOf` of `planRecipe` and `runRecipe`. Reads the
 * facts that set-up wrote, once per process; loads no TensorFlow.
 *
 * @throws NotSetUp where set-up has not run, or for another machine or device
 */
export function runtimeClass(threads: number): RuntimeClass {
  const {tensorflow, device, instructions} = (read ??= readRuntimeFacts());
  return {tensorflow, device, threads, node: Number(process.versions.node.split('.')[0]), instructions};
}
