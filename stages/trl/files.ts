/** What a trainer reads, beside what it is told: files in the attempt's scratch folder. */
import {createWriteStream} from 'node:fs';
import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {Readable} from 'node:stream';
import {pipeline} from 'node:stream/promises';

/** Writes a value a line, as JSON. → the path */
export async function writeLines(folder: string, name: string, values: Iterable<unknown>): Promise<string> {
  const file = join(folder, name);
  function* lines(): Generator<string> {
    for (const value of values) yield `${JSON.stringify(value)}\n`;
  }
  await pipeline(Readable.from(lines()), createWriteStream(file));
  return file;
}

/** Writes a list of numbers. → the path */
export async function writeList(folder: string, name: string, numbers: readonly number[]): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, JSON.stringify(numbers));
  return file;
}
