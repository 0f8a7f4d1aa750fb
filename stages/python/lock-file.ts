/** What a lock file pins: every package to one version, by the hashes of its files, and maybe the version of Python. */
import {createHash} from 'node:crypto';
import {readFile} from 'node:fs/promises';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {StageFailure} from '../../pipeline/stage.js';

export interface LockFile {
  /** `requirements.lock` */
  readonly name: string;
  /** Of its bytes. */
  readonly digest: string;
  /** Package, its name as indexes compare it (lower case, “-”) → version. */
  readonly packages: Readonly<Record<string, string>>;
  /** `3.11` or `3.11.7`, where the tool that made it wrote down for which Python it did. */
  readonly python: string | undefined;
}

/** `trl==1.16.0`, `uvicorn[standard]==0.30.1` */
const PINNED = /^([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*(?:===?\s*([^\s;]+)|@\s*(\S+))/;

/** As uv and pip-compile begin their files: `… --python-version 3.11 …`, `… by pip-compile with Python 3.11`. */
const MADE_FOR = /^#.*(?:--python-version[ =]|--python[ =]|with Python )(\d+\.\d+(?:\.\d+)?)\b/m;

/** @throws {StageFailure} where it cannot be read, or leaves open what is installed */
export async function readLockFile(lock: URL): Promise<LockFile> {
  const file = fileURLToPath(lock);
  const bytes = await readFile(file).catch((error: unknown) => {
    throw new StageFailure(`the lock file ${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  });
  const text = bytes.toString('utf8');
  const packages = Object.create(null) as Record<string, string>;
  for (const {line, requirement} of requirementsOf(text)) {
    const [, name, version, address] = PINNED.exec(requirement) ?? [];
    const pinned = version ?? address;
    const wrong = (what: string): never => {
      throw new StageFailure(
        `${file}, line ${line}: ${what}; every package has to be pinned with its hashes, as \`uv pip compile --generate-hashes\` does`,
      );
    };
    if (name === undefined || pinned === undefined) return wrong(`“${requirement.slice(0, 60)}” pins no version`);
    if (version?.includes('*') === true) return wrong(`“${requirement.slice(0, 60)}” pins no version`);
    if (!/--hash=sha(?:256:[0-9a-f]{64}|384:[0-9a-f]{96}|512:[0-9a-f]{128})\b/.test(requirement))
      return wrong(`${name} has no hash (a line that goes on ends with “\\”)`);
    const key = name.toLowerCase().replace(/[-_.]+/g, '-');
    const known = packages[key];
    // A lock file for several platforms has a line for each, behind a condition.
    packages[key] = known === undefined || known === pinned ? pinned : `${known} or ${pinned}`;
  }
  if (Object.keys(packages).length === 0) throw new StageFailure(`the lock file ${file} names no package`);
  const digest = createHash('sha256').update(bytes).digest('hex');
  // For all versions from that one on, where it is universal.
  const python = /^#.*--universal\b/m.test(text) ? undefined : MADE_FOR.exec(text)?.[1];
  return {name: path.basename(file), digest, packages: {...packages}, python};
}

/** The lines of a lock file that are no comments and no options, with what is written below them put behind them. */
function requirementsOf(text: string): {readonly line: number; readonly requirement: string}[] {
  const found: {line: number; requirement: string}[] = [];
  let open = '';
  let start = 0;
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.replace(/(^|\s)#.*$/, '').trim();
    if (open === '') start = index + 1;
    open = `${open} ${line.replace(/\\$/, '')}`.trim();
    if (line.endsWith('\\')) continue;
    // Options such as that of an index say where packages come from, not which: their hashes do.
    const isOption = open.startsWith('-') && !/^(?:-r|-c|-e|--requirement\b|--constraint\b|--editable\b)/.test(open);
    if (open !== '' && !isOption) found.push({line: start, requirement: open});
    open = '';
  }
  return found;
}
