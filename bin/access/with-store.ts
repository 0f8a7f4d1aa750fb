/** Opens the store of a command, which has to exist, and closes it again, however the command ends. */
import type {Store, StoreOptions} from '../../artifacts/index.js';
import type {GlobalOptions, Services} from '../cli-context.js';

export async function withStore<T>(
  services: Services,
  options: GlobalOptions,
  how: 'read' | 'write' | StoreOptions,
  work: (store: Store) => T | Promise<T>,
): Promise<T> {
  const store = services.openStore(options.store, {...(typeof how === 'string' ? {mode: how} : how), create: false});
  try {
    return await work(store);
  } finally {
    store.close();
  }
}
