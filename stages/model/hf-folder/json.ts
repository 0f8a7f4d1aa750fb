/** The JSON files of a model folder. */
import {readFile, stat, writeFile} from 'node:fs/promises';
import {StageFailure} from '../../../pipeline/stage.js';

export const exists = async (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    (error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    },
  );

/** @throws {StageFailure} naming the file, where it is missing, a folder, or no JSON */
export async function readJson(file: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const {code} = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new StageFailure(`there is no ${file}`);
    if (code === 'EISDIR') throw new StageFailure(`${file} is a folder and should be a file`);
    throw error;
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new StageFailure(`${file} is not JSON: ${(error as Error).message}`);
  }
}

export const writeJson = async (file: string, value: unknown): Promise<void> =>
  writeFile(file, `${JSON.stringify(value, null, 2)}\n`);
