/** Where stages run: processes of this machine. Its modules are loaded when the first process is started or taken over. */
import {fileURLToPath} from 'node:url';
import {UserError} from '../artifacts/index.js';
import type {Executor} from '../pipeline/executors/executor.js';

/** The module that runs a job folder in a process of its own. */
const STAGE_ENTRY = fileURLToPath(new URL('../stages/main.js', import.meta.url));

/** Values of R1_LAUNCHER: whether a small process starts the jobs (`pipeline/executors/launched.ts`). */
const LAUNCHER = {quick: 'QUICK', always: 'ALWAYS', never: 'NEVER'} as const;

/** @throws UserError when R1_LAUNCHER holds a word that is none of these */
export function lazyExecutor(word = process.env['R1_LAUNCHER'] || 'quick'): Executor {
  if (!isKnown(word)) {
    throw new UserError('bad-argument', `R1_LAUNCHER is “${word}”; it may be ${Object.keys(LAUNCHER).join(', ')}`);
  }
  let loaded: Executor | undefined;
  const load = async (): Promise<Executor> => {
    const {launchedExecutor, ...paces} = await import('../pipeline/executors/launched.js');
    return (loaded ??= launchedExecutor(STAGE_ENTRY, paces[LAUNCHER[word]]));
  };
  return {
    start: async (job) => (await load()).start(job),
    adopt: async (job) => (await load()).adopt(job),
    close: () => loaded?.close?.(),
  };
}

const isKnown = (word: string): word is keyof typeof LAUNCHER => Object.hasOwn(LAUNCHER, word);
