/**
 * Group commit: brings what was committed to the disk beside the event loop. Without this everything is the same, slower by an
 * fsync of some milliseconds, twice a node, during which the runner stands still. A commit that does not wait for the disk is
 * in SQLite's write-ahead log all the same, and one sync of that file makes all of its
 * commits durable, in their order. The log's own name in its folder is durable since the run began, which is a commit that
 * waits; and before SQLite moves commits from the log into the database it syncs the log itself.
 */
import type {Files} from '../files.js';
import type {Layout} from '../layout.js';

/** The function resolves when all that was committed before it was called is on the disk. */
export function openGroupCommit(layout: Layout, files: Files): () => Promise<void> {
  const log = `${layout.database}-wal`;
  let running: Promise<void> | undefined;
  let waiting: Promise<void> | undefined;
  const sync = async (before: Promise<void> | undefined): Promise<void> => {
    // Whoever waits for that one hears of its failure; this one is a sync of its own.
    await before?.catch(() => undefined);
    running = waiting;
    waiting = undefined;
    await files.sync(log);
  };
  // A sync that has begun may have missed the newest commit, so whoever comes meanwhile shares the next one.
  return () => (waiting ??= sync(running));
}
