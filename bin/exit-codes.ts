/** What `r1` ends with, beside 0. The table in bin/README.md and the end of `r1 --help` say the same. */
export const EXIT = {
  /** A node failed, or a check found something. */
  failed: 1,
  /** Wrong usage, a mistake in a recipe, or a store that cannot be used. */
  usage: 2,
  /** An error of r1 itself; as `sysexits.h` has it. */
  internal: 70,
  /** A result could not be written to stdout; as `sysexits.h` has it. */
  outputLost: 74,
  /** Stopped by hand: 128 + SIGINT, as shells have it. */
  stopped: 130,
} as const;
