/** What a program in the sandbox may use. */

/** All of them hold for the program and its children together, except where it says a process. */
export interface Limits {
  /** Processor time. Verdicts depend on this clock and not on the one on the wall, so that a busy machine changes none. */
  readonly cpuSeconds: number;
  /** Time on the wall: only against programs that wait. */
  readonly wallSeconds: number;
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

/** The wall clock stops whoever waits, at this multiple of the processor time. */
const PATIENCE = 5;

/** Limits with that processor time, seconds. */
export const limitsOf = (cpuSeconds: number, others: Partial<Omit<Limits, 'cpuSeconds'>> = {}): Limits => ({
  cpuSeconds,
  wallSeconds: PATIENCE * cpuSeconds,
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
