/**
 * Mid-stage state on disk. A checkpoint is a folder `step-N` with the stage's own files under `files/` and a manifest of
 * their sha256 beside; it appears whole by one rename. The newest two are kept. What is in it is the stage's business.
 */
import {createHash} from 'node:crypto';
import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import {basename, dirname, join} from 'node:path';
import {stepMistake} from './event-lines.js';
import {readJson, writeJson} from './folder.js';
import {mistakeOf} from './reporting.js';
import {Stopped} from '../stage.js';
import {shown} from '../values/printable.js';
import type {Checkpoints} from '../stage.js';

interface Manifest {
  readonly version: 1;
  readonly step: number;
  readonly files: readonly {readonly path: string; readonly bytes: number; readonly sha256: string}[];
}

const KEPT = 2;
/** How the folder of a checkpoint begins that is not whole yet. */
const WRITING = 'writing-';

/** A checkpoint costs time too: without a declared interval it is due once this many times its cost has passed. */
const WORK_PER_COST = 20;
const LEAST_SECONDS = 5;

/**
 * The stage's side.
 *
 * @param folder says where the job's `checkpoints/` is
 * @param every steps between checkpoints
 * @param stopping tells whether a stop was asked for
 * @param onSaved called once a checkpoint is safe, with the milliseconds that it took
 */
export function openCheckpoints(options: {
  readonly folder: () => string;
  readonly every: number | undefined;
  readonly stopping: () => boolean;
  readonly onSaved: (step: number, ms: number) => void;
  readonly clock?: () => number;
}): Checkpoints {
  const {every, stopping, onSaved, clock = () => performance.now()} = options;
  const newest = newestCheckpoint(options.folder());
  let lastEnd = clock();
  let lastCost = 0;
  return {
    latest: newest === undefined ? undefined : join(newest.folder, 'files'),
    isStopAsked: stopping,
    due(step) {
      if (stopping()) return true;
      if (every !== undefined) return step % every === 0;
      return clock() - lastEnd >= Math.max(LEAST_SECONDS * 1000, WORK_PER_COST * lastCost);
    },
    save: function save(step, write) {
      const mistake = stepMistake(step);
      if (mistake !== undefined) return Promise.reject(mistakeOf(save, `checkpoints.save(): ${mistake}`));
      return keep(step, write);
    },
  };

  async function keep(step: number, write: Parameters<Checkpoints['save']>[1]): Promise<void> {
    const start = clock();
    const folder = options.folder();
    const temporary = join(folder, `${WRITING}${process.pid}`);
    rmSync(temporary, {recursive: true, force: true});
    mkdirSync(join(temporary, 'files'), {recursive: true});
    await write(join(temporary, 'files'));
    seal(temporary, step);
    const final = checkpointFolder(folder, step);
    // One of the same step is as good until the new one is in its place; to remove gigabytes takes a while.
    const replaced = join(folder, `replaced-${process.pid}`);
    if (existsSync(final)) renameSync(final, replaced);
    renameSync(temporary, final);
    syncFolder(folder);
    rmSync(replaced, {recursive: true, force: true});
    // The one that was just written stays, whatever else has a higher number.
    for (const old of stepsIn(folder)
      .filter((other) => other !== step)
      .slice(KEPT - 1))
      rmSync(checkpointFolder(folder, old), {recursive: true, force: true});
    lastEnd = clock();
    lastCost = lastEnd - start;
    onSaved(step, lastCost);
    if (stopping()) throw new Stopped(step);
  }
}

/** A checkpoint that is passed over, and why, as half a sentence. */
export interface Torn {
  readonly step: number;
  readonly why: string;
}

type PassOver = (torn: Torn) => void;

/** The newest checkpoint of a job whose bytes are the ones that were written; torn ones are passed over. */
export const newestCheckpoint = (folder: string, passOver?: PassOver): {step: number; folder: string} | undefined =>
  newestBut(folder, (candidate, step) => tearIn(candidate, step) ?? changeIn(candidate), passOver);

/** The same by which files are there and how long they are: gigabytes are not read for it. */
export const newestSaved = (folder: string, passOver?: PassOver): {step: number; folder: string} | undefined =>
  newestBut(folder, tearIn, passOver);

function newestBut(
  folder: string,
  flawIn: (candidate: string, step: number) => string | undefined,
  passOver: PassOver = () => undefined,
): {step: number; folder: string} | undefined {
  for (const step of stepsIn(folder)) {
    const candidate = checkpointFolder(folder, step);
    const why = flawIn(candidate, step);
    if (why === undefined) return {step, folder: candidate};
    passOver({step, why});
  }
  return undefined;
}

/** The link to what a program resumes from. */
const LATEST = 'latest';

/**
 * Makes the folder of a program's checkpoints ready: `latest` in it leads to the files of the newest whole one, and is not there where
 * there is none. Relative, so that it leads there wherever the folder lies.
 */
export function offerLatest(folder: string): void {
  mkdirSync(folder, {recursive: true});
  const newest = newestCheckpoint(folder);
  const link = join(folder, LATEST);
  rmSync(link, {recursive: true, force: true});
  if (newest !== undefined) symlinkSync(join(basename(newest.folder), 'files'), link);
}

/** Whether a checkpoint is being written there, or the process that wrote one has died over it. */
export const isBeingWritten = (folder: string): boolean =>
  statSync(folder, {throwIfNoEntry: false})?.isDirectory() === true &&
  readdirSync(folder).some((name) => name.startsWith(WRITING));

/** Copies a whole checkpoint into another job's `checkpoints/`; true only if the copy is whole as well. */
export function copyCheckpoint(from: {step: number; folder: string}, folder: string): boolean {
  const manifest = readManifest(from.folder);
  if (manifest === undefined) return false;
  const temporary = join(folder, `copying-${process.pid}`);
  const final = checkpointFolder(folder, from.step);
  rmSync(temporary, {recursive: true, force: true});
  for (const {path} of manifest.files) {
    mkdirSync(dirname(join(temporary, 'files', path)), {recursive: true});
    copyFileSync(join(from.folder, 'files', path), join(temporary, 'files', path), constants.COPYFILE_FICLONE);
  }
  mkdirSync(join(temporary, 'files'), {recursive: true});
  seal(temporary, from.step, manifest);
  if ((tearIn(temporary, from.step) ?? changeIn(temporary)) !== undefined) {
    rmSync(temporary, {recursive: true, force: true});
    return false;
  }
  rmSync(final, {recursive: true, force: true});
  renameSync(temporary, final);
  syncFolder(folder);
  return true;
}

/** Flushes the files, writes the manifest over them (or the given one, for a copy), flushes that. */
function seal(folder: string, step: number, manifest?: Manifest): void {
  const files = [...filesUnder(join(folder, 'files'))].sort();
  const entries = files.map((path) => {
    const file = join(folder, 'files', path);
    const fd = openSync(file, 'r');
    try {
      fsyncSync(fd);
      return manifest === undefined ? {path, bytes: statSync(file).size, sha256: sha256Of(fd)} : undefined;
    } finally {
      closeSync(fd);
    }
  });
  for (const path of foldersUnder(join(folder, 'files'))) syncFolder(path);
  writeJson(join(folder, 'manifest.json'), manifest ?? ({version: 1, step, files: entries} satisfies object));
  syncFolder(folder);
}

/** What is not as its manifest says, without a look at bytes. A program may put anything in the place of a checkpoint: then there is none. */
function tearIn(folder: string, step: number): string | undefined {
  const manifest = readManifest(folder);
  if (manifest === undefined) return 'it has no manifest.json, or one that is garbled';
  if (manifest.step !== step) return `its manifest.json is of step ${shown(manifest.step)}`;
  for (const {path, bytes} of manifest.files) {
    const stat = lstatSync(join(folder, 'files', path), {throwIfNoEntry: false});
    if (stat === undefined) return `files/${path} is missing`;
    if (!stat.isFile()) return `files/${path} is not a file`;
    if (stat.size !== bytes) return `files/${path} has ${stat.size} bytes instead of ${bytes}`;
  }
  return undefined;
}

/** Which file has other bytes than were written, of one that is not torn. */
function changeIn(folder: string): string | undefined {
  const changed = readManifest(folder)?.files.find(({path, sha256}) => {
    // A pipe that is put in its place at this moment would be waited for without end.
    const fd = openSync(join(folder, 'files', path), constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      return sha256Of(fd) !== sha256;
    } finally {
      closeSync(fd);
    }
  });
  return changed === undefined ? undefined : `files/${changed.path} has other bytes than its manifest.json says`;
}

function readManifest(folder: string): Manifest | undefined {
  const read = readJson(join(folder, 'manifest.json'));
  if (!read.ok) return undefined; // none, or torn
  const manifest = read.value as Partial<Manifest> | null;
  const isManifest = manifest?.version === 1 && Array.isArray(manifest.files) && manifest.files.every(isEntry);
  return isManifest ? (manifest as Manifest) : undefined;
}

/** Whatever a manifest names lies in its own folder. */
function isEntry(entry: unknown): boolean {
  const {path, bytes, sha256} = Object(entry) as Partial<Manifest['files'][number]>;
  return (
    typeof path === 'string' &&
    path.split('/').every((name) => name !== '' && name !== '.' && name !== '..') &&
    !path.includes('\0') &&
    Number.isSafeInteger(bytes) &&
    typeof sha256 === 'string'
  );
}

const checkpointFolder = (folder: string, step: number): string => join(folder, `step-${step}`);

/** Steps of the checkpoints in a folder, newest first. */
export function stepsIn(folder: string): number[] {
  if (statSync(folder, {throwIfNoEntry: false})?.isDirectory() !== true) return [];
  return (
    readdirSync(folder)
      // As it is written: `step-0005` would be looked for under another name.
      .map((name) => /^step-(0|[1-9]\d*)$/.exec(name)?.[1])
      .filter((step) => step !== undefined)
      .map(Number)
      .filter(Number.isSafeInteger)
      .sort((a, b) => b - a)
  );
}

function* filesUnder(folder: string, prefix = ''): Generator<string> {
  for (const entry of readdirSync(folder, {withFileTypes: true})) {
    const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
    if (entry.isDirectory()) yield* filesUnder(join(folder, entry.name), path);
    else if (entry.isFile()) yield path;
    else throw new Error(`checkpoint file “${path}” is neither a file nor a folder`);
  }
}

function* foldersUnder(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, {withFileTypes: true})) {
    if (entry.isDirectory()) yield* foldersUnder(join(folder, entry.name));
  }
  yield folder;
}

const CHUNK = 1 << 20;

function sha256Of(fd: number): string {
  const hash = createHash('sha256');
  const chunk = Buffer.allocUnsafe(CHUNK);
  for (let position = 0; ;) {
    const got = readSync(fd, chunk, 0, CHUNK, position);
    if (got === 0) return hash.digest('hex');
    hash.update(chunk.subarray(0, got));
    position += got;
  }
}

function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
