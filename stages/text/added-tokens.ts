/**
 * Added tokens are cut out of a text before anything else is done to it. Written after the behavior of Hugging Face's Rust
 * library (`AddedVocabulary::find_matches`): the leftmost, then the longest match; whitespace that a token takes with it;
 * tokens that count only as a whole word.
 */

export interface AddedToken {
  readonly content: string;
  readonly id: number;
  readonly special: boolean;
  /** Only where no letter, digit or `_` stands beside it. */
  readonly single_word: boolean;
  /** Takes the whitespace before it along. */
  readonly lstrip: boolean;
  /** Takes the whitespace behind it along. */
  readonly rstrip: boolean;
  /** Found in the normalized text, not in the text as it was written. */
  readonly normalized: boolean;
}

const WORD = '[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}]';
const WORD_BEFORE = new RegExp(`${WORD}$`, 'u');
const WORD_BEHIND = new RegExp(`^${WORD}`, 'u');
const SPACE_BEFORE = /\p{White_Space}*$/u;
const SPACE_BEHIND = /^\p{White_Space}*/u;

/**
 * Cuts a text at tokens.
 *
 * @param tokens by what is looked for in the text
 * @param name what stands for a token among the parts of a text
 * @returns a function that gives the parts of a text in order
 */
export function splitter(
  tokens: ReadonlyMap<string, AddedToken>,
  name: (token: AddedToken) => string,
): (text: string) => string[] {
  const contents = [...tokens.keys()].filter((content) => content !== '');
  if (contents.length === 0) return (text) => (text === '' ? [] : [text]);
  // Alternatives are tried in order, so that the longest of those that begin at one place is found.
  const longestFirst = contents.sort((a, b) => b.length - a.length || (a < b ? -1 : 1));
  const pattern = new RegExp(longestFirst.map(escaped).join('|'), 'gu');
  return (text) => {
    const parts: string[] = [];
    let done = 0;
    for (const {0: content, index} of text.matchAll(pattern)) {
      const token = tokens.get(content)!;
      let [start, end] = [index, index + content.length];
      if (start < done) continue; // within whitespace that another token took
      const [before, behind] = [text.slice(0, start), text.slice(end)];
      if (token.single_word && (WORD_BEFORE.test(before) || WORD_BEHIND.test(behind))) continue;
      if (token.lstrip) start = Math.max(done, start - SPACE_BEFORE.exec(before)![0].length);
      if (token.rstrip) end += SPACE_BEHIND.exec(behind)![0].length;
      if (start > done) parts.push(text.slice(done, start));
      parts.push(name(token));
      done = end;
    }
    if (done < text.length) parts.push(text.slice(done));
    return parts;
  };
}

const escaped = (text: string): string =>
  text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, (character) => (character === '-' ? '\\u002d' : `\\${character}`));
