/** Whatever a stage throws, as the result of its job: any value at all, and within bounds. */
import {MOST_MESSAGE, MOST_STACK, stepMistake} from './event-lines.js';
import {shortened} from '../values/printable.js';
import type {JobResult} from './folder.js';
import {StageFailure, Stopped} from '../stage.js';

export function resultOf(thrown: unknown): JobResult {
  if (!(thrown instanceof Error)) return {end: 'threw', message: bounded(textOf(thrown))};
  const {name, message, stack} = factsOf(thrown);
  if (thrown instanceof Stopped) {
    const {step} = thrown;
    return step === undefined || stepMistake(step) !== undefined ? {end: 'stopped'} : {end: 'stopped', step};
  }
  // A stage loaded from another copy of the package throws another class of the same name.
  if (thrown instanceof StageFailure || name === 'StageFailure') {
    const file = 'file' in thrown && typeof thrown.file === 'string' ? {file: bounded(thrown.file)} : {};
    return {end: 'failed', message: bounded(message), ...file};
  }
  const said = bounded(`${name}: ${message}`);
  if (stack === undefined) return {end: 'threw', message: said};
  // The message comes first and may be longer than all that is kept; the frames behind it say where.
  const behind = stack.indexOf(message) < 0 ? -1 : stack.indexOf(message) + message.length;
  const frames = stack.slice(stack.indexOf('\n    at ', Math.max(behind, 0)));
  const trace = said + (frames.startsWith('\n') ? frames : '');
  return {end: 'threw', message: said, stack: trace.slice(0, MOST_STACK)};
}

const bounded = (text: string): string => shortened(text, MOST_MESSAGE, 'the log');

interface Facts {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
}

/** An error's fields may be anything, and reading them may throw. */
function factsOf(error: Error): Facts {
  const read = (key: 'name' | 'message' | 'stack'): unknown => {
    try {
      return error[key];
    } catch {
      return undefined; // A getter of the stage's own that fails: the error is reported without this part.
    }
  };
  const [name, message, stack] = [read('name'), read('message'), read('stack')];
  return {
    name: typeof name === 'string' ? name : 'Error',
    message: typeof message === 'string' ? message : textOf(message),
    stack: typeof stack === 'string' ? stack : undefined,
  };
}

function textOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    return 'something that cannot be written as text'; // An object without a prototype, or one whose toString fails.
  }
}
