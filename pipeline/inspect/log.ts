/** What the stage of a node printed: all of it, or as it prints it. */
import {statSync} from 'node:fs';
import {StringDecoder} from 'node:string_decoder';
import {setTimeout as sleep} from 'node:timers/promises';
import {UserError} from '../../artifacts/index.js';
import type {AttemptId, RunId, Store} from '../../artifacts/index.js';
import type {Executor} from '../executors/executor.js';
import {jobFiles, readJob} from '../job/folder.js';
import {partOfFile, plainFile} from '../job/plain-file.js';
import {findNode} from './find-node.js';

/** The log of one attempt: stdout and stderr of its process, as they came. */
export interface NodeLog {
  readonly node: string;
  readonly run: RunId;
  readonly attempt: AttemptId;
  /** Path of the log. */
  readonly file: string;
}

/**
 * Where the log of a node lies, in the run with this number or in the newest one that includes the node.
 *
 * @throws UserError not-found: no such run or node, it did not run, or its log is gone
 */
export function logOf(store: Store, name: string, wanted?: number): NodeLog {
  const {run, node} = findNode(store, name, wanted);
  if (node.attempt === undefined) {
    throw new UserError('not-found', `“${node.node}” did not run in run ${run.id}: ${node.because}`);
  }
  const file = jobFiles(store.jobFolder(node.attempt)).log;
  const log = {node: node.node, run: run.id, attempt: node.attempt, file};
  if (statSync(file, {throwIfNoEntry: false})?.isFile() !== true) throw goneError(log);
  return log;
}

const goneError = ({node, attempt, file}: NodeLog): UserError =>
  new UserError('not-found', `attempt ${attempt} of “${node}” has no log (any more): ${file}`);

/** A log as it was when it was read. */
export interface LogText {
  readonly text: string;
  /** Its beginning is not kept any more, since it outgrew its cap. */
  readonly isCut: boolean;
}

/** The part that was moved aside when the log outgrew its cap, then the current one. @throws UserError not-found */
export function readLog(log: NodeLog): LogText {
  const aside = plainFile(`${log.file}.1`);
  const text = plainFile(log.file);
  if (text === undefined) throw goneError(log);
  return {text: (aside ?? '') + text, isCut: aside !== undefined};
}

/** Why nothing more is to come of a log that was followed. */
export type LogEnd =
  | {readonly reason: 'ended'}
  /** Another attempt has taken its place; without a number where the node was called off. */
  | {readonly reason: 'replaced'; readonly by?: AttemptId}
  /** Its runner and its process are gone, and nobody has recorded how it ended. */
  | {readonly reason: 'interrupted'}
  /** The caller's signal. */
  | {readonly reason: 'aborted'};

/** Milliseconds between two looks. */
const POLL = 200;

/** How to follow a log. */
export interface FollowOptions {
  /** Knows whether a process that has outlived its runner is still there. */
  readonly executor: Pick<Executor, 'isRunning'>;
  /** Ends it. */
  readonly signal?: AbortSignal;
}

/** Yields what was printed, whole lines at a time, until the attempt has ended, or nobody is left to end it. */
export async function* followLog(
  store: Store,
  log: NodeLog,
  {executor, signal}: FollowOptions,
): AsyncGenerator<string, LogEnd, void> {
  const decoder = new StringDecoder('utf8');
  let at = 0;
  let rest = '';
  while (signal?.aborted !== true) {
    // Asked before reading, so that what was printed last is still seen.
    const end = await endOf(store, log, executor);
    const size = statSync(log.file, {throwIfNoEntry: false})?.size ?? 0;
    if (size < at) at = 0; // cut, as it had outgrown its cap
    const text = rest + decoder.write(partOfFile(log.file, at, size));
    at = size;
    const whole = end === undefined ? text.lastIndexOf('\n') + 1 : text.length;
    rest = text.slice(whole);
    if (whole > 0) yield text.slice(0, whole);
    if (end !== undefined) return end;
    await sleep(POLL, undefined, {...(signal === undefined ? {} : {signal})}).catch((error: unknown) => {
      if (signal?.aborted !== true) throw error;
    });
  }
  return {reason: 'aborted'};
}

async function endOf(
  store: Store,
  {node, run, attempt}: NodeLog,
  executor: FollowOptions['executor'],
): Promise<LogEnd | undefined> {
  if (store.attempt(attempt)?.outcome !== undefined) return {reason: 'ended'};
  const now = findNode(store, node, run).node.attempt;
  if (now !== attempt) return {reason: 'replaced', ...(now === undefined ? {} : {by: now})};
  const isLeft = store.orphans().some((orphan) => orphan.attempt === attempt);
  // Its process may have outlived the runner; then it goes on printing.
  if (!isLeft || (await isJobRunning(store.jobFolder(attempt), executor))) return undefined;
  return {reason: 'interrupted'};
}

async function isJobRunning(folder: string, executor: FollowOptions['executor']): Promise<boolean> {
  const job = readJob(folder);
  return job.ok && executor.isRunning({folder, tag: job.value.tag});
}
