/**
 * What module hooks do not reach. Node's file functions give the snapshot's copy of a file in its place. Threads and Node
 * processes that a stage starts get hooks as well, since Node gives those of a process to none of its threads, nor to what it
 * forks: `new Worker`, `fork`, and `spawn` of this Node are told to load `snapshot-preload.js` first. Of any other program, and
 * of native code, it is noted that there was one: what it reads by path is then looked at when all is over.
 */
import type * as ChildProcess from 'node:child_process';
import fs from 'node:fs';
import module from 'node:module';
import {resolve} from 'node:path';
import {fileURLToPath, pathToFileURL} from 'node:url';
import {promisify} from 'node:util';
import type * as WorkerThreads from 'node:worker_threads';
import {ownFile} from '../own-package.js';
import {Snapshot, noteBeyond} from './snapshot.js';
import type {SnapshotPlace} from './snapshot.js';

const require = module.createRequire(import.meta.url);

/** What a module names that can do any of this. */
const STARTS = /\b(?:worker_threads|child_process|cluster)\b/;

/** Changes functions of Node for all modules that are loaded from now on, as far as the stage's code can have use for it. */
export function serveFiles(place: SnapshotPlace): void {
  const snapshot = new Snapshot(place);
  const urls = Object.keys(place.files);
  const modules = urls.filter((url) => snapshot.format(url) !== undefined);
  const mayStart =
    place.isForOurs === true ||
    urls.length > 1 ||
    modules.some((url) => STARTS.test(snapshot.read(url).toString('utf8')));
  if (!mayStart) return;
  const options = ['--import', place.preload];
  guideReads(snapshot);
  guideWorkers(options);
  guideProcesses(options, snapshot);
  noteAddons(place);
  module.syncBuiltinESMExports();
}

type Words = readonly unknown[];
type Some = (...words: unknown[]) => unknown;
type Functions = Record<string, Some | undefined>;

/** The function with other words, and so whatever it has beside its code, above all what `promisify` makes of it. */
function guideCalls(functions: Functions, name: string, guide: (words: Words) => Words): void {
  const original = functions[name];
  if (original === undefined) return; // a later Node's
  const withOthers = (some: Some): Some => {
    const beside = Object.getOwnPropertyDescriptors(some) as Record<symbol, PropertyDescriptor>;
    const promised = beside[promisify.custom];
    if (promised !== undefined) promised.value = withOthers(promised.value as Some);
    return Object.defineProperties((...words: unknown[]) => some(...guide(words)), beside);
  };
  functions[name] = withOthers(original);
}

/** Functions of `node:fs` whose first word is a file that they only look at; `…Sync` and promised ones come beside. */
const READS = ['readFile', 'open', 'copyFile', 'cp', 'access', 'stat', 'lstat'];
const OTHER_READS = ['exists', 'existsSync', 'createReadStream', 'openAsBlob'];

function guideReads(snapshot: Snapshot): void {
  const guide = (functions: Functions, name: string): void =>
    guideCalls(functions, name, ([path, ...rest]) => {
      const isWriting = name.startsWith('open') && !isReadOnly(rest[0]);
      return [(isWriting ? undefined : copyOf(path, snapshot)) ?? path, ...rest];
    });
  const functions = fs as unknown as Functions;
  for (const name of [...READS, ...READS.map((each) => `${each}Sync`), ...OTHER_READS]) guide(functions, name);
  for (const name of READS) guide(fs.promises as unknown as Functions, name);
  const real = (of: Functions, name: string): void =>
    guideCalls(of, name, ([path, ...rest]) => [snapshot.realPathOf(urlOf(path) ?? '') ?? path, ...rest]);
  for (const name of ['realpath', 'realpathSync']) {
    real(functions[name] as unknown as Functions, 'native');
    real(functions, name);
  }
  real(fs.promises as unknown as Functions, 'realpath');
}

/** Of the flags of `open`, behind which a mode or a callback may stand in their place. */
const isReadOnly = (flags: unknown): boolean =>
  (typeof flags !== 'string' && typeof flags !== 'number') || ['r', 'rs', fs.constants.O_RDONLY].includes(flags);

function copyOf(path: unknown, snapshot: Snapshot): string | undefined {
  const url = urlOf(path);
  return url === undefined ? undefined : snapshot.copyOf(url);
}

function urlOf(path: unknown): string | undefined {
  if (path instanceof URL) return path.protocol === 'file:' ? pathToFileURL(fileURLToPath(path)).href : undefined;
  const text = path instanceof Uint8Array ? Buffer.from(path).toString('utf8') : path;
  return typeof text === 'string' ? pathToFileURL(resolve(text)).href : undefined;
}

function guideWorkers(preload: readonly string[]): void {
  const threads = require('node:worker_threads') as {Worker: typeof WorkerThreads.Worker};
  const {Worker} = threads;
  threads.Worker = class extends Worker {
    constructor(file: string | URL, options: WorkerThreads.WorkerOptions = {}) {
      super(file, {...options, execArgv: [...preload, ...(options.execArgv ?? process.execArgv)]});
    }
  };
}

function guideProcesses(preload: readonly string[], snapshot: Snapshot): void {
  const processes = require('node:child_process') as unknown as Functions;
  const isOfSnapshot = (word: unknown): boolean => snapshot.format(urlOf(word) ?? '') !== undefined;
  guideCalls(processes, 'fork', ([file, ...rest]) => {
    const words = Array.isArray(rest[0]) ? (rest.shift() as string[]) : [];
    const options = (rest[0] ?? {}) as ChildProcess.ForkOptions;
    const {execArgv = process.execArgv, execPath = process.execPath} = options;
    if (execPath !== process.execPath) noteBeyond(snapshot.place.folder);
    return [file, words, {...options, execArgv: [...preload, ...execArgv]}];
  });
  for (const name of ['spawn', 'spawnSync', 'execFile', 'execFileSync', 'exec', 'execSync']) {
    guideCalls(processes, name, (all) => {
      const [program, words, ...rest] = all;
      // Of other programs, and of options before the file, nothing is known.
      if (program === process.execPath && Array.isArray(words) && isOfSnapshot(words[0])) {
        return [program, [...preload, ...(words as string[])], ...rest];
      }
      noteBeyond(snapshot.place.folder);
      return all;
    });
  }
}

/** Native code reads what it likes; that of the packages which r1 computes with is not handed a person's files. */
function noteAddons({folder}: SnapshotPlace): void {
  const {dlopen} = process;
  process.dlopen = (loading, file, flags) => {
    if (!file.startsWith(ownFile('node_modules/@tensorflow/'))) noteBeyond(folder);
    if (flags === undefined) dlopen(loading, file);
    else dlopen(loading, file, flags);
  };
}
