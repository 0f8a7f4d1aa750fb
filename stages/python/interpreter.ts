/** Which Python is on this machine, and what is installed in it. Looks, and changes nothing; what it saw is remembered. */
import {spawn} from 'node:child_process';
import {accessSync, constants} from 'node:fs';
import path from 'node:path';
import {remembered} from './cache.js';

/** A Python that can be started. */
export interface Interpreter {
  /** A name on the PATH, or a path. */
  readonly command: string;
  /** `3.11.7` */
  readonly version: string;
  /** Operating system, processor and C library, as wheels are told apart. */
  readonly platform: string;
}

/** What was found instead of one: the versions that will not do, by command. */
export interface NoInterpreter {
  readonly tooOld: readonly Pick<Interpreter, 'command' | 'version'>[];
}

/** Which Python will do. */
export interface WantedPython {
  /** The oldest that will do, as [3, 10]. */
  readonly atLeast: readonly [number, number];
  /** Where another than this will not: `3.11`, or `3.11.7`. */
  readonly version?: string | undefined;
  /** The only one that is asked; else `R1_PYTHON`, else the usual names. */
  readonly interpreter?: string | undefined;
}

const LOOK = `import sys, sysconfig, platform
print('.'.join(map(str, sys.version_info[:3])), sysconfig.get_platform() + '-' + platform.libc_ver()[0])`;

const PATIENCE = 30_000; // milliseconds; a cold disk takes some

const NAMES = ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python'];

/** The first Python that will do: the one that is named where one is, else by its usual names. */
export async function findPython(
  wanted: WantedPython | readonly [number, number],
  env: NodeJS.ProcessEnv = process.env,
): Promise<Interpreter | NoInterpreter> {
  const {atLeast, version, interpreter = env['R1_PYTHON']} = 'atLeast' in wanted ? wanted : {atLeast: wanted};
  const tooOld: Pick<Interpreter, 'command' | 'version'>[] = [];
  const usual = version === undefined ? NAMES : [`python${minorOf(version)}`, ...NAMES];
  for (const command of interpreter ? [interpreter] : new Set(usual)) {
    const found = await look(command, env);
    if (found === undefined) continue;
    const isRight = version === undefined ? isNewEnough(found.version, atLeast) : isVersion(found.version, version);
    if (isRight) return found;
    tooOld.push({command, version: found.version});
  }
  return {tooOld};
}

const minorOf = (version: string): string => version.split('.').slice(0, 2).join('.');

/** Whether `3.11.7` is of `3.11`, or of `3.11.7`. */
export const isVersion = (version: string, wanted: string): boolean => `${version}.`.startsWith(`${wanted}.`);

function isNewEnough(version: string, [major, minor]: readonly [number, number]): boolean {
  const [itsMajor = 0, itsMinor = 0] = version.split('.').map(Number);
  return itsMajor > major || (itsMajor === major && itsMinor >= minor);
}

async function look(command: string, env: NodeJS.ProcessEnv): Promise<Interpreter | undefined> {
  const file = programFile(command, env);
  if (file === undefined) return undefined;
  const found = await remembered(['look', file, ...shimSettings(file, env)], env, async () => {
    const said = await ask(file, ['-c', LOOK], env);
    const [version, platform] = said?.trim().split(' ') ?? [];
    if (version === undefined || platform === undefined) return undefined;
    return {answer: {version, platform}, hangsOn: filesBehind(file)};
  });
  return found === undefined ? undefined : {command, ...found};
}

/** What an interpreter has. */
export interface Installed {
  /** By which it is to be started, an absolute path. */
  readonly python: string;
  readonly version: string;
  /** `x86_64` */
  readonly machine: string;
  /** Package → version, `null` where it is not installed. */
  readonly packages: Readonly<Record<string, string | null>>;
}

const ASK = `import json, platform, site, sys
sys.path = [folder for folder in sys.path if folder]
from importlib import metadata
def version(name):
    try: return metadata.version(name)
    except metadata.PackageNotFoundError: return None
print(json.dumps({'version': '.'.join(map(str, sys.version_info[:3])), 'machine': platform.machine(), 'executable': sys.executable,
    'folders': sys.path + [site.getusersitepackages()], 'packages': {name: version(name) for name in sys.argv[1:]}}))`;

interface Said extends Omit<Installed, 'python'> {
  readonly executable: string;
  readonly folders: readonly string[];
}

/** What an interpreter has of these packages; `undefined` where it cannot be started, or is no Python of 3.8 or newer. */
export async function installedIn(
  command: string,
  packages: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<Installed | undefined> {
  const file = programFile(command, env);
  if (file === undefined) return undefined;
  const question = ['installed', file, ...shimSettings(file, env), ...packages];
  const found = await remembered(question, env, async () => {
    const said = parse(await ask(file, ['-c', ASK, ...packages], env));
    // An upgrade makes another entry in a folder of modules, so that this has another time.
    return said === undefined ? undefined : {answer: said, hangsOn: [...filesBehind(file), ...said.folders]};
  });
  if (found === undefined) return undefined;
  const {version, machine, executable, packages: versions} = found;
  // What a shim starts hangs on variables that a stage is not given.
  return {python: isShim(file) ? executable : file, version, machine, packages: versions};
}

/** A program that is no Python may say anything. */
function parse(text: string | undefined): Said | undefined {
  try {
    const said = Object(JSON.parse(text ?? 'null')) as Partial<Said>;
    const {version, machine, executable, folders, packages} = said;
    const isWhole = [version, machine, executable].every((each) => typeof each === 'string') && Array.isArray(folders);
    return isWhole && typeof packages === 'object' ? (said as Said) : undefined;
  } catch {
    return undefined;
  }
}

/** Sends a signal to all processes of a group, as far as there are any. */
export function endGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}

/** What a Python says when it is asked; `undefined` where it cannot be, is no Python, or does not answer. */
function ask(file: string, words: readonly string[], env: NodeJS.ProcessEnv): Promise<string | undefined> {
  return new Promise((resolve) => {
    // In a group of its own, so that what a script has started ends with it.
    const child = spawn(file, words, {env: withoutPython(env), stdio: ['ignore', 'pipe', 'ignore'], detached: true});
    let text = '';
    const end = (said: string | undefined): void => {
      clearTimeout(timer);
      child.stdout.destroy();
      resolve(said);
    };
    const timer = setTimeout(() => {
      endGroup(child.pid, 'SIGKILL');
      end(undefined);
    }, PATIENCE);
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    child.on('error', () => end(undefined));
    child.on('close', (code) => end(code === 0 ? text : undefined));
  });
}

/** Its own settings of where modules are found, which no stage is given, would shadow what is installed. */
export function withoutPython(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('PYTHON')));
}

/** Where a program is: on the PATH, or what is named by a path. */
function programFile(command: string, env: NodeJS.ProcessEnv): string | undefined {
  if (command.includes('/')) return isProgram(command) ? path.resolve(command) : undefined;
  const folders = (env['PATH'] ?? '').split(':').filter((folder) => path.isAbsolute(folder));
  return folders.map((folder) => path.join(folder, command)).find(isProgram);
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A virtual environment says in a file beside its links to which Python it belongs. */
const filesBehind = (file: string): readonly string[] => [
  file,
  path.join(path.dirname(file), '..', 'pyvenv.cfg'),
  ...(isShim(file) ? shimFiles(file) : []),
];

/** Whether it only chooses another one, as those of pyenv, asdf and mise do. */
const isShim = (file: string): boolean => path.basename(path.dirname(file)) === 'shims';

const shimSettings = (file: string, env: NodeJS.ProcessEnv): readonly (string | undefined)[] =>
  isShim(file) ? [process.cwd(), env['PYENV_VERSION'], env['ASDF_PYTHON_VERSION'], env['MISE_PYTHON_VERSION']] : [];

/** Files by which a shim chooses: of the folder in which r1 is run and those above it, and of the person. */
function shimFiles(file: string): readonly string[] {
  const files = [path.join(path.dirname(file), '..', 'version')];
  for (let folder = process.cwd(); ; folder = path.dirname(folder)) {
    for (const name of ['.python-version', '.tool-versions', 'mise.toml']) files.push(path.join(folder, name));
    if (folder === path.dirname(folder)) return files;
  }
}
