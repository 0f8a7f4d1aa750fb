/**
 * JSON Lines in artifacts: a folder with `rows.jsonl`, one row one sample or step, and, where there is something to say
 * about the whole, `card.json`. Every row has an `id` and the ids that it came from; the schemas are below.
 */
import {createReadStream, createWriteStream} from 'node:fs';
import {mkdir, readFile, stat, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {createInterface} from 'node:readline';
import {Readable} from 'node:stream';
import {pipeline} from 'node:stream/promises';
import {z} from 'zod';
import {StageFailure} from '../pipeline/stage.js';
import type {Prompt} from './tasks/prompt.js';

const origin = {id: z.string(), from: z.array(z.string())};
const language = z.enum(['en', 'zh']).optional();

/** `prompts`: bare questions, as tasks/prompt.ts describes them. */
export const promptRow = z.looseObject({
  ...origin,
  task: z.enum(['dials', 'general', 'integer', 'exact']),
  key: z.string(),
  language,
  question: z.string(),
  answer: z.string().optional(),
  steps: z.number().optional(),
});

/** `dataset` of the pre-training corpus: a document is `prompt`, a space, `response`; `prompt` may be empty. */
export const documentRow = z.looseObject({...origin, prompt: z.string(), response: z.string()});

/** `dataset` for supervised fine-tuning: what was asked, bare, and the whole completion to learn. */
export const sampleRow = z.looseObject({
  ...origin,
  task: z.string().optional(),
  language,
  question: z.string(),
  response: z.string(),
});

/** `rollouts`: one sampled completion, what was asked and how it was judged. */
export const rolloutRow = z.looseObject({
  ...origin,
  question: z.string(),
  completion: z.string(),
  tokens: z.number(),
  finished: z.boolean(),
});

/** `pairs`: two completions of one prompt, of which a judge preferred the first. */
export const pairRow = z.looseObject({...origin, question: z.string(), chosen: z.string(), rejected: z.string()});

/** `labels`: one completion and whether a judge calls it safe. */
export const labelRow = z.looseObject({...origin, question: z.string(), response: z.string(), safe: z.boolean()});

/** `history`: one optimizer step and whatever was measured at it. */
export const historyRow = z.looseObject({...origin, step: z.number()});

export type DocumentRow = z.infer<typeof documentRow>;
export type SampleRow = z.infer<typeof sampleRow>;
export type RolloutRow = z.infer<typeof rolloutRow>;
export type PairRow = z.infer<typeof pairRow>;
export type LabelRow = z.infer<typeof labelRow>;
export type HistoryRow = z.infer<typeof historyRow>;

/**
 * All rows of an artifact, each checked.
 * @throws {StageFailure} naming file, line and field when a row is not what the schema says.
 */
export async function readRows<T>(folder: string, schema: z.ZodType<T>): Promise<T[]> {
  const file = join(folder, 'rows.jsonl');
  if (!(await isFile(file))) throw new StageFailure(`there is no ${file}`);
  const rows: T[] = [];
  let line = 0;
  for await (const text of createInterface({input: createReadStream(file), crlfDelay: Infinity})) {
    line++;
    if (text.trim() === '') continue;
    rows.push(parseRow(text, schema, `${file}:${line}`));
  }
  return rows;
}

/** The rows of a `prompts` artifact. */
export const readPrompts = async (folder: string): Promise<Prompt[]> =>
  (await readRows(folder, promptRow)) as unknown as Prompt[];

function parseRow<T>(text: string, schema: z.ZodType<T>, where: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new StageFailure(`${where} is not JSON: ${(error as Error).message}`);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw new StageFailure(`${where}: “${issue.path.join('.')}”: ${issue.message}`);
}

/** Writes `rows.jsonl`, and `card.json` when there is a card. Equal rows give equal bytes. */
export async function writeRows(folder: string, rows: Iterable<object>, card?: object): Promise<void> {
  await mkdir(folder, {recursive: true});
  function* lines(): Generator<string> {
    for (const row of rows) yield `${JSON.stringify(row)}\n`;
  }
  await pipeline(Readable.from(lines()), createWriteStream(join(folder, 'rows.jsonl')));
  if (card !== undefined) await writeJson(join(folder, 'card.json'), card);
}

/** The card of an artifact, or `undefined` where it has none. */
export async function readCard(folder: string): Promise<Record<string, unknown> | undefined> {
  const file = join(folder, 'card.json');
  return (await isFile(file)) ? ((await readJson(file)) as Record<string, unknown>) : undefined;
}

export async function readJson(file: string): Promise<unknown> {
  const text = await readFile(file, 'utf8');
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new StageFailure(`${file} is not JSON: ${(error as Error).message}`);
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
