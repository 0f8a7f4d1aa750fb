/**
 * The rows of a file or folder from outside, one by one, whatever the format. In the store a file has no name, so its bytes tell the
 * format; `format` says it where they cannot.
 */
import {readdir, stat} from 'node:fs/promises';
import {join} from 'node:path';
import {StageFailure} from '../../../pipeline/stage.js';
import {leftByDownload} from '../../model/foreign-bytes.js';
import {csvRows} from './csv-rows.js';
import {jsonRows} from './json-rows.js';
import {isParquet, parquetRows} from './parquet-rows.js';
import {tomlRows} from './toml-rows.js';
import {openSourceFile, utf8Pieces} from './bytes.js';
import type {OnRead, SourceFile} from './bytes.js';
import type {Format} from './params.js';
import type {SourceRow} from './values.js';
import {inRecipe} from './wording.js';
import type {Wording} from './wording.js';

export interface ReadOptions {
  readonly format?: Format;
  /** In a folder: a regular expression that the path of a file in it has to match, with `/` between its parts. */
  readonly files?: string;
  /** How messages write params; as a recipe does by default. */
  readonly wording?: Wording;
  /** Told the bytes read so far and those in all, as they lie on the disk; may throw to end the reading. */
  readonly onRead?: (read: number, total: number) => void;
}

/** Files of a folder that may hold rows. */
const ROW_FILE = /\.(?:jsonl|ndjson|json|csv|tsv|parquet|toml)(?:\.gz)?$/i;

/**
 * All rows of a file, or of the files of a folder in the order of their paths.
 *
 * @param name by which messages call it
 * @throws {StageFailure} with file and line or row, and what to do
 */
export async function* sourceRows(path: string, name: string, options: ReadOptions = {}): AsyncGenerator<SourceRow> {
  const files = await filesAt(path, name, options.files ?? '');
  const total = files.reduce((sum, {size}) => sum + size, 0);
  let before = 0;
  for (const file of files) {
    const source = await openSourceFile(file.path, file.name);
    try {
      const onRead: OnRead = (read) => options.onRead?.(before + read, total);
      yield* rowsOf(source, options.format ?? 'auto', {onRead, wording: options.wording ?? inRecipe()});
    } finally {
      await source.handle.close();
    }
    before += file.size;
  }
}

interface FoundFile {
  readonly path: string;
  readonly name: string;
  readonly size: number;
}

async function filesAt(path: string, name: string, files: string): Promise<readonly FoundFile[]> {
  // What cannot be opened says so itself.
  const entry = await stat(path).catch(() => undefined);
  if (entry?.isDirectory() !== true) {
    if (files !== '') throw new StageFailure(`${name} is one file; “files” chooses among those of a folder`);
    return [{path, name, size: entry?.size ?? 0}];
  }
  const wanted = expressionOf(files);
  const paths = (await readdir(path, {recursive: true})).map((one) => one.replaceAll('\\', '/')).sort();
  const found: FoundFile[] = [];
  for (const one of paths) {
    if (!ROW_FILE.test(one) || !wanted.test(one) || one.split('/').some((part) => part.startsWith('.'))) continue;
    const {size} = await stat(join(path, one));
    found.push({path: join(path, one), name: `${name}/${one}`, size});
  }
  if (found.length > 0) return found;
  throw new StageFailure(
    `the folder ${name} has no file of rows (.jsonl, .ndjson, .json, .csv, .tsv, .parquet, .toml, each also as .gz)` +
      `${files === '' ? '' : ` whose path matches ${files}`}; it has ${listed(paths)}`,
  );
}

function expressionOf(text: string): RegExp {
  try {
    return new RegExp(text, 'u');
  } catch (error) {
    throw new StageFailure(`“files” is no regular expression: ${(error as Error).message}`);
  }
}

function listed(paths: readonly string[]): string {
  if (paths.length === 0) return 'nothing';
  return paths.length > 5 ? `${paths.slice(0, 5).join(', ')} and ${paths.length - 5} more` : paths.join(', ');
}

async function* rowsOf(
  file: SourceFile,
  format: Format,
  {onRead, wording}: {readonly onRead: OnRead; readonly wording: Wording},
): AsyncGenerator<SourceRow> {
  if (file.head.length === 0) throw new StageFailure(`${file.name} is empty`);
  if (format === 'parquet' || (format === 'auto' && isParquet(file.head))) {
    yield* parquetRows(file, onRead);
    return;
  }
  const left = leftByDownload(file.head);
  if (left !== undefined) throw new StageFailure(`${file.name} ${left}`);
  const {head, pieces} = await begun(utf8Pieces(file, onRead));
  switch (format === 'auto' ? formatOf(head) : format) {
    case 'jsonl':
      yield* jsonRows(file.name, pieces, {onlyLines: true, wording});
      return;
    case 'json':
      yield* jsonRows(file.name, pieces, {wording});
      return;
    case 'toml':
      yield* tomlRows(file.name, pieces);
      return;
    case 'tsv':
      yield* csvRows(file.name, pieces, {delimiter: '\t'});
      return;
    default:
      yield* csvRows(file.name, pieces);
  }
}

/** The first piece of a text as well as all of it. */
async function begun(pieces: AsyncGenerator<Buffer>): Promise<{head: string; pieces: AsyncIterable<Buffer>}> {
  const first = await pieces.next();
  async function* all(): AsyncGenerator<Buffer> {
    if (first.done !== true) yield first.value;
    yield* pieces;
  }
  return {head: first.done === true ? '' : first.value.toString('utf8', 0, 1 << 16), pieces: all()};
}

/**
 * The format of a text by its beginning: `name =` or `[table]`, a record or a list, else a table with a header. Behind a comment,
 * which only TOML has, it is what the first other line says; the reader of that format then tells of the comment.
 */
function formatOf(head: string): 'json' | 'toml' | 'csv' {
  const text = head.replace(/^(?:\s*#[^\r\n]*[\r\n]+)+/, '').trimStart();
  // A header whose first name stands in brackets, or one that names the delimiter.
  if (/^(?:[[{][\w ]*[\]}]\s*[,;\t|]|"?sep=.?"?\s*$)/im.test(text.split(/[\r\n]/)[0]!)) return 'csv';
  if (/^(?:[\w.-]+\s*=|"[^"\n]*"\s*=|\[\[?[A-Za-z_][\w.-]*\]\]?\s*(?:#.*)?$)/.test(text.split('\n')[0]!)) return 'toml';
  return /^[{[/]/.test(text) ? 'json' : 'csv';
}
