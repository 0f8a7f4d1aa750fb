/** Texts in lines of a wanted width, where East Asian characters and emoji take two places. */
import {widthOf} from './columns.js';
import {oneLine} from './paint.js';

const segmenter = new Intl.Segmenter();
/** Segmenting takes the square of a text's length, so a long one is cut into pieces of so many letters, at places between graphemes. */
const PIECE = 128;
const PLAIN = /^[\x20-\x7e]*$/;

/** What a person takes for single characters. */
function* graphemesOf(text: string): Generator<string> {
  for (let at = 0; at < text.length;) {
    const piece = text.slice(at, at + PIECE);
    if (PLAIN.test(piece) && PLAIN.test(text.slice(at + PIECE, at + PIECE + 1))) {
      yield* piece;
      at += piece.length;
      continue;
    }
    const segments = Array.from(segmenter.segment(piece), ({segment}) => segment);
    // The last one may go on behind the piece.
    if (at + PIECE < text.length && segments.length > 1) segments.pop();
    yield* segments;
    at += segments.reduce((sum, {length}) => sum + length, 0);
  }
}

/** Between letters of these scripts a line may end anywhere. */
const UNSPACED = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303f\uff00-\uffef]/u;
/** No line begins with what closes a part of a sentence. */
const CLOSING = /^[\p{Pe}\p{Pf}、。，．：；？！….,:;?!]/u;

/** Where a line may end: how much of it stays, and how much the next line leaves out. */
interface Ending {
  readonly at: number;
  readonly next: number;
}

/**
 * One line of text as lines of at most `width` places: broken at blanks, of which one is left out there, and between East Asian
 * characters; a word that is wider is broken where it has to be. Blanks at the beginning stay.
 */
export function wrap(line: string, width: number): readonly string[] {
  if (widthOf(line) <= width) return [line];
  const lines: string[] = [];
  let current = '';
  let used = 0;
  /** The last place where it may, and the one before. */
  let end: Ending | undefined;
  let endBefore: Ending | undefined;
  let isFresh = true;
  for (const segment of graphemesOf(line)) {
    const wide = widthOf(segment);
    if (CLOSING.test(segment) && end?.next === current.length) end = endBefore ?? end;
    const isFree = UNSPACED.test(segment) && !CLOSING.test(segment) && current.trim() !== '';
    if (isFree && end?.next !== current.length) [endBefore, end] = [end, {at: current.length, next: current.length}];
    // Even a character that is wider than a line has to go somewhere.
    while (used + wide > width && current !== '' && segment !== ' ') {
      const {at, next} = end ?? {at: current.length, next: current.length};
      lines.push(current.slice(0, at));
      current = current.slice(next);
      used = widthOf(current);
      end = undefined;
      endBefore = undefined;
      isFresh = false;
    }
    if (segment === ' ') {
      const isIndent = isFresh && current.trim() === '';
      if (!isIndent) [endBefore, end] = [end, {at: current.length, next: current.length + 1}];
    }
    current += segment;
    used += wide;
  }
  return [...lines.map((text) => text.trimEnd()), used > width ? current.trimEnd() : current];
}

const TAB = '    ';

/** What somebody else wrote as lines that a terminal shows as they are, no wider than `width`. */
export const wrappedText = (text: string, width: number): readonly string[] =>
  text.split('\n').flatMap((line) => wrap(oneLine(line.replaceAll('\t', TAB)), width));
