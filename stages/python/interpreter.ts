/** Which Python is on this machine. Looks, and changes nothing. */
import {execFile} from 'node:child_process';
import {promisify} from 'node:util';

/** A Python that can be started. */
export interface Interpreter {
  /** A name on the PATH, or a path. */
  readonly command: string;
  /** `3.11.7` */
  readonly version: string;
  /** Operating system, processor and C library, as wheels are told apart. */
  readonly platform: string;
}

/** What was found instead of one: the versions that are too old, by command. */
export interface NoInterpreter {
  readonly tooOld: readonly Pick<Interpreter, 'command' | 'version'>[];
}

const LOOK = `import sys, sysconfig, platform
print('.'.join(map(str, sys.version_info[:3])), sysconfig.get_platform() + '-' + platform.libc_ver()[0])`;

const PATIENCE = 30_000; // milliseconds; a cold disk takes some

const NAMES = ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python'];

/**
 * The first Python that is new enough: `R1_PYTHON` alone where it is set, else by its usual names.
 *
 * @param atLeast the oldest that will do, as [3, 10]
 */
export async function findPython(
  atLeast: readonly [number, number],
  env: NodeJS.ProcessEnv = process.env,
): Promise<Interpreter | NoInterpreter> {
  const named = env['R1_PYTHON'];
  const tooOld: Pick<Interpreter, 'command' | 'version'>[] = [];
  for (const command of named ? [named] : NAMES) {
    const found = await look(command, env);
    if (found === undefined) continue;
    const [major = 0, minor = 0] = found.version.split('.').map(Number);
    if (major > atLeast[0] || (major === atLeast[0] && minor >= atLeast[1])) return found;
    tooOld.push({command, version: found.version});
  }
  return {tooOld};
}

async function look(command: string, env: NodeJS.ProcessEnv): Promise<Interpreter | undefined> {
  try {
    const {stdout} = await promisify(execFile)(command, ['-c', LOOK], {timeout: PATIENCE, env});
    const [version, platform] = stdout.trim().split(' ');
    return version === undefined || platform === undefined ? undefined : {command, version, platform};
  } catch {
    return undefined; // Not there, or no Python: the next name may be one.
  }
}
