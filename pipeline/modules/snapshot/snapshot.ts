/**
 * The files of a stage's code that are somebody's own, as they were when its code digest was taken: in the job folder, by
 * content. In the stage's process, its threads and the Node processes that it forks, module hooks and Node's own file functions
 * give these bytes under the files' own names, whatever lies there by then.
 */
import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath, pathToFileURL} from 'node:url';
import type {ModuleFormat} from '../source/module-format.js';
import {sha256Of} from '../source/sources.js';
import {isTyped} from '../source/typescript.js';

/** What names in a module lead to, in each of the ways to load something: an address, or `null` where there is nothing. */
export type Leads = Readonly<Record<'import' | 'require', Readonly<Record<string, string | null>>>>;

export interface SnapshotFile {
  /** Hexadecimal; the name of the file in the snapshot. */
  readonly sha256: string;
  /** What a loader takes it for, if it can be a module. */
  readonly format?: ModuleFormat;
  /** URL of the file, where this one is a link to it. */
  readonly at?: string;
  /** What those names in the module lead to that are no plain path. */
  readonly names?: Leads;
}

/** Of a job: URL → what is loaded under it. */
export type SnapshotFiles = Readonly<Record<string, SnapshotFile>>;

export function writeSnapshot(folder: string, files: SnapshotFiles, bytesOf: (url: string) => Buffer): void {
  mkdirSync(folder);
  for (const [url, {sha256}] of Object.entries(files)) {
    try {
      writeFileSync(join(folder, sha256), bytesOf(url), {flag: 'wx', mode: 0o444});
    } catch (error) {
      // Two files with the same bytes.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

const BEYOND = 'beyond';

/** Notes that the stage has started what reads files without our knowing: a program, or native code. */
export function noteBeyond(folder: string): void {
  const note = join(folder, BEYOND);
  if (!existsSync(note)) writeFileSync(note, '');
}

export const wentBeyond = (folder: string): boolean => existsSync(join(folder, BEYOND));

/** What it takes to open a snapshot, in a form that can be handed to a thread. */
export interface SnapshotPlace {
  /** URL of the module that gives a thread or a Node process, which a stage starts, this snapshot; loaded before anything else. */
  readonly preload: string;
  readonly folder: string;
  readonly files: SnapshotFiles;
  /** The stage is one of ours, which is not in the snapshot, and these are files of definitions that it was given. */
  readonly isForOurs?: boolean;
}

export class Snapshot {
  readonly place: SnapshotPlace;
  /** Files that were found to be whole. */
  readonly #whole = new Set<string>();

  constructor(place: SnapshotPlace) {
    this.place = place;
  }

  /** `undefined` for what is not in the snapshot, and for what is no module. */
  format(url: string): ModuleFormat | undefined {
    return this.#file(url)?.format;
  }

  /** The path of the copy of a file, if there is one. @throws Error when it does not hold what it should */
  copyOf(url: string): string | undefined {
    if (this.#file(url) === undefined) return undefined;
    if (!this.#whole.has(url)) this.read(url);
    return this.#path(url);
  }

  /** @param url of a file of the snapshot. @throws Error when the copy does not hold what it should */
  read(url: string): Buffer {
    const path = this.#path(url);
    let bytes: Buffer | undefined;
    try {
      bytes = readFileSync(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    if (bytes === undefined || sha256Of(bytes) !== this.#file(url)!.sha256) {
      const what = bytes === undefined ? 'is gone' : 'is damaged';
      throw new Error(`${path}, the copy of ${fileURLToPath(url)} with which this attempt began, ${what}`);
    }
    this.#whole.add(url);
    return bytes;
  }

  /** The file that a module of the snapshot means, as it was when the digest was taken, or `undefined` if it is not one of these. */
  resolve(specifier: string, parent: string | undefined, how: keyof Leads = 'import'): string | undefined {
    const names = this.#file(parent ?? '')?.names?.[how] ?? {};
    const lead = Object.hasOwn(names, specifier) ? names[specifier] : undefined;
    if (lead === null) throw notThere(specifier, parent!, how);
    if (lead !== undefined) return this.format(lead) === undefined ? undefined : lead;
    const isRelative = /^\.{0,2}\//.test(specifier) || /^\.{1,2}$/.test(specifier);
    if (isRelative ? parent?.startsWith('file:') !== true : !specifier.startsWith('file:')) return undefined;
    const asWritten = new URL(specifier, parent).href;
    const others = [
      ...(isRelative && isTyped(new URL(parent!).pathname) ? [asWritten.replace(/js(?=$|[?#])/, 'ts')] : []),
      ...(this.format(parent ?? '') === 'commonjs' ? IN_COMMONJS.map((ending) => asWritten + ending) : []),
    ];
    const found = [asWritten, ...others].find((url) => this.format(url) !== undefined);
    return found === undefined ? undefined : this.#withoutLinks(found);
  }

  /** The path of the file itself, of one that the snapshot has and that links lead to. */
  realPathOf(url: string): string | undefined {
    return this.#file(url) === undefined ? undefined : fileURLToPath(this.#withoutLinks(url));
  }

  /** The same module, by the address under which Node knows it. */
  #withoutLinks(url: string): string {
    const [address = '', ...rest] = url.split(/(?=[?#])/);
    const key = this.#keyOf(address)!;
    return (this.place.files[key]!.at ?? key) + rest.join('');
  }

  #file(url: string): SnapshotFile | undefined {
    const key = this.#keyOf(url.split(/[?#]/, 1)[0]!);
    return key === undefined ? undefined : this.place.files[key];
  }

  #keyOf(address: string): string | undefined {
    if (Object.hasOwn(this.place.files, address)) return address;
    const same = inOneForm(address);
    return same !== undefined && Object.hasOwn(this.place.files, same) ? same : undefined;
  }

  #path(url: string): string {
    return join(this.place.folder, this.#file(url)!.sha256);
  }
}

/** The address of a file as Node makes it of its path: `%61` and `a`, and in later Nodes `~` and `%7E`, are the same. */
function inOneForm(address: string): string | undefined {
  if (!/^file:.*[%~^|[\]]/.test(address)) return undefined;
  try {
    return pathToFileURL(fileURLToPath(address)).href;
  } catch (error) {
    if (error instanceof TypeError || error instanceof URIError) return undefined; // `%2f`, `%zz`: no file can be meant
    throw error;
  }
}

/** What was not there when the digest was taken is not there for this attempt, as its code may have something else to do. */
function notThere(specifier: string, parent: string, how: keyof Leads): Error {
  const message = `Cannot find module '${specifier}' imported from ${fileURLToPath(parent)}: it was not there when this was planned`;
  return Object.assign(new Error(message), {code: how === 'require' ? 'MODULE_NOT_FOUND' : 'ERR_MODULE_NOT_FOUND'});
}

/** What `require` adds to a name, in its order. */
const IN_COMMONJS = ['.js', '.json', '/index.js', '/index.json'];
