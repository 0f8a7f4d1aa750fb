/** What a stage reports while it runs. A mistake is thrown where the stage made it, and nothing of it reaches the runner. */
import {MOST_NOTE, eventLine, reportMistake} from './event-lines.js';
import {shortened} from '../values/printable.js';
import type {Report} from './event-lines.js';
import type {InputPorts, OutputPorts, Params, StageContext} from '../stage.js';

type Reporting = Pick<StageContext<InputPorts, OutputPorts, Params>, 'progress' | 'metric' | 'note'>;

/**
 * @param write takes a line of events with its end
 * @param say takes a note for the log
 */
export function openReporting(
  write: (line: string) => void,
  say: (text: string) => void,
): Reporting & {checkpoint(step: number, ms: number): void} {
  const report = (event: Report): void => write(`${eventLine(event, Date.now())}\n`);
  return {
    progress: function progress(at) {
      const {step, total, tokens} = (at as Partial<typeof at> | undefined) ?? {};
      const event = {type: 'progress', step, total, ...(tokens === undefined ? {} : {tokens})};
      report(requireValid(event, 'progress()', progress));
    },
    metric: function metric(name, step, value) {
      report(requireValid({type: 'metric', name, step, value}, 'metric(name, step, value)', metric));
    },
    note: function note(text) {
      const event = requireValid({type: 'note', text}, 'note(text)', note) as Report & {type: 'note'};
      say(event.text);
      report({...event, text: shortened(event.text, MOST_NOTE, 'the log')});
    },
    checkpoint: (step, ms) => report({type: 'checkpoint', step, ms}),
  };
}

function requireValid(event: Readonly<Record<string, unknown>>, call: string, caller: Caller): Report {
  const mistake = reportMistake(event);
  if (mistake !== undefined) throw mistakeOf(caller, `${call}: ${mistake}`);
  return event as unknown as Report;
}

type Caller = (...words: never[]) => unknown;

/** An error whose stack begins where the stage called `caller`. */
export function mistakeOf(caller: Caller, message: string): TypeError {
  const error = new TypeError(message);
  Error.captureStackTrace(error, caller);
  return error;
}
