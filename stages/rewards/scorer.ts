/**
 * Rewards in a thread that can be ended. A checker may be sent into a loop by what a model writes; a reward that
 * takes longer than the limit is stopped and its verdict is `timed-out`, while the rest of the batch is judged as usual. A
 * note reports the first such completion and, at the end, the total; many in a row end the stage. Where the task says that its
 * answers take a grader of `graders/`, that one is asked once the thread has read the answer.
 */
import {StageFailure, Stopped} from '../../pipeline/stage.js';
import type {OpenGrader} from '../graders/grader.js';
import type {GradingSettings} from '../graders/settings.js';
import {verdict} from '../graders/verdict.js';
import {closingAfter} from '../train/closing.js';
import {externalGraders} from './external.js';
import type {JudgeRefs} from './load-judges.js';
import {BUILT_IN_REWARDS, REWARD_TIMEOUT, type RewardWeights} from './names.js';
import type {Scored, ScoredByRules, Verdicts} from './registry.js';
import {IDLE, ITEM, REWARD, type Judged, type ScorerItem} from './scorer-messages.js';
import {endFailure, startThread, type Ended, type JudgeThread} from './thread.js';
import {countTimeouts} from './timeouts.js';

/** Judges in a thread, for as long as it is open. */
export interface Scorer {
  /**
   * Verdicts in the order of the items. One batch at a time.
   * @throws {StageFailure} with the sentence of a reward or task of one's own that is wrong, or loops again and again, or of a
   * grader that cannot work; {Stopped} where a stop is asked for and the batch is not judged soon
   */
  score(items: readonly ScorerItem[]): Promise<Scored[]>;
  /** @throws {StageFailure} where the thread has ended by itself and no batch has told of it */
  close(): Promise<void>;
}

/** A batch that is nearly judged is worth waiting for when a stop is asked for, as it was long to sample; ms. */
const STOP_AFTER = 500;

/**
 * Starts the thread and waits until it is ready.
 *
 * @param options.refs tasks and rewards of one's own; rewards and the reading of answers run in the thread; a task's module
 * is loaded, and `mend` called, in the stage's process as well
 * @param options.module URL of the module whose `scoreCompletion` judges; the built-in rewards unless a test brings its
 * own
 * @param options.timeoutMs an item is ended after one to two times this long, 2 s unless given
 * @param options.note told of the first completion that is not judged in time, and at the end how many there were
 * @param options.cores that graders may keep busy, 1 unless given
 * @param options.grading params of graders: the sandbox that programs run in, who judges by a rubric, and where answers are looked for
 * @param options.open opens the grader of a kind; the built-in ones unless a test brings its own
 * @param options.signal aborted when a stop is asked for; whoever can be ended at once needs none
 * @param options.stopAfterMs how long a batch may go on when a stop is asked for, 500 ms unless given
 * @param options.loadMs modules may take this long to load, 60 s unless given
 * @throws {StageFailure} where a module of one's own does not load, with its name
 */
export async function openScorer(options: {
  readonly weights: RewardWeights;
  readonly refs?: JudgeRefs;
  readonly timeoutMs?: number;
  readonly module?: string;
  readonly loadMs?: number;
  readonly note?: ((text: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly stopAfterMs?: number;
  readonly cores?: number;
  readonly grading?: GradingSettings | undefined;
  readonly open?: OpenGrader;
}): Promise<Scorer> {
  const {
    weights,
    refs = {},
    timeoutMs = REWARD_TIMEOUT,
    loadMs,
    note = () => undefined,
    signal,
    stopAfterMs = STOP_AFTER,
    cores = 1,
    grading = {},
    open,
  } = options;
  const {module = new URL('./registry.js', import.meta.url).href} = options;
  const timedOut = timedOutBy([...BUILT_IN_REWARDS, ...(refs.rewards ?? []).map(({name}) => name)]);
  const timeouts = countTimeouts({refs, timeoutMs, note});
  const {sandbox, judge, extraction, noWords} = grading;
  const data = {module, weights, refs, extraction, noWords, loadMs};
  const graders = externalGraders({weights, signal, cores, note, open, sandbox, judge, extraction});
  let thread = await startThread(data);
  return {
    async score(items) {
      const results = new Map<number, ScoredByRules>();
      while (results.size < items.length) {
        const missing = items.flatMap((item, index) => (results.has(index) ? [] : [[index, item] as const]));
        const hung = await judgeAll({thread, refs, timeoutMs, signal, stopAfterMs}, missing, results);
        if (hung === undefined) break;
        timeouts.add({item: hung, reward: Atomics.load(thread.progress, REWARD), prompt: items[hung]!.prompt});
        await thread.end();
        thread = await startThread(data);
        // Verdicts that were on their way when the thread ended are lost; those items are judged again.
        results.set(hung, timedOut);
      }
      timeouts.endBatch(items.length);
      const ruled = items.map((_, index) => results.get(index)!); // The loop above ends when each has one.
      return graders.complete(items, ruled);
    },
    close: () =>
      closingAfter([graders], async () => {
        timeouts.report();
        await thread.end();
        if (thread.ended !== undefined && thread.isTold !== true)
          throw endFailure(thread.ended, {progress: thread.progress, refs, promptOf: () => undefined});
      }),
  };
}

/** Judges until all items have a result (`undefined`) or one of them hangs (its index). */
function judgeAll(
  {
    thread,
    refs,
    timeoutMs,
    signal,
    stopAfterMs,
  }: {thread: JudgeThread; refs: JudgeRefs; timeoutMs: number; signal: AbortSignal | undefined; stopAfterMs: number},
  items: readonly (readonly [number, ScorerItem])[],
  results: Map<number, ScoredByRules>,
): Promise<number | undefined> {
  const {worker, progress} = thread;
  return new Promise((resolve, reject) => {
    const total = results.size + items.length;
    let seen = IDLE;
    const finish = (settle: () => void): void => {
      clearInterval(watch);
      clearTimeout(stopping);
      signal?.removeEventListener('abort', onAbort);
      thread.onEnd = undefined;
      worker.off('message', onMessage);
      settle();
    };
    const watch = setInterval(() => {
      const now = Atomics.load(progress, ITEM);
      // Only an item that was already being judged at the last look has had all of its time. The counter is shared
      // memory, so it tells the truth even when this side was too busy to take its messages.
      if (now !== IDLE && now === seen) {
        finish(() => {
          resolve(now);
        });
      }
      seen = now;
    }, timeoutMs);
    let stopping: NodeJS.Timeout | undefined;
    const onAbort = (): void => {
      stopping = setTimeout(() => {
        finish(() => {
          reject(new Stopped());
        });
      }, stopAfterMs);
    };
    if (signal?.aborted === true) onAbort();
    else signal?.addEventListener('abort', onAbort);
    const onEnd = (ended: Ended): void => {
      thread.isTold = true;
      const promptOf = (number: number) => items.find(([index]) => index === number)?.[1].prompt;
      finish(() => {
        reject(endFailure(ended, {progress, refs, promptOf}));
      });
    };
    const onMessage = (judged: Judged): void => {
      if ('fault' in judged) {
        finish(() => {
          reject(new StageFailure(judged.fault, {file: judged.file}));
        });
        return;
      }
      if ('error' in judged) {
        finish(() => {
          reject(new Error(`Internal error: a reward failed: ${judged.error}`));
        });
        return;
      }
      results.set(judged.index, judged.scored);
      if (results.size === total) {
        finish(() => {
          resolve(undefined);
        });
      }
    };
    if (thread.ended !== undefined) {
      onEnd(thread.ended);
      return;
    }
    thread.onEnd = onEnd;
    worker.on('message', onMessage);
    Atomics.store(progress, ITEM, IDLE);
    worker.postMessage(items);
  });
}

const timedOutBy = (rewards: readonly string[]): Scored => ({
  total: 0,
  verdicts: Object.fromEntries(rewards.map((name) => [name, verdict('timed-out')])) as Verdicts,
  answer: null,
});
