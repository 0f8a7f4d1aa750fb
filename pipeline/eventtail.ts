/** Follows the `events.jsonl` that a stage's process appends to: shows it as it comes, keeps its metrics in batches. */
import {closeSync, existsSync, openSync, readSync} from 'node:fs';
import type {MetricPoint} from '../artifacts/index.js';
import {parseEvent} from './jobfolder.js';
import type {JobEvent} from './jobfolder.js';

export interface EventTailOptions {
  readonly file: string;
  /** Where the store has got to; what lies before is shown to nobody again. */
  readonly offset: number;
  readonly show: (event: JobEvent) => void;
  /** Keeps points with the byte offset behind them, in one transaction. */
  readonly keep: (points: readonly MetricPoint[], offset: number) => void;
}

export interface Garbled {
  readonly line: number;
  readonly text: string;
}

/** Time between two batches of metrics, ms; each costs a flush of the disk. */
const KEEP_EVERY = 1000;
const CHUNK = 1 << 16;
const NEWLINE = 10;

export class EventTail {
  readonly #options: EventTailOptions;
  #fd: number | undefined;
  #read: number;
  #behind: number;
  #rest: Buffer = Buffer.alloc(0);
  #line = 0;
  #points: MetricPoint[] = [];
  #kept = 0;
  /** The first line that was no event. */
  garbled: Garbled | undefined;
  /** Tokens that the stage has processed, as of its last progress. */
  tokens: number | undefined;

  constructor(options: EventTailOptions) {
    this.#options = options;
    this.#read = options.offset;
    this.#behind = options.offset;
  }

  /** Reads what has come. Cheap when nothing has. */
  poll(now = performance.now()): void {
    this.#drain();
    if (this.#points.length > 0 && now - this.#kept >= KEEP_EVERY) this.#keep(now);
  }

  /** Reads the rest once the process is dead. Returns the first line that is no event, an unfinished last one included. */
  end(): Garbled | undefined {
    this.#drain();
    if (this.#points.length > 0) this.#keep(performance.now());
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
    if (this.garbled === undefined && this.#rest.length > 0) {
      return {line: this.#line + 1, text: this.#rest.toString('utf8').slice(0, 200)};
    }
    return this.garbled;
  }

  #drain(): void {
    if (this.#fd === undefined) {
      if (!existsSync(this.#options.file)) return;
      this.#fd = openSync(this.#options.file, 'r');
    }
    for (;;) {
      const chunk = Buffer.allocUnsafe(CHUNK);
      const got = readSync(this.#fd, chunk, 0, CHUNK, this.#read);
      if (got === 0) return;
      this.#read += got;
      let data = Buffer.concat([this.#rest, chunk.subarray(0, got)]);
      for (let end = data.indexOf(NEWLINE); end >= 0; end = data.indexOf(NEWLINE)) {
        this.#behind += end + 1;
        this.#take(data.toString('utf8', 0, end));
        data = data.subarray(end + 1);
      }
      this.#rest = data;
    }
  }

  #take(line: string): void {
    this.#line++;
    const event = parseEvent(line);
    if (event === undefined) {
      this.garbled ??= {line: this.#line, text: line.slice(0, 200)};
      return;
    }
    if (event.type === 'metric') this.#points.push({name: event.name, step: event.step, value: event.value});
    if (event.type === 'progress' && event.tokens !== undefined) this.tokens = event.tokens;
    this.#options.show(event);
  }

  #keep(now: number): void {
    this.#options.keep(this.#points, this.#behind);
    this.#points = [];
    this.#kept = now;
  }
}
