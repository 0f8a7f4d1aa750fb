import assert from 'node:assert/strict';
import test from 'node:test';
import {mountType, networkName} from '../../../artifacts/folder/network-fs.js';

const MOUNTS = `22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
40 22 0:45 / /mnt/team rw,relatime shared:1 - nfs4 server:/export rw
41 22 0:46 / /mnt/team/with\\040space rw - fuse.sshfs me@host:/ rw
42 22 0:47 / /mnt/over rw - ext4 /dev/vdb rw
43 22 0:48 / /mnt/over rw - fuse.rclone remote: rw
`;

test('the mount that holds a folder is the deepest and latest one', () => {
  assert.equal(mountType(MOUNTS, '/home/me'), 'ext4');
  assert.equal(mountType(MOUNTS, '/mnt/team/runs'), 'nfs4');
  assert.equal(mountType(MOUNTS, '/mnt/teamwork'), 'ext4');
  assert.equal(mountType(MOUNTS, '/mnt/team/with space/x'), 'fuse.sshfs');
  assert.equal(mountType(MOUNTS, '/mnt/over'), 'fuse.rclone');
});

test('network file systems are told from local ones', () => {
  const none = () => undefined;
  assert.equal(networkName(0x6969, none), 'NFS');
  assert.equal(networkName(0xff534d42 | 0, none), 'CIFS'); // as a signed number
  assert.equal(networkName(0xef53, none), undefined); // ext4
  assert.equal(networkName(0x01021994, none), undefined); // tmpfs
});

test('FUSE is refused only where the other end is remote', () => {
  assert.equal(
    networkName(0x65735546, () => 'fuse.sshfs'),
    'sshfs',
  );
  assert.equal(
    networkName(0x65735546, () => 'fuse.fuse-overlayfs'),
    undefined,
  );
  assert.equal(
    networkName(0x65735546, () => 'fuseblk'),
    undefined,
  );
});
