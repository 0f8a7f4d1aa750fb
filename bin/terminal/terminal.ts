/**
 * The one place that writes to stdout and stderr and sets the exit code. On a terminal a block of progress lines stays
 * below everything that is said; elsewhere progress is said every 15 seconds. What comes from stages, stores and file names is made harmless
 * here (`paint.ts`).
 */
import {isatty} from 'node:tty';
import {openStore} from '../../artifacts/index.js';
import {EXIT} from '../exit-codes.js';
import {isInBackground} from './foreground.js';
import {standardOutput, streamOutput} from './output.js';
import type {Output} from './output.js';
import {pagedOutput, plainOutput} from './pager.js';
import {forTerminal, withoutColors} from './paint.js';
import {clip, widthOf} from './columns.js';
import type {Services} from '../cli-context.js';

export const DEFAULT_STORE = '.r1';

export interface Streams {
  readonly out: NodeJS.WriteStream;
  readonly err: NodeJS.WriteStream;
}

/** Without a terminal, progress is said this often, ms. */
const PLAIN_EVERY = 15_000;

/** What a command gets, and how its output comes to an end. */
export interface Terminal extends Services {
  /** Waits until what was said has left, and makes the exit code say it where a result could not be written. */
  finish(): Promise<void>;
}

const STDERR = 2;
/** Where neither the terminal nor the environment says how wide it is. */
const USUAL_WIDTH = 80;
const WIDTH_WITHOUT_TERMINAL = 100;

/** Whether stderr is a terminal on which lines can be drawn over. */
export const canRedraw = (): boolean => isatty(STDERR) && process.env['TERM'] !== 'dumb';

export function terminalServices(streams?: Streams): Terminal {
  let isResultLost = false;
  const out = openOutput(1, streams?.out, (why) => {
    isResultLost = true;
    err.write(`what was to be written to stdout could not be written: ${why}\n`);
  });
  const err = openOutput(STDERR, streams?.err, (why) => {
    // Not into a result that a program reads.
    if (out.isTerminal) out.write(`what was to be written to stderr could not be written: ${why}\n`);
  });
  const drawing = drawingOn(err);
  const outText = textFor(out);
  const errText = textFor(err);
  return {
    openStore: (folder, options) => openStore(folder ?? (process.env['R1_STORE'] || DEFAULT_STORE), options),
    say: (text) => drawing.around(() => out.write(outText(`${text}\n`))),
    stream: (piece) => out.write(outText(piece)),
    async long(work, {isPaged}) {
      drawing.replace(undefined); // a pager and a line that is drawn over do not go together
      const output = isPaged ? pagedOutput(out, () => widthOfTerminal(out)) : plainOutput(out);
      try {
        await work((text) => output.show(outText(text)));
      } finally {
        await output.end();
      }
    },
    complain: (text) => drawing.around(errText(`${text}\n`)),
    progress: (text) => drawing.replace(text),
    get width() {
      return out.isTerminal ? widthOfTerminal(out) : WIDTH_WITHOUT_TERMINAL;
    },
    isTerminal: out.isTerminal,
    get progressWidth() {
      return progressWidthOf(err);
    },
    colours: isColored(out) || isColored(err),
    exit: (code) => void (process.exitCode = code),
    async finish() {
      await Promise.all([out.flushed(), err.flushed()]);
      if (isResultLost) process.exitCode ??= EXIT.outputLost;
    },
  };
}

const openOutput = (
  descriptor: 1 | 2,
  stream: NodeJS.WriteStream | undefined,
  onLost: (why: string) => void,
): Output => (stream === undefined ? standardOutput(descriptor, onLost) : streamOutput(stream, onLost));

const widthOfTerminal = ({columns}: Output): number =>
  columns ?? (Number(process.env['COLUMNS']) > 0 ? Number(process.env['COLUMNS']) : USUAL_WIDTH);

/** One less than there are, as some terminals break a line that fills them. */
const progressWidthOf = (err: Output): number => Math.max(2, widthOfTerminal(err) - 1);

/** `FORCE_COLOR` is for who reads through a pager. */
function isColored({isTerminal}: Output): boolean {
  const {NO_COLOR, FORCE_COLOR, TERM} = process.env;
  if (NO_COLOR) return false;
  return (isTerminal && TERM !== 'dumb') || (FORCE_COLOR !== undefined && FORCE_COLOR !== '' && FORCE_COLOR !== '0');
}

/** A file or a pipe gets the bytes as they are: who reads them may be a program. */
function textFor(output: Output): (text: string) => string {
  const colors = isColored(output);
  return output.isTerminal || colors ? (text) => forTerminal(text, colors) : withoutColors;
}

interface Drawing {
  /** Says something above the block. */
  around(what: string | (() => void)): void;
  replace(text: string | undefined): void;
}

function drawingOn(err: Output): Drawing {
  /** What the block should say, and the lines that stand on the terminal. */
  let wanted: string | undefined;
  let shown: readonly string[] = [];
  const colors = isColored(err);
  let isListening = false;
  /** When progress was last said, or began, where nothing can be drawn over. */
  let plainSince: number | undefined;

  /** Counted with the width of now: a terminal that was made narrower has broken lines anew. */
  const erase = (): string => {
    if (shown.length === 0) return '';
    const width = widthOfTerminal(err);
    const rows = shown.reduce((sum, line) => sum + Math.max(1, Math.ceil(widthOf(line) / width)), 0);
    // Ctrl-C leaves its echo where the cursor is.
    return `\r\x1b[${rows}A\x1b[0J`;
  };
  const block = (): string => {
    shown = wanted === undefined || isInBackground() ? [] : linesOf(wanted);
    return shown.map((line) => `${line}\n`).join('');
  };
  /** As many lines as the terminal has: what left it at the top could not be erased. */
  const linesOf = (text: string): readonly string[] => {
    const width = progressWidthOf(err);
    const lines = text.split('\n').map((line) => clip(forTerminal(line, colors), width));
    const most = Math.max(1, (err.rows ?? Infinity) - 2);
    return lines.length <= most ? lines : [...lines.slice(0, most - 1), `… and ${lines.length - most + 1} more`];
  };
  const redraw = (): void => {
    if (wanted !== undefined) err.write(`${erase()}${block()}`);
  };
  const sayNowAndThen = (text: string | undefined): void => {
    if (text === undefined) plainSince = undefined;
    else if (plainSince === undefined) plainSince = performance.now();
    else if (performance.now() - plainSince >= PLAIN_EVERY) {
      plainSince = performance.now();
      err.write(`${withoutColors(text)}\n`);
    }
  };
  const listen = (): void => {
    if (isListening) return;
    isListening = true;
    err.onResize(redraw);
    // With Ctrl-Z the shell writes below the block, which could not be erased any more.
    process.on('SIGTSTP', () => {
      err.write(erase());
      shown = [];
      process.kill(process.pid, 'SIGSTOP');
    });
    process.on('SIGCONT', redraw);
  };

  return {
    around(what) {
      const before = erase();
      if (typeof what === 'string') {
        err.write(`${before}${what}${block()}`);
        return;
      }
      // What is said on stdout would be drawn over where both are the same terminal.
      if (before !== '') err.write(before);
      what();
      const after = block();
      if (after !== '') err.write(after);
    },
    replace(text) {
      if (!err.isTerminal || process.env['TERM'] === 'dumb') {
        sayNowAndThen(text);
        return;
      }
      listen();
      const before = erase();
      wanted = text;
      const after = block();
      if (before !== '' || after !== '') err.write(`${before}${after}`);
    },
  };
}
