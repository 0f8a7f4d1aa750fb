/** The user's cache, and what programs have said of themselves: kept there for as long as the files stay that it hangs on. */
import {createHash, randomBytes} from 'node:crypto';
import {mkdir, readFile, realpath, rename, rm, stat, writeFile} from 'node:fs/promises';
import {homedir} from 'node:os';
import path from 'node:path';

/** The user's cache, as set-up has it. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env['R1_CACHE']) return path.resolve(env['R1_CACHE']);
  const base = env['XDG_CACHE_HOME'];
  return path.join(base !== undefined && path.isAbsolute(base) ? base : path.join(homedir(), '.cache'), 'r1');
}

/** An answer with the files and folders on which it hangs; those that are not there yet count, too. */
export interface Answer<T> {
  readonly answer: T;
  readonly hangsOn: readonly string[];
}

interface Remembered {
  readonly stamps: Readonly<Record<string, string>>;
  readonly answer: unknown;
}

/** A change that is not older than this may have the time of an earlier look, milliseconds: clocks of file systems tick slowly. */
const TICK = 20;

/**
 * The answer to a question, asked anew only where a file that it hangs on is not what it was. What cannot be kept is asked again.
 *
 * @param question all that the answer depends on beside the files
 * @param ask `undefined` is no answer, and is not kept
 */
export async function remembered<T>(
  question: readonly (string | undefined)[],
  env: NodeJS.ProcessEnv,
  ask: () => Promise<Answer<T> | undefined>,
): Promise<T | undefined> {
  const name = createHash('sha256').update(JSON.stringify(question)).digest('hex').slice(0, 32);
  const file = path.join(cacheFolder(env), 'pythons', `${name}.json`);
  const known = await read(file);
  if (known !== undefined && (await isAsItWas(known.stamps))) return known.answer as T;
  const began = Date.now();
  const found = await ask();
  if (found === undefined) return undefined;
  const stamps = await Promise.all([...new Set(found.hangsOn)].map(stampOf));
  if (stamps.every(({changed}) => changed < began - TICK)) {
    const kept: Remembered = {
      stamps: Object.fromEntries(stamps.map(({file: each, text}) => [each, text])),
      answer: found.answer,
    };
    await keep(file, kept);
  }
  return found.answer;
}

async function read(file: string): Promise<Remembered | undefined> {
  try {
    const known = JSON.parse(await readFile(file, 'utf8')) as Partial<Remembered>;
    return typeof known.stamps === 'object' ? (known as Remembered) : undefined;
  } catch {
    return undefined; // Never kept, or damaged: whoever asks, asks anew.
  }
}

const isAsItWas = async (stamps: Remembered['stamps']): Promise<boolean> =>
  (await Promise.all(Object.entries(stamps).map(async ([file, text]) => (await stampOf(file)).text === text))).every(
    Boolean,
  );

/** What tells a file or a folder from what it was, and when it was changed last, milliseconds. */
async function stampOf(
  file: string,
): Promise<{readonly file: string; readonly text: string; readonly changed: number}> {
  try {
    const [target, {size, mtimeNs}] = await Promise.all([realpath(file), stat(file, {bigint: true})]);
    return {file, text: `${target} ${size} ${mtimeNs}`, changed: Number(mtimeNs / 1_000_000n)};
  } catch {
    return {file, text: 'not there', changed: 0};
  }
}

async function keep(file: string, known: Remembered): Promise<void> {
  const draft = `${file}.${randomBytes(4).toString('hex')}`;
  try {
    await mkdir(path.dirname(file), {recursive: true});
    await writeFile(draft, JSON.stringify(known));
    await rename(draft, file);
  } catch {
    // A full disk, or a cache that cannot be written: it is asked again next time.
    await rm(draft, {force: true}).catch(() => undefined);
  }
}
