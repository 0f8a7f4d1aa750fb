/** The JSON files of a model folder, read strictly: what two readers could understand differently is refused. */
import {readFile, stat, writeFile} from 'node:fs/promises';
import {duplicateKey} from '../../../artifacts/formats/duplicate-key.js';
import {StageFailure} from '../../../pipeline/stage.js';
import {notWhatItShouldBe} from '../foreign-bytes.js';

/** Whether there is a file or folder at a path; a path through something that is no folder leads to none. */
export const exists = async (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    (error: unknown) => {
      const {code} = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR') return false;
      throw error;
    },
  );

/**
 * A JSON file. JSON has one encoding and no comments, and Python's reader takes no byte order mark: a file that has such
 * things would be exported and then fail elsewhere.
 *
 * @throws {StageFailure} naming the file, where it is missing, a folder, or no JSON
 */
export async function readJson(file: string): Promise<unknown> {
  const value = await readJsonIfThere(file);
  if (value === undefined) throw new StageFailure(`there is no ${file}`);
  return value;
}

/** The same, or undefined where there is no such file. */
export async function readJsonIfThere(file: string): Promise<unknown> {
  const text = await readTextIfThere(file);
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const comment = /^\s*(\/\/|\/\*|#)/m.test(text) ? '; JSON has no comments' : '';
    throw new StageFailure(`${file} is not JSON: ${(error as Error).message.replaceAll(/\s+/g, ' ')}${comment}`);
  }
  const twice = duplicateKey(text);
  if (twice !== undefined) throw new StageFailure(`${file} says “${twice}” twice in one object; which counts?`);
  return value;
}

/** A text file in UTF-8, or undefined where there is none. @throws {StageFailure} where it is something else */
export async function readTextIfThere(file: string): Promise<string | undefined> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    const {code} = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    if (code === 'EISDIR') throw new StageFailure(`${file} is a folder and should be a file`);
    if (code === 'EACCES') throw new StageFailure(`${file} may not be read by this user`);
    throw error;
  }
  const foreign = notWhatItShouldBe(bytes);
  if (foreign !== undefined) throw new StageFailure(`${file} ${foreign}`);
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
    const which = file.endsWith('.json') ? ', which JSON does not have' : '';
    throw new StageFailure(`${file} begins with a byte order mark${which}; save it without one`);
  }
  try {
    return new TextDecoder('utf-8', {fatal: true, ignoreBOM: true}).decode(bytes);
  } catch {
    throw new StageFailure(`${file} is not UTF-8`);
  }
}

export const writeJson = async (file: string, value: unknown): Promise<void> =>
  writeFile(file, `${JSON.stringify(value, null, 2)}\n`);
