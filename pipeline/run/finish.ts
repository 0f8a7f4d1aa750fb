/**
 * Ending a node before it is through and keeping what it has: asked for with a run that begins or goes on, or of a process that
 * runs already. Either way it is a file in the job folder, which the stage looks for between two steps.
 */
import {UserError} from '../../artifacts/index.js';
import type {AttemptId, Run, RunId, Store} from '../../artifacts/index.js';
import {findRun} from '../../artifacts/queries/find-run.js';
import {jobFiles, readFinish, readJob, writeFinish} from '../job/folder.js';
import {lastProgress} from '../job/pace.js';
import {frozenPlanOf} from '../plan/frozen-plan.js';
import type {Prepared} from '../plan/prepare.js';
import {suggestion} from '../wiring/did-you-mean.js';
import {unknownNode} from '../wiring/overrides.js';

/** Whoever asks wants the process to end where it is; before its first step it has nothing to keep. */
const AT_ONCE = 1;

/** A running attempt that was asked to finish early. */
export interface FinishAsked {
  readonly run: RunId;
  readonly node: string;
  readonly attempt: AttemptId;
  /** How far it was, as its stage reported last; left out where it has not said. */
  readonly step?: number;
  readonly total?: number;
  /** Whether somebody had asked before. */
  readonly again: boolean;
}

/**
 * Asks the running process of a node to finish early: it ends after the step that it is in, and its run goes on with what it
 * makes.
 *
 * @param wanted number of the run; the newest in which the node runs now without it
 * @throws UserError not-found, or bad-argument where it does not run, or cannot be finished early; of the file system where the
 * request cannot be written
 */
export function askToFinish(store: Store, name: string, wanted?: number): FinishAsked {
  const {run, attempt} = runningAttempt(store, name, wanted);
  const folder = store.jobFolder(attempt);
  const job = readJob(folder);
  if (!job.ok)
    throw new UserError('bad-argument', `“${name}” of run ${run} is only being started`, {hint: 'ask again'});
  if (job.value.canFinishEarly !== true) throw cannotFinish(name, job.value.stage);
  const again = readFinish(folder) !== undefined;
  if (!again) writeFinish(folder, AT_ONCE);
  return {run, node: name, attempt, ...lastProgress(jobFiles(folder).events), again};
}

/** Asks the process in a job folder that was made ready just now, or was taken over. */
export const finishAtOnce = (folder: string): void => writeFinish(folder, AT_ONCE);

function runningAttempt(store: Store, name: string, wanted?: number): {run: RunId; attempt: AttemptId} {
  const runs = wanted === undefined ? store.runs() : [findRun(store, wanted)];
  for (const {id} of runs.filter((run) => store.isAlive(run.id))) {
    const node = store.nodesOf(id).find((other) => other.node === name);
    if (node?.action === 'run' && node.attempt !== undefined && node.outcome === undefined)
      return {run: id, attempt: node.attempt};
  }
  const run = findRun(store, wanted);
  throw store.isAlive(run.id) ? notRunning(store, run, name) : runNotAlive(run, name);
}

function notRunning(store: Store, run: Run, name: string): UserError {
  const names = Object.keys(frozenPlanOf(run).nodes);
  const list = {remedy: {type: 'list-nodes', run: run.id}} as const;
  if (!names.includes(name))
    return new UserError('not-found', `run ${run.id} has no node “${name}”${suggestion(name, names)}`, list);
  const node = store.nodesOf(run.id).find((other) => other.node === name);
  const how = node?.outcome === undefined ? 'does not run yet' : 'has ended already';
  return new UserError('bad-argument', `“${name}” of run ${run.id} ${how}, so there is nothing to finish`, list);
}

const runNotAlive = (run: Run, name: string): UserError =>
  new UserError('bad-argument', `run ${run.id} is not running, so “${name}” cannot be asked to finish`, {
    ...(run.end?.outcome === 'succeeded' ? {} : {remedy: {type: 'finish-on-resume', run: run.id, node: name}}),
  });

const cannotFinish = (name: string, stage: string): UserError =>
  new UserError(
    'bad-argument',
    `“${name}” cannot be finished early: what its stage ${stage} has made in between is not a result; stages that train can be`,
  );

/**
 * Checks what is asked of a run that is about to begin or go on, as far as it is known by then: whether there is a checkpoint to
 * finish from shows when the turn of a node has come whose inputs are still to be made.
 *
 * @throws UserError not-found, bad-argument
 */
export function requireFinishable(
  names: readonly string[],
  {wiring, plan}: Pick<Prepared, 'wiring' | 'plan'>,
  {store, otherCode}: {readonly store: Store; readonly otherCode?: 'accept' | 'refuse' | undefined},
): void {
  for (const name of names) {
    const node = wiring.nodes.get(name);
    const planned = plan.nodes.get(name);
    if (node === undefined) throw new UserError('not-found', `finish: ${unknownNode(wiring, name)}`);
    if (node.type === 'source')
      throw new UserError('bad-argument', `“${name}” comes from outside: nothing runs for it`);
    if (planned === undefined) throw new UserError('bad-argument', `“${name}” is not among the nodes of this run`);
    if (node.stage.canFinishEarly !== true) throw cannotFinish(name, node.stage.name);
    if (planned.action === 'reuse')
      throw new UserError('bad-argument', `there is nothing to finish: “${name}” is up to date`);
    if (planned.action !== 'run' || planned.fingerprint === undefined) continue;
    const isOpen = store.attemptsByFingerprint(planned.fingerprint).some(({outcome}) => outcome === undefined);
    if (planned.continues === undefined && !isOpen && otherCode !== 'accept') throw nothingToFinish(name);
  }
}

/** There is no checkpoint. */
export const nothingToFinish = (name: string): UserError =>
  new UserError(
    'bad-argument',
    `“${name}” has no checkpoint that it could be finished from, so there is nothing to keep`,
  );
