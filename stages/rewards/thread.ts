/** The thread that judges, from the side of the stage: how it starts, how it is ended, and what is said when it ends by itself. */
import {fileURLToPath} from 'node:url';
import {Worker} from 'node:worker_threads';
import {definitionPlaceOf} from '../../pipeline/modules/import-definition.js';
import {StageFailure} from '../../pipeline/stage.js';
import {fault, thrownText} from '../tasks/faults.js';
import type {Prompt} from '../tasks/prompt.js';
import {culpritAt, culpritOf, type Culprit} from './culprit.js';
import {IDLE, ITEM, LOADING, PLACES, REWARD, type ScorerData} from './scorer-messages.js';

/** How long modules may take to load, ms. */
const LOAD_MS = 60_000;
/** A thread that waits for another process cannot be ended before that is over; nobody waits longer for it than this, ms. */
const END_MS = 1_000;

/** How a thread ended by itself. */
export type Ended = {readonly error: unknown} | {readonly code: number};

export interface JudgeThread {
  readonly worker: Worker;
  /** Shared with this thread and no other: one that cannot be ended may go on writing into it. */
  readonly progress: Int32Array;
  /** Once it has ended by itself. */
  ended?: Ended;
  /** Whether somebody has said so. */
  isTold?: boolean;
  /** Told when that happens. */
  onEnd?: ((ended: Ended) => void) | undefined;
  /** Ends it, or leaves it alone where it cannot be ended now. */
  end(): Promise<void>;
}

/**
 * Starts a thread, and waits until it can judge.
 *
 * @throws {StageFailure} with the name of the definition whose module does not load
 */
export function startThread({
  loadMs = LOAD_MS,
  ...data
}: Omit<ScorerData, 'progress'> & {readonly loadMs?: number | undefined}): Promise<JudgeThread> {
  const progress = new Int32Array(new SharedArrayBuffer(PLACES * Int32Array.BYTES_PER_ELEMENT)).fill(IDLE);
  const workerData: ScorerData = {...data, progress};
  const worker = new Worker(new URL('./scorer-thread.js', import.meta.url), {workerData});
  const thread: JudgeThread = {worker, progress, end: () => endOf(thread)};
  const hasEnded = (ended: Ended): void => {
    if (thread.ended !== undefined) return;
    thread.ended = ended;
    thread.onEnd?.(ended);
  };
  worker.on('error', (error: unknown) => hasEnded({error})).on('exit', (code) => hasEnded({code}));
  return new Promise((resolve, reject) => {
    const onReady = (): void => {
      clearTimeout(timer);
      thread.onEnd = undefined;
      worker.unref(); // An idle thread does not keep the process alive.
      resolve(thread);
    };
    const late = (): void => {
      worker.off('message', onReady); // It may say so while it is being ended.
      thread.onEnd = undefined;
      void thread.end().then(() => reject(notLoaded(data, progress, `did not load within ${loadMs / 1000} s`)));
    };
    // Whoever was too busy to hear that the thread is ready hears of it before the second one is up.
    let timer = setTimeout(() => (timer = setTimeout(late, 100)), loadMs);
    thread.onEnd = (ended) => {
      clearTimeout(timer);
      reject(
        'code' in ended
          ? notLoaded(data, progress, exitWhileLoading(ended.code))
          : threwLoading(data, progress, ended.error),
      );
    };
    worker.once('message', onReady);
  });
}

async function endOf(thread: JudgeThread): Promise<void> {
  const {worker} = thread;
  worker.removeAllListeners('exit'); // What comes now is not by itself.
  worker.ref();
  let timer: NodeJS.Timeout | undefined;
  const enough = new Promise<void>((resolve) => (timer = setTimeout(resolve, END_MS)));
  await Promise.race([worker.terminate(), enough]);
  clearTimeout(timer);
  worker.unref();
}

const loadingIn = ({refs: {rewards = [], tasks = []}}: Pick<ScorerData, 'refs'>, progress: Int32Array) =>
  [...rewards, ...tasks][Atomics.load(progress, LOADING)];

function notLoaded(data: Pick<ScorerData, 'refs'>, progress: Int32Array, what: string): Error {
  const ref = loadingIn(data, progress);
  return ref === undefined ? new Error(`the thread that judges ${what}`) : fault(ref, `its module ${what}`);
}

const exitWhileLoading = (code: number): string => `ended with ${code} while it was loading`;

function threwLoading(data: Pick<ScorerData, 'refs'>, progress: Int32Array, error: unknown): Error {
  const ref = loadingIn(data, progress);
  if (error instanceof Error && (ref === undefined || error.name === 'StageFailure')) return error;
  if (ref === undefined) return new Error(`the thread that judges threw ${thrownText(error)} while it was loading`);
  if (isOutOfMemory(error)) return fault(ref, 'its module took all the memory of the thread that judges');
  const place = definitionPlaceOf(error);
  return fault(
    ref,
    `its module could not be loaded: ${thrownText(error)}${place === undefined ? '' : `, at ${place}`}`,
  );
}

const isOutOfMemory = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';

/**
 * What is said of a thread that ended by itself after it had loaded: always over code of a person's own.
 *
 * @param promptOf the prompt of the item with this number
 */
export function endFailure(
  ended: Ended,
  {
    progress,
    refs,
    promptOf,
  }: {
    readonly progress: Int32Array;
    readonly refs: ScorerData['refs'];
    promptOf(item: number): Prompt | undefined;
  },
): StageFailure {
  const prompt = promptOf(Atomics.load(progress, ITEM));
  const error = 'error' in ended ? ended.error : undefined;
  const {text, owner}: Culprit =
    prompt === undefined ? culpritOf(error, refs) : culpritAt({reward: Atomics.load(progress, REWARD), prompt}, refs);
  const when = prompt === undefined ? 'after the completions were judged' : `on a completion of prompt ${prompt.id}`;
  const place = definitionPlaceOf(error);
  const what =
    'code' in ended
      ? `ended the thread that judges (process.exit, code ${ended.code}) ${when}`
      : isOutOfMemory(error)
        ? `took all the memory of the thread that judges ${when}`
        : `threw ${thrownText(error)} ${when}${place === undefined ? '' : `, at ${place}`}; ` +
          'nothing may be left that runs later, no timer and no promise';
  return new StageFailure(`${text} ${what}`, {file: owner === undefined ? undefined : fileURLToPath(owner.module)});
}
