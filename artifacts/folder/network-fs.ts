/**
 * Recognises file systems on which SQLite's write-ahead log is not safe: it needs shared memory and byte-range locks
 * between all processes that open the store, and those are not there between the machines of a network file system
 * (https://www.sqlite.org/wal.html, "all processes using a database must be on the same host computer").
 */
import {readFileSync, statfsSync} from 'node:fs';
import {UserError} from '../error.js';

/** `f_type` of statfs(2) on Linux. */
const NETWORK: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xfe534d42, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0x01021997, '9P'],
  [0x5346414f, 'AFS'],
  [0x6b414653, 'AFS'],
  [0x00c36400, 'Ceph'],
  [0x0bd00bd0, 'Lustre'],
  [0x47504653, 'GPFS'],
  [0x73757245, 'Coda'],
  [0x19830326, 'BeeGFS'],
  [0x786f4256, 'VirtualBox shared folder'],
]);

const FUSE = 0x65735546;

/** FUSE carries local and remote file systems alike; these are remote. The name is what follows `fuse.` in mountinfo. */
const REMOTE_FUSE =
  /^(sshfs|s3fs|goofys|gcsfuse|rclone|glusterfs|ceph|juicefs|davfs|curlftpfs|mfs|moosefs|hdfs|blobfuse2?|mount-s3|smbnetfs)/;

/** The type in /proc/self/mountinfo of the mount that holds `folder`: the longest mount point that is a prefix of it. */
export function mountType(mountinfo: string, folder: string): string | undefined {
  let best: {readonly point: string; readonly type: string} | undefined;
  for (const line of mountinfo.split('\n')) {
    const [left, right] = line.split(' - ');
    // Field 5 is the mount point, with spaces and the like written as \040; the first one after the dash is the type.
    const point = left
      ?.split(' ')[4]
      ?.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
    const type = right?.split(' ')[0];
    if (point === undefined || type === undefined) continue;
    const holds = folder === point || folder.startsWith(point.endsWith('/') ? point : `${point}/`);
    // A later mount on the same point hides the earlier one.
    if (holds && (best === undefined || point.length >= best.point.length)) best = {point, type};
  }
  return best?.type;
}

/** The name of the network file system, or undefined when the type is a local one. */
export function networkName(type: number, mountTypeOf: () => string | undefined): string | undefined {
  // statfs reports a signed 32-bit number on some systems.
  const unsigned = type >>> 0;
  if (unsigned !== FUSE) return NETWORK.get(unsigned);
  const name = mountTypeOf()?.replace(/^fuse\./, '');
  return name !== undefined && REMOTE_FUSE.test(name) ? name : undefined;
}

/** Throws UserError 'unsafe-file-system' for a store on a network file system. Only Linux tells us. */
export function refuseNetworkFileSystem(folder: string): void {
  if (process.platform !== 'linux') return;
  const name = networkName(statfsSync(folder).type, () =>
    mountType(readFileSync('/proc/self/mountinfo', 'utf8'), folder),
  );
  if (name === undefined) return;
  throw new UserError(
    'unsafe-file-system',
    `the store ${folder} is on a network file system (${name}), where its database could be damaged`,
    {
      remedy: {type: 'use-local-disk'},
    },
  );
}

/** No block or no inode is left; SQLite only says then that it could not open a file. Quotas do not show here. */
export function isUsedUp(folder: string): boolean {
  const {bavail, files, ffree} = statfsSync(folder);
  return bavail === 0 || (files > 0 && ffree === 0);
}

/** Whether this many bytes are free. */
export function hasRoom(folder: string, bytes: number): boolean {
  const {bavail, bsize} = statfsSync(folder);
  return bavail * bsize >= bytes;
}
