/**
 * What a person can do about an error, as data. Each user interface says it in its own words: the command line names
 * commands and options (`bin/render/hints.ts`), a page has buttons, a program may act on it.
 */
import type {Digest} from './digest.js';

/** What a person can do about an error; `type` says what. */
export type Remedy =
  // The store's folder.
  /** Name another folder for the store; or else do what `or` says. */
  | {readonly type: 'choose-folder'; readonly or?: string}
  /** Name no folder, which means the usual one, or one with letters in its name. */
  | {readonly type: 'name-folder'}
  /** Give the store a folder that is new or empty, such as this one. */
  | {readonly type: 'use-empty-folder'; readonly folder: string}
  /** Use the store around the folder, or a folder elsewhere. */
  | {readonly type: 'use-store-around'; readonly store: string}
  /** Put the store on a local disk; inputs and exports may stay where they are. */
  | {readonly type: 'use-local-disk'}
  /** Put a folder in the place of the link; only the whole store may lie behind one. */
  | {readonly type: 'replace-link'}
  /** Make a store by a run, or name the folder of another one. */
  | {readonly type: 'make-store'}
  /** Name the place to which the store was moved, and resume the run there. */
  | {readonly type: 'follow-store'}
  // Damage, and disks.
  /** Restore the database from a copy, or start a new store. */
  | {readonly type: 'restore-database'}
  /** Have the store verified, which names all that is damaged. */
  | {readonly type: 'verify'}
  /** Check the disk, then have the store verified. */
  | {readonly type: 'check-disk'}
  /** Make these bytes again: what made the artifact is recorded. */
  | {readonly type: 'make-again'; readonly artifact: Digest}
  /** Free some space and try again. `maybe`: nobody knows whether the disk is full. */
  | {readonly type: 'free-space'; readonly maybe?: true}
  // Others at work.
  /** Wait for the process that keeps the store locked. */
  | {readonly type: 'wait'}
  /** Wait until the garbage collection is through. */
  | {readonly type: 'wait-for-gc'}
  /** Collect garbage at another time. */
  | {readonly type: 'collect-later'}
  /** Look how far the run is that another process is at. */
  | {readonly type: 'watch-run'; readonly run: number}
  // What there is.
  /** Choose one of the runs. */
  | {readonly type: 'list-runs'; readonly newest?: number}
  /** Choose one of the nodes of this run, or of the newest. */
  | {readonly type: 'list-nodes'; readonly run?: number}
  /** Look at the params of this node of the recipe, each with what it may be. */
  | {readonly type: 'list-params'; readonly node: string; readonly recipe: string; readonly profile?: string}
  /** Begin a run: there is none. */
  | {readonly type: 'begin-run'}
  /** Look at runs and their lineage for what the store knows. */
  | {readonly type: 'list-lineage'}
  /** Read what the node printed: it has made nothing. */
  | {readonly type: 'read-log'; readonly node: string}
  /** Give a name to an artifact first: there is none. */
  | {readonly type: 'give-tag'}
  | {readonly type: 'list-pins'}
  /** Look at the files of the dataset for the ids of its rows. */
  | {readonly type: 'list-rows'}
  /** Say which of these datasets, as references. */
  | {readonly type: 'choose-dataset'; readonly datasets: readonly string[]}
  /** Name the store in which a run made or used it. */
  | {readonly type: 'use-its-store'}
  // Runs.
  /** Begin a new run with what the source or the recipe is now. */
  | {readonly type: 'run-anew'; readonly because: 'source-changed' | 'recipe-changed' | 'bytes-gone'}
  /** Have the node's stage end what it starts, then resume the run. */
  | {readonly type: 'end-processes'; readonly node: string; readonly run: number}
  /** Resume the run, and have the node finished early there. */
  | {readonly type: 'finish-on-resume'; readonly run: number; readonly node: string}
  /** Accept that the checkpoint was written by other code, and resume from it all the same: this run, or the one that is asked for. */
  | {readonly type: 'accept-checkpoint'; readonly run?: number}
  /** Say where the source lies. */
  | {readonly type: 'set-source'; readonly node: string}
  /** Set the environment variable for whoever runs the recipe. */
  | {readonly type: 'set-variable'}
  /** Name the recipe's file, and trust it by that. `typed`: what the user interface was asked; `file`: its name was this. */
  | {readonly type: 'trust-recipe'; readonly recipe: string; readonly file?: string; readonly typed: string};
