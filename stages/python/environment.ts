/**
 * A Python environment, made from a lock file when it is first needed. It lies in the user's cache under a name that says what it
 * is made from, so that it is either there, whole, or not there.
 */
import {execFile} from 'node:child_process';
import {createHash, randomBytes} from 'node:crypto';
import {constants} from 'node:fs';
import {access, mkdir, readFile, readdir, rename, rm, statfs, writeFile} from 'node:fs/promises';
import {hostname} from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import {StageFailure, Stopped} from '../../pipeline/stage.js';
import {cacheFolder} from './cache.js';
import {runInstaller} from './installer.js';
import {findPython, type Interpreter, type NoInterpreter} from './interpreter.js';

/** What an environment is made from. */
export interface EnvironmentSpec {
  /** What people call it, in the name of its folder too. */
  readonly name: string;
  /** A requirements file: every package pinned, with the hashes of its wheels. */
  readonly lock: URL;
  /** The oldest Python that will do. */
  readonly python: readonly [number, number];
  /** Where no other will do: `3.11`, or `3.11.7`. */
  readonly version?: string | undefined;
  /** Which Python it is made with; else `R1_PYTHON`, else the first that will do. */
  readonly interpreter?: string | undefined;
  /** Imported once it is made, to see that it works; absent where the package is only read. */
  readonly module?: string | undefined;
  /** MiB that making it takes on the disk. */
  readonly megabytes: number;
}

/** Where an environment stands. */
export type EnvironmentState =
  | {readonly state: 'there'; readonly folder: string; readonly python: string}
  | {readonly state: 'to be made'; readonly folder: string; readonly with: Interpreter}
  | {readonly state: 'no Python'; readonly problem: string; readonly hint: string};

/** In a folder that is whole; written last. */
const MARK = 'r1-environment.json';

const digestOf = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex');

/** Whether the environment is there, can be made, or what is missing for it. Changes nothing. */
export async function environmentState(
  spec: EnvironmentSpec,
  env: NodeJS.ProcessEnv = process.env,
): Promise<EnvironmentState> {
  const {python: atLeast, version, interpreter} = spec;
  const found = await findPython({atLeast, version, interpreter}, env);
  if ('tooOld' in found) return missing(spec, found, env);
  const lock = digestOf(await readFile(spec.lock));
  const digest = digestOf(JSON.stringify([lock, found.version, found.platform]));
  const folder = path.join(cacheFolder(env), 'environments', `${spec.name}-${digest.slice(0, 16)}`);
  if (await isThere(path.join(folder, MARK))) return {state: 'there', folder, python: pythonIn(folder)};
  return {state: 'to be made', folder, with: found};
}

/** The interpreter of an environment. */
const pythonIn = (folder: string): string => path.join(folder, 'bin', 'python');

const isThere = (file: string): Promise<boolean> =>
  access(file, constants.R_OK).then(
    () => true,
    () => false,
  );

function missing(
  {python, version, interpreter}: EnvironmentSpec,
  {tooOld}: NoInterpreter,
  env: NodeJS.ProcessEnv,
): EnvironmentState {
  const wanted = version === undefined ? `Python ${python.join('.')} or newer` : `Python ${version}`;
  const named = interpreter ?? env['R1_PYTHON'];
  const old = tooOld.map(({command, version: its}) => `${command} is ${its}`).join(', ');
  const problem = old !== '' ? `${wanted} is needed, and ${old}` : `${wanted} is needed, and there is none`;
  const where = interpreter === undefined ? `R1_PYTHON=${named}` : `the recipe names ${named}`;
  return {
    state: 'no Python',
    problem: named ? `${problem} (${where})` : problem,
    hint: `install ${wanted} with its venv module (Debian, Ubuntu: apt install python3-venv), or name one: R1_PYTHON=/path/to/python3`,
  };
}

/** Who opens an environment. */
export interface Opening {
  /** Told when it is made, what of it is fetched, and when it is done. */
  readonly note: (text: string) => void;
  readonly env?: NodeJS.ProcessEnv;
  /** Ends the making, of which nothing is left then. */
  readonly signal?: AbortSignal;
}

/** Environments that this process makes at the moment: two nodes may need one at once. */
const making = new Map<string, Promise<void>>();

/**
 * The interpreter of the environment, which is made where it is not there.
 *
 * @throws {Stopped} where `signal` was aborted before it was made
 * @throws {StageFailure} where there is no Python that will do, no network, no space, or a package is not what its hash says
 */
export async function openEnvironment(
  spec: EnvironmentSpec,
  {note, env = process.env, signal = new AbortController().signal}: Opening,
): Promise<string> {
  const state = await environmentState(spec, env);
  if (state.state === 'there') {
    if (await isThere(state.python)) return state.python;
    throw new StageFailure(
      `the Python environment “${spec.name}” is broken, as the Python is gone that it was made with: remove ${state.folder}, and it is made again`,
    );
  }
  if (state.state === 'no Python') throw new StageFailure(`${state.problem}: ${state.hint}`);
  const {folder} = state;
  const other = making.get(folder);
  if (other !== undefined) {
    // Whether it comes about is seen by another look; who makes it may have been stopped, and this one not.
    await orStopped(other, signal);
    return openEnvironment(spec, {note, env, signal});
  }
  const work = make(spec, state, {note, env, signal});
  making.set(folder, work);
  try {
    await work;
  } finally {
    making.delete(folder);
  }
  return pythonIn(folder);
}

/** Resolves when the work has ended in whatever way. @throws {Stopped} as soon as it is not to be waited for */
function orStopped(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(new Stopped());
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, {once: true});
    void work.then(resolve, () => resolve()).finally(() => signal.removeEventListener('abort', stop));
  });
}

async function make(
  spec: EnvironmentSpec,
  {folder, with: python}: Extract<EnvironmentState, {state: 'to be made'}>,
  {note, env, signal}: Required<Opening>,
): Promise<void> {
  const began = performance.now();
  note(`making the Python environment “${spec.name}” in ${folder} (once; later runs share it)`);
  const seconds = (): string => `${((performance.now() - began) / 1000).toFixed(0)} s`;
  const alive = setInterval(() => note(`making the Python environment “${spec.name}”: ${seconds()} so far`), STILL);
  const home = path.dirname(folder);
  // What it is built in says whose it is, so that what a dead process left can be told from what another one builds.
  const draft = path.join(
    home,
    `.${path.basename(folder)}.${hostname()}.${process.pid}.${randomBytes(4).toString('hex')}`,
  );
  const fail = (what: string): never => {
    throw new StageFailure(`the Python environment “${spec.name}” could not be made in ${home}: ${what}`);
  };
  try {
    await mkdir(home, {recursive: true});
    await sweep(home);
    const free = await freeMegabytes(home);
    if (free < spec.megabytes)
      fail(
        `it takes ${spec.megabytes} MiB of disk, and ${free} are free; free some, or name a folder on another disk: R1_CACHE=FOLDER`,
      );
    await build(spec, draft, python, {note, env, signal});
    await moveWords(draft, folder);
    const made = {lock: digestOf(await readFile(spec.lock)), python: python.version, platform: python.platform};
    await writeFile(path.join(draft, MARK), `${JSON.stringify(made, null, 2)}\n`);
    await rename(draft, folder);
    note(`the Python environment “${spec.name}” is made (${seconds()})`);
  } catch (error) {
    // What cannot be removed either is left to the next sweep; what went wrong first is what is told.
    await rm(draft, {recursive: true, force: true}).catch(() => undefined);
    // Another process was quicker: its environment is the same.
    if (await isThere(path.join(folder, MARK))) return;
    if (error instanceof StageFailure || error instanceof Stopped) throw error;
    const {code, message} = error as NodeJS.ErrnoException;
    if (code === 'ENOSPC') fail('the disk is full; free some space, or name a folder on another disk: R1_CACHE=FOLDER');
    // Of a file system that is read-only, Node's mkdir says that there is no such folder.
    if (code !== undefined && ['EACCES', 'EROFS', 'EPERM', 'ENOENT', 'ENOTDIR', 'EEXIST'].includes(code))
      fail(`the folder cannot be made or written (${code}); name one that can: R1_CACHE=FOLDER`);
    fail(message);
  } finally {
    clearInterval(alive);
  }
}

async function freeMegabytes(folder: string): Promise<number> {
  const {bavail, bsize} = await statfs(folder);
  return Math.floor((bavail * bsize) / 2 ** 20);
}

/** Removes what processes of this machine that are gone have left half-made. */
async function sweep(home: string): Promise<void> {
  for (const name of await readdir(home)) {
    const [, host, pid] = /^\.[\w-]+\.(.+)\.(\d+)\.[0-9a-f]{8}$/.exec(name) ?? [];
    if (host !== hostname() || isAlive(Number(pid))) continue;
    // What it started may outlive it and still write there; then it is left to the next sweep.
    await rm(path.join(home, name), {recursive: true, force: true}).catch(() => undefined);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Between two signs of life, ms. */
const STILL = 10_000;

const QUIET = ['--disable-pip-version-check', '--no-input'];

async function build(
  {lock, module, name}: EnvironmentSpec,
  draft: string,
  {command}: Interpreter,
  {note, env, signal}: Required<Opening>,
): Promise<void> {
  const file = fileURLToPath(lock);
  const inside = pythonIn(draft);
  const packages = ['--require-hashes', '--no-deps', '--only-binary', ':all:', '-r', file];
  const steps: readonly (readonly string[])[] = (await hasUv(env))
    ? [
        ['uv', 'venv', '--quiet', '--python', command, draft],
        ['uv', 'pip', 'install', '--no-progress', '--python', inside, ...packages],
      ]
    : [
        [command, '-m', 'venv', draft],
        [inside, '-m', 'pip', 'install', '--progress-bar', 'off', ...QUIET, ...packages],
      ];
  const trial = module === undefined ? [] : [[inside, '-c', `import ${module}`]];
  for (const [program = '', ...words] of [...steps, ...trial]) {
    const {code, said} = await runInstaller(program, words, {env, signal, note});
    if (signal.aborted) throw new Stopped();
    if (code === 0) continue;
    // Another process may have filled the disk meanwhile, and venv keeps to itself why its pip did not come about.
    const isFull = (await freeMegabytes(path.dirname(draft))) === 0;
    const why = isFull ? 'the disk is full (R1_CACHE=FOLDER names another place)' : reasonOf(said, words);
    throw new StageFailure(`the Python environment “${name}” could not be made: ${why}`);
  }
}

const hasUv = (env: NodeJS.ProcessEnv): Promise<boolean> =>
  promisify(execFile)('uv', ['--version'], {env}).then(
    () => true,
    () => false,
  );

/** What a person can do about it, from what pip, uv or venv said. */
function reasonOf(said: string, words: readonly string[]): string {
  const last = said
    .split('\n')
    .filter((line) => /error|fail|could not|no space|hash/i.test(line))
    .slice(-2)
    .join(' ')
    .trim();
  const tail = last === '' ? said.trim().split('\n').at(-1)! : last;
  if (/no space left/i.test(said)) return `the disk is full (R1_CACHE=FOLDER names another place): ${tail}`;
  if (/hash(es)? .*(mismatch|do not match)|do not match the hashes/i.test(said))
    return `a package is not the one that the lock file names; the package index gives other bytes: ${tail}`;
  if (/ensurepip|venv/.test(said) && words.includes('venv'))
    return `this Python has no venv; install it (Debian, Ubuntu: apt install python3-venv) or install uv`;
  if (
    /name resolution|connection|network|proxy|timed out|no matching distribution|could not find a version|dns/i.test(
      said,
    )
  )
    return `the package index cannot be reached, or does not have the packages; a network is needed once: ${tail}`;
  return tail;
}

/** Programs of packages, such as `torchrun`, begin with the path of their Python, which is another one after the move. */
async function moveWords(draft: string, folder: string): Promise<void> {
  const programs = path.join(draft, 'bin');
  for (const entry of await readdir(programs, {withFileTypes: true})) {
    if (!entry.isFile()) continue;
    const file = path.join(programs, entry.name);
    const text = await readFile(file, 'latin1');
    if (!text.startsWith('\x7fELF') && text.includes(draft))
      await writeFile(file, text.replaceAll(draft, folder), 'latin1');
  }
}
