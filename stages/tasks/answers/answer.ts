/**
 * Where the answer stands: in a completion, or in a reference as data sets have them. Each reader below may find several
 * places; an answer counts only where all of them say the same, since nobody can tell which of two was meant.
 */
import type {Completion} from '../../text/completion.js';

/** Characters of the longest answer that is read; what is longer is none. */
export const LONGEST_ANSWER = 10_000;

const BOX = /\\(?:boxed|fbox) *\{/y;

/** What stands in each `\boxed{…}` or `\fbox{…}` that is closed, in their order, braces balanced; boxes within boxes left out. */
export function boxes(text: string): string[] {
  const closed: {from: number; to: number}[] = [];
  /** For each brace that is open, where the text of its box begins, if it is one. */
  const open: (number | undefined)[] = [];
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '\\') {
      BOX.lastIndex = at;
      if (BOX.test(text)) {
        open.push(BOX.lastIndex);
        at = BOX.lastIndex - 1;
      } else at++; // `\{` and `\}` are no braces.
    } else if (char === '{') open.push(undefined);
    else if (char === '}') {
      const from = open.pop();
      if (from === undefined) continue;
      while (closed.length > 0 && closed.at(-1)!.from >= from) closed.pop();
      closed.push({from, to: at});
    }
  }
  return closed.map(({from, to}) => text.slice(from, to).trim());
}

/** What announces an answer in running text, at the beginning of a sentence or behind a connective. */
export const ANNOUNCED =
  /(?:^|[.:;,!?。：；，\n] ?|\b(?:so|thus|hence|therefore) )(?:(?:so|thus|hence|therefore|and),? )?(?:(?:the|my|our) )?(?:(?:final|correct) )?answer ?(?:is ?:?|:|=) ?|答案 ?(?:是|为|為|[:：]) ?[:：]?/gi;

/** Lines without spaces at their ends, and with one space wherever there were several. */
export const collapsed = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.replaceAll(/\s+/g, ' ').trim())
    .filter((line) => line !== '')
    .join('\n');

/**
 * What a text gives as its answer: what is boxed; else, line by line, what is behind `####`, as GSM8K has it; else what “The
 * answer is” announces; else all of it.
 */
function finals(text: string): string[] {
  const boxed = boxes(text);
  if (boxed.length > 0) return boxed;
  if (text.length > LONGEST_ANSWER && !text.includes('####')) return [text];
  const lines = collapsed(text);
  const behind = (pieces: readonly string[]): string[] =>
    pieces.slice(1).map((piece) => piece.split('\n', 1)[0]!.trim());
  const marked = behind(lines.split('####'));
  if (marked.length > 0) return marked;
  const announced = behind(lines.split(ANNOUNCED)).filter((piece) => piece !== '');
  return announced.length > 0 ? announced : [text.trim()];
}

/** The answers that a completion gives in its tags, or else in boxes outside the thinking, as models without the tags do. */
export function givenIn({answers, reply}: Completion): string[] {
  return answers.length > 0 ? answers.flatMap(finals) : boxes(reply);
}

/** The answers that a reference gives, as `finals` has it: one, unless somebody wrote two. */
export const referencesIn = (text: string): string[] => finals(text);

/** Different texts in so many places are no answer, and need not be read to know that. */
const MOST_PLACES = 50;

/** What all places say in the normal form of a kind of answer; `undefined` where there are none, or one of them says otherwise. */
export function agreed(texts: readonly string[], normal: (text: string) => string | undefined): string | undefined {
  const places = new Set(texts);
  if (places.size > MOST_PLACES) return undefined;
  const said = new Set([...places].map((text) => (text.length > LONGEST_ANSWER ? undefined : normal(text))));
  return said.size === 1 ? [...said][0] : undefined;
}
