/**
 * A process that has nothing left to do ends, also in the middle of an `await`, and Node says nothing of it for what was
 * imported: nothing would have run, and all would look well. So whoever waits for somebody else's promise waits here.
 */

interface Waiting {
  giveUp(): void;
}

/** The innermost last. */
const waiting: Waiting[] = [];

/** Ends the innermost wait: those around it hear of it and may still have something to do. */
function onEmpty(): void {
  const last = waiting.at(-1);
  // In a turn of its own, which also keeps the process alive for what follows.
  if (last !== undefined) setImmediate(() => last.giveUp());
}

/**
 * The promise, or an error when the process runs out of things to do before it is settled.
 *
 * @param what completes “… is never settled”
 */
export async function requireSettled<T>(promise: Promise<T>, what: string): Promise<T> {
  if (waiting.length === 0) process.on('beforeExit', onEmpty);
  let entry: Waiting | undefined;
  try {
    return await Promise.race([
      promise,
      new Promise<never>((_, reject) => {
        entry = {giveUp: () => reject(new NeverSettled(what))};
        waiting.push(entry);
      }),
    ]);
  } finally {
    waiting.splice(waiting.indexOf(entry!), 1);
    if (waiting.length === 0) process.off('beforeExit', onEmpty);
  }
}

/** Nothing is left that could settle the promise. */
export class NeverSettled extends Error {
  constructor(what: string) {
    super(`${what} is never settled: nothing is left to do that could settle it`);
    // Where it was noticed says nothing.
    this.stack = this.message;
  }
}
