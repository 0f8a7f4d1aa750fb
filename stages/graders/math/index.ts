/** Mathematics: whether an answer says the same as the reference, by Python's Math-Verify. */
import {openEnvironment, type EnvironmentSpec} from '../../python/environment.js';
import {closingAfter} from '../../train/closing.js';
import type {Grader, GraderOptions} from '../grader.js';
import {openMathGrader} from './math-grader.js';

/**
 * What it runs in. The files of Python lie beside the sources of this module: the compiler copies none. Each of them is named, so that
 * its bytes are part of the fingerprint of what is graded with it.
 */
export const MATH_ENVIRONMENT: EnvironmentSpec = {
  name: 'math',
  lock: new URL('../../../../stages/graders/math/requirements.txt', import.meta.url),
  python: [3, 10],
  module: 'math_verify',
  megabytes: 150,
};

/** Makes the environment where it is not there. @throws {StageFailure} where it cannot be made, with what to install */
export const prepare = async ({note}: GraderOptions): Promise<void> => {
  await openEnvironment(MATH_ENVIRONMENT, {note});
};

/** Opens the grader, ready to grade. @throws {StageFailure} as `prepare` does */
export const open = async ({cores, note, extraction}: GraderOptions): Promise<Grader> =>
  openMathGrader({
    python: await openEnvironment(MATH_ENVIRONMENT, {note}),
    processes: cores,
    findsAnswers: extraction === 'math-verify',
  });

/** Why references cannot be read, or `undefined` for each that can. @throws {StageFailure} as `prepare` does */
export async function checkReferences(
  references: readonly string[],
  {cores, note}: GraderOptions,
): Promise<(string | undefined)[]> {
  const grader = await openMathGrader({python: await openEnvironment(MATH_ENVIRONMENT, {note}), processes: cores});
  return closingAfter([grader], () => grader.check(references));
}
