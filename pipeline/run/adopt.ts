/** What became of a job whose runner died, as far as its folder and whoever runs jobs can tell. */
import type {Executor, Running} from '../executors/executor.js';
import {readJob, readResult} from '../job/folder.js';
import {startedIn} from '../job/tag.js';
import type {LackOfMemory, Lost} from '../outcome.js';

export type AdoptedJob =
  /** `isMoved`: it was started when the store lay somewhere else. */
  | {readonly state: 'running'; readonly running: Running; readonly isMoved: boolean}
  /** It has ended in order since, and its result counts. */
  | {readonly state: 'ended'; readonly isMoved: boolean; readonly memory?: LackOfMemory}
  | {readonly state: 'lost'; readonly lost: Lost}
  | {readonly state: 'unknown'; readonly why: string};

/**
 * Takes over the process of the job in `folder`, or ends what is left of it.
 *
 * @param waiting called when it takes long to find out
 */
export async function adoptJob(
  folder: string,
  executor: Executor,
  waiting: (text: string) => void = () => undefined,
): Promise<AdoptedJob> {
  const lost = {state: 'lost', lost: {reason: 'lost'}} as const;
  const job = readJob(folder);
  if (!job.ok) return lost;
  const {tag, epoch, folder: before = folder} = job.value;
  // Its result is worth nothing either: it may have been copied before all of what it stands over was written.
  if (startedIn(folder, tag) === 'elsewhere') return {state: 'lost', lost: {reason: 'lost', copied: true}};
  const isMoved = before !== folder && startedIn(before, tag) === 'elsewhere';
  const adoption = await executor.adopt({folder, tag, epoch, waiting});
  switch (adoption.state) {
    case 'running':
      return {state: 'running', running: adoption.running, isMoved};
    case 'unknown':
      return adoption;
    case 'gone': {
      const result = readResult(folder);
      const memory = adoption.memory === undefined ? {} : {memory: adoption.memory};
      if (adoption.trusted && result.ok && result.value !== undefined) return {state: 'ended', isMoved, ...memory};
      return adoption.memory?.ended === 'own' ? {state: 'lost', lost: {reason: 'lost', ...memory}} : lost;
    }
  }
}
