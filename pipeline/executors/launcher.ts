/**
 * The process that starts jobs for a runner with many short ones (`launched.ts`). It knows nothing but how to start a process
 * and to see it end. What it has started outlives it, as it outlives the runner.
 */
import type {Exit, StartRequest} from './executor.js';
import {localExecutor} from './local.js';

/** From the runner. */
export interface ToLauncher {
  readonly job: number;
  readonly entry: string;
  readonly request: StartRequest;
}

/** To the runner; the first one says that the launcher can be used. */
export type FromLauncher =
  | {readonly type: 'ready'}
  | {readonly type: 'started'; readonly job: number; readonly pid: number}
  | {readonly type: 'unstarted'; readonly job: number; readonly message: string}
  | {readonly type: 'ended'; readonly job: number; readonly exit: Exit};

const tell = (message: FromLauncher): void => {
  // The runner may be gone by now; then this process is about to end as well.
  if (process.connected) process.send!(message, undefined, undefined, () => undefined);
};

async function launch({job, entry, request}: ToLauncher): Promise<void> {
  try {
    const {pid, exit} = await localExecutor(entry).start(request);
    tell({type: 'started', job, pid});
    tell({type: 'ended', job, exit: await exit});
  } catch (error) {
    tell({type: 'unstarted', job, message: error instanceof Error ? error.message : String(error)});
  }
}

process.on('message', (message: ToLauncher) => void launch(message));
process.on('disconnect', () => process.exit());
tell({type: 'ready'});
