/** What this machine is, as far as set-up and the runtime class care: its instruction set and its GPUs. */
import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {cpus} from 'node:os';
import {SetupError} from './failure.js';
import {run, whichProgram} from './shell.js';

/**
 * Flags on which oneDNN and Eigen choose their kernels, and with them the last bits of a result.
 * Names as Linux prints them: x86 first, then 64-bit ARM.
 */
const telling = [
  ...['sse4_1', 'sse4_2', 'avx', 'fma', 'avx2', 'avx_vnni', 'avx512f', 'avx512bw', 'avx512vl', 'avx512dq'],
  ...['avx512_vnni', 'avx512_bf16', 'avx512_fp16', 'amx_tile', 'amx_int8', 'amx_bf16', 'amx_fp16'],
  ...['asimd', 'asimddp', 'bf16', 'i8mm', 'sve', 'sve2', 'sme'],
];

/** The architecture and its telling flags, e.g. `x64 avx avx2 fma`. Flags are left out where the system does not say. */
export function instructions() {
  if (process.platform !== 'linux') return process.arch;
  const line = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? '';
  const flags = new Set(line.split(' '));
  return [process.arch, ...telling.filter((flag) => flags.has(flag))].join(' ');
}

/** The processor's name; it tells a clone that has moved to another machine. */
export function processor() {
  return cpus()[0]?.model.trim() ?? 'unknown';
}

/** Whether a look at the GPUs could find others than last time. Cheap, unlike nvidia-smi, which takes up to seconds. */
export function gpuTraces() {
  const folder = '/proc/driver/nvidia/gpus';
  const cards = existsSync(folder) ? readdirSync(folder).sort() : [];
  return [whichProgram('nvidia-smi') ?? 'no nvidia-smi', ...cards].join(' ');
}

/** The names of the NVIDIA GPUs, as `nvidia-smi -L` lists them. @returns {Promise<string[]>} */
export async function listGpus() {
  if (whichProgram('nvidia-smi') === undefined) return [];
  const {ok, output} = await run('nvidia-smi', ['-L'], {timeoutMs: 60_000});
  if (!ok) return []; // the tool is there and the driver is not: nothing to compute on
  return [...output.matchAll(/^GPU \d+: (.+?)(?: \(UUID: .*\))?$/gm)].map((match) => String(match[1]));
}

/**
 * The device to set up for: what R1_DEVICE says, otherwise what is there.
 * @param {string | undefined} asked the value of R1_DEVICE
 * @param {readonly string[]} gpus
 * @returns {'cpu' | 'gpu'}
 */
export function chooseDevice(asked, gpus) {
  switch (asked) {
    case undefined:
    case '':
      return gpus.length > 0 ? 'gpu' : 'cpu';
    case 'cpu':
      return 'cpu';
    case 'gpu':
      if (gpus.length > 0) return 'gpu';
      throw new SetupError('R1_DEVICE=gpu, but this machine has no NVIDIA GPU that nvidia-smi -L lists.', [
        'Compute on the CPU: unset R1_DEVICE, or set R1_DEVICE=cpu',
        'If there is a GPU, install its driver until nvidia-smi -L shows it',
      ]);
    default:
      throw new SetupError(`R1_DEVICE=${asked} is not a device.`, ['Use R1_DEVICE=cpu or R1_DEVICE=gpu, or unset it']);
  }
}
