/**
 * Recognises file systems that have no permissions of single files: of FAT, NTFS and shares of other systems each file says the
 * same, mostly that it can be executed.
 */
import {readFileSync, statfsSync} from 'node:fs';
import {realPath} from '../real-path.js';
import {mountType} from './network-fs.js';

/** `f_type` of statfs(2) on Linux: FAT, exFAT, NTFS (two drivers), SMB (three), 9P as Windows gives it to Linux, VirtualBox. */
const WITHOUT_MODES: ReadonlySet<number> = new Set([
  0x4d44, 0x2011bab0, 0x5346544e, 0x7366746e, 0x517b, 0xfe534d42, 0xff534d42, 0x01021997, 0x786f4256,
]);

const FUSE = 0x65735546;

/** FUSE in front of a block device is a driver for NTFS or exFAT; in front of anything else it has modes. */
const FUSE_ON_DISK = 'fuseblk';

/** @param type `f_type` of statfs(2) */
export function isWithoutModes(type: number, mountTypeOf: () => string | undefined): boolean {
  // statfs reports a signed 32-bit number on some systems.
  const unsigned = type >>> 0;
  return unsigned === FUSE ? mountTypeOf() === FUSE_ON_DISK : WITHOUT_MODES.has(unsigned);
}

/** Whether modes say nothing about the file or folder there. Only Linux tells us. */
export function hidesModes(path: string): boolean {
  if (process.platform !== 'linux') return false;
  return isWithoutModes(statfsSync(path).type, () =>
    mountType(readFileSync('/proc/self/mountinfo', 'utf8'), realPath(path)),
  );
}
