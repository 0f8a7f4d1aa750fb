/** The store for a command that only looks ahead. */
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {UserError} from '../../artifacts/index.js';
import type {Store} from '../../artifacts/index.js';
import type {LateStore} from '../../pipeline/plan/late-store.js';
import type {Services} from '../cli-context.js';

/** The store as it is; where there is none, an empty one for the moment, since a plan should leave nothing behind. */
export function openForPlan(services: Services, folder: string | undefined): LateStore & {readonly store: Store} {
  try {
    const store = services.openStore(folder, {mode: 'read'});
    return {store, opened: () => store, close: () => store.close()};
  } catch (error) {
    if (!(error instanceof UserError) || error.reason !== 'no-store') throw error;
    const temporary = mkdtempSync(join(tmpdir(), 'r1-plan-'));
    const store = services.openStore(temporary);
    return {
      store,
      opened: () => store,
      close() {
        store.close();
        rmSync(temporary, {recursive: true, force: true});
      },
    };
  }
}
