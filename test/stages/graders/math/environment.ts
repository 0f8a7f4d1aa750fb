/** The Python of the tests of mathematics: that of R1_TEST_PYTHON where it has Math-Verify, else the environment of the user's cache. */
import {execFileSync} from 'node:child_process';
import {MATH_ENVIRONMENT} from '../../../../stages/graders/math/index.js';
import {openEnvironment} from '../../../../stages/python/environment.js';

/** Its interpreter, or why there is none. */
export async function mathPython(): Promise<{readonly python: string} | {readonly why: string}> {
  const given = process.env['R1_TEST_PYTHON'];
  if (given !== undefined && hasMathVerify(given)) return {python: given};
  try {
    return {python: await openEnvironment(MATH_ENVIRONMENT, {note: () => undefined})};
  } catch (error) {
    return {why: (error as Error).message};
  }
}

function hasMathVerify(python: string): boolean {
  try {
    execFileSync(python, ['-c', 'import math_verify'], {stdio: 'ignore'});
    return true;
  } catch {
    return false;
  }
}
