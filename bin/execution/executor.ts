/** Where stages run: processes of this machine. Its modules are loaded when the first process is started or taken over. */
import {setFlagsFromString} from 'node:v8';
import type {Executor} from '../../pipeline/executors/executor.js';
import {stageEntry} from '../../pipeline/modules/own-package.js';
import {readRuntimeFacts} from '../../stages/tensorflow/runtime-class.js';

/**
 * A runner's live memory is small and does not grow; V8 would let what finished nodes leave behind pile up to several times
 * of it before it collects. Stages beside it have better use for that memory.
 */
const COLLECT_EARLY = '--heap-growing-percent=20';

export function lazyExecutor(): Executor {
  let loaded: Executor | undefined;
  let isCollectingEarly = false;
  const load = async (): Promise<Executor> => {
    if (loaded === undefined) {
      const {localExecutor} = await import('../../pipeline/executors/local.js');
      loaded ??= localExecutor(stageEntry(), {gpus: gpusOfSetUp});
    }
    return loaded;
  };
  return {
    async start(job) {
      const running = await (await load()).start(job);
      // Not earlier: what is loaded for the first job is compiled ahead, and V8 takes that only under the flags it was made under.
      if (!isCollectingEarly) setFlagsFromString(COLLECT_EARLY);
      isCollectingEarly = true;
      return running;
    },
    epoch: async () => (await load()).epoch(),
    gpusOfTensors: async () => (await load()).gpusOfTensors?.() ?? 1,
    capacity: async (asked) => (await load()).capacity(asked),
    isRunning: async (job) => (await load()).isRunning(job),
    look: async (job) => (await load()).look?.(job),
    adopt: async (job) => (await load()).adopt(job),
    close: () => loaded?.close?.(),
  };
}

/** TensorFlow uses the first GPU that it sees, so a stage holds one or none. */
function gpusOfSetUp(): number {
  try {
    return readRuntimeFacts().device.startsWith('gpu') ? 1 : 0;
  } catch (error) {
    // Not set up: only stages that compute with tensors need it, and they say so themselves.
    if (error instanceof Error && error.name === 'UserError') return 0;
    throw error;
  }
}
