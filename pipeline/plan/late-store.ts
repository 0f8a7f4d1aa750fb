/**
 * Stores for whoever plans. A run's is made, where there is none, only once it is known that the run can begin: after a
 * mistake in what was typed or in the recipe, nothing should lie where nothing lay before.
 */
import {rmSync} from 'node:fs';
import {temporaryFolder} from '../../artifacts/temporary-folder.js';
import {UserError, openStore} from '../../artifacts/index.js';
import type {Store, StoreOptions} from '../../artifacts/index.js';

export interface LateStore {
  /** For `prepare`: the store, or where there is none yet, what makes it. */
  readonly store: Store | (() => Store);
  /** @throws Error before `prepare` is through */
  opened(): Store;
  close(): void;
}

/** @throws UserError of `openStore`, but for 'no-store' */
export function openLate(open: (options?: StoreOptions) => Store): LateStore {
  let store: Store | undefined;
  try {
    store = open({create: false});
  } catch (error) {
    if (!(error instanceof UserError) || error.reason !== 'no-store') throw error;
  }
  return {
    store: store ?? (() => (store = open())),
    opened() {
      if (store === undefined) throw new Error('Internal error: the store is not made before there is a plan');
      return store;
    },
    close: () => store?.close(),
  };
}

/**
 * The store as it is, for reading; where there is none, an empty one for the moment, since a plan should leave nothing behind.
 *
 * @throws UserError of `openStore`, but for 'no-store'
 */
export function openForPlan(open: (options: StoreOptions) => Store): LateStore & {readonly store: Store} {
  try {
    const store = open({mode: 'read'});
    return {store, opened: () => store, close: () => store.close()};
  } catch (error) {
    if (!(error instanceof UserError) || error.reason !== 'no-store') throw error;
    const folder = temporaryFolder('plan');
    const store = openStore(folder);
    return {
      store,
      opened: () => store,
      close() {
        store.close();
        rmSync(folder, {recursive: true, force: true});
      },
    };
  }
}
