/** Whatever the system throws in a store leaves it as a sentence: “could not …”, with what a person was about. */
import {UserError, codeOf, plainError} from './error.js';
import type {Files} from './files.js';

/** Wraps the functions of one face. `usually` completes “could not …”; `otherwise` names the functions that do something else. */
export type Guard = <Face extends object>(
  face: Face,
  usually: string,
  otherwise?: Partial<Readonly<Record<keyof Face & string, string>>>,
) => Face;

/** @param folder of the store: where it has gone, that is what is said */
export function openGuard(folder: string, files: Files): Guard {
  const failure = (error: unknown, doing: string): unknown => {
    if (codeOf(error) !== 'ENOENT' || files.stat(folder) !== undefined) return plainError(error, doing);
    return new UserError('no-store', `could not ${doing}: the store ${folder} is not there any more`, {
      remedy: {type: 'follow-store'},
      cause: error,
    });
  };
  return (face, usually, otherwise = {}) => {
    const sentences: Readonly<Record<string, string | undefined>> = otherwise;
    const entries = Object.entries(face as Readonly<Record<string, unknown>>).map(([name, value]) => {
      if (typeof value !== 'function') return [name, value];
      const doing = sentences[name] ?? usually;
      const wrapped = (...args: unknown[]): unknown => {
        try {
          const result: unknown = Reflect.apply(value, face, args);
          if (!(result instanceof Promise)) return result;
          return result.catch((error: unknown) => {
            throw failure(error, doing);
          });
        } catch (error) {
          throw failure(error, doing);
        }
      };
      return [name, wrapped];
    });
    return Object.fromEntries(entries) as typeof face;
  };
}
