/** Which texts of a dataset or prompt set are the longest, as far as that can be told without a tokenizer. */
import {eachRow} from './rows.js';

/** What becomes one sequence of tokens: a question, if any, in a template, and what follows it. */
export interface RowText {
  readonly question?: string;
  readonly rest: string;
}

/** So many texts are looked at: the one of most bytes need not be that of most tokens. */
const LOOKED_AT = 8;

export const bytesOf = ({question = '', rest}: RowText): number =>
  Buffer.byteLength(question) + Buffer.byteLength(rest);

/** Of many texts those that have the most bytes, the longest first. */
export const longestOf = (texts: readonly RowText[]): RowText[] =>
  [...texts].sort((a, b) => bytesOf(b) - bytesOf(a)).slice(0, LOOKED_AT);

/**
 * How many rows there are, and the texts that have the most bytes, the longest first.
 * @param textsOf a row, by field; a field that is no text reads as ''
 */
export async function longestTexts(
  folder: string,
  textsOf: (field: (name: string) => string) => readonly RowText[],
): Promise<{readonly rows: number; readonly longest: readonly RowText[]}> {
  let longest: RowText[] = [];
  let rows = 0;
  await eachRow(folder, (row) => {
    rows++;
    const field = (name: string): string => {
      const value = (row as Readonly<Record<string, unknown>> | null)?.[name];
      return typeof value === 'string' ? value : '';
    };
    for (const text of textsOf(field)) {
      if (longest.length === LOOKED_AT && bytesOf(text) <= bytesOf(longest.at(-1)!)) continue;
      longest = longestOf([...longest, text]);
    }
  });
  return {rows, longest};
}
