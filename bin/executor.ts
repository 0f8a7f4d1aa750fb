/** Where stages run: processes of this machine. Its modules are loaded when the first process is started or taken over. */
import {fileURLToPath} from 'node:url';
import type {Executor} from '../pipeline/executors/executor.js';

/** The module that runs a job folder in a process of its own. */
const STAGE_ENTRY = fileURLToPath(new URL('../stages/main.js', import.meta.url));

export function lazyExecutor(): Executor {
  let loaded: Executor | undefined;
  const load = async (): Promise<Executor> => {
    const {localExecutor} = await import('../pipeline/executors/local.js');
    return (loaded ??= localExecutor(STAGE_ENTRY));
  };
  return {
    start: async (job) => (await load()).start(job),
    adopt: async (job) => (await load()).adopt(job),
    close: () => loaded?.close?.(),
  };
}
