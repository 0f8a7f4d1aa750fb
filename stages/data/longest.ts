/** How long the texts of rows are, as far as that can be told without a tokenizer. */
import {createReadStream} from 'node:fs';
import {join} from 'node:path';
import {createInterface} from 'node:readline';

/** Bytes of a token, about: of English and code somewhat more, of words that are tokens themselves too. */
const BYTES_OF_TOKEN = 4;

/** Tokens of a template around a text. */
const TEMPLATE = 32;

/** Tokens of the longest row of a dataset or prompt set, about: of these fields together, with a template around them. */
export async function longestRow(folder: string, fields: readonly string[]): Promise<number> {
  let longest = 0;
  const lines = createInterface({input: createReadStream(join(folder, 'rows.jsonl')), crlfDelay: Infinity});
  for await (const line of lines) {
    if (line.trim() === '') continue;
    const row = JSON.parse(line) as Readonly<Record<string, unknown>>;
    const texts = fields.map((field) => row[field]).filter((text) => typeof text === 'string');
    const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    longest = Math.max(longest, bytes);
  }
  return Math.ceil(longest / BYTES_OF_TOKEN) + TEMPLATE;
}
