/** One program and its tests: started, watched, and what came of it in words. */
import {randomBytes} from 'node:crypto';
import type {Readable} from 'node:stream';
import {pipeline} from 'node:stream/promises';
import {limitsOf, type Limits} from '../../sandbox/limits.js';
import type {PythonSandbox} from '../../sandbox/python.js';
import type {End, Running} from '../../sandbox/sandbox.js';
import {sameDecimals} from './same-decimals.js';
import type {CodeTests, StreamTests} from '../../tasks/code-tests.js';

/** What a program is worth, and what it did. */
export interface ProgramVerdict {
  /** `faulty`: the tests themselves cannot be run, whatever the program does. */
  readonly outcome: 'right' | 'wrong' | 'unparsable' | 'timed-out' | 'faulty';
  /** The cause, unless it is right. No time, path or process is in it: equal programs get equal words. */
  readonly why: string;
}

/** What a program may print, bytes; what is beyond is not read, and ends it. */
export const MOST_OUTPUT = 2 ** 20;

// Python lies in the sources, as it is; named like this, its bytes count in fingerprints.
const VALUES = new URL('../../../../stages/graders/code/values.py', import.meta.url);
const PROGRAM = new URL('../../../../stages/graders/code/program.py', import.meta.url);
const TESTS = new URL('../../../../stages/graders/code/tests.py', import.meta.url);
const STREAM = new URL('../../../../stages/graders/code/stream.py', import.meta.url);

/** The tests compare and have little to compute; results that a program makes huge meet these limits. They wait for the program. */
const testLimits = ({cpuSeconds}: Limits): Limits =>
  limitsOf(cpuSeconds, {waitSeconds: Infinity, memoryBytes: 2 ** 30, processes: 4});

/** A program that has closed its streams without ending may take this long to end, ms. */
const FAREWELL_MS = 500;

/**
 * Runs a program's tests.
 *
 * @param limits of the program; all of its tests together, or each run of a program that reads standard input
 * @param signal ends all of it when it is aborted
 * @returns what it is worth; `undefined` where it was given up
 */
export async function gradeProgram(
  python: PythonSandbox,
  {program, tests}: {readonly program: string; readonly tests: CodeTests},
  limits: Limits,
  signal?: AbortSignal,
): Promise<ProgramVerdict | undefined> {
  if (tests.style === 'stdin') return gradeStream(python, program, tests, limits, signal);
  const job = {program, entry: tests.entryPoint, tests};
  // Arguments are copied, so that a program cannot change what a test compares with. Where it changes some and passes, its tests
  // run once more on arguments that are shared, as in one process: a test may want to see that they were left alone.
  const copied = await gradeFunction(python, {...job, shared: false}, limits, signal);
  if (copied?.outcome !== 'right' || !copied.changed) return copied;
  return gradeFunction(python, {...job, shared: true}, limits, signal);
}

interface Job {
  readonly program: string;
  readonly entry: string;
  readonly tests: Exclude<CodeTests, StreamTests>;
  readonly shared: boolean;
}

/** What tests.py writes. */
interface Report {
  readonly nonce: string;
  readonly verdict: ProgramVerdict['outcome'] | 'ended';
  readonly why: string;
  readonly changed: boolean;
}

async function gradeFunction(
  {sandbox, argv}: PythonSandbox,
  {program, ...job}: Job,
  limits: Limits,
  signal?: AbortSignal,
): Promise<(ProgramVerdict & {readonly changed: boolean}) | undefined> {
  const nonce = randomBytes(16).toString('hex');
  const running = sandbox.start(argv(VALUES, PROGRAM), {limits, isHeld: () => tests.isComputing()});
  const tests: Running = sandbox.start(argv(VALUES, TESTS), {limits: testLimits(limits), report: true});
  const both = [running, tests];
  const isGivenUp = endOnAbort(both, signal);
  try {
    running.stdin.write(`${JSON.stringify({program, prelude: job.tests.prelude ?? '', entry: job.entry})}\n`);
    tests.stdin.write(`${JSON.stringify({...job, nonce})}\n`);
    connect(running.stdout, tests);
    connect(tests.stdout, running);
    const printing = readOutput(running.stderr, running);
    const complaint = readOutput(tests.stderr, tests);
    const [{text}, testsEnd] = await Promise.all([readOutput(tests.report!, tests), tests.ended]);
    const report = parseReport(text, nonce);
    // The program has nothing to say any more, unless it ended by itself: then how it did is the cause.
    if (report?.verdict !== 'ended') running.end('stopped');
    const isGone = await endsSoon(running);
    const [programEnd, printed] = await Promise.all([running.ended, printing]);
    if (isGivenUp()) return undefined;
    const changed = report?.changed === true;
    const broken = printed.isTooMuch ? brokenLimit('output') : brokenLimit(programEnd.how);
    if (broken !== undefined) return {...broken, changed};
    if (report === undefined) return {...testsFailed(testsEnd, (await complaint).text), changed};
    if (report.verdict !== 'ended') return {outcome: report.verdict, why: plain(report.why), changed};
    const why = isGone
      ? `${endText(programEnd)} ${report.why}`
      : `tampered: closed its channel to the tests ${report.why}`;
    return {outcome: 'wrong', why, changed};
  } finally {
    for (const each of both) each.end('stopped');
    await Promise.all(both.map(({ended}) => ended));
  }
}

/** Lines of one process to the other; the end of one is the end of the other's input. */
function connect(from: Readable, to: Running): void {
  // A process that is gone reads no more; how it ended is told by `ended`.
  pipeline(from, to.stdin).catch(() => undefined);
}

interface Output {
  readonly text: string;
  readonly isTooMuch: boolean;
}

/** All of a stream; what is beyond `MOST_OUTPUT` ends the process. */
async function readOutput(stream: Readable, running: Running): Promise<Output> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of stream as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > MOST_OUTPUT) running.end('output');
    else pieces.push(piece);
  }
  return {text: Buffer.concat(pieces).toString('utf8'), isTooMuch: bytes > MOST_OUTPUT};
}

async function endsSoon({ended, end}: Running): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), FAREWELL_MS)));
  const isGone = await Promise.race([ended.then(() => true), late]);
  clearTimeout(timer);
  if (!isGone) end('stopped');
  return isGone;
}

function endOnAbort(all: readonly Running[], signal: AbortSignal | undefined): () => boolean {
  const onAbort = (): void => all.forEach((running) => running.end('stopped'));
  if (signal?.aborted === true) onAbort();
  signal?.addEventListener('abort', onAbort, {once: true});
  const forget = (): void => signal?.removeEventListener('abort', onAbort);
  void Promise.allSettled(all.map(({ended}) => ended)).then(forget);
  return () => signal?.aborted === true;
}

/** A verdict without the nonce is none. */
function parseReport(text: string, nonce: string): Report | undefined {
  try {
    const report = JSON.parse(text) as Report;
    return report.nonce === nonce ? report : undefined;
  } catch {
    return undefined; // Cut off in the middle, as the process was ended.
  }
}

/** What it says of a program that it broke one of its limits; `undefined` where it broke none. */
function brokenLimit(how: End['how']): ProgramVerdict | undefined {
  switch (how) {
    case 'cpu-time':
      return {outcome: 'timed-out', why: 'used up its processor time'};
    case 'waited':
      return {outcome: 'timed-out', why: 'waited too long'};
    case 'memory':
      return {outcome: 'wrong', why: 'out of memory: all of its processes together'};
    case 'output':
      return {outcome: 'wrong', why: `output too large: more than ${MOST_OUTPUT / 2 ** 20} MiB printed`};
    case 'killed':
    case 'exited':
    case 'stopped':
      return undefined;
  }
}

function endText(end: End): string {
  if (end.how === 'killed') return `killed by ${end.signal}`;
  return end.how === 'exited' ? `ended with exit status ${end.code}` : 'ended';
}

/** Addresses differ from run to run. */
const plain = (text: string): string => text.replaceAll(/0x[0-9a-f]{6,}/gi, '0x…');

/** The tests gave no verdict: they ran into a limit with what the program returned, or are broken. */
function testsFailed(end: End, complaint: string): ProgramVerdict {
  switch (end.how) {
    case 'cpu-time':
    case 'waited':
      return {outcome: 'timed-out', why: 'its tests did not end'};
    case 'memory':
      return {outcome: 'wrong', why: 'out of memory while its results were compared'};
    case 'killed':
      return {outcome: 'wrong', why: `its tests were killed by ${end.signal} over what it returned`};
    default:
      throw new Error(
        `Internal error: tests ended without a verdict (${JSON.stringify(end)}): ${complaint.slice(-2000)}`,
      );
  }
}

/** Each case is a run of its own, and the output is compared here, outside of the sandbox. */
async function gradeStream(
  {sandbox, argv}: PythonSandbox,
  program: string,
  {cases, decimals = false}: StreamTests,
  limits: Limits,
  signal?: AbortSignal,
): Promise<ProgramVerdict | undefined> {
  for (const [index, {input, output}] of cases.entries()) {
    if (signal?.aborted === true) return undefined;
    const running = sandbox.start(argv(STREAM), {limits, report: true});
    const isGivenUp = endOnAbort([running], signal);
    const source = Buffer.from(program);
    running.stdin.write(Buffer.from(`${String(source.length).padStart(12)}\n`));
    running.stdin.write(source);
    running.stdin.end(input);
    const [printed, errors, {text: compiled}, end] = await Promise.all([
      readOutput(running.stdout, running),
      readOutput(running.stderr, running),
      readOutput(running.report!, running),
      running.ended,
    ]);
    if (isGivenUp()) return undefined;
    if (compiled.startsWith('syntax error')) return {outcome: 'unparsable', why: plain(compiled.trim().slice(0, 200))};
    const at = `case ${index + 1}: `;
    const broken = printed.isTooMuch || errors.isTooMuch ? brokenLimit('output') : brokenLimit(end.how);
    if (broken !== undefined) return {...broken, why: at + broken.why};
    if (end.how !== 'exited' || end.code !== 0) return {outcome: 'wrong', why: at + failureText(end, errors.text)};
    const given = printed.text;
    if (!sameOutput(given, output, decimals)) return {outcome: 'wrong', why: at + difference(given, output)};
  }
  return {outcome: 'right', why: ''};
}

/** How a program failed, with the last line that it wrote about it, which names Python's exception. */
function failureText(end: End, errors: string): string {
  const last = errors.trimEnd().split('\n').at(-1) ?? '';
  const cause = last.startsWith('MemoryError')
    ? 'out of memory: '
    : /^BlockingIOError: \[Errno 11\]|can't start new thread/.test(last)
      ? 'too many processes: '
      : '';
  return `${cause}${endText(end)}${last === '' ? '' : `: ${plain(last.slice(0, 200))}`}`;
}

/**
 * Output by lines: spaces at the end of a line and empty lines at the end of the whole do not count, everything else does.
 *
 * @param decimals whether spaces around a line do not count either, and lines of numbers are compared by their values
 */
export function sameOutput(given: string, wanted: string, decimals = false): boolean {
  const [its, ours] = [linesOf(given), linesOf(wanted)];
  if (its.join('\n') === ours.join('\n')) return true;
  return decimals && sameDecimals(given, wanted);
}

const linesOf = (text: string): string[] => {
  const lines = text.split(/\r?\n/).map((line) => line.trimEnd());
  while (lines.at(-1) === '') lines.pop();
  return lines;
};

function difference(given: string, wanted: string): string {
  const [its, ours] = [linesOf(given), linesOf(wanted)];
  const line = ours.findIndex((text, index) => text !== its[index]);
  const at = line === -1 ? ours.length : line;
  const short = (text: string | undefined): string =>
    text === undefined ? 'nothing' : JSON.stringify(text.slice(0, 60));
  return `line ${at + 1} is ${short(its[at])} where ${short(ours[at])} is expected`;
}
