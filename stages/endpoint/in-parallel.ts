/** Many pieces of work at once, so many at a time: requests to one server. */

/**
 * Does `work` for each item, at most `concurrency` at a time, in their order as far as one begins after the other. One that fails,
 * like a stop, leaves nothing to wait for: those that have not begun are left, and those that have are told by `giveUp`.
 *
 * @param signal aborted where all of it is to be given up
 * @returns what was thrown, the first one first; empty where all went through
 */
export async function inParallel<T>(
  items: readonly T[],
  {concurrency, signal}: {readonly concurrency: number; readonly signal: AbortSignal},
  work: (item: T, giveUp: AbortSignal) => Promise<void>,
): Promise<unknown[]> {
  const queue = [...items];
  const failing = new AbortController();
  const failures: unknown[] = [];
  const onAbort = (): void => failing.abort();
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort);
  const goOn = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await work(next, failing.signal);
  };
  await Promise.all(
    Array.from({length: Math.min(concurrency, items.length)}, () =>
      goOn().catch((error: unknown) => {
        failures.push(error);
        queue.length = 0;
        failing.abort();
      }),
    ),
  );
  signal.removeEventListener('abort', onAbort);
  return failures;
}
