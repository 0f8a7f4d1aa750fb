/**
 * The bytes of source files as this process read them first. The code digest is taken of these bytes, and they are what
 * a stage's process is given, so that a file that is edited while a run goes on changes neither.
 */
import {createHash} from 'node:crypto';
import {closeSync, constants, fstatSync, openSync, readFileSync, statSync} from 'node:fs';
import type {Stats} from 'node:fs';
import {fileURLToPath} from 'node:url';
import {isOwn} from '../own-package.js';

export interface SourceFile {
  readonly bytes: Buffer;
  /** Hexadecimal. */
  readonly sha256: string;
  /** The file when these were its bytes. */
  readonly mark: Mark;
}

/** What tells, without reading it, that a file is as it was: whatever is done to its bytes or its name changes one of these. */
export interface Mark {
  readonly dev: number;
  readonly ino: number;
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  /** When this was looked at, by this machine's clock, ms. */
  readonly at: number;
}

export interface Sources {
  /** @throws what the system says of a file that cannot be read */
  read(url: string): SourceFile;
  /** The same sources, but for files that are read anew when they are asked for. */
  without(urls: readonly string[]): Sources;
}

/** What modules of this process were loaded from. Node keeps a module as it was loaded first, so these bytes stay, too. */
const loaded = new Map<string, SourceFile>();

/** What was read of modules that are not loaded yet. If they come to be, it is these bytes that were looked at before. */
const readAhead = new Map<string, SourceFile>();

/** A message between threads that load modules, and threads that read them: a file, and what was done with it. */
export type Told = readonly ['loaded' | 'read', string, SourceFile];

let hear: () => Iterable<Told> = () => [];
let tell: (told: Told) => void = () => undefined;

/** Before Node 22.15, and so gone with Node 20, modules are loaded in a thread of their own: both know the same files. */
export function shareSources(other: {readonly hear: typeof hear; readonly tell: typeof tell}): void {
  ({hear, tell} = other);
  for (const [url, file] of readAhead) tell(['read', url, file]);
}

function listen(): void {
  for (const [what, url, file] of hear()) (what === 'loaded' ? loaded : readAhead).set(url, file);
}

/** The file of a module that is being loaded: from now on these are its bytes for everybody in this process. */
export function loadSource(url: string): SourceFile {
  const [address = ''] = url.split(/[?#]/, 1);
  listen();
  let file = loaded.get(address);
  if (file === undefined) {
    file = readAhead.get(address) ?? readSource(address);
    loaded.set(address, file);
    tell(['loaded', address, file]);
  }
  return file;
}

/** Sources for one plan: modules that this process has loaded as they were then, all others as they are now. */
export const openSources = (): Sources => sourcesWith(new Map(), new Set());

function sourcesWith(files: Map<string, SourceFile>, anew: ReadonlySet<string>): Sources {
  return {
    read(url) {
      let file = files.get(url);
      if (file === undefined) {
        listen();
        file = anew.has(url) ? undefined : loaded.get(url);
        if (file === undefined) {
          file = readSource(url);
          if (!isOwn(url)) {
            readAhead.set(url, file);
            tell(['read', url, file]);
          }
        }
        files.set(url, file);
      }
      return file;
    },
    without(urls) {
      const kept = new Map(files);
      for (const url of urls) kept.delete(url);
      return sourcesWith(kept, new Set([...anew, ...urls]));
    },
  };
}

/** A file that is being written is read again, so often; what runs is what was read in any case. */
const TRIES = 10;

function readSource(url: string): SourceFile {
  const path = fileURLToPath(url);
  for (let tries = 1; ; tries++) {
    // A pipe would keep whoever opens it waiting for somebody who writes.
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = fstatSync(fd);
      if (!stat.isFile() && !stat.isDirectory()) throw new Error(`${path} is not a regular file`);
      const before = markOf(stat);
      const bytes = readFileSync(fd);
      const mark = markOf(fstatSync(fd));
      if (isSame(before, mark) || tries === TRIES) return {bytes, sha256: sha256Of(bytes), mark};
    } finally {
      closeSync(fd);
    }
  }
}

export const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const markOf = ({dev, ino, size, mtimeMs, ctimeMs}: Stats): Mark => ({
  dev,
  ino,
  size,
  mtimeMs,
  ctimeMs,
  at: Date.now(),
});

const isSame = (a: Mark, b: Mark): boolean =>
  a.dev === b.dev && a.ino === b.ino && a.size === b.size && a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs;

/** A change within the clock tick of the look before it may leave no trace, ms. */
const TICK = 20;

/** Whether a file must have rested since `mark` was made if it looks the same now. */
const isCertain = ({at, mtimeMs, ctimeMs}: Mark): boolean => at - Math.max(mtimeMs, ctimeMs) > TICK;

/** What is known of a file without its bytes. */
export type KnownFile = Pick<SourceFile, 'sha256' | 'mark'>;

/** The mark of the file as it is now, if it holds the bytes that it held; `undefined` if it holds others, or is gone. */
export function markIfSame(url: string, {sha256, mark}: KnownFile): Mark | undefined {
  const now = markNow(url);
  if (now === undefined) return undefined;
  if (isSame(now, mark) && isCertain(mark)) return now;
  const file = fileNow(url);
  return file?.sha256 === sha256 ? file.mark : undefined;
}

/**
 * Whether nobody has written to the file, nor put another in its place, since it was marked. One that was changed and changed
 * back was touched: somebody may have read it in between.
 */
export function isUntouched(url: string, {sha256, mark}: KnownFile): boolean {
  const now = markNow(url);
  if (now === undefined || !isSame(now, mark)) return false;
  return isCertain(mark) || fileNow(url)?.sha256 === sha256;
}

function markNow(url: string): Mark | undefined {
  const stat = orUndefined(() => statSync(fileURLToPath(url)));
  return stat?.isFile() === true ? markOf(stat) : undefined;
}

const fileNow = (url: string): SourceFile | undefined => orUndefined(() => readSource(url));

/** A file that cannot be looked at any more, for whatever reason, is not what it was. */
function orUndefined<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    return undefined;
  }
}
