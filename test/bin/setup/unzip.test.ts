import assert from 'node:assert/strict';
import {createHash} from 'node:crypto';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {after, test} from 'node:test';
import {deflateRawSync} from 'node:zlib';
import {load} from './load.js';

const {unzipWheel} = await load('unzip');

const folder = mkdtempSync(path.join(tmpdir(), 'r1-unzip-'));
after(() => rmSync(folder, {recursive: true}));

/** A zip archive (APPNOTE.TXT 4.3) with every second member deflated; without CRCs, since RECORD says more. */
function zip(members: Readonly<Record<string, Buffer>>): Buffer {
  const bodies: Buffer[] = [];
  const table: Buffer[] = [];
  let offset = 0;
  Object.entries(members).forEach(([name, content], index) => {
    const method = index % 2 === 0 ? 8 : 0;
    const packed = method === 8 ? deflateRawSync(content) : content;
    const fields = Buffer.alloc(26); // from “version needed” to “extra length”, as in both headers
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(method, 4);
    fields.writeUInt32LE(packed.length, 14);
    fields.writeUInt32LE(content.length, 18);
    fields.writeUInt16LE(Buffer.byteLength(name), 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), fields, Buffer.from(name), packed]);
    const rest = Buffer.alloc(14); // comment length, disk, attributes, offset
    rest.writeUInt32LE(offset, 10);
    table.push(Buffer.concat([Buffer.from('PK\x01\x02'), Buffer.alloc(2), fields, rest, Buffer.from(name)]));
    bodies.push(local);
    offset += local.length;
  });
  const central = Buffer.concat(table);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(table.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...bodies, central, end]);
}

function wheel(members: Readonly<Record<string, Buffer>>, record = recordOf(members)): string {
  const file = path.join(folder, 'some.whl');
  writeFileSync(file, zip({...members, 'some-1.0.dist-info/RECORD': Buffer.from(record)}));
  return file;
}

function recordOf(members: Readonly<Record<string, Buffer>>): string {
  const lines = Object.entries(members).map(([name, content]) => {
    const digest = createHash('sha256').update(content).digest('base64url');
    return `${name},sha256=${digest},${content.length}`;
  });
  return [...lines, 'some-1.0.dist-info/RECORD,,'].join('\r\n');
}

const library = Buffer.from('library '.repeat(100_000));
const members = {'some/lib.so': library, 'some/empty.h': Buffer.alloc(0), 'some/notes.txt': Buffer.from('notes')};
const choose = (name: string) => (name.endsWith('.txt') ? undefined : `out/${path.basename(name)}`);
const wanted = (name: string) => (name.includes('RECORD') ? undefined : choose(name));

test('the chosen members are unpacked under their new names, the others are not', async () => {
  const target = path.join(folder, 'good');
  assert.deepEqual(await unzipWheel(wheel(members), target, wanted), ['out/lib.so', 'out/empty.h']);
  assert.ok(readFileSync(path.join(target, 'out/lib.so')).equals(library));
  assert.equal(readFileSync(path.join(target, 'out/empty.h')).length, 0);
});

test('a member whose content is not the one of RECORD is refused by name', async () => {
  const other = recordOf({...members, 'some/lib.so': Buffer.from('another library')});
  await assert.rejects(
    unzipWheel(wheel(members, other), path.join(folder, 'bad'), wanted),
    /some\/lib\.so does not have the SHA-256/,
  );
});

test('half a wheel is refused', async () => {
  const file = wheel(members);
  writeFileSync(file, readFileSync(file).subarray(0, 500));
  await assert.rejects(unzipWheel(file, path.join(folder, 'half'), wanted), /not a whole zip archive/);
});
