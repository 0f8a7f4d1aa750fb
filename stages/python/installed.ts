/** An interpreter that is there, with packages that somebody has installed in it, as a stage declares it. */
import os from 'node:os';
import {StageFailure} from '../../pipeline/stage.js';
import type {EnvironmentIdentity, EnvironmentState} from '../../pipeline/stage.js';
import {installedIn, isVersion} from './interpreter.js';
import type {Installed} from './interpreter.js';
import type {InstalledPython, PythonWords} from './wanted.js';

const commandOf = ({interpreter}: InstalledPython, env: NodeJS.ProcessEnv): string =>
  interpreter ?? (env['R1_PYTHON'] || 'python3');

/** Package → the version that it has to have, if any. */
const wantedVersions = ({packages}: InstalledPython): readonly (readonly [string, string | undefined])[] =>
  packages.map((each) => {
    const [name, version] = each.split('==');
    return [name!, version];
  });

const look = (wanted: InstalledPython, env: NodeJS.ProcessEnv): Promise<Installed | undefined> =>
  installedIn(
    commandOf(wanted, env),
    wantedVersions(wanted).map(([name]) => name),
    env,
  );

/** What is there, `none` for what is not; remembered for as long as neither the interpreter nor a folder of modules changes. */
export async function installedIdentity(wanted: InstalledPython, env = process.env): Promise<EnvironmentIdentity> {
  const found = await look(wanted, env);
  const versions = wantedVersions(wanted).map(([name]) => [name, found?.packages[name] ?? 'none'] as const);
  const {version = 'none', machine = os.machine()} = found ?? {};
  return {python: version, machine, ...Object.fromEntries(versions)};
}

export async function installedState(wanted: InstalledPython, env = process.env): Promise<EnvironmentState> {
  const found = await look(wanted, env);
  const problem = problemWith(found, wanted, env);
  if (problem !== undefined || found === undefined) return {state: 'missing', what: problem ?? ''};
  return {state: 'there', what: `runs in ${found.python} (Python ${found.version})`};
}

/** @throws {StageFailure} where the interpreter, a package or the right version of one is missing */
export async function openInstalled(wanted: InstalledPython, env = process.env): Promise<PythonWords> {
  const found = await look(wanted, env);
  const problem = problemWith(found, wanted, env);
  if (problem !== undefined || found === undefined) throw new StageFailure(problem ?? '');
  return {python: found.python};
}

/** What is missing, and what helps; `undefined` where all is there. */
function problemWith(
  found: Installed | undefined,
  wanted: InstalledPython,
  env: NodeJS.ProcessEnv,
): string | undefined {
  const help = 'install Python 3, or name one: R1_PYTHON=/path/to/python3';
  if (found === undefined) {
    const {interpreter} = wanted;
    if (interpreter !== undefined) return `there is no Python “${interpreter}”, which the recipe names: ${help}`;
    return env['R1_PYTHON']
      ? `there is no Python ${env['R1_PYTHON']}, which R1_PYTHON names: ${help}`
      : `there is no python3: ${help}`;
  }
  const {python, version, packages} = found;
  if (wanted.version !== undefined && !isVersion(version, wanted.version))
    return `Python ${wanted.version} is needed, and ${python} is ${version}: install Python ${wanted.version}, or name one: R1_PYTHON=/path/to/python3`;
  const problems = wantedVersions(wanted).flatMap(([name, needed]) => {
    const its = packages[name] ?? undefined;
    if (its === undefined) return [`the Python package ${name} is not installed`];
    return needed === undefined || its === needed ? [] : [`the Python package ${name} is ${its} and not ${needed}`];
  });
  if (problems.length === 0) return undefined;
  // r1job is in no index; whoever fetched one of that name would have somebody else's.
  const install = wanted.packages.filter((each) => !/^r1job\b/.test(each)).join(' ');
  const how = install === '' ? 'copy its folder beside the script instead' : `${python} -m pip install ${install}`;
  return `${problems.join(', ')} in ${python} (Python ${version}): ${how}`;
}
