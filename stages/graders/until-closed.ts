/** Batches of a grader that ends when it is closed, whatever it is doing. */
import type {Graded, GradeRequest, Grader} from './grader.js';

/** Grades a batch, and gives it up within a second once the signal is aborted. */
type GradeAll = (requests: readonly GradeRequest[], signal: AbortSignal) => Promise<readonly Graded[]>;

/**
 * A grader that grades by `gradeAll`. Closing it aborts the signal of every batch and waits until none is at work.
 *
 * @returns its two functions, and the signal that closing aborts
 */
export function untilClosed(gradeAll: GradeAll): Grader & {readonly closing: AbortSignal} {
  const closing = new AbortController();
  const batches = new Set<Promise<unknown>>();
  return {
    closing: closing.signal,
    async grade(requests, signal) {
      const all = signal === undefined ? closing.signal : AbortSignal.any([signal, closing.signal]);
      const batch = gradeAll(requests, all);
      const settled = batch.catch(() => undefined); // The caller has the failure; here only the end counts.
      batches.add(settled);
      try {
        return await batch;
      } finally {
        batches.delete(settled);
      }
    },
    async close() {
      closing.abort();
      await Promise.all(batches);
    },
  };
}
