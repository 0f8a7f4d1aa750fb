/**
 * One try of one node that is this run's own: its job folder is prepared, its process started and seen to its end. The process
 * is somebody else's (`executors/`), the decision to try at all as well (`run-node.ts`).
 */
import {appendFileSync, utimesSync} from 'node:fs';
import {pathToFileURL} from 'node:url';
import {plainError} from '../../artifacts/index.js';
import type {AttemptId, Continuation, Digest, InputEdge, Json, OwnershipId} from '../../artifacts/index.js';
import type {Running} from '../executors/executor.js';
import type {Ingredients} from '../fingerprint/fingerprint.js';
import {UnusableCommand} from '../job/command-line.js';
import {offerLatest} from '../job/checkpoints.js';
import {bringCheckpoint} from '../job/continue-from.js';
import {jobFiles} from '../job/folder.js';
import {codeChanged, findRebuilt, findTouchedBeforeStart, markCode} from '../job/job-code.js';
import type {JobCode} from '../job/job-code.js';
import {prepareJobFolder} from '../job/prepare-folder.js';
import type {PreparedJob} from '../job/prepare-folder.js';
import type {Outcome, StageStopped, StartFailed} from '../outcome.js';
import {nodeVariables} from '../wiring/environment.js';
import type {StageNode} from '../wiring/nodes.js';
import {finishAtOnce, nothingToFinish} from './finish.js';
import {readyEnvironment} from './ready-environment.js';
import {closeAttempt, recordOutcome} from './record-outcome.js';
import type {AttemptContext, AttemptResult, ClaimedAttempt} from './record-outcome.js';
import type {Slot} from './scheduler.js';
import {superviseProcess} from './supervise-process.js';
import type {Supervision} from './supervise-process.js';

/** A node whose inputs are known. */
export interface ReadyNode {
  readonly node: StageNode;
  /** Name under which the stage's module exports it. */
  readonly exportName: string;
  readonly ingredients: Ingredients;
  readonly codeParts: Json;
  readonly fingerprint: Digest;
  readonly inputs: readonly InputEdge[];
  readonly because: string;
  /** Why it runs now that an earlier attempt, which the plan did not know the end of, has ended. */
  readonly becauseNow: () => string;
  readonly force: boolean;
  readonly seed: number;
  readonly expectedMs: number | undefined;
  /** What of the stage's code its process is given. */
  readonly code: JobCode;
  /** Its code has changed so often before it could be started that it is not planned again. */
  readonly lastTry: boolean;
  /** A checkpoint of other code that may be used all the same (`r1 resume --accept-checkpoint`). */
  readonly accepted?: {readonly attempt: AttemptId; readonly because: string};
  /** Whether it is to end early, with what its newest checkpoint holds. */
  readonly isToFinish?: boolean;
}

/** An attempt that was begun just now, of which nothing is there yet. */
export interface BegunAttempt {
  readonly attempt: AttemptId;
  readonly ownership: OwnershipId;
  readonly folder: string;
  readonly continues: Continuation | undefined;
  /** What it may use. */
  readonly slot: Pick<Slot, 'gpu' | 'lendCores' | 'takeCoresBack'>;
}

/** Resolves when what came of it is recorded. @throws what may be over another time, as a full disk; the attempt is left open */
export async function runAttempt(
  ready: ReadyNode,
  begun: BegunAttempt,
  context: AttemptContext,
  supervision: Supervision,
): Promise<AttemptResult> {
  const {attempt, ownership, folder} = begun;
  const bare: ClaimedAttempt = {node: ready.node, attempt, ownership, folder, inputs: []};
  try {
    return await prepareAndRun(ready, {...begun, bare}, context, supervision);
  } catch (error) {
    if (error instanceof UnusableCommand) {
      appendFileSync(jobFiles(folder).log, `${error.message}\n`);
      return recordUnstarted(bare, {reason: 'start-failed', message: error.message}, context);
    }
    return closeAttempt(bare, error, context);
  }
}

async function prepareAndRun(
  ready: ReadyNode,
  {attempt, folder, continues, slot, bare}: BegunAttempt & {readonly bare: ClaimedAttempt},
  context: AttemptContext,
  supervision: Supervision,
): Promise<AttemptResult> {
  const {store, executor, stop} = context;
  const {node} = ready;
  const isProgram = node.stage.argv !== undefined;
  await store.makeJobFolder(attempt);
  const environment = await readyEnvironment(node, {
    counted: ready.ingredients.environment,
    note: (text) => {
      appendFileSync(jobFiles(folder).log, `${text}\n`);
      context.emit({type: 'node-note', node: node.id, text});
    },
    signal: AbortSignal.any([stop.asked, supervision.stop]),
  });
  if (!environment.ok) return recordNoEnvironment(bare, environment.error, context);
  const marked = markCode(ready.code);
  if (!marked.ok) return recordChanged(ready, bare, marked.error, context);
  const code = marked.value;
  const epoch = await executor.epoch();
  const owner = `${store.id}/${attempt}`;
  const prepared = await prepareJobFolder({
    ...ready,
    folder,
    owner,
    epoch,
    store,
    code,
    environment: environment.value,
  });
  const placed = {...bare, inputs: prepared.placed};
  if (ready.isToFinish === true) {
    if (continues === undefined)
      return recordUnstarted(placed, {reason: 'start-failed', message: nothingToFinish(node.id).message}, context);
    finishAtOnce(folder);
  }
  if (continues !== undefined && !bringCheckpoint(continues, folder, store)) {
    const message = `the checkpoint of attempt ${continues.attempt} at step ${continues.step} is not whole any more`;
    return recordUnstarted(placed, {reason: 'start-failed', message}, context);
  }
  if (node.stage.checkpoints === true) offerLatest(jobFiles(folder).checkpoints);
  const claimed = {...placed, ...(isProgram ? {} : {own: code.own})};
  // Placing gigabytes may have taken long; a stop that was asked for meanwhile is obeyed before anything starts.
  const isStopped = (): boolean => stop.asked.aborted || supervision.stop.aborted;
  if (isStopped()) return recordStopped(claimed, context);
  const rebuilt = isProgram ? [] : findRebuilt(code.own);
  const changed = rebuilt.length > 0 ? rebuilt : findTouchedBeforeStart(code);
  if (changed.length > 0) return recordChanged(ready, claimed, changed, context);
  let running: Running;
  try {
    running = await startProcess(ready, {folder, slot}, prepared, context, supervision);
  } catch (thrown) {
    if (isStopped()) return recordStopped(claimed, context);
    const {message} = plainError(thrown, 'start its process') as Error;
    return recordUnstarted(claimed, {reason: 'start-failed', message}, context);
  }
  context.emit({
    type: 'node-started',
    node: node.id,
    stage: node.stage.name,
    attempt,
    because: ready.because,
    log: jobFiles(folder).log,
    ...(continues === undefined ? {} : {continues}),
    ...(ready.expectedMs === undefined ? {} : {expectedMs: ready.expectedMs}),
  });
  return superviseProcess(claimed, running, context, supervision);
}

async function startProcess(
  {node}: ReadyNode,
  {folder, slot}: Pick<BegunAttempt, 'folder' | 'slot'>,
  {command, tag, variables}: PreparedJob,
  {executor, emit, stop}: AttemptContext,
  supervision: Supervision,
): Promise<Running> {
  const own = nodeVariables(node, process.env);
  const env = command === undefined ? own : {...own, ...variables};
  let waited: string | undefined;
  const note = (text: string): void => emit({type: 'node-note', node: node.id, text});
  // A stage that computes with tensors takes what there is; one that says how many it needs is told that it gets none.
  const asked = node.options.resources?.gpu ?? node.stage.resources?.gpu ?? 0;
  if (asked > 0 && slot.gpu === 0)
    note('asks for a GPU and gets none: neither CUDA_VISIBLE_DEVICES nor nvidia-smi -L names one that can be used');
  const running = await executor.start({
    folder,
    tag,
    ...(command === undefined ? {} : {command}),
    ...(env === undefined ? {} : {env}),
    ...(slot.gpu === 0 ? {} : {gpu: slot.gpu, signal: AbortSignal.any([stop.asked, supervision.stop])}),
    note,
    waiting: (text) => {
      waited = text;
      slot.lendCores();
      note(text);
    },
  });
  slot.takeCoresBack();
  if (waited !== undefined) countFromNow(folder);
  return running;
}

/** What an attempt took is counted from the time of its `job.json` (`wallOf`), and is not to have in it what it waited. */
function countFromNow(folder: string): void {
  try {
    utimesSync(jobFiles(folder).job, new Date(), new Date());
  } catch {
    // Its process is there, and is not to be given up for this.
  }
}

const recordUnstarted = (claimed: ClaimedAttempt, outcome: Outcome, context: AttemptContext): Promise<AttemptResult> =>
  recordOutcome(claimed, outcome, {wallMs: 0}, context);

const recordStopped = (claimed: ClaimedAttempt, context: AttemptContext): Promise<AttemptResult> =>
  recordUnstarted(claimed, {reason: 'stopped', by: context.stop.asked.aborted ? 'person' : 'failure'}, context);

function recordNoEnvironment(
  claimed: ClaimedAttempt,
  outcome: StartFailed | StageStopped,
  context: AttemptContext,
): Promise<AttemptResult> {
  if (outcome.reason === 'stopped') return recordStopped(claimed, context);
  appendFileSync(jobFiles(claimed.folder).log, `${outcome.message}\n`);
  return recordUnstarted(claimed, outcome, context);
}

/** Its code is not what its fingerprint counts any more. Where it is planned again, nobody has to know of it. */
function recordChanged(
  ready: ReadyNode,
  claimed: ClaimedAttempt,
  urls: readonly string[],
  context: AttemptContext,
): Promise<AttemptResult> {
  const outcome = codeChanged('starting', urls);
  const emit = outdatedModules(outcome, ready) === undefined ? context.emit : () => undefined;
  return recordUnstarted(claimed, outcome, {...context, emit});
}

/**
 * URLs of what has to be read again before the node can be planned with the code of now, or `undefined` where the outcome
 * stands. What r1 is made of is not read again.
 */
export function outdatedModules(
  outcome: Outcome,
  {lastTry}: Pick<ReadyNode, 'lastTry'>,
): readonly string[] | undefined {
  if (outcome.reason !== 'code-changed' || outcome.when !== 'starting') return undefined;
  if (outcome.own === true || lastTry) return undefined;
  return outcome.files.map((file) => pathToFileURL(file).href);
}
