/** How many tokens the longest rows have, before anybody reads them all. */
import {bytesOf, longestTexts} from '../data/longest.js';
import type {RowText} from '../data/longest.js';
import {openGuardedTokenizer} from '../text/guarded-tokenizer.js';
import type {TemplateName} from '../text/template-names.js';

/** What tells tokens from texts. */
interface Reading {
  /** A folder with a tokenizer. */
  readonly tokenizer: string;
  /** Of the questions. */
  readonly template: TemplateName;
}

export interface RowsToMeasure extends Reading {
  /** Folders of rows. */
  readonly folders: readonly string[];
  /** As `longestTexts` takes it. */
  readonly textsOf: Parameters<typeof longestTexts>[1];
}

/** A template has at least and at most about so many tokens. */
const TEMPLATE = {least: 8, most: 256};

/** A difference that nobody plans by. */
const SIMILAR = 1.1;

/** The longest row, and how many rows the largest of the folders has. */
export interface Measured {
  readonly tokens: number;
  readonly rows: number;
  /** Whether the tokenizer was asked; else there are as many tokens as a text can have at the most. */
  readonly isCounted: boolean;
}

/**
 * Measures rows, as `measureTexts` does their texts.
 *
 * @param needWith MiB with such rows
 */
export async function measureRows(
  {folders, textsOf, ...reading}: RowsToMeasure,
  needWith: (measured: Measured) => number,
): Promise<Measured> {
  const found = await Promise.all(folders.map((folder) => longestTexts(folder, textsOf)));
  const rows = Math.max(0, ...found.map((one) => one.rows));
  return measureTexts({...reading, rows, longest: found.flatMap((one) => one.longest)}, needWith);
}

/**
 * Measures texts that are known to be the longest of so many rows. The tokenizer, which runs in a thread of its own since it is
 * anybody's, is asked only where it matters: a token has at least a byte, and where the need is much the same for as many tokens as
 * there are bytes, so many they are.
 *
 * @param needWith MiB with such rows
 */
export async function measureTexts(
  {rows, longest, tokenizer, template}: Reading & {readonly rows: number; readonly longest: readonly RowText[]},
  needWith: (measured: Measured) => number,
): Promise<Measured> {
  const most = {tokens: Math.max(0, ...longest.map(bytesOf)) + TEMPLATE.most, rows, isCounted: false};
  if (needWith(most) <= SIMILAR * needWith({...most, tokens: TEMPLATE.least})) return most;
  const opened = await openGuardedTokenizer(tokenizer);
  try {
    const count = async (template: TemplateName, content: string): Promise<number> =>
      content === '' ? 0 : (await opened.encodePrompt(template, [{role: 'user', content}])).length;
    let tokens = 0;
    for (const {question = '', rest} of longest)
      tokens = Math.max(tokens, (await count(template, question)) + (await count('none', rest)));
    return {tokens: tokens + 1, rows, isCounted: true}; // and the end token
  } finally {
    await opened.close();
  }
}

/** One more than the largest id of the tokenizer in a folder. */
export async function vocabularySize(folder: string): Promise<number> {
  const opened = await openGuardedTokenizer(folder);
  await opened.close();
  return opened.size;
}
