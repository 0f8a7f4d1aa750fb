/** Runs a few lines of Python in a job folder that is written by hand, as r1 would run a program there. */
import {execFileSync, spawn} from 'node:child_process';
import type {ChildProcess} from 'node:child_process';
import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import type {TestContext} from 'node:test';
import {fileURLToPath} from 'node:url';
import {readEvent} from '../../../../pipeline/job/event-lines.js';
import type {JobEvent} from '../../../../pipeline/job/event-lines.js';
import {jobFiles} from '../../../../pipeline/job/folder.js';
import {findPython} from '../../../../stages/python/interpreter.js';
import {temporaryFolder} from '../../../rig/temporary.js';

/** The package is where it is in the sources. */
export const PACKAGE = fileURLToPath(new URL('../../../../../stages/python/r1job', import.meta.url));

const found = await findPython([3, 8]);
export const skip = 'tooOld' in found && 'there is no Python 3.8 or newer';

/** Itself and no shim, which takes a while to find it. */
const python =
  'tooOld' in found
    ? ''
    : execFileSync(found.command, ['-c', 'import sys; print(sys.executable, end="")'], {encoding: 'utf8'});

export interface PythonEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

export interface StartedPython {
  readonly child: ChildProcess;
  readonly ended: Promise<PythonEnd>;
}

type Variables = Readonly<Record<string, string>>;

/** Starts Python with these words; without variables of r1 but the given ones. */
export function startPython(
  t: TestContext,
  words: readonly string[],
  {cwd, env = {}}: {readonly cwd?: string; readonly env?: Variables} = {},
): StartedPython {
  const {PATH = ''} = process.env;
  const child = spawn(python, ['-B', ...words], {
    cwd,
    env: {PATH, PYTHONPATH: dirname(PACKAGE), ...env},
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  let out = '';
  let err = '';
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (err += data.toString()));
  const ended = new Promise<PythonEnd>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({code, signal, out, err}));
  });
  return {child, ended};
}

/** A job folder as r1 makes it, with what is put into its `job.json`. */
export function jobFolder(t: TestContext, job: object = {}): string {
  const folder = temporaryFolder(t);
  const record = {version: 1, params: {}, inputs: {}, outputs: {}, seed: 0, threads: 1, ...job};
  writeFileSync(jobFiles(folder).job, JSON.stringify(record));
  mkdirSync(jobFiles(folder).outputs);
  return folder;
}

/** Starts lines of Python in a job, with `job` made. */
export const startInJob = (t: TestContext, folder: string, lines: string, env: Variables = {}): StartedPython =>
  startPython(t, ['-c', `import os, sys, r1job\njob = r1job.Job()\n${lines}`], {env: {R1_JOB: folder, ...env}});

/** Runs them to their end. */
export const inJob = (t: TestContext, folder: string, lines: string, env: Variables = {}): Promise<PythonEnd> =>
  startInJob(t, folder, lines, env).ended;

/** What the runner would read of the job's events; a line that it would not take is an error. */
export function eventsOf(folder: string): JobEvent[] {
  const {events} = jobFiles(folder);
  if (!existsSync(events)) return [];
  const lines = readFileSync(events, 'utf8').split('\n');
  if (lines.pop() !== '') throw new Error('the last line is not finished');
  return lines.map((line) => {
    const read = readEvent(line);
    if (!read.ok) throw new Error(`${line}: ${read.error}`);
    return read.value;
  });
}

/** The same without their times. */
export const saidIn = (folder: string): object[] => eventsOf(folder).map(({at: _, ...event}) => event);

/** Where `latest` leads to. */
export const latestOf = (folder: string): string => join(jobFiles(folder).checkpoints, 'latest');
