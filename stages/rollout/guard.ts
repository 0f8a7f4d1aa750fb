/**
 * The thread of a rollout worker that looks whether the process that started it still lives. The main thread cannot: a
 * native call may hold it for minutes, and nobody would be there to take what it draws.
 */
import {workerData} from 'node:worker_threads';

/** Time between two looks, ms. */
const LOOK = 200;

const {parent} = workerData as {readonly parent: number};
setInterval(() => {
  // An orphan has another parent at once, whatever became of its own.
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
}, LOOK);
