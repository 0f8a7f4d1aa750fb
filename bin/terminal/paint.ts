/**
 * Colors, and the one place that tells them from what somebody else wrote. Names, messages and what a model says may hold escape
 * sequences of their own, which could set a title, fill a clipboard or hide a line. So our colors carry a mark that is drawn by lot
 * in each process; at the door to a terminal (`terminal.ts`) the marked ones become colors, and all else that a terminal would
 * obey, or not show, becomes a symbol.
 */
import {randomInt} from 'node:crypto';
import pc from 'picocolors';

/** Looks like parameters of an SGR sequence, so that what measures colored text takes it for one. */
const MARK = Array.from({length: 3}, () => randomInt(1000, 10_000)).join(';');

const STYLES = ['bold', 'dim', 'red', 'green', 'yellow', 'cyan'] as const;

/** Functions from a text to the text in a color. */
export type Paint = Readonly<Record<(typeof STYLES)[number], (text: string) => string>>;

const marked = (sequence: string): string => sequence.replace('\x1b[', `\x1b[${MARK};`);

function styleOf(name: (typeof STYLES)[number]): (text: string) => string {
  const [open = '', close = ''] = pc.createColors(true)[name]('\0').split('\0').map(marked);
  return (text) => `${open}${text}${close}`;
}

const COLORED = Object.fromEntries(STYLES.map((name) => [name, styleOf(name)])) as Paint;
const PLAIN = Object.fromEntries(STYLES.map((name) => [name, (text: string) => text])) as Paint;

export const createColors = (colors: boolean): Paint => (colors ? COLORED : PLAIN);

/**
 * What a terminal would obey or leave out: controls but line break and tab, marks that reorder what is read, and whatever else has
 * no shape. Joiners and variation selectors stay, since scripts and emoji are written with them.
 */
const UNSEEN = String.raw`(?![\n\t\u200c\u200d])(?!\p{Variation_Selector})[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]`;
const OURS = String.raw`\x1b\[${MARK};(\d+)m`;

const ours = new RegExp(OURS, 'gu');
const oursOrUnseen = new RegExp(`${OURS}|${UNSEEN}`, 'gu');

/** `␛` for the escape character, `<U+202E>` for what Unicode has no picture of. */
function symbolOf(character: string): string {
  const code = character.codePointAt(0)!;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return '\u2421';
  return `<U+${code.toString(16).toUpperCase().padStart(4, '0')}>`;
}

/** For a terminal: our colors where it has them, and nothing else that it would obey. */
export const forTerminal = (text: string, colors: boolean): string =>
  text.replace(oursOrUnseen, (found, code: string | undefined) =>
    code === undefined ? symbolOf(found) : colors ? `\x1b[${code}m` : '',
  );

/** For a file or a pipe: as it is, but for our colors. */
export const withoutColors = (text: string): string => text.replace(ours, '');

/** A name or a value that has to stay on its line. */
export const oneLine = (text: string): string =>
  text
    .replace(/[\n\t]/g, symbolOf)
    .replace(oursOrUnseen, (found, code?: string) => (code === undefined ? symbolOf(found) : found));
