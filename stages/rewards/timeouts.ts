/** Completions that nobody judged in time: who is told of them, and when there are too many. */
import {fileURLToPath} from 'node:url';
import {StageFailure} from '../../pipeline/stage.js';
import type {Prompt} from '../tasks/prompt.js';
import {culpritAt} from './culprit.js';
import type {JudgeRefs} from './load-judges.js';

/** This many in a row are no bad luck. */
const MOST_IN_A_ROW = 8;

/** A completion that was not judged in time. */
export interface Timeout {
  /** Its number in its batch. */
  readonly item: number;
  /** Number of the reward that was at work, in the order of the judges; negative where none was. */
  readonly reward: number;
  readonly prompt: Prompt;
}

export interface Timeouts {
  /** @throws {StageFailure} where there are many in a row, with the name of the last one's reward or task */
  add(timeout: Timeout): void;
  /** The batch is over, and had this many items. */
  endBatch(items: number): void;
  /** Says how many there were, if there were several. */
  report(): void;
}

export function countTimeouts({
  refs,
  timeoutMs,
  note = () => undefined,
}: {
  readonly refs: JudgeRefs;
  readonly timeoutMs: number;
  readonly note?: ((text: string) => void) | undefined;
}): Timeouts {
  let judged = 0; // items of the batches before this one
  let latest = -1; // number of the latest timeout among all items
  let inARow = 0;
  let all = 0;
  const limit = `${timeoutMs / 1000} s (rewardTimeout)`;
  return {
    add(timeout) {
      const number = judged + timeout.item;
      inARow = number === latest + 1 ? inARow + 1 : 1;
      latest = number;
      all++;
      const {text, owner} = culpritAt(timeout, refs);
      if (inARow >= MOST_IN_A_ROW)
        throw new StageFailure(
          `${text} took more than ${limit} on each of ${inARow} completions in a row, the last one of prompt ` +
            `${timeout.prompt.id}: it loops, or the limit is too low`,
          {file: owner === undefined ? undefined : fileURLToPath(owner.module)},
        );
      if (all === 1)
        note(
          `${text} took more than ${limit} on a completion of prompt ${timeout.prompt.id}, which earns 0 as “timed-out”; ` +
            'how many there were is told at the end',
        );
    },
    endBatch: (items) => void (judged += items),
    report() {
      if (all > 1) note(`${all} completions were not judged within ${limit}`);
    },
  };
}
