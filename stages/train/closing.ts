/** What was opened is closed however its use ends, and what went wrong first is what is told. */

/** Something that was opened. */
export interface Closable {
  close(): void | Promise<void>;
}

/**
 * Runs `use`, then closes all resources, also those that it added: what came last is closed first, and one that throws keeps
 * no other from being closed.
 *
 * @throws what `use` threw, else what the first of them threw that could not be closed
 */
export async function closingAfter<T>(resources: readonly Closable[], use: () => T | Promise<T>): Promise<T> {
  const errors: unknown[] = [];
  const attempt = async <R>(act: () => R | Promise<R>): Promise<R | undefined> => {
    try {
      return await act();
    } catch (error) {
      errors.push(error);
      return undefined;
    }
  };
  const result = await attempt(use);
  for (const resource of resources.toReversed()) await attempt(() => resource.close());
  if (errors.length > 0) throw errors[0];
  return result as T;
}
