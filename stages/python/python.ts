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

/** An environment of Python, for `environment` of a stage. @throws Error, with the place of the call, where what is wanted has no meaning */
export function python(wanted: LockedPython | InstalledPython): StageEnvironment<PythonWords> {
  const mistake = mistakeIn(wanted);
  if (mistake !== undefined) {
    const error = new Error(`python({…}): ${mistake}`);
    // It is a mistake of whoever calls, so the call is its place.
    Error.captureStackTrace(error, python);
    throw error;
  }
  return {
    ...('lock' in wanted ? locked(wanted) : installed(wanted)),
    runtime: (uses) => machineClass(uses),
  };
}

const FIELDS: Readonly<Record<'lock' | 'packages', readonly string[]>> = {
  lock: ['lock', 'version', 'interpreter', 'module', 'name', 'megabytes'],
  packages: ['packages', 'interpreter', 'version'],
};

/** Recipes are loaded with nobody having checked their types. */
function mistakeIn(wanted: unknown): string | undefined {
  const given = Object.entries(Object(wanted) as object).filter(([, value]) => value !== undefined);
  const {lock, packages, ...others} = Object.fromEntries(given) as Readonly<Record<string, unknown>>;
  if ((lock === undefined) === (packages === undefined))
    return 'it takes either `lock`, the URL of a lock file, or `packages`, a list of names';
  const fields = FIELDS[lock === undefined ? 'packages' : 'lock'];
  const unknown = Object.keys(others).find((name) => !fields.includes(name));
  if (unknown !== undefined) return `there is no “${unknown}” here; it takes ${fields.join(', ')}`;
  if (lock !== undefined && !(lock instanceof URL && lock.protocol === 'file:'))
    return "`lock` is no URL of a file; write it as new URL('./requirements.lock', import.meta.url)";
  const {version, megabytes} = others;
  if (version !== undefined && !(typeof version === 'string' && /^\d+\.\d+(\.\d+)?$/.test(version)))
    return `\`version\` is ${JSON.stringify(version)}; write it as a text, '3.11' or '3.11.7'`;
  if (megabytes !== undefined && !(typeof megabytes === 'number' && megabytes >= 0))
    return `\`megabytes\` is ${JSON.stringify(megabytes)}, not a number from 0 up`;
  const odd = ['interpreter', 'module', 'name'].find((name) => typeof (others[name] ?? '') !== 'string');
  if (odd !== undefined) return `\`${odd}\` is not a text`;
  return packages === undefined ? undefined : packagesMistake(packages);
}

function packagesMistake(packages: unknown): string | undefined {
  if (!Array.isArray(packages)) return '`packages` is not a list of names';
  const odd = packages.find(
    (each) => typeof each !== 'string' || !/^[A-Za-z0-9][\w.-]*(==[^\s=]+)?$/.test(each),
  ) as unknown;
  return odd === undefined
    ? undefined
    : `${JSON.stringify(odd)} is neither a name of a package nor a name with a version, as in trl==1.16.0`;
}

// Loaded when a plan asks: every stage's process imports this file, and hardly one needs more of it.
const locked = (wanted: LockedPython): Omit<StageEnvironment<PythonWords>, 'runtime'> => ({
  identity: async () => (await import('./locked.js')).lockedIdentity(wanted),
  state: async () => (await import('./locked.js')).lockedState(wanted),
  open: async (opening) => (await import('./locked.js')).openLocked(wanted, opening),
});

function installed(wanted: InstalledPython): Omit<StageEnvironment<PythonWords>, 'runtime'> {
  return {
    identity: async () => (await import('./installed.js')).installedIdentity(wanted),
    state: async () => (await import('./installed.js')).installedState(wanted),
    open: async () => (await import('./installed.js')).openInstalled(wanted),
  };
}
