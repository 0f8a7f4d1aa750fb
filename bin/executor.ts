/** Where stages run: processes of this machine. Its modules are loaded when the first process is started or taken over. */
import {fileURLToPath} from 'node:url';
import {setFlagsFromString} from 'node:v8';
import type {Executor} from '../pipeline/executors/executor.js';

/** The module that runs a job folder in a process of its own. */
const STAGE_ENTRY = fileURLToPath(new URL('../stages/main.js', import.meta.url));

/**
 * A runner's live memory is small and does not grow; V8 would let what finished nodes leave behind pile up to several times
 * of it before it collects. Stages beside it have better use for that memory.
 */
const COLLECT_EARLY = '--heap-growing-percent=20';

export function lazyExecutor(): Executor {
  let loaded: Executor | undefined;
  const load = async (): Promise<Executor> => {
    if (loaded === undefined) {
      setFlagsFromString(COLLECT_EARLY);
      const {localExecutor} = await import('../pipeline/executors/local.js');
      loaded ??= localExecutor(STAGE_ENTRY);
    }
    return loaded;
  };
  return {
    start: async (job) => (await load()).start(job),
    adopt: async (job) => (await load()).adopt(job),
    close: () => loaded?.close?.(),
  };
}
