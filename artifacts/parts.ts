/** What a store is put together from, for the modules of this room that need more of it than its faces show. */
import type {Blobs} from './blobs/blobs.js';
import type {GcLock} from './blobs/gc-lock.js';
import type {Quarantine} from './blobs/quarantine.js';
import type {StatCache} from './blobs/stat-cache.js';
import type {Database} from './database/database.js';
import type {RunnerLocks} from './database/runner-lock.js';
import type {Files} from './files.js';
import type {Discard} from './folder/discard.js';
import type {OwnNames} from './folder/own-names.js';
import type {Reserve} from './folder/reserve.js';
import type {ScratchFolders} from './folder/scratch.js';
import type {Layout} from './layout.js';

export interface StoreParts {
  readonly db: Database;
  readonly layout: Layout;
  readonly files: Files;
  readonly blobs: Blobs;
  readonly gcLock: GcLock;
  readonly quarantine: Quarantine;
  readonly cache: StatCache;
  readonly locks: RunnerLocks;
  readonly own: OwnNames;
  readonly discard: Discard;
  readonly scratch: ScratchFolders;
  readonly reserve: Reserve;
  /** The reserve was used to open the store. */
  readonly usedReserve: boolean;
}

/** A store, for who is handed its parts. */
export interface HasParts {
  /** For modules of `artifacts/`; they may change with any version. */
  readonly parts: StoreParts;
}
