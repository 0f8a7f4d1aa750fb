/**
 * JSON Lines in artifacts: a folder with `rows.jsonl`, one row one sample or step, and, where there is something to say
 * about the whole, `card.json`. Every row has an `id` and the ids that it came from; `schemas.ts` says what else.
 */
import {createReadStream, createWriteStream} from 'node:fs';
import {mkdir, readFile, stat, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {Readable} from 'node:stream';
import {pipeline} from 'node:stream/promises';
import type {z} from 'zod';
import {JsonLinesError, openRowsReader, rowLine} from '../../artifacts/formats/jsonl.js';
import {StageFailure} from '../../pipeline/stage.js';
import {BUILT_IN_TASKS} from '../tasks/names.js';
import type {Prompt} from '../tasks/prompt.js';

/**
 * Calls `onRow` with each row of an artifact and where it stands, one after the other, so that they need not fit into memory.
 * @throws {StageFailure} naming file and line where a row is not JSON
 */
export async function eachRow(folder: string, onRow: (row: unknown, where: string) => void): Promise<void> {
  const file = join(folder, 'rows.jsonl');
  await eachRowOf({file, name: file}, onRow);
}

/** A file, and what messages call it: in a store it has no name that tells anything. */
export interface NamedFile {
  readonly file: string;
  readonly name: string;
}

async function eachRowOf({file, name}: NamedFile, onRow: (row: unknown, where: string) => void): Promise<void> {
  if (!(await isFile(file))) throw new StageFailure(`there is no ${name}`);
  const reader = openRowsReader((row, line) => {
    onRow(row, `${name}:${line}`);
  });
  try {
    for await (const piece of createReadStream(file) as AsyncIterable<Buffer>) reader.take(piece);
    reader.end();
  } catch (error) {
    if (error instanceof JsonLinesError) throw new StageFailure(`${name}:${error.line} is not JSON: ${error.why}`);
    throw error;
  }
}

/**
 * All rows of an artifact, each checked.
 * @throws {StageFailure} naming file, line and field when a row is not what the schema says.
 */
export async function readRows<T>(folder: string, schema: z.ZodType<T>): Promise<T[]> {
  const rows: T[] = [];
  await eachRow(folder, (row, where) => rows.push(checkRow(row, schema, where)));
  return rows;
}

/** The same of a single file, wherever it lies. */
export async function readRowsOf<T>(file: NamedFile, schema: z.ZodType<T>): Promise<T[]> {
  const rows: T[] = [];
  await eachRowOf(file, (row, where) => rows.push(checkRow(row, schema, where)));
  return rows;
}

/**
 * The rows of a `prompts` artifact.
 *
 * @param tasks whatever knows the names of the tasks that prompts may belong to
 * @throws {StageFailure} when a prompt belongs to another, beside what `readRows` throws
 */
export async function readPrompts(
  folder: string,
  tasks: {has(name: string): boolean} = new Set<string>(BUILT_IN_TASKS),
): Promise<Prompt[]> {
  const prompts = (await readRows(folder, (await import('./schemas.js')).promptRow)) as unknown as Prompt[];
  const stray = prompts.find(({task}) => !tasks.has(task));
  if (stray === undefined) return prompts;
  throw new StageFailure(
    `${join(folder, 'rows.jsonl')}: prompt ${stray.id} is of the task “${stray.task}”, which this stage does not know; ` +
      `wire its definition: add(…, …, …, …, {tasks: [${stray.task}]})`,
  );
}

function checkRow<T>(row: unknown, schema: z.ZodType<T>, where: string): T {
  const parsed = schema.safeParse(row);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw new StageFailure(`${where}: “${issue.path.join('.')}”: ${issue.message}`);
}

/** Writes `rows.jsonl`, and `card.json` when there is a card. Equal rows give equal bytes. */
export async function writeRows(folder: string, rows: Iterable<object>, card?: object): Promise<void> {
  await mkdir(folder, {recursive: true});
  function* lines(): Generator<string> {
    for (const row of rows) yield rowLine(row);
  }
  await pipeline(Readable.from(lines()), createWriteStream(join(folder, 'rows.jsonl')));
  if (card !== undefined) await writeJson(join(folder, 'card.json'), card);
}

/** The card of an artifact, or `undefined` where it has none. */
export async function readCard(folder: string): Promise<Record<string, unknown> | undefined> {
  const file = join(folder, 'card.json');
  return (await isFile(file)) ? ((await readJson(file)) as Record<string, unknown>) : undefined;
}

/** @param name what a message calls the file */
export async function readJson(file: string, name = file): Promise<unknown> {
  const text = await readFile(file, 'utf8');
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new StageFailure(`${name} is not JSON: ${(error as Error).message}`);
  }
}

export const writeJson = async (file: string, value: unknown): Promise<void> =>
  writeFile(file, `${JSON.stringify(value, null, 2)}\n`);

const isFile = async (path: string): Promise<boolean> =>
  stat(path).then(
    (entry) => entry.isFile(),
    (error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    },
  );
