/** Before set-up, or under another Node than it was done for, the native parts do not load: no error of r1, and easily fixed. */
import {setupCommand} from '../../stages/tensorflow/runtime-class.js';

/** Names that stand in the message of whoever looks for a native part: SQLite's, TensorFlow's, and its library. */
const NATIVE = /better_sqlite3\.node|tfjs_binding|libtensorflow|Could not locate the bindings file/;

export const isNativePartMissing = (message: string): boolean => NATIVE.test(message);

/** The sentences for a native part that does not load; undefined for every other error. */
export function notSetUp(error: unknown): {readonly message: string; readonly hint: string} | undefined {
  if (!(error instanceof Error) || !isNativePartMissing(error.message)) return undefined;
  const part = /sqlite|bindings file/.test(error.message) ? 'SQLite' : 'TensorFlow';
  // Elsewhere the first line only says that something was not found, and the rest where it was looked for.
  const why =
    'code' in error && error.code === 'ERR_DLOPEN_FAILED' ? `: ${error.message.replace(/\s*\n\s*/g, ' ')}` : '';
  return {
    message: `r1 is not set up here: the native part of ${part} does not load${why}`,
    hint: `${setupCommand} makes it; r1 doctor says what else is missing`,
  };
}
