/**
 * Removes whole trees of the store, whatever goes on in them: a tree is first renamed into trash/ under a name of our own,
 * so that it is gone from its place at once and a collection that is killed half-way leaves nothing that is taken for
 * somebody else’s.
 */
import {randomUUID} from 'node:crypto';
import {basename, join} from 'node:path';
import {codeOf} from '../error.js';
import type {Files} from '../files.js';
import type {Layout} from '../layout.js';

export interface Discard {
  /** Out of the way, into trash/; returns where it lies now, or undefined when there was nothing. */
  moveAway(path: string): string | undefined;
  /**
   * Removes a tree that was moved away. False when somebody, such as a stage whose runner was killed, still writes in it:
   * then the next collection resumes.
   */
  sweep(path: string): Promise<boolean>;
  /** Moves a tree away and removes as much of it as can be removed. */
  remove(path: string): Promise<void>;
}

/** Out of the way, and kept: what is in our way and may be somebody else's. Returns where it lies now. */
export function setAside(layout: Layout, files: Files, path: string): string {
  files.makeFolder(layout.setAside);
  const aside = join(layout.setAside, `${basename(path)}-${randomUUID()}`);
  files.rename(path, aside);
  return aside;
}

const TREE = /^tree-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Of an entry in trash/. */
export const isDiscarded = (name: string): boolean => TREE.test(name);

export function openDiscard(
  layout: Layout,
  files: Files,
  removeTrees: (paths: readonly string[]) => Promise<void>,
): Discard {
  const discard: Discard = {
    moveAway(path) {
      if (files.stat(path) === undefined) return undefined;
      const away = join(layout.trash, `tree-${randomUUID()}`);
      try {
        files.rename(path, away);
      } catch (error) {
        // Another collection, or whoever cleans up after its own run, was quicker.
        if (files.stat(path) === undefined) return undefined;
        throw error;
      }
      return away;
    },
    async sweep(path) {
      try {
        await removeTrees([path]);
        return true;
      } catch (error) {
        if (codeOf(error) !== 'ENOTEMPTY') throw error;
        return false;
      }
    },
    async remove(path) {
      const away = discard.moveAway(path);
      if (away !== undefined) await discard.sweep(away);
    },
  };
  return discard;
}
