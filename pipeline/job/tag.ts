/**
 * Which processes are of which job. Every process of a job carries a tag in its environment, and the tag says in which
 * folder the job was started: by device, inode and birth, since all else is the same in a copy of the store. So two copies
 * of a store, each with an attempt of the same number, leave each other's processes alone, and one that was moved is known
 * under its new path.
 */
import {statSync} from 'node:fs';

/** @param owner the store and what in it, as in `<store id>/17` */
export const tagOf = (owner: string, folder: string): string => `${owner}/${identityOf(folder)}`;

/**
 * Whether a job that was given this tag was started in the folder that lies there now. `elsewhere`: it is a copy, or what
 * was restored from one, and the processes are those of the original. `unsaid`: the tag is of version 0.1, which named no
 * folder.
 */
export function startedIn(folder: string, tag: string): 'here' | 'elsewhere' | 'unsaid' {
  const [, device, inode, born] = /\/(\d+):(\d+):(\d+)$/.exec(tag) ?? [];
  if (device === undefined) return 'unsaid';
  const stat = statSync(folder, {bigint: true, throwIfNoEntry: false});
  if (stat === undefined || String(stat.dev) !== device || String(stat.ino) !== inode) return 'elsewhere';
  // A number may be given again once a folder was removed. Where a file system keeps no time of birth, Node gives nothing or
  // the time of the last change, which says nothing about this.
  const now = stat.birthtimeNs;
  if (String(now) === born || now === 0n || born === '0' || now === stat.ctimeNs) return 'here';
  return 'elsewhere';
}

function identityOf(folder: string): string {
  const {dev, ino, birthtimeNs} = statSync(folder, {bigint: true});
  return `${dev}:${ino}:${birthtimeNs}`;
}
