/** Success or an expected failure as a value; what must not happen is thrown as `Internal error: …` instead. */

export type Result<T, E> = {readonly ok: true; readonly value: T} | {readonly ok: false; readonly error: E};

export const ok = <T>(value: T): {readonly ok: true; readonly value: T} => ({ok: true, value});
export const err = <E>(error: E): {readonly ok: false; readonly error: E} => ({ok: false, error});

/** The end of every `switch` on a union: adding a variant breaks the build until each reader decides. */
export function unreachable(value: never): never {
  throw new Error(`Internal error: unexpected ${JSON.stringify(value)}`);
}
