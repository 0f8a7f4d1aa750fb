/** What it means that a process ended with 0 and there is no result. */
import {jobFiles, readJob} from './folder.js';
import type {Failure} from '../outcome.js';

/**
 * A stage's module writes its result itself, and has not got that far. What a program came to is written by the shell that
 * started it, which cannot say why that failed.
 */
export function withoutResult(folder: string): Failure {
  const job = readJob(folder);
  if (!job.ok || job.value.command === undefined) return {reason: 'stage-exited', exitCode: 0};
  return {
    reason: 'store-failed',
    message: `ended with 0, but this could not be written to ${jobFiles(folder).result}`,
    remedy: {type: 'free-space', maybe: true},
  };
}
