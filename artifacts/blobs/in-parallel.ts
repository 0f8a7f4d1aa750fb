/** Runs asynchronous work on a list, a few at a time. After a failure nothing new is begun. */

/** Resolves when all are done; rejects with the first failure, once everything that was begun has ended. */
export async function inParallel<T>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const errors: unknown[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < items.length && errors.length === 0) {
      try {
        await work(items[next++]!);
      } catch (error) {
        errors.push(error);
      }
    }
  };
  await Promise.all(Array.from({length: Math.min(atOnce, items.length)}, lane));
  if (errors.length > 0) throw errors[0];
}
