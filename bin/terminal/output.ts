/**
 * stdout or stderr, and whether what was written to it arrived. Node's own stream of a file takes half of a write for the whole of
 * it, which is what a disk does that fills up; so files are written here, and pipes and terminals through Node.
 */
import {fstatSync, writeSync} from 'node:fs';
import {isatty} from 'node:tty';
import {getSystemErrorMap} from 'node:util';

export interface Output {
  readonly isTerminal: boolean;
  /** Size of the terminal; undefined elsewhere, and where the terminal does not know it. */
  readonly columns: number | undefined;
  readonly rows: number | undefined;
  /** Nobody reads any more what is written: the other end of a pipe was closed. Known a moment after something was written. */
  readonly isGone: boolean;
  /** Never throws: what does not arrive is reported to `onLost`, once. */
  write(text: string): void;
  /** Settles when nothing that was written is still on its way. */
  flushed(): Promise<void>;
  /** Called when the terminal gets another size. */
  onResize(redraw: () => void): void;
}

/** Told why something that was written could not be: half a sentence. */
export type OnLost = (why: string) => void;

/** A reader that has seen enough (`| head`), or is gone: the work goes on, and nothing is wrong. */
const NOBODY_READS = new Set(['EPIPE', 'ECONNRESET']);

export const standardOutput = (descriptor: 1 | 2, onLost: OnLost): Output =>
  isStream(descriptor)
    ? streamOutput(descriptor === 1 ? process.stdout : process.stderr, onLost)
    : fileOutput(descriptor, onLost);

/** A terminal, a pipe or a socket. */
function isStream(descriptor: number): boolean {
  if (isatty(descriptor)) return true;
  const facts = fstatSync(descriptor);
  return facts.isFIFO() || facts.isSocket();
}

export function streamOutput(stream: NodeJS.WriteStream, onLost: OnLost): Output {
  let isReported = false;
  // As it is now: what recipes write to the same stream is led elsewhere later.
  const write = stream.write.bind(stream);
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // A terminal that was closed reports an input/output error for ever after.
    const isGone = NOBODY_READS.has(error.code ?? '') || (stream.isTTY && error.code === 'EIO');
    if (!isGone && !isReported) onLost(reasonOf(error));
    isReported = true;
  });
  return {
    // On a pipe `isTTY` is missing, not false.
    isTerminal: 'isTTY' in stream && stream.isTTY,
    get columns() {
      return stream.columns > 0 ? stream.columns : undefined;
    },
    get rows() {
      return stream.rows > 0 ? stream.rows : undefined;
    },
    get isGone() {
      return stream.destroyed;
    },
    write: (text) => {
      if (!stream.destroyed) write(text);
    },
    flushed: () =>
      new Promise((resolve) => {
        if (stream.destroyed || stream.writableLength === 0) resolve();
        else write('', () => resolve()); // called after all before it, or when they failed
      }),
    onResize: (redraw) => void stream.on('resize', redraw),
  };
}

function fileOutput(descriptor: number, onLost: OnLost): Output {
  const isDevice = fstatSync(descriptor).isCharacterDevice();
  let isReported = false;
  return {
    isTerminal: false,
    columns: undefined,
    rows: undefined,
    isGone: false,
    write(text) {
      try {
        writeWhole(descriptor, text);
      } catch (error) {
        // A terminal that was closed before the start is not a device any more.
        const isGone = isDevice && (error as NodeJS.ErrnoException).code === 'EIO';
        if (!isGone && !isReported) onLost(reasonOf(error as NodeJS.ErrnoException));
        isReported = true;
      }
    },
    flushed: () => Promise.resolve(),
    onResize: () => undefined,
  };
}

const BUSY_MS = 5;

function writeWhole(descriptor: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(descriptor, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BUSY_MS);
    }
  }
}

/** `no space left on device` */
function reasonOf({errno, message}: NodeJS.ErrnoException): string {
  return (errno === undefined ? undefined : getSystemErrorMap().get(errno)?.[1]) ?? message;
}
