/**
 * The bytes of a file from outside as UTF-8: gzip unpacked, byte order marks taken off, UTF-16 that says so by its mark turned
 * into UTF-8. What is something else is refused by its name. Whoever makes text of the bytes does it strictly: a byte that is no
 * UTF-8 is a mistake with a place, never U+FFFD.
 */
import {isUtf8} from 'node:buffer';
import {constants} from 'node:fs';
import {open} from 'node:fs/promises';
import type {FileHandle} from 'node:fs/promises';
import {Readable} from 'node:stream';
import {createGunzip} from 'node:zlib';
import {StageFailure} from '../../../pipeline/stage.js';

const PIECE = 1 << 18;

/** Formats that are told by their first bytes and are not read. */
const OTHERS: readonly {readonly magic: string; readonly is: string; readonly remedy: string}[] = [
  {magic: '504b0304', is: 'a zip archive, as .xlsx is one', remedy: 'unpack it, or save the table as CSV'},
  {magic: '28b52ffd', is: 'packed by zstd', remedy: 'unpack it: zstd -d FILE'},
  {magic: '425a68', is: 'packed by bzip2', remedy: 'unpack it: bunzip2 FILE'},
  {magic: 'fd377a585a00', is: 'packed by xz', remedy: 'unpack it: unxz FILE'},
  {magic: '53514c69746520666f726d6174', is: 'an SQLite database', remedy: 'export its table as CSV'},
  {magic: '4152524f5731', is: 'an Arrow file', remedy: 'save it as Parquet'},
  {magic: '0000feff', is: 'UTF-32', remedy: 'save it as UTF-8'},
  {magic: 'fffe0000', is: 'UTF-32', remedy: 'save it as UTF-8'},
];

/** A file that is open for reading, from its beginning. */
export interface SourceFile {
  /** By which messages call it. */
  readonly name: string;
  /** Bytes; 0 where nobody can say, as for a pipe. */
  readonly size: number;
  readonly handle: FileHandle;
  /** The first bytes, at most `PIECE` of them. */
  readonly head: Buffer;
  /** Throws if the file is no longer what it was when it was opened. */
  stillSame(): Promise<void>;
}

/** @throws {StageFailure} it cannot be read as a file */
export async function openSourceFile(path: string, name: string): Promise<SourceFile> {
  // A pipe that nobody writes to would be waited for without end; those that the shell hands over are being written to.
  const handed = /^\/(?:dev|proc\/self)\/(?:fd\/\d+|stdin)$/.test(path);
  const handle = await open(path, constants.O_RDONLY | (handed ? 0 : constants.O_NONBLOCK)).catch((error: unknown) => {
    throw new StageFailure(`${name} cannot be read: ${codeText(error)}`);
  });
  try {
    const before = await handle.stat({bigint: true});
    if (!before.isFile() && !(handed && (before.isFIFO() || before.isCharacterDevice() || before.isSocket())))
      throw new StageFailure(
        `${name} is ${before.isDirectory() ? 'a folder' : before.isFIFO() ? 'a pipe' : 'a device'}, not a file`,
      );
    const head = Buffer.alloc(PIECE);
    const {bytesRead} = await handle.read(head, 0, PIECE, null);
    return {
      name,
      size: before.isFile() ? Number(before.size) : 0,
      handle,
      head: head.subarray(0, bytesRead),
      async stillSame() {
        const after = await handle.stat({bigint: true});
        if (before.isFile() && (after.size !== before.size || after.mtimeNs !== before.mtimeNs))
          throw new StageFailure(`${name} was changed while it was read; start again when it is at rest`);
      },
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function codeText(error: unknown): string {
  const {code} = error as NodeJS.ErrnoException;
  const known: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such file',
    ENXIO: 'it is a socket, not a file',
    EACCES: 'access is denied',
    ELOOP: 'its links go in a circle',
  };
  return known[code ?? ''] ?? code ?? String(error);
}

/** What a reader is told while it reads: bytes of the file on the disk so far. */
export type OnRead = (bytes: number) => void;

/** The pieces of the file as they lie on the disk. */
async function* rawPieces({handle, head}: SourceFile, onRead: OnRead): AsyncGenerator<Buffer> {
  let read = head.length;
  onRead(read);
  if (head.length > 0) yield head;
  for (;;) {
    const piece = Buffer.allocUnsafe(PIECE);
    const {bytesRead} = await handle.read(piece, 0, PIECE, null);
    if (bytesRead === 0) return;
    read += bytesRead;
    onRead(read);
    yield piece.subarray(0, bytesRead);
  }
}

/**
 * The pieces of a file's text as UTF-8, without a mark, and not yet looked at. To be read once.
 *
 * @throws {StageFailure} it is packed by something else than gzip, UTF-32, or UTF-16 without a mark or with a broken character
 */
export async function* utf8Pieces(file: SourceFile, onRead: OnRead = () => undefined): AsyncGenerator<Buffer> {
  yield* withoutMark(file.name, unpacked(file, onRead));
  await file.stillSame();
}

async function* unpacked(file: SourceFile, onRead: OnRead): AsyncGenerator<Buffer> {
  const raw = rawPieces(file, onRead);
  if (!isGzip(file.head)) {
    yield* raw;
    return;
  }
  const packed = Readable.from(raw);
  const gunzip = createGunzip({chunkSize: PIECE});
  packed.once('error', (error) => gunzip.destroy(error));
  try {
    yield* packed.pipe(gunzip) as AsyncIterable<Buffer>;
  } catch (error) {
    if (!(error as NodeJS.ErrnoException).code?.startsWith('Z_')) throw error;
    throw new StageFailure(`${file.name} is not a whole gzip file: ${(error as Error).message}`);
  } finally {
    packed.destroy();
  }
}

const isGzip = (head: Buffer): boolean => head[0] === 0x1f && head[1] === 0x8b;

async function* withoutMark(name: string, pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const rest = pieces[Symbol.asyncIterator]();
  let head: Buffer = Buffer.alloc(0);
  // A mark takes four bytes at most; eight tell UTF-16 without one.
  while (head.length < 16) {
    const next = await rest.next();
    if (next.done === true) break;
    head = head.length === 0 ? next.value : Buffer.concat([head, next.value]);
  }
  const hex = head.toString('hex', 0, 16);
  const other = OTHERS.find(({magic}) => hex.startsWith(magic));
  if (other !== undefined) throw new StageFailure(`${name} is ${other.is}; ${other.remedy}`);
  const wide = hex.startsWith('fffe') ? 'utf-16le' : hex.startsWith('feff') ? 'utf-16be' : undefined;
  if (wide === undefined && isWideUnmarked(head))
    throw new StageFailure(`${name} is UTF-16 without a byte order mark; save it as UTF-8`);
  const from = hex.startsWith('efbbbf') ? 3 : 0;
  async function* all(): AsyncGenerator<Buffer> {
    if (head.length > from) yield head.subarray(from);
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
  }
  yield* wide === undefined ? all() : fromWide(name, wide, all());
}

/** ASCII in two bytes: every other byte is NUL. */
function isWideUnmarked(head: Buffer): boolean {
  const start = head.subarray(0, 8);
  if (start.length < 4) return false;
  const nul = (rest: number): boolean => start.every((byte, at) => (at % 2 === rest) === (byte === 0));
  return nul(0) || nul(1);
}

async function* fromWide(name: string, encoding: string, pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const decoder = new TextDecoder(encoding, {fatal: true});
  const decoded = (piece?: Buffer): Buffer => {
    try {
      return Buffer.from(piece === undefined ? decoder.decode() : decoder.decode(piece, {stream: true}));
    } catch {
      throw new StageFailure(
        `${name} is ${encoding.toUpperCase()} by its byte order mark, but not all of it; save it as UTF-8`,
      );
    }
  };
  for await (const piece of pieces) yield decoded(piece);
  yield decoded();
}

/** Text of bytes that are wholly UTF-8. @throws {StageFailure} naming the byte that is not */
export function strictText(bytes: Buffer, at: string): string {
  if (isUtf8(bytes)) return bytes.toString();
  const offset = firstWrong(bytes);
  const before = bytes.toString('utf8', Math.max(0, offset - 20), offset).replace(/^\uFFFD+/, '');
  const wrong = `0x${bytes[offset]!.toString(16).toUpperCase().padStart(2, '0')}`;
  throw new StageFailure(
    `${at} is not UTF-8: byte ${offset + 1} of it, behind “${before}”, is ${wrong}; save the file as UTF-8 ` +
      '(if it is Latin-1: iconv -f latin1 -t utf-8)',
  );
}

/** Where the longest beginning that is UTF-8 ends. */
function firstWrong(bytes: Buffer): number {
  let right = 0;
  while (right < bytes.length) {
    const lead = bytes[right]!;
    const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (!isUtf8(bytes.subarray(right, right + length)) || right + length > bytes.length) break;
    right += length;
  }
  return right;
}

/**
 * The pieces of a text, each cut behind a whole character and known to be UTF-8, with the line in which it begins.
 * For readers that take text and not lines.
 */
export async function* strictPieces(
  name: string,
  pieces: AsyncIterable<Buffer>,
): AsyncGenerator<{text: string; line: number}> {
  let line = 1;
  let left: Buffer = Buffer.alloc(0);
  for await (const piece of pieces) {
    const all = left.length === 0 ? piece : Buffer.concat([left, piece]);
    const end = endOfWhole(all);
    left = Buffer.from(all.subarray(end));
    if (end === 0) continue;
    const whole = all.subarray(0, end);
    yield {text: checked(name, whole, line), line};
    line += newlines(whole);
  }
  if (left.length > 0) yield {text: checked(name, left, line), line};
}

/** Where the last character begins, if it may go on in the next piece; else the end. */
function endOfWhole(bytes: Buffer): number {
  for (let at = bytes.length - 1; at >= Math.max(0, bytes.length - 4); at--) {
    const byte = bytes[at]!;
    if (byte >= 0xc0) return at;
    if (byte < 0x80) return bytes.length;
  }
  return bytes.length;
}

function checked(name: string, bytes: Buffer, line: number): string {
  if (!isUtf8(bytes)) {
    // Line by line, so that the message names the right one.
    for (let from = 0; from < bytes.length; line++) {
      const end = bytes.indexOf(10, from);
      strictText(bytes.subarray(from, end === -1 ? bytes.length : end), `${name}:${line}`);
      from = end === -1 ? bytes.length : end + 1;
    }
  }
  const nul = bytes.indexOf(0);
  if (nul !== -1)
    throw new StageFailure(`${name}:${line + newlines(bytes.subarray(0, nul))} has a NUL byte: it is no text`);
  return bytes.toString();
}

export function newlines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) count += 1;
  return count;
}
