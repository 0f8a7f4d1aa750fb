/**
 * The cache that all clones of a user share: finished downloads and builds, each a folder with a list of its files.
 *
 * An entry is filled in a folder of its own, listed with the SHA-256 of every file, and then renamed to its name: what
 * carries the name is whole. Before an entry is used its files are read again and compared with the list, so that
 * damage is found there and repaired by filling it again. Nothing is ever changed inside an entry.
 */
import {createHash} from 'node:crypto';
import {constants, createReadStream, existsSync, readFileSync} from 'node:fs';
import {copyFile, link, mkdir, readdir, rename, rm, stat, writeFile} from 'node:fs/promises';
import path from 'node:path';
import {withLock} from './lock.js';
import {cacheFolder, shown} from './places.js';
import {megabytes, say} from './say.js';

const listName = 'files.json';

/** @param {string} file @returns {Promise<string>} the file's SHA-256, in hex */
export async function sha256(file) {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, {highWaterMark: 1 << 20})) hash.update(chunk);
  return hash.digest('hex');
}

/** Every file below a folder, relative and sorted. @param {string} folder @returns {Promise<string[]>} */
export async function filesBelow(folder) {
  const entries = await readdir(folder, {recursive: true, withFileTypes: true});
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(folder, path.join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}

/**
 * The entry's folder, filled first when it is not there or damaged.
 * @param {string} step the step that asks, for what is printed
 * @param {string} name what the entry is, with every version in it
 * @param {(folder: string) => Promise<void>} fill makes the entry's files in an empty folder
 * @returns {Promise<string>}
 */
export async function ensureEntry(step, name, fill) {
  const entry = path.join(cacheFolder(), name);
  const onWait = (/** @type {number} */ pid) => {
    say(step, `waiting for another set-up (process ${String(pid)}) that makes ${shown(entry)}`);
  };
  return await withLock(`${entry}.lock`, onWait, async () => {
    if (await isWhole(step, entry)) return entry;
    await rm(entry, {recursive: true, force: true});
    // The lock is ours, so what lies there was left behind by a set-up that was interrupted.
    const draft = `${entry}.part`;
    await rm(draft, {recursive: true, force: true});
    await mkdir(draft, {recursive: true});
    try {
      await fill(draft);
      await writeFile(path.join(draft, listName), JSON.stringify(await list(draft), null, 1));
      await rename(draft, entry);
    } finally {
      await rm(draft, {recursive: true, force: true});
    }
    return entry;
  });
}

/** Throws an entry away, so that the next use fills it anew. @param {string} name */
export async function forget(name) {
  await rm(path.join(cacheFolder(), name), {recursive: true, force: true});
}

/** @param {string} folder @returns {Promise<{path: string, bytes: number, sha256: string}[]>} */
async function list(folder) {
  const rows = [];
  for (const file of await filesBelow(folder)) {
    const full = path.join(folder, file);
    rows.push({path: file, bytes: (await stat(full)).size, sha256: await sha256(full)});
  }
  return rows;
}

/** @param {string} step @param {string} entry */
async function isWhole(step, entry) {
  const file = path.join(entry, listName);
  if (!existsSync(file)) return false;
  /** @type {{path: string, bytes: number, sha256: string}[]} */
  const rows = JSON.parse(readFileSync(file, 'utf8'));
  const total = rows.reduce((sum, row) => sum + row.bytes, 0);
  for (const row of rows) {
    const full = path.join(entry, row.path);
    if (!existsSync(full) || (await stat(full)).size !== row.bytes || (await sha256(full)) !== row.sha256) {
      say(step, `${shown(full)} is damaged; making ${path.basename(entry)} again`);
      return false;
    }
  }
  say(step, `${path.basename(entry)} is in the cache, checked (${megabytes(total)})`);
  return true;
}

/**
 * Gives a folder the files of an entry, at once and in full: hard links where cache and clone share a file system (no
 * space, no time), otherwise copies, which a file system that can clones.
 * @param {string} entry
 * @param {string} target replaced as a whole
 */
export async function place(entry, target) {
  const draft = `${target}.part`;
  await rm(draft, {recursive: true, force: true});
  for (const file of await filesBelow(entry)) {
    if (file === listName) continue;
    const to = path.join(draft, file);
    await mkdir(path.dirname(to), {recursive: true});
    await linkOrCopy(path.join(entry, file), to);
  }
  await rm(target, {recursive: true, force: true});
  await mkdir(path.dirname(target), {recursive: true});
  await rename(draft, target);
}

/** @param {string} from @param {string} to */
async function linkOrCopy(from, to) {
  try {
    await link(from, to);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (!['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(String(code))) throw error;
    await copyFile(from, to, constants.COPYFILE_FICLONE);
  }
}
