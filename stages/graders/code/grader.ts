/**
 * The grader of programs: as many at once as there are cores, each with its tests in a sandbox of its own. It is opened when the
 * first program comes, and proves then that the sandbox holds.
 */
import {StageFailure, Stopped} from '../../../pipeline/stage.js';
import {limitsOf} from '../../sandbox/limits.js';
import {openPythonSandbox} from '../../sandbox/python.js';
import type {CodeTests} from '../../tasks/code-tests.js';
import type {GradeRequest, Graded, Grader, GraderOptions} from '../grader.js';
import {verdict} from '../verdict.js';
import {untilClosed} from '../until-closed.js';
import {gradeProgram} from './grade.js';

/** Processor time of a program, seconds: of all calls of its tests together, or of each of its runs. */
const CPU_SECONDS = 5;

/**
 * Opens the grader of programs.
 *
 * @param options.sandbox bubblewrap unless it says that every program is trusted
 * @throws {StageFailure} where there is no bubblewrap or no Python, and where the sandbox does not hold
 */
export async function openCodeGrader({cores, note, sandbox = 'bubblewrap'}: GraderOptions): Promise<Grader> {
  const python = await openPythonSandbox(sandbox);
  if (python.sandbox.kind !== 'bubblewrap')
    note(`programs that the model writes run without a sandbox, with all that this user may do (sandbox: ${sandbox})`);
  const limits = limitsOf(CPU_SECONDS);

  async function gradeAll(requests: readonly GradeRequest[], given: AbortSignal): Promise<readonly Graded[]> {
    // One batch has many equal programs, as a group answers one question.
    const distinct = new Map<string, {readonly request: GradeRequest; graded?: Graded}>();
    const keys = requests.map((request) => {
      const key = JSON.stringify([request.prompt.id, request.given]);
      if (!distinct.has(key)) distinct.set(key, {request});
      return key;
    });
    const waiting = [...distinct.values()];
    const work = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const {prompt, given: program} = next.request;
        const result = await gradeProgram(python, {program, tests: testsOf(next.request)}, limits, given);
        if (result === undefined) throw new Stopped();
        if (result.outcome === 'faulty') throw new StageFailure(`prompt ${prompt.id} cannot be tested: ${result.why}`);
        next.graded = {...verdict(result.outcome), ...(result.why === '' ? {} : {why: result.why})};
      }
    };
    // One that fails leaves nothing to wait for: the others are given no further program, and end with theirs.
    const workers = Array.from({length: Math.max(1, cores)}, () =>
      work().catch((error: unknown) => {
        waiting.length = 0;
        throw error;
      }),
    );
    const failed = (await Promise.allSettled(workers)).find((each) => each.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    return keys.map((key) => distinct.get(key)!.graded!);
  }

  return untilClosed(gradeAll);
}

/** @throws {StageFailure} for a prompt without tests, which importing has ruled out for those that it made */
function testsOf({prompt}: GradeRequest): CodeTests {
  if (prompt.tests === undefined)
    throw new StageFailure(`prompt ${prompt.id} is of the task “code”, and its row has no “tests”`);
  return prompt.tests;
}
