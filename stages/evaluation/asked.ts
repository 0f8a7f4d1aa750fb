/** How a model was asked and read beside its template: what scores keep of it, and how tables name it. */
import type {Asking} from '../tasks/asking.js';
import type {Shot} from '../text/wording.js';

/** As it stands in `scores.json`: what is as by default is left out, but for `prefill`. */
export interface Asked {
  readonly shots?: readonly Shot[] | undefined;
  readonly prefill?: string | undefined;
  readonly system?: string | undefined;
  readonly suffix?: string | undefined;
  readonly stop?: readonly string[] | undefined;
  readonly extraction?: string | undefined;
}

/** What `scores.json` keeps of the params. */
export const askedOf = ({shots, prefill, system, suffix, stop, extraction}: Asking): Asked => ({
  prefill,
  ...(shots.length === 0 ? {} : {shots}),
  ...(system === '' ? {} : {system}),
  ...(suffix === '' ? {} : {suffix}),
  ...(stop.length === 0 ? {} : {stop}),
  ...(extraction === 'task' ? {} : {extraction}),
});

/** Characters of a text that a table has room for. */
const SHOWN = 40;

/** A text of anybody's on one line, without what would move a terminal's cursor or begin a code span. */
function shown(text: string): string {
  const line = JSON.stringify(text)
    .slice(1, -1)
    .replaceAll('`', "'")
    .replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (char) => `\\u${char.codePointAt(0)!.toString(16).padStart(4, '0')}`);
  return `“${line.length > SHOWN ? `${line.slice(0, SHOWN)}…` : line}”`;
}

/** The template with all that is not as by default: `chat, prefill “<think>”, extraction last-number`. */
export function askedText(
  template: string,
  {shots = [], prefill = '', system = '', suffix = '', stop = [], extraction = 'task'}: Asked,
): string {
  const parts: [name: string, text: string][] = [
    ['shots', shots.length === 0 ? '' : `${shots.length} (${shown(shots[0]!.question)})`],
    ['system', system === '' ? '' : shown(system)],
    ['suffix', suffix === '' ? '' : shown(suffix)],
    ['prefill', prefill === '' ? '' : shown(prefill)],
    ['stop', stop.map(shown).join(' ')],
    ['extraction', extraction === 'task' ? '' : extraction],
  ];
  return [template, ...parts.flatMap(([name, text]) => (text === '' ? [] : [`${name} ${text}`]))].join(', ');
}
