/** What of the machine counts for a Python program that computes with tensors. Starts no process: a plan asks for it. */
import {existsSync, readFileSync, readdirSync} from 'node:fs';
import path from 'node:path';

/** Flags by which libraries of numerics choose their kernels, and with them the last bits of a result; those that set-up knows. */
const TELLING = [
  ...['sse4_1', 'sse4_2', 'avx', 'fma', 'avx2', 'avx_vnni', 'avx512f', 'avx512bw', 'avx512vl', 'avx512dq'],
  ...['avx512_vnni', 'avx512_bf16', 'avx512_fp16', 'amx_tile', 'amx_int8', 'amx_bf16', 'amx_fp16'],
  ...['asimd', 'asimddp', 'bf16', 'i8mm', 'sve', 'sve2', 'sme'],
];

/** As TensorFlow's class has them, but for what a program of Python does not have: TensorFlow and Node. */
export type MachineClass = {
  /** `cpu`, or `gpu` with the model's name. */
  readonly device: string;
  /** Threads as the stage declares them, not as the machine has them. */
  readonly threads: number;
  /** `x64 avx avx2 fma` */
  readonly instructions: string;
  /** How many GPUs it computes on, as ranks or otherwise; left out where it is none. */
  readonly gpus?: number;
};

/** @param gpus that the node asks for; it is given no more than there are */
export function machineClass(
  {threads, gpus}: {readonly threads: number; readonly gpus: number},
  env: NodeJS.ProcessEnv = process.env,
): MachineClass {
  const models = gpuModels(env);
  const held = Math.min(gpus, models.length);
  if (held === 0) return {device: 'cpu', threads, instructions: instructions()};
  const device = `gpu ${[...new Set(models)].sort().join(' and ')}`.trim();
  return {device, threads, instructions: instructions(), gpus: held};
}

let known: string | undefined;

function instructions(): string {
  return (known ??= readInstructions());
}

function readInstructions(): string {
  if (process.platform !== 'linux') return process.arch;
  const line = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? '';
  const flags = new Set(line.split(' '));
  return [process.arch, ...TELLING.filter((flag) => flags.has(flag))].join(' ');
}

/** The model of each GPU that may be used, as the driver's files have it; '' where they do not say. */
function gpuModels(env: NodeJS.ProcessEnv): readonly string[] {
  if (env['R1_DEVICE'] === 'cpu') return [];
  const visible = env['CUDA_VISIBLE_DEVICES']?.split(',').filter((each) => each.trim() !== '' && each.trim() !== '-1');
  const cards = '/proc/driver/nvidia/gpus';
  const models = existsSync(cards)
    ? readdirSync(cards).map((card) => modelIn(path.join(cards, card, 'information')))
    : [];
  const all = models.length > 0 || !existsSync('/dev/nvidia0') ? models : [''];
  return visible === undefined ? all : all.slice(0, visible.length);
}

function modelIn(file: string): string {
  try {
    return /^Model:\s*(.*)$/m.exec(readFileSync(file, 'utf8'))?.[1]?.trim() ?? '';
  } catch {
    return '';
  }
}
