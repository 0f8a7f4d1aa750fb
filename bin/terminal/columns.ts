/** How wide a text is on a terminal, where East Asian characters and emoji take two places, and texts of a wanted width. */
import stringWidth from 'string-width';
import {oneLine} from './paint.js';

/** Printable ASCII is most of what is drawn, and as wide as it is long. */
const PLAIN = /^[\x20-\x7e]*$/;

/** Colors take no place. */
export const widthOf = (text: string): number => (PLAIN.test(text) ? text.length : stringWidth(text));

const COLORS = /\x1b\[[\d;]*m/g;
const graphemes = new Intl.Segmenter();

/** Cuts a text that is wider than `width`; its colors go then, since their ends would be cut off. */
export function clip(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  const plain = text.replace(COLORS, '');
  let kept = '';
  let used = 0;
  // Of a very long text the beginning is enough to look at, whatever stands on top of each letter.
  for (const {segment} of graphemes.segment(plain.slice(0, width * 16))) {
    const wide = widthOf(segment);
    if (used + wide > width - 1) break;
    kept += segment;
    used += wide;
  }
  return `${kept}…`;
}

export const pad = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - widthOf(text)));

/**
 * A text in lines of at most `width` columns, broken at spaces; a word that is wider stands on a line of its own, broken where it
 * has to be.
 *
 * @param indent in front of every line
 * @param first in front of the first line, where that is another
 */
export function wrapped(text: string, width: number, indent: string, first: string = indent): string[] {
  const lines: string[] = [];
  let line = first;
  let isEmpty = true;
  const end = (): void => {
    lines.push(line);
    line = indent;
    isEmpty = true;
  };
  for (const word of text.split(' ')) {
    const room = Math.max(1, width - widthOf(indent));
    for (const piece of pieces(word, room)) {
      if (!isEmpty && widthOf(line) + 1 + widthOf(piece) > width) end();
      line = isEmpty ? `${line}${piece}` : `${line} ${piece}`;
      isEmpty = false;
    }
  }
  end();
  return lines;
}

/** A command to type is taken as one piece, by whoever copies it. */
const TYPED = /^\s*r1 /;

/**
 * A result for a terminal: lines that are wider than it are broken at spaces, and go on a little further in. Elsewhere it stays as it is,
 * as who reads it may search it.
 */
export const fitted = (
  text: string,
  {width, isTerminal}: {readonly width: number; readonly isTerminal: boolean},
): string =>
  !isTerminal
    ? text
    : text
        .split('\n')
        .flatMap((line) =>
          widthOf(line) <= width || TYPED.test(line) ? [line] : wrapped(line, width, `${/^ */.exec(line)![0]}  `, ''),
        )
        .map((line) => line.trimEnd())
        .join('\n');

/** A word in pieces of at most `room` columns. */
function pieces(word: string, room: number): string[] {
  if (widthOf(word) <= room) return [word];
  const found: string[] = [];
  let piece = '';
  for (const {segment} of graphemes.segment(word)) {
    if (piece !== '' && widthOf(piece) + widthOf(segment) > room) {
      found.push(piece);
      piece = '';
    }
    piece += segment;
  }
  return [...found, piece];
}

/** The widest name that a column of names makes room for; a longer one is cut. */
export const WIDEST_NAME = 40;

/** How wide a column of these names is. */
export function nameColumn(names: Iterable<string>, least: number): number {
  let wide = least;
  for (const name of names) wide = Math.max(wide, Math.min(WIDEST_NAME, widthOf(name)));
  return wide;
}

/** A name on one line, as wide as its column. */
export const nameCell = (name: string, width: number): string => pad(clip(oneLine(name), width), width);
