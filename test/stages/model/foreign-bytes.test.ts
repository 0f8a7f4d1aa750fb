import assert from 'node:assert/strict';
import {test} from 'node:test';
import {notWhatItShouldBe} from '../../../stages/model/foreign-bytes.js';

test('a safetensors file whose header is as long as a pickle begins is none, and a pickle is one', () => {
  for (const length of [0x280, 0x380, 0x480, 0x580]) {
    const start = Buffer.alloc(64, 0x20);
    start.writeBigUInt64LE(BigInt(length));
    start.write('{"__metadata__":', 8);
    assert.equal(notWhatItShouldBe(start), undefined, `a header of ${length} bytes`);
  }
  assert.match(notWhatItShouldBe(Buffer.from('\x80\x02}q\x00(X\x05\x00\x00\x00w.a', 'latin1')) ?? '', /Python pickle/);
  assert.match(notWhatItShouldBe(Buffer.from('PK\x03\x04\x00', 'latin1')) ?? '', /zip/);
});
