/** Ends the process of a job in two steps, a request and then force, for whichever reason comes first. */
import {UserError, plainError} from '../../artifacts/index.js';
import type {Running, StopWhy} from '../executors/executor.js';
import {GRACE} from './stop.js';
import type {StopRequest} from './stop.js';
import type {StopRecord} from '../job/folder.js';

/** The sentence for something that an executor was asked to do with a process, and could not. */
export function couldNot(doing: string, thrown: unknown): string {
  const error = plainError(thrown, doing);
  if (error instanceof UserError) return error.message;
  return `could not ${doing}: ${error instanceof Error ? error.message : String(error)}`;
}

/** Milliseconds; Node takes anything above for 1. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** Seconds between two looks at a checkpoint that is being written when the time is up. */
const SAVING_LOOK = 5;

export interface Manner {
  readonly stop: StopRequest;
  /** Seconds between the request to stop and the end by force, or what says so when it is asked. */
  readonly grace: number | (() => number);
  /**
   * Whether the process is writing a checkpoint. It is then left to it when its time is up, for up to `GRACE.most` seconds in all:
   * what it costs is known least for the first one, and without it all would be lost.
   */
  readonly isSaving?: () => boolean;
  /** Told when it is asked to end for the first time, with the seconds that it has. */
  readonly asked?: (seconds: number) => void;
  readonly warn: (text: string) => void;
}

export interface Reasons {
  readonly node: string;
  /** Aborted when another node failed. */
  readonly rest?: AbortSignal;
  /** Seconds. */
  readonly timeout?: number;
  /** What an earlier runner asked, which did not live to see it end, nor to end it by force. */
  readonly askedBefore?: StopRecord;
}

export class Terminator {
  /** Why it was asked to end, for the first time. */
  asked: StopWhy | undefined;
  /** That it was asked could not be written down. */
  isUnwritten = false;
  /** It was ended by force. */
  isForced = false;
  readonly #running: Running;
  readonly #manner: Manner;
  readonly #node: string;
  readonly #timers: NodeJS.Timeout[] = [];
  /** Of the executor, to each time that it was asked to end the process. */
  readonly #answers: Promise<void>[] = [];
  /** Taken back by hand: a signal for it would cost each attempt more memory than all else here. */
  readonly #listeners: (readonly [AbortSignal, () => void])[] = [];

  constructor(running: Running, manner: Manner, {node, rest, timeout, askedBefore}: Reasons) {
    this.#running = running;
    this.#manner = manner;
    this.#node = node;
    const {stop} = manner;
    const when = (signal: AbortSignal, act: () => void) => {
      if (signal.aborted) act();
      else {
        signal.addEventListener('abort', act, {once: true});
        this.#listeners.push([signal, act]);
      }
    };
    when(stop.asked, () => this.#ask('person'));
    if (rest !== undefined) when(rest, () => this.#ask('failure'));
    when(stop.now, () => {
      this.asked ??= 'person';
      this.#kill();
    });
    if (timeout !== undefined) this.#later(timeout, () => this.#ask('timeout'));
    if (askedBefore !== undefined) {
      const {at = Date.now()} = askedBefore;
      this.#later(Math.max(0, this.#grace() - (Date.now() - at) / 1000), () => this.#kill());
    }
  }

  /** To be called once the process has ended. Resolves when what was asked of it has been answered. */
  async dispose(): Promise<void> {
    for (const [signal, act] of this.#listeners) signal.removeEventListener('abort', act);
    for (const timer of this.#timers) clearTimeout(timer);
    await Promise.all(this.#answers);
  }

  #ask(why: StopWhy): void {
    const seconds = this.#grace();
    if (this.asked === undefined) this.#manner.asked?.(seconds);
    this.asked ??= why;
    this.#later(seconds, () => this.#killUnlessSaving(seconds));
    const answer = this.#running.stop(why).catch((thrown: unknown) => {
      this.isUnwritten = true;
      // Should this runner die before the process has ended, the next one will not know that it was asked.
      this.#warn(thrown, `write down that “${this.#node}” was asked to stop`);
    });
    this.#answers.push(answer);
  }

  #grace(): number {
    const {grace} = this.#manner;
    return typeof grace === 'number' ? grace : grace();
  }

  /** @param waited seconds since it was asked */
  #killUnlessSaving(waited: number): void {
    const {isSaving} = this.#manner;
    if (waited >= GRACE.most || isSaving?.() !== true) this.#kill();
    else this.#later(SAVING_LOOK, () => this.#killUnlessSaving(waited + SAVING_LOOK));
  }

  #kill(): void {
    this.isForced = true;
    const answer = this.#running.kill().catch((thrown: unknown) => this.#warn(thrown, `end “${this.#node}” by force`));
    this.#answers.push(answer);
  }

  #warn(thrown: unknown, doing: string): void {
    this.#manner.warn(couldNot(doing, thrown));
  }

  #later(seconds: number, act: () => void): void {
    this.#timers.push(setTimeout(act, Math.min(seconds * 1000, LONGEST_TIMER)));
  }
}
