/** An environment that is made from a lock file, as a stage declares it. */
import type {EnvironmentIdentity, EnvironmentState} from '../../pipeline/stage.js';
import {environmentState, openEnvironment} from './environment.js';
import type {EnvironmentSpec, Opening} from './environment.js';
import {findPython} from './interpreter.js';
import {readLockFile} from './lock-file.js';
import type {LockFile} from './lock-file.js';
import type {LockedPython, PythonWords} from './wanted.js';

/** The oldest Python whose venv and pip do what is asked of them. */
const OLDEST = [3, 9] as const;

/** Where nothing is said of how much it takes, MiB: that of an environment without packages. */
const EMPTY = 30;

/**
 * Every version in the lock file, and the file itself, whose hashes say more. The Python counts as far as it is pinned, so that what was
 * made with it is known where there is none any more.
 */
export async function lockedIdentity(wanted: LockedPython, env = process.env): Promise<EnvironmentIdentity> {
  const lock = await readLockFile(wanted.lock);
  const {packages, name, digest} = lock;
  return {python: pinnedPython(wanted, lock) ?? (await foundPython(wanted, env)), ...packages, [name]: digest};
}

const pinnedPython = ({version}: LockedPython, {python}: LockFile): string | undefined => version ?? python;

async function foundPython({interpreter}: LockedPython, env: NodeJS.ProcessEnv): Promise<string> {
  const found = await findPython({atLeast: OLDEST, interpreter}, env);
  return 'tooOld' in found ? 'none' : found.version;
}

const specOf = (wanted: LockedPython, lock: LockFile): EnvironmentSpec => ({
  name: (wanted.name ?? lock.name.replace(/\.\w+$/, '')).replace(/[^\w-]/g, '-'),
  lock: wanted.lock,
  python: OLDEST,
  version: pinnedPython(wanted, lock),
  interpreter: wanted.interpreter,
  module: wanted.module,
  megabytes: wanted.megabytes ?? EMPTY,
});

export async function lockedState(wanted: LockedPython, env = process.env): Promise<EnvironmentState> {
  const spec = specOf(wanted, await readLockFile(wanted.lock));
  const found = await environmentState(spec, env);
  switch (found.state) {
    case 'there':
      return {state: 'there', what: `runs in the Python environment “${spec.name}”, which is in ${found.folder}`};
    case 'to be made':
      return {
        state: 'to be made',
        what: `runs in the Python environment “${spec.name}”, which will be made in ${found.folder} with Python ${found.with.version}`,
      };
    case 'no Python':
      return {state: 'missing', what: `${found.problem}: ${found.hint}`};
  }
}

/** @throws {StageFailure} where it cannot be made; {Stopped} where the making was stopped */
export async function openLocked(wanted: LockedPython, opening: Opening): Promise<PythonWords> {
  const spec = specOf(wanted, await readLockFile(wanted.lock));
  return {python: await openEnvironment(spec, opening)};
}
