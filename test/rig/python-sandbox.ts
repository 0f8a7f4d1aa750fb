/** The sandbox for programs, where it can be had. */
import {limitsOf} from '../../stages/sandbox/limits.js';
import {openPythonSandbox, type PythonSandbox} from '../../stages/sandbox/python.js';

/** Enough for a test, so that one of a loop is soon over. */
export const shortLimits = limitsOf(1);

/**
 * The sandbox, opened once, or the reason why this machine has none: `.ci/run` installs bubblewrap where it may, and some containers
 * let nobody make namespaces.
 */
export const opened:
  {readonly python: PythonSandbox; readonly skip: false} | {readonly python: undefined; readonly skip: string} =
  await openPythonSandbox('bubblewrap').then(
    (python) => ({python, skip: false as const}),
    (error: unknown) => ({python: undefined, skip: (error as Error).message}),
  );
