import assert from 'node:assert/strict';
import test from 'node:test';
import {hidesModes, isWithoutModes} from '../../../artifacts/folder/file-modes.js';
import {temporaryFolder} from '../temporary.js';

test('file systems without modes are told from others', () => {
  const none = () => undefined;
  assert.ok(isWithoutModes(0x4d44, none), 'FAT');
  assert.ok(isWithoutModes(0xff534d42 | 0, none), 'CIFS, as a signed number');
  assert.ok(!isWithoutModes(0xef53, none), 'ext4');
  assert.ok(!isWithoutModes(0x01021994, none), 'tmpfs');
});

test('FUSE has none only in front of a disk', () => {
  assert.ok(isWithoutModes(0x65735546, () => 'fuseblk'));
  for (const type of ['fuse.fuse-overlayfs', 'fuse.sshfs', undefined])
    assert.ok(!isWithoutModes(0x65735546, () => type));
});

test('the disk of the tests has modes', (t) => {
  assert.ok(!hidesModes(temporaryFolder(t)));
});
