/**
 * A disk as a power cut leaves it. `Recorder` is a door to the real disk that notes every operation; `diskAfter` works out
 * which files would be there if the power went after the first so many of them.
 *
 * The model is the strict one: the bytes of a file survive only as of its last sync, a name in a folder only if the
 * folder was synced since. With `luck`, some of what was not synced survives as well, and files may be cut short.
 */
import {mkdirSync, readFileSync, statSync, writeFileSync} from 'node:fs';
import {basename, dirname, join, relative} from 'node:path';
import {disk} from '../../artifacts/files.js';
import type {Files} from '../../artifacts/files.js';

type Operation =
  | {readonly what: 'bytes'; readonly inode: number; readonly bytes: Buffer}
  | {readonly what: 'sync-file'; readonly inode: number; readonly bytes: Buffer}
  | {
      readonly what: 'name';
      readonly folder: string;
      readonly name: string;
      readonly inode: number | 'folder' | undefined;
    }
  | {readonly what: 'sync-folder'; readonly folder: string};

export class Recorder {
  readonly operations: Operation[] = [];
  readonly files: Files;
  /** Called when a sync is over. */
  onSync: (path: string) => void = () => undefined;

  constructor() {
    const note = (operation: Operation): void => void this.operations.push(operation);
    const inodeOf = (path: string): number => statSync(path).ino;
    const named = (path: string, inode: number | 'folder' | undefined): void =>
      note({what: 'name', folder: dirname(path), name: basename(path), inode});
    const filled = (path: string): void => {
      note({what: 'bytes', inode: inodeOf(path), bytes: readFileSync(path)});
      named(path, inodeOf(path));
    };
    const synced = (path: string): void => {
      if (statSync(path).isDirectory()) note({what: 'sync-folder', folder: path});
      else note({what: 'sync-file', inode: inodeOf(path), bytes: readFileSync(path)});
      this.onSync(path);
    };
    this.files = {
      ...disk,
      makeFolder(path) {
        const made = disk.makeFolder(path);
        if (made) named(path, 'folder');
        return made;
      },
      writeSmall(path, bytes) {
        disk.writeSmall(path, bytes);
        filled(path);
      },
      async copy(from, to, onChunk) {
        await disk.copy(from, to, onChunk);
        filled(to);
      },
      // The model knows no shared blocks; without them the copies are longer and nothing else differs.
      clone: () => false,
      link(from, to) {
        disk.link(from, to);
        named(to, inodeOf(to));
      },
      rename(from, to) {
        const inode = inodeOf(from);
        disk.rename(from, to);
        // One step: no disk shows the file under both names or under none.
        note({what: 'name', folder: dirname(to), name: basename(to), inode});
        note({what: 'name', folder: dirname(from), name: basename(from), inode: undefined});
      },
      remove(path) {
        const removed = disk.remove(path);
        named(path, undefined);
        return removed;
      },
      async removeFolder(path) {
        await disk.removeFolder(path);
        named(path, undefined);
      },
      async sync(path) {
        await disk.sync(path);
        synced(path);
      },
      syncNow(path) {
        disk.syncNow(path);
        synced(path);
      },
    };
  }
}

type Names = Map<string, number | 'folder'>;

/** Numbers in [0, 1) that are the same for the same seed. */
function draws(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Builds below `target` what is left of `root` after the first `count` operations. */
export function diskAfter(
  operations: readonly Operation[],
  {
    count,
    root,
    target,
    luck,
  }: {readonly count: number; readonly root: string; readonly target: string; readonly luck?: number},
): void {
  const draw = luck === undefined ? () => 1 : draws(luck);
  const now = {bytes: new Map<number, Buffer>(), names: new Map<string, Names>()};
  const safe = {bytes: new Map<number, Buffer>(), names: new Map<string, Names>()};
  const namesIn = (names: Map<string, Names>, folder: string): Names => {
    const known = names.get(folder) ?? new Map<string, number | 'folder'>();
    names.set(folder, known);
    return known;
  };
  const set = (names: Map<string, Names>, folder: string, name: string, inode: number | 'folder' | undefined): void => {
    if (inode === undefined) namesIn(names, folder).delete(name);
    else namesIn(names, folder).set(name, inode);
  };
  for (const operation of operations.slice(0, count)) {
    switch (operation.what) {
      case 'bytes':
        now.bytes.set(operation.inode, operation.bytes);
        // An inode number may be used again.
        safe.bytes.delete(operation.inode);
        if (draw() < 0.5)
          safe.bytes.set(
            operation.inode,
            operation.bytes.subarray(0, Math.floor(draw() * 1.2 * operation.bytes.length)),
          );
        break;
      case 'sync-file':
        safe.bytes.set(operation.inode, operation.bytes);
        break;
      case 'name':
        set(now.names, operation.folder, operation.name, operation.inode);
        if (draw() < 0.5) set(safe.names, operation.folder, operation.name, operation.inode);
        break;
      case 'sync-folder':
        safe.names.set(operation.folder, new Map(namesIn(now.names, operation.folder)));
        break;
      default:
        throw new Error(`Internal error: ${JSON.stringify(operation satisfies never)}`);
    }
  }
  const build = (folder: string): void => {
    mkdirSync(join(target, relative(root, folder)), {recursive: true});
    for (const [name, inode] of safe.names.get(folder) ?? []) {
      const path = join(folder, name);
      if (inode === 'folder') build(path);
      else writeFileSync(join(target, relative(root, path)), safe.bytes.get(inode) ?? '');
    }
  };
  build(root);
}
