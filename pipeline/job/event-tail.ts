/** Follows the `events.jsonl` that a stage's process appends to: shows it as it comes, keeps its metrics in batches. */
import {closeSync, constants, fstatSync, openSync, readSync, statSync} from 'node:fs';
import {setImmediate as turn} from 'node:timers/promises';
import type {MetricPoint} from '../../artifacts/index.js';
import {MOST_LINE, readEvent} from './event-lines.js';
import type {JobEvent} from './event-lines.js';

export interface EventTailOptions {
  readonly file: string;
  /** Where the store has got to; what lies before is shown to nobody again. */
  readonly offset: number;
  readonly show: (event: JobEvent) => void;
  /** Keeps points with the byte offset behind them, in one transaction. */
  readonly keep: (points: readonly MetricPoint[], offset: number) => void;
  /** Whether an event counts that stands on a last line without a line break. */
  readonly takesUnended?: boolean;
}

/** The first line that is no event. */
export interface Garbled {
  /** How many there are in all, as far as they were read. */
  readonly lines: number;
  readonly line: number;
  /** How the line begins. */
  readonly text: string;
  /** What is wrong with it, in half a sentence. */
  readonly message: string;
}

/** Time between two batches of metrics, ms; each costs a flush of the disk. */
const KEEP_EVERY = 1000;
/** Points that wait for a batch. */
const MOST_POINTS = 10_000;
const CHUNK = 1 << 16;
/** Bytes that are read at a time, so that a stage that writes faster than it is read does not hold up everything else. */
const AT_A_TIME = 4 << 20;
const MOST_TEXT = 200;
const NEWLINE = 10;

export class EventTail {
  readonly #options: EventTailOptions;
  #fd: number | undefined;
  #read: number;
  /** The end of the last whole line before the first garbled one: whoever goes on from there finds that one, too. */
  #behind: number;
  readonly #chunk = Buffer.allocUnsafe(CHUNK);
  /** The beginning of a line whose end has not come: pieces that fit within the bound, and its bytes. */
  #pieces: Buffer[] = [];
  #bytes = 0;
  #line = 0;
  #points: MetricPoint[] = [];
  #kept = 0;
  /** The first line that was no event; `lines` counts them. */
  #garbled: Garbled | undefined;
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

  /**
   * Reads the rest once the process is dead. Resolves to the first line that is no event, an unfinished last one included,
   * its number counted from the beginning of the file.
   */
  async end(): Promise<Garbled | undefined> {
    try {
      while (this.#drain()) await turn();
      if (this.#bytes > 0) this.#takeRest();
      if (this.#points.length > 0) this.#keep(performance.now());
      this.#garbleUnlessWhole();
      const garbled = this.#garbled;
      return garbled === undefined ? undefined : {...garbled, line: garbled.line + this.#linesBefore()};
    } finally {
      this.close();
    }
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  /** Whether there may be more. */
  #drain(): boolean {
    this.#fd ??= this.#open();
    if (this.#fd === undefined) return false;
    for (let bytes = 0; bytes < AT_A_TIME;) {
      const got = readSync(this.#fd, this.#chunk, 0, CHUNK, this.#read);
      if (got === 0) return false;
      this.#read += got;
      bytes += got;
      this.#split(this.#chunk.subarray(0, got));
    }
    return true;
  }

  #open(): number | undefined {
    const facts = statSync(this.#options.file, {throwIfNoEntry: false});
    if (facts === undefined) return undefined;
    if (!facts.isFile()) {
      this.#garble('events.jsonl is not a file');
      return undefined;
    }
    // A pipe that is put in its place at this moment would be waited for without end.
    return openSync(this.#options.file, constants.O_RDONLY | constants.O_NONBLOCK);
  }

  /** Looks at each byte once: only what is new can hold the end of a line. */
  #split(data: Buffer): void {
    let from = 0;
    for (let end = data.indexOf(NEWLINE); end >= 0; end = data.indexOf(NEWLINE, from)) {
      this.#add(data.subarray(from, end));
      this.#take();
      from = end + 1;
    }
    // What it is read into is used again.
    this.#add(Buffer.from(data.subarray(from)));
  }

  #add(piece: Buffer): void {
    if (piece.length === 0) return;
    this.#bytes += piece.length;
    // Of a line that is too long the beginning is enough.
    if (this.#bytes <= MOST_LINE || this.#pieces.length === 0) this.#pieces.push(piece);
  }

  /** The line is at its end. */
  #take(): void {
    this.#line++;
    const event = this.#event();
    if (this.#garbled === undefined) this.#behind += this.#bytes + 1;
    this.#pieces = [];
    this.#bytes = 0;
    if (event === undefined) return;
    if (event.type === 'metric') this.#points.push({name: event.name, step: event.step, value: event.value});
    if (event.type === 'progress' && event.tokens !== undefined) this.tokens = event.tokens;
    this.#options.show(event);
    if (this.#points.length >= MOST_POINTS) this.#keep(performance.now());
  }

  /** A last line without its end: of a program that says so little of itself it may be all that there is to say. */
  #takeRest(): void {
    const text = Buffer.concat(this.#pieces).toString('utf8');
    const isEvent = this.#options.takesUnended === true && this.#bytes <= MOST_LINE && readEvent(text).ok;
    this.#garble(isEvent ? 'it does not end with a line break' : 'it was never finished');
    if (isEvent) this.#take();
  }

  #event(): JobEvent | undefined {
    if (this.#bytes > MOST_LINE) {
      this.#garble(`it is longer than ${MOST_LINE >> 20} MiB`, this.#line);
      return undefined;
    }
    const read = readEvent(Buffer.concat(this.#pieces).toString('utf8'));
    if (read.ok) return read.value;
    this.#garble(read.error, this.#line);
    return undefined;
  }

  #garble(message: string, line = this.#line + 1): void {
    // Half a character at the cut is written as U+FFFD.
    const first = this.#garbled ?? {line, text: Buffer.concat(this.#pieces).toString('utf8', 0, MOST_TEXT), message};
    this.#garbled = {...first, lines: (this.#garbled?.lines ?? 0) + 1};
  }

  /** Whoever appends leaves what was read in its place. */
  #garbleUnlessWhole(): void {
    const now = statSync(this.#options.file, {throwIfNoEntry: false});
    const opened = this.#fd === undefined ? undefined : fstatSync(this.#fd);
    if (now?.ino !== opened?.ino || (now !== undefined && now.size < this.#read)) {
      this.#garble('events.jsonl was written anew; lines are to be appended to it');
    }
  }

  /** Lines that another runner had read before this one came. */
  #linesBefore(): number {
    if (this.#fd === undefined) return 0;
    let lines = 0;
    for (let at = 0; at < this.#options.offset;) {
      const got = readSync(this.#fd, this.#chunk, 0, Math.min(CHUNK, this.#options.offset - at), at);
      if (got === 0) break;
      const data = this.#chunk.subarray(0, got);
      for (let end = data.indexOf(NEWLINE); end >= 0; end = data.indexOf(NEWLINE, end + 1)) lines++;
      at += got;
    }
    return lines;
  }

  #keep(now: number): void {
    this.#options.keep(this.#points, this.#behind);
    this.#points = [];
    this.#kept = now;
  }
}
