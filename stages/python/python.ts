/**
 * Environments of Python for stages that are programs. Trainers cannot share one, since each wants its own versions, so an
 * environment belongs to a stage:
 *
 *     const trl = python({lock: new URL('./requirements.lock', import.meta.url), version: '3.11'});
 *     export const trainer = command({
 *       module: import.meta.url, name: 'trainer', …, environment: trl,
 *       argv: ({python, inputs, outputs}) => [python, new URL('./train.py', import.meta.url), inputs.rows, outputs.model],
 *     });
 *
 * What counts of it in the fingerprint are versions: of Python, and of the packages. It is known from the lock file, or remembered
 * of an interpreter until that changes, so that a plan starts no Python where nothing has changed.
 */
import type {StageEnvironment} from '../../pipeline/stage.js';
import {machineClass} from './machine.js';
import type {InstalledPython, LockedPython, PythonWords} from './wanted.js';

export type {InstalledPython, LockedPython, PythonWords} from './wanted.js';

/** An environment of Python, for `environment` of a stage. @throws Error where it is declared in a way that has no meaning */
export function python(wanted: LockedPython | InstalledPython): StageEnvironment<PythonWords> {
  const {version} = wanted;
  if (version !== undefined && !/^\d+\.\d+(\.\d+)?$/.test(version))
    throw new Error(`python({version: ${JSON.stringify(version)}}): a version is written as 3.11 or 3.11.7`);
  return {
    ...('lock' in wanted ? locked(wanted) : installed(wanted)),
    runtime: (uses) => machineClass(uses),
  };
}

// Loaded when a plan asks: every stage's process imports this file, and hardly one needs more of it.
const locked = (wanted: LockedPython): Omit<StageEnvironment<PythonWords>, 'runtime'> => ({
  identity: async () => (await import('./locked.js')).lockedIdentity(wanted),
  state: async () => (await import('./locked.js')).lockedState(wanted),
  open: async (opening) => (await import('./locked.js')).openLocked(wanted, opening),
});

function installed(wanted: InstalledPython): Omit<StageEnvironment<PythonWords>, 'runtime'> {
  const odd = wanted.packages.find((each) => !/^[A-Za-z0-9][\w.-]*(==[^\s=]+)?$/.test(each));
  if (odd !== undefined)
    throw new Error(
      `python({packages: […]}): “${odd}” is neither a name of a package nor a name with a version, as in trl==1.16.0`,
    );
  return {
    identity: async () => (await import('./installed.js')).installedIdentity(wanted),
    state: async () => (await import('./installed.js')).installedState(wanted),
    open: async () => (await import('./installed.js')).openInstalled(wanted),
  };
}
