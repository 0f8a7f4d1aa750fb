/** What a job's events say of its pace: how far it is, and what a step and a checkpoint take. */
import {parseEvent} from './event-lines.js';
import type {JobEvent} from './event-lines.js';
import {endOfFile} from './plain-file.js';

type Progress = JobEvent & {readonly type: 'progress'};

/** Bytes of the end of `events.jsonl` in which the newest progress lies, however long the job has been. */
const TAIL = 1 << 16;
/** Bytes that go back far enough to meet a checkpoint, as a rule. */
const LONG_TAIL = 1 << 20;

const eventsAtEnd = (file: string, bytes: number): (JobEvent | undefined)[] =>
  endOfFile(file, bytes).split('\n').map(parseEvent);

/** The newest progress in a job's `events.jsonl`. */
export function lastProgress(file: string): {step: number; total: number} | undefined {
  const last = eventsAtEnd(file, TAIL).findLast((event): event is Progress => event?.type === 'progress');
  return last === undefined ? undefined : {step: last.step, total: last.total};
}

/** Steps that are remembered: of a rollout and the updates that follow it, the longest counts. */
const REMEMBERED = 64;

/** Measures steps and checkpoints as their events come. */
export class Pace {
  /** What the newest checkpoint took to write, milliseconds, as far as the stage has said. */
  checkpointMs: number | undefined;
  readonly #stepsMs: number[] = [];
  #last: Progress | undefined;
  /** Spent on checkpoints since the last progress, and so not on a step. */
  #savingMs = 0;

  /** @param file the `events.jsonl` of a job that runs already, whose events nobody will hand over again */
  static of(file: string): Pace {
    const pace = new Pace();
    for (const event of eventsAtEnd(file, LONG_TAIL)) if (event !== undefined) pace.take(event);
    return pace;
  }

  /** The longest of the latest steps, milliseconds; undefined before two of them were reported. */
  get stepMs(): number | undefined {
    return this.#stepsMs.length === 0 ? undefined : Math.max(...this.#stepsMs);
  }

  /** To be called with every event, in their order. */
  take(event: JobEvent): void {
    if (event.type === 'checkpoint' && event.ms !== undefined) {
      this.checkpointMs = event.ms;
      this.#savingMs += event.ms;
    }
    if (event.type !== 'progress') return;
    const before = this.#last;
    if (before !== undefined && event.step > before.step) {
      const ms = (event.at - before.at - this.#savingMs) / (event.step - before.step);
      this.#stepsMs.push(Math.max(0, ms));
      if (this.#stepsMs.length > REMEMBERED) this.#stepsMs.shift();
    }
    this.#last = event;
    this.#savingMs = 0;
  }
}
