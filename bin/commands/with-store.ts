/** Opens the store of a command, which has to exist, and closes it again, however the command ends. */
import type {Store} from '../../artifacts/index.js';
import type {GlobalOptions, Services} from '../services.js';

export async function withStore<T>(
  services: Services,
  options: GlobalOptions,
  mode: 'read' | 'write',
  work: (store: Store) => T | Promise<T>,
): Promise<T> {
  const store = services.openStore(options.store, {mode, create: false});
  try {
    return await work(store);
  } finally {
    store.close();
  }
}
