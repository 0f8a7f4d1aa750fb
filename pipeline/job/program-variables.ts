/** What a program that is a stage finds in its environment, where the module of a stage is handed a context. */
import {jobFiles} from './folder.js';
import type {Job} from './folder.js';
import type {Environment} from '../wiring/environment.js';
import type {StageNode} from '../wiring/nodes.js';

/**
 * Variables of one job. They say where and from what to compute and are in no fingerprint, apart from the seed, which is. How many GPUs
 * the job holds, and its folder (`R1_JOB`), is for whoever starts it to say.
 */
export function programVariables(
  {stage, options}: StageNode,
  folder: string,
  {seed, threads}: Pick<Job, 'seed' | 'threads'>,
): Environment {
  const {events, checkpoints} = jobFiles(folder);
  const {checkpointEvery} = options;
  return {
    R1_EVENTS: events,
    ...(stage.checkpoints === true ? {R1_CHECKPOINTS: checkpoints} : {}),
    ...(stage.checkpoints !== true || checkpointEvery === undefined
      ? {}
      : {R1_CHECKPOINT_EVERY: String(checkpointEvery)}),
    R1_SEED: String(seed),
    R1_THREADS: String(threads),
  };
}
