/** How long the texts of rows are, as far as that can be told without a tokenizer. */
import {eachRow} from './rows.js';

/** Bytes of a token, about: of English and code somewhat more, of words that are tokens themselves too. */
const BYTES_OF_TOKEN = 4;

/** Tokens of a template around a text. */
const TEMPLATE = 32;

/** Tokens of the longest row of a dataset or prompt set, about: of these fields together, with a template around them. */
export async function longestRow(folder: string, fields: readonly string[]): Promise<number> {
  let longest = 0;
  await eachRow(folder, (row) => {
    const texts = fields.map((field) => (row as Readonly<Record<string, unknown>> | null)?.[field]);
    const bytes = texts.reduce<number>(
      (sum, text) => sum + (typeof text === 'string' ? Buffer.byteLength(text) : 0),
      0,
    );
    longest = Math.max(longest, bytes);
  });
  return Math.ceil(longest / BYTES_OF_TOKEN) + TEMPLATE;
}
