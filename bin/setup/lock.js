/**
 * A lock file that two set-ups agree on, for one clone or for one entry of the cache.
 *
 * It appears with its content in one step (a link to a finished file), so nobody ever reads half of it. It is stale
 * when its process is gone, which covers kill -9. A stale lock is removed only by whoever holds the breaker next to it,
 * so that two waiting set-ups cannot remove each other's fresh lock.
 */
import {linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {hostname} from 'node:os';
import path from 'node:path';
import {setTimeout as pause} from 'node:timers/promises';

/** How old something half done must be before it counts as left behind. */
const patienceMs = 10_000;
/** @type {Set<string>} the lock files of this process */
const held = new Set();

/**
 * When a process began, in clock ticks since boot, where the system tells; it makes a reused pid visible. A process
 * that has ended and that nobody has asked about yet began never.
 * @param {number} pid
 */
function startOf(pid) {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? 'ended' : (fields[19] ?? '');
  } catch (error) {
    if (isMissing(error)) return '';
    throw error;
  }
}

/** @param {unknown} error */
const codeOf = (error) => (error instanceof Error && 'code' in error ? String(error.code) : '');
/** @param {unknown} error */
const isMissing = (error) => ['ENOENT', 'ENOTDIR', 'ESRCH'].includes(codeOf(error));

/** @param {string} file @returns {number} milliseconds since it was written, 0 when it is gone */
function ageOf(file) {
  const since = statSync(file, {throwIfNoEntry: false})?.mtimeMs;
  return since === undefined ? 0 : Date.now() - since;
}

/** @param {string} file @returns {string | undefined} the lock's content, or undefined when it is free */
function contentOf(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/**
 * @param {string} content
 * @param {string} file
 * @returns {{pid: number, stale: boolean}}
 */
function ownerOf(content, file) {
  /** @type {{pid: number, start: string, host: string}} */
  let owner;
  try {
    owner = JSON.parse(content);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    // Half a lock is one being written (where links are not to be had) or what a power cut left behind.
    return {pid: 0, stale: ageOf(file) > patienceMs};
  }
  const pid = owner.pid;
  // Another machine's process cannot be looked at from here, so its lock counts as live.
  if (owner.host !== hostname()) return {pid, stale: false};
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return {pid, stale: true};
  }
  return {pid, stale: owner.start !== '' && startOf(pid) !== owner.start};
}

/** Removes a lock that is still the stale one that was seen. @param {string} file @param {string} seen */
function breakStale(file, seen) {
  const breaker = `${file}.break`;
  try {
    mkdirSync(breaker);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    if (ageOf(breaker) > patienceMs) rmSync(breaker, {recursive: true, force: true});
    return;
  }
  try {
    if (contentOf(file) === seen) rmSync(file, {force: true});
  } finally {
    rmSync(breaker, {recursive: true, force: true});
  }
}

/** @param {string} draft @param {string} file @param {string} content */
function takeWith(draft, file, content) {
  try {
    linkSync(draft, file);
  } catch (error) {
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(codeOf(error))) throw error;
    // A file system without links: an exclusive create is the next best thing.
    writeFileSync(file, content, {flag: 'wx'});
  }
}

/** @param {string} file */
function tryToTake(file) {
  const draft = `${file}.${String(process.pid)}`;
  const content = JSON.stringify({pid: process.pid, start: startOf(process.pid), host: hostname()});
  writeFileSync(draft, content);
  try {
    takeWith(draft, file, content);
    held.add(file);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, {force: true});
  }
}

/**
 * Waits for the lock, does the work, and gives the lock back.
 * @template T
 * @param {string} file
 * @param {(pid: number) => void} onWait called once when somebody else holds the lock
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(file, onWait, work) {
  mkdirSync(path.dirname(file), {recursive: true});
  for (let waits = 0; !tryToTake(file);) {
    const content = contentOf(file);
    if (content === undefined) continue;
    const owner = ownerOf(content, file);
    if (owner.stale) breakStale(file, content);
    else if (waits++ === 0) onWait(owner.pid);
    await pause(owner.stale ? 10 : 200);
  }
  try {
    return await work();
  } finally {
    held.delete(file);
    rmSync(file, {force: true});
  }
}

process.once('exit', () => {
  for (const file of held) rmSync(file, {force: true});
});
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  process.once(signal, () => process.exit(130));
}
