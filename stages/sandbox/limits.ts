/** What a program in the sandbox may use. */

/** All of them hold for the program and its children together, except where it says a process. */
export interface Limits {
  /** Processor time. A busy machine gives a program less of it, but not less before it is ended. */
  readonly cpuSeconds: number;
  /** Time in which none of its processes computes or would if it were its turn. Against programs that wait. */
  readonly waitSeconds: number;
  /** Address space a process, and resident memory of all. */
  readonly memoryBytes: number;
  /** Processes and threads. */
  readonly processes: number;
  /** Size of a file. */
  readonly fileBytes: number;
  /** Open files a process. */
  readonly openFiles: number;
  /** What fits into /tmp, the only folder that can be written to. */
  readonly temporaryBytes: number;
}

const MiB = 2 ** 20;

/** A program may wait for this multiple of the time that it may compute. */
const PATIENCE = 5;

/** Limits with that processor time, seconds. */
export const limitsOf = (cpuSeconds: number, others: Partial<Omit<Limits, 'cpuSeconds'>> = {}): Limits => ({
  cpuSeconds,
  waitSeconds: PATIENCE * cpuSeconds,
  memoryBytes: 512 * MiB,
  processes: 16,
  fileBytes: 16 * MiB,
  openFiles: 64,
  temporaryBytes: 32 * MiB,
  ...others,
});

/** Words of `prlimit` that set them for what it starts, inside of the sandbox: only there does the kernel count its processes apart. */
export const prlimitWords = ({cpuSeconds, memoryBytes, processes, fileBytes, openFiles}: Limits): string[] => [
  `--as=${memoryBytes}`,
  // A second after SIGXCPU, which can be ignored, comes SIGKILL, which cannot.
  `--cpu=${Math.ceil(cpuSeconds)}:${Math.ceil(cpuSeconds) + 1}`,
  `--nproc=${processes}`,
  `--fsize=${fileBytes}`,
  `--nofile=${openFiles}`,
  '--core=0',
  '--memlock=0',
  '--msgqueue=0',
];
