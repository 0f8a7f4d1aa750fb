/** The grader of programs, as `../registry.ts` asks for it. */
import {openPythonSandbox} from '../../sandbox/python.js';
import type {GraderOptions} from '../grader.js';

export {openCodeGrader as open} from './grader.js';

/** Finds out whether programs can be run here, by running one. */
export async function prepare({sandbox, note}: GraderOptions): Promise<void> {
  const {version} = await openPythonSandbox(sandbox ?? 'bubblewrap');
  note(`programs are tested with Python ${version}`);
}
