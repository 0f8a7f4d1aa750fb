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

/** An environment that r1 makes, once, in its cache. */
export interface LockedPython {
  /** A requirements file in which every package is pinned with its hashes (`uv pip compile --generate-hashes`). */
  readonly lock: URL;
  /**
   * `3.11`, or `3.11.7`: no other Python will do. Unless given, what the lock file says that it was made for; where that says
   * nothing, any Python from 3.9 will do, and its version counts in full.
   */
  readonly version?: string;
  /** Which Python it is made with; unless given, `R1_PYTHON`, else the first on the PATH that will do. */
  readonly interpreter?: string;
  /** A module that is imported once it is made, to see that it works. */
  readonly module?: string;
  /** What people call it; unless given, as the lock file is called. */
  readonly name?: string;
  /** MiB that it takes on the disk; it is refused where there are fewer. */
  readonly megabytes?: number;
}

/** An interpreter that is there, with packages that somebody has installed in it. */
export interface InstalledPython {
  /** The packages whose versions count: `torch`, or where no other version will do, `trl==1.16.0`. */
  readonly packages: readonly string[];
  /** A path, or a name on the PATH; unless given, `R1_PYTHON`, else `python3`. */
  readonly interpreter?: string;
  /** `3.11`, or `3.11.7`, where no other will do. */
  readonly version?: string;
}

/** What `argv` is given: the absolute path of the interpreter. */
export type PythonWords = {readonly python: string};

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
