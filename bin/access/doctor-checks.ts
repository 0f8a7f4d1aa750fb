/**
 * What `r1 doctor` looks at. Each check ends with a value and, where something is wrong, how to fix it; none of them
 * throws for what it was made to find. TensorFlow is tried in a process of its own, since this one never loads it.
 */
import {execFile} from 'node:child_process';
import {accessSync, constants, existsSync, readFileSync, statfsSync} from 'node:fs';
import {availableParallelism} from 'node:os';
import path from 'node:path';
import {promisify} from 'node:util';
import {UserError} from '../../artifacts/index.js';
import type {Remedy} from '../../artifacts/index.js';
import {firstDamage} from '../../artifacts/upkeep/verify.js';
import {ownUrl} from '../../pipeline/modules/own-package.js';
import {environmentNeedText} from '../../pipeline/plan/environments.js';
import type {EnvironmentNeed} from '../../pipeline/plan/environments.js';
import {programFileHint, programFileText} from '../../pipeline/plan/program-files.js';
import type {ProgramFile} from '../../pipeline/plan/program-files.js';
import type {EnvironmentState} from '../../stages/python/environment.js';
import {setupCommand} from '../../stages/tensorflow/runtime-class.js';
import type {Services} from '../cli-context.js';

export interface Check {
  readonly check:
    | 'node'
    | 'tensorflow'
    | 'device'
    | 'threads'
    | 'sqlite'
    | 'store'
    | 'disk'
    | 'sandbox'
    | 'python'
    | 'environment'
    | 'program';
  readonly ok: boolean;
  /** What was found, or what is wrong. */
  readonly value: string;
  /** What to do about a problem: a sentence, or what an error says as data. */
  readonly hint?: string;
  readonly remedy?: Remedy;
}

const PATIENCE = 120_000; // milliseconds; TensorFlow loads in one or two seconds where the disk is awake
const LEAST_FREE = 1024 ** 3; // bytes; the tiny recipe keeps less than a tenth of it

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

/** @param engines as in package.json: `20.x || 22.x` */
export function checkNode(version: string, engines: string): Check {
  const majors = engines.split('||').map((range) => range.trim().replace(/\.x$/, ''));
  const ok = majors.includes(version.split('.')[0]!);
  const value = ok ? `v${version}` : `v${version} is not supported`;
  return {check: 'node', ok, value, ...(ok ? {} : {hint: `use Node ${majors.join(', ')}`})};
}

/** What a process that has loaded TensorFlow tells about it. */
export interface TensorflowFacts {
  readonly version: string;
  readonly gpu: boolean;
}

/** Loads TensorFlow in a child, multiplies once, and returns what it is; throws with the child's own words. */
export async function tryTensorflow(backend = ownUrl('stages/tensorflow/backend.js')): Promise<TensorflowFacts> {
  const script = `
    const {loadTensorFlow} = await import(${JSON.stringify(backend)});
    const {tf, binding} = await loadTensorFlow(1);
    const [product] = tf.matMul([[2]], [[3]]).dataSync();
    if (product !== 6) throw new Error('2 × 3 came out as ' + product);
    console.log(JSON.stringify({version: binding.TF_Version, gpu: binding.isUsingGpuDevice()}));`;
  const {stdout} = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    timeout: PATIENCE,
  });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as TensorflowFacts;
}

/** The lines of a failed child that name the error; the rest is a stack. */
function causeOf(error: unknown): string {
  const lines = messageOf(error).split('\n');
  return lines.find((line) => /^\w*Error\b/.test(line)) ?? lines[0]!;
}

/**
 * TensorFlow's version, and the device: what set-up wrote down must be what TensorFlow says now.
 *
 * @param facts reads what set-up wrote; throws where there is nothing to read
 */
export async function checkTensorflow(
  trial: () => Promise<TensorflowFacts>,
  facts: () => {readonly tensorflow: string; readonly device: string},
): Promise<Check[]> {
  let found: TensorflowFacts;
  try {
    found = await trial();
  } catch (error) {
    const hint = `${setupCommand}; for other libraries: R1_LIBTENSORFLOW=FOLDER ${setupCommand}`;
    return [
      {check: 'tensorflow', ok: false, value: `does not load: ${causeOf(error)}`, hint},
      {check: 'device', ok: false, value: 'unknown without TensorFlow', hint: setupCommand},
    ];
  }
  try {
    const written = facts();
    const sameVersion = written.tensorflow === found.version;
    const sameDevice = written.device.startsWith('gpu') === found.gpu;
    const now = found.gpu ? 'gpu' : 'cpu';
    return [
      sameVersion
        ? {check: 'tensorflow', ok: true, value: found.version}
        : {
            check: 'tensorflow',
            ok: false,
            value: `${found.version}, but set-up wrote ${written.tensorflow}`,
            hint: setupCommand,
          },
      sameDevice
        ? {check: 'device', ok: true, value: written.device}
        : {
            check: 'device',
            ok: false,
            value: `${now}, but set-up was done for ${written.device}`,
            hint: setupCommand,
          },
    ];
  } catch (error) {
    return [
      {check: 'tensorflow', ok: true, value: found.version},
      {check: 'device', ok: false, value: messageOf(error), ...(helpIn(error) ?? {hint: setupCommand})},
    ];
  }
}

/** What an error of ours says that helps, where it says anything. */
function helpIn(error: unknown): Pick<Check, 'hint' | 'remedy'> | undefined {
  const {hint, remedy} = error as {readonly hint?: string; readonly remedy?: Remedy};
  if (hint === undefined && remedy === undefined) return undefined;
  return {...(hint === undefined ? {} : {hint}), ...(remedy === undefined ? {} : {remedy})};
}

/** @param cpuMax the content of a container's cpu.max: `quota period` in microseconds, or `max period` */
export function checkThreads(cores: number, cpuMax: string | undefined): Check {
  const [quota = NaN, period = NaN] = (cpuMax ?? '').split(' ').map(Number);
  const share = quota / period;
  const limit = share < cores ? `, of which this container may use ${Number(share.toFixed(1))} at a time` : '';
  return {check: 'threads', ok: true, value: `${cores} processor ${cores === 1 ? 'core' : 'cores'}${limit}`};
}

export function containerLimit(): string | undefined {
  const file = '/sys/fs/cgroup/cpu.max';
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

/** @param version asks SQLite itself, which fails where its native part does not load */
export function checkSqlite(version: () => string): Check {
  try {
    return {check: 'sqlite', ok: true, value: version()};
  } catch (error) {
    const value = `does not load: ${messageOf(error).split('\n')[0]!}`;
    return {check: 'sqlite', ok: false, value, hint: setupCommand};
  }
}

const writable = (folder: string) => {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false; // for whatever reason: the line below says that it cannot be written
  }
};

/** The store, opened for reading only, so that looking makes none. */
export function checkStore(folder: string, openStore: Services['openStore']): Check {
  const where = existingAbove(folder);
  const hint = 'name another folder with --store FOLDER or R1_STORE';
  if (!writable(where)) return {check: 'store', ok: false, value: `${where} cannot be written`, hint};
  if (where !== folder) return {check: 'store', ok: true, value: `${folder} (the first run makes it)`};
  try {
    const store = openStore(folder, {mode: 'read'});
    const damage = firstDamage(store);
    store.close();
    if (damage === undefined) return {check: 'store', ok: true, value: folder};
    return {check: 'store', ok: false, value: `its database is damaged: ${damage}`, hint: '`r1 verify` says more'};
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return {check: 'store', ok: false, value: error.message, ...(helpIn(error) ?? {hint})};
  }
}

export function checkDisk(folder: string, free = freeBytes(existingAbove(folder))): Check {
  const value = `${(free / 1024 ** 3).toFixed(1)} GiB free for the store`;
  const hint = 'free some space (r1 gc --dry-run shows what the store could give), or --store FOLDER on another disk';
  return free >= LEAST_FREE ? {check: 'disk', ok: true, value} : {check: 'disk', ok: false, value, hint};
}

function freeBytes(folder: string): number {
  const {bavail, bsize} = statfsSync(folder);
  return bavail * bsize;
}

/** The folder itself, or the nearest one above it that exists. */
function existingAbove(folder: string): string {
  return existsSync(folder) || folder === path.dirname(folder) ? folder : existingAbove(path.dirname(folder));
}

/** What graders need of Python. Without it all is well as long as nobody asks for them. */
export function checkPython(state: EnvironmentState): Check {
  const value =
    state.state === 'there'
      ? `the environment that grades mathematics is in ${state.folder}`
      : state.state === 'to be made'
        ? `${state.with.version}; the environment that grades mathematics is made when it is first needed, in ${state.folder}`
        : `none that could grade mathematics (answers: math), which nothing else needs: ${state.problem}; ${state.hint}`;
  return {check: 'python', ok: true, value};
}

/** What programs of a recipe run in. Without it their nodes cannot run. */
export const checkEnvironment = (need: EnvironmentNeed): Check => ({
  check: 'environment',
  ok: need.state !== 'missing',
  value: environmentNeedText(need),
});

export const checkProgram = (file: ProgramFile): Check => ({
  check: 'program',
  ok: false,
  value: programFileText(file),
  hint: programFileHint(file) ?? 'put the file there, or correct its name',
});

export const cores = availableParallelism;

/** Opens the sandbox in a child, as TensorFlow is tried: which Python programs would run with; throws with the child's own words. */
export async function trySandbox(): Promise<string> {
  const script = `
    const {openPythonSandbox} = await import(${JSON.stringify(ownUrl('stages/sandbox/python.js'))});
    const {version} = await openPythonSandbox('bubblewrap').catch((error) => (console.log(error.message), process.exit(3)));
    console.log(version);`;
  const {stdout} = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    timeout: PATIENCE,
  }).catch((error: unknown) => {
    const {code, stdout: said} = error as {code?: number; stdout?: string};
    throw code === 3 ? new Error(said?.trim()) : error;
  });
  return stdout.trim();
}

/** Whether programs that models write can be run. Only tasks with programs need it, so nothing is wrong where they cannot. */
export async function checkSandbox(attempt: () => Promise<string>): Promise<Check> {
  try {
    return {check: 'sandbox', ok: true, value: `programs of models run in bubblewrap, with Python ${await attempt()}`};
  } catch (error) {
    return {check: 'sandbox', ok: true, value: `no programs of models can be run (task code): ${messageOf(error)}`};
  }
}
