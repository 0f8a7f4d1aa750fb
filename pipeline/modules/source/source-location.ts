/**
 * Where in somebody's recipe a call was made. Type-stripped files keep their lines and columns; compiled ones are mapped
 * back through the source map that lies beside them.
 */
import {existsSync, readFileSync} from 'node:fs';
import {SourceMap} from 'node:module';
import type {SourceMapPayload} from 'node:module';
import {basename, dirname, relative, resolve, sep} from 'node:path';
import {fileURLToPath} from 'node:url';

/** Lines and columns are counted from 1, as editors do. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export const placeText = ({file, line, column}: Place): string => `${file}:${line}:${column}`;

/** What is wrong with the text of a file. A type stripper's message starts with its place; a parser's has the place at its end. */
export function withPlace(file: string, error: SyntaxError & {loc?: {line: number; column: number}}): string {
  const {loc, message} = error;
  if (loc === undefined) return message;
  return `${file}:${loc.line}:${loc.column + 1}: SyntaxError: ${message.replace(/ \(\d+:\d+\)$/, '')}`;
}

/** The nearest caller outside of the module `own` (a URL); `undefined` when the stack holds none. */
export function callerOutside(own: string): Place | undefined {
  // Deep helper functions in a recipe are fine: the frame wanted is the one that called into `own`.
  const sites = callSites();
  // This very module, or the one file in which r1 may lie.
  const here = sites[0]?.getFileName();
  for (const site of sites) {
    const file = site.getFileName();
    if (!file || file === own || file === here || file.startsWith('node:')) continue;
    const line = site.getLineNumber();
    const column = site.getColumnNumber();
    if (line === null || column === null) continue;
    return original({file: file.startsWith('file:') ? fileURLToPath(file) : file, line, column});
  }
  return undefined;
}

/** Lines of a stack; Node's own modules have neither a path nor a file URL. */
const BARE_FRAME = /^\s+at (?:async )?((?:file:\/\/)?\/.*?):(\d+):(\d+)$/;
const NAMED_FRAME = /^\s+at .*?\(((?:file:\/\/)?\/.*?):(\d+):(\d+)\)$/;

/** Where an error was thrown, as far as its stack tells: the topmost frame outside of the runner. */
export const placeOf = (error: unknown): Place | undefined =>
  firstFrame(error, (file) => dirname(file) !== runner() && !isOfPipeline(packageOf(runner()), file));

/** Where somebody's own code threw an error, or called what did: the topmost frame that is neither ours nor a package's. */
export function foreignPlaceOf(error: unknown): Place | undefined {
  const root = packageOf(runner());
  return firstFrame(error, (file) => !isPartOf(root, file) && !file.includes(`${sep}node_modules${sep}`));
}

/** The folder above `dist`, wherever in it this code was loaded from. */
const packageOf = (folder: string): string =>
  basename(folder) === 'dist' || folder === dirname(folder) ? dirname(folder) : packageOf(dirname(folder));

const isOfPipeline = (root: string, file: string): boolean => /^(?:dist[/\\])?pipeline[/\\]/.test(relative(root, file));

/** Code of ours, also where a stack names the sources that it was compiled from. */
const isPartOf = (root: string, file: string): boolean =>
  /^(?:dist[/\\](?!test[/\\])|(?:artifacts|bin|pipeline|stages)[/\\])/.test(relative(root, file));

function firstFrame(error: unknown, isWanted: (file: string) => boolean): Place | undefined {
  if (!(error instanceof Error) || error.stack === undefined) return undefined;
  for (const line of error.stack.split('\n')) {
    const match = BARE_FRAME.exec(line) ?? NAMED_FRAME.exec(line);
    if (match === null) continue;
    const file = match[1]!.startsWith('file:') ? fileURLToPath(match[1]!) : match[1]!;
    if (isWanted(file)) return original({file, line: Number(match[2]), column: Number(match[3])});
  }
  return undefined;
}

/** The folder of this module's code, wherever it was loaded from. */
function runner(): string {
  const here = callSites()[0]?.getFileName() ?? import.meta.url;
  return dirname(here.startsWith('file:') ? fileURLToPath(here) : here);
}

function callSites(): NodeJS.CallSite[] {
  const before = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace');
  try {
    Error.prepareStackTrace = (_, sites) => sites;
    const holder: {stack?: NodeJS.CallSite[]} = {};
    Error.captureStackTrace(holder, callSites); // whoever called this comes first
    return holder.stack ?? [];
  } finally {
    if (before === undefined) Reflect.deleteProperty(Error, 'prepareStackTrace');
    else Object.defineProperty(Error, 'prepareStackTrace', before);
  }
}

/** The place in the source that `place` was compiled from, where a map says so. */
function original(place: Place): Place {
  const mapFile = `${place.file}.map`;
  if (!existsSync(mapFile)) return place;
  let payload: SourceMapPayload;
  try {
    payload = JSON.parse(readFileSync(mapFile, 'utf8')) as SourceMapPayload;
  } catch (error) {
    // A compiler is writing it: the place in what it compiled is true as well.
    if (error instanceof SyntaxError) return place;
    throw error;
  }
  const map = new SourceMap(payload);
  const entry = map.findEntry(place.line - 1, place.column - 1);
  if (!('originalSource' in entry)) return place;
  const file = resolve(dirname(place.file), entry.originalSource);
  if (!existsSync(file)) return place;
  return {file, line: entry.originalLine + 1, column: entry.originalColumn + 1};
}
