/**
 * The thread of a rollout worker that checks whether the process that started it is still alive. The main thread cannot: a native call
 * may hold it for minutes, computing samples that nobody would take.
 */
import {workerData} from 'node:worker_threads';

/** Time between two checks, ms. */
const CHECK_EVERY = 200;

const {parent} = workerData as {readonly parent: number};
setInterval(() => {
  // An orphan has another parent at once, whatever became of its own.
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
}, CHECK_EVERY);
