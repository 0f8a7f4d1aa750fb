/**
 * The 25 kinds of instructions of IF-Eval (Zhou et al., arXiv 2311.07911), each a check of a response as it is: nothing is stripped from
 * it first (“strict”). Defined by google-research/instruction_following_eval; written anew. A letter that is none (`#`, `!`) is counted
 * like a letter; there it is replaced by a random one.
 */
import {isLower, isUpper, occurrences, patternOf, stripped, EDGE, WORD} from './python.js';
import {isIn} from './spoken.js';
import {countCapitalWords, countSentences} from './tokens.js';

/** What an instruction says beside its kind; the names are the data set's. */
export type Arguments = Readonly<Record<string, unknown>>;

/** What an argument has to be. */
type ArgumentKind = 'count' | 'text' | 'texts' | 'relation';

interface Instruction {
  readonly wants: Readonly<Record<string, ArgumentKind>>;
  /** Whether a response that is not blank follows it. */
  follows(response: string, given: Arguments): boolean;
}

const text = (given: Arguments, name: string): string => given[name] as string;
const count = (given: Arguments, name: string): number => given[name] as number;

/** `less than` or `at least` a number. */
const holds = (number: number, given: Arguments, relation: string, bound: string): boolean =>
  given[relation] === 'less than' ? number < count(given, bound) : number >= count(given, bound);

/** Whether a pattern occurs, whatever its case. */
const found = (response: string, source: string): boolean => new RegExp(source, 'iu').test(response);

/** Of `**`: paragraphs that are empty count only at the ends, where they are none. */
function dividedBy(response: string, divider: RegExp | string): readonly string[] | undefined {
  const parts = response.split(divider);
  const isEmptyInside = parts.some((part, place) => part.trim() === '' && place > 0 && place < parts.length - 1);
  return isEmptyInside ? undefined : parts.filter((part) => part.trim() !== '');
}

function firstWordOf(paragraph: string): string {
  const word = stripped(stripped(paragraph.trim().split(/\s+/)[0]!, "'", 'left'), '"', 'left');
  return /^[^.,?!'"]*/.exec(word)![0].toLowerCase();
}

const OPTIONS = ['My answer is yes.', 'My answer is no.', 'My answer is maybe.'];

export const INSTRUCTIONS: Readonly<Record<string, Instruction>> = {
  'keywords:existence': {
    wants: {keywords: 'texts'},
    follows: (response, {keywords}) => (keywords as string[]).every((word) => found(response, patternOf(word))),
  },
  'keywords:frequency': {
    wants: {keyword: 'text', frequency: 'count', relation: 'relation'},
    follows: (response, given) =>
      holds(
        occurrences(response, new RegExp(patternOf(text(given, 'keyword').trim()), 'giu')),
        given,
        'relation',
        'frequency',
      ),
  },
  'keywords:forbidden_words': {
    wants: {forbidden_words: 'texts'},
    follows: (response, {forbidden_words: words}) =>
      !(words as string[]).some((word) => found(response, `${EDGE}(?:${patternOf(word)})${EDGE}`)),
  },
  'keywords:letter_frequency': {
    wants: {letter: 'text', let_frequency: 'count', let_relation: 'relation'},
    follows: (response, given) =>
      holds(
        response.toLowerCase().split(text(given, 'letter').trim().toLowerCase()).length - 1,
        given,
        'let_relation',
        'let_frequency',
      ),
  },
  'language:response_language': {
    wants: {language: 'text'},
    follows: (response, given) => isIn(response, text(given, 'language')),
  },
  'length_constraints:number_sentences': {
    wants: {num_sentences: 'count', relation: 'relation'},
    follows: (response, given) => holds(countSentences(response), given, 'relation', 'num_sentences'),
  },
  'length_constraints:number_paragraphs': {
    wants: {num_paragraphs: 'count'},
    follows: (response, given) => dividedBy(response, /\s?\*\*\*\s?/)?.length === count(given, 'num_paragraphs'),
  },
  'length_constraints:number_words': {
    wants: {num_words: 'count', relation: 'relation'},
    follows: (response, given) =>
      holds(occurrences(response, new RegExp(`${WORD}+`, 'gu')), given, 'relation', 'num_words'),
  },
  'length_constraints:nth_paragraph_first_word': {
    wants: {num_paragraphs: 'count', nth_paragraph: 'count', first_word: 'text'},
    follows(response, given) {
      const parts = response.split('\n\n');
      const full = parts.filter((part) => part.trim() !== '').length;
      const nth = count(given, 'nth_paragraph');
      const paragraph = nth <= full ? parts[nth - 1]!.trim() : '';
      return (
        paragraph !== '' &&
        full === count(given, 'num_paragraphs') &&
        firstWordOf(paragraph) === text(given, 'first_word').toLowerCase()
      );
    },
  },
  'detectable_content:number_placeholders': {
    wants: {num_placeholders: 'count'},
    follows: (response, given) => occurrences(response, /\[[^\n]*?\]/g) >= count(given, 'num_placeholders'),
  },
  'detectable_content:postscript': {
    wants: {postscript_marker: 'text'},
    follows(response, given) {
      const marker = text(given, 'postscript_marker').trim();
      const known: Readonly<Record<string, string>> = {'P.P.S': 'p\\.\\s?p\\.\\s?s', 'P.S.': 'p\\.\\s?s\\.'};
      return found(response.toLowerCase(), known[marker] ?? patternOf(marker.toLowerCase()));
    },
  },
  'detectable_format:number_bullet_lists': {
    wants: {num_bullets: 'count'},
    follows: (response, given) =>
      occurrences(response, /(?<![^\n])\s*\*[^*][^\n]*/g) + occurrences(response, /(?<![^\n])\s*-[^\n]*/g) ===
      count(given, 'num_bullets'),
  },
  'detectable_format:constrained_response': {
    wants: {},
    follows: (response) => OPTIONS.some((option) => response.includes(option)),
  },
  'detectable_format:number_highlighted_sections': {
    wants: {num_highlights: 'count'},
    follows(response, given) {
      const single = [...response.matchAll(/\*[^\n*]*\*/g)].map(([one]) => stripped(one, '*'));
      const double = [...response.matchAll(/\*\*[^\n*]*\*\*/g)].map(([one]) => one.slice(2, -2));
      return [...single, ...double].filter((one) => one.trim() !== '').length >= count(given, 'num_highlights');
    },
  },
  'detectable_format:multiple_sections': {
    wants: {section_spliter: 'text', num_sections: 'count'},
    follows(response, given) {
      const splitter = new RegExp(`\\s?${patternOf(text(given, 'section_spliter').trim())}\\s?\\p{Nd}+\\s?`, 'gu');
      return occurrences(response, splitter) >= count(given, 'num_sections');
    },
  },
  'detectable_format:json_format': {
    wants: {},
    follows(response) {
      const body = response
        .trim()
        .replace(/^```(?:json|Json|JSON)?/, '')
        .replace(/```$/, '');
      try {
        JSON.parse(body.trim());
        return true;
      } catch {
        return false; // That it is no JSON is what was asked.
      }
    },
  },
  'detectable_format:title': {
    wants: {},
    follows: (response) =>
      [...response.matchAll(/<<[^\n]+>>/g)].some(
        ([title]) => stripped(stripped(title, '<', 'left'), '>', 'right').trim() !== '',
      ),
  },
  'combination:two_responses': {
    wants: {},
    follows(response) {
      const parts = dividedBy(response, '******');
      return parts?.length === 2 && parts[0]!.trim() !== parts[1]!.trim();
    },
  },
  'combination:repeat_prompt': {
    wants: {prompt_to_repeat: 'text'},
    follows: (response, given) =>
      response.trim().toLowerCase().startsWith(text(given, 'prompt_to_repeat').trim().toLowerCase()),
  },
  'startend:end_checker': {
    wants: {end_phrase: 'text'},
    follows: (response, given) =>
      stripped(response.trim(), '"').toLowerCase().endsWith(text(given, 'end_phrase').trim().toLowerCase()),
  },
  'startend:quotation': {
    wants: {},
    follows: (response) => /^"[^]*"$/.test(response.trim()),
  },
  'change_case:capital_word_frequency': {
    wants: {capital_frequency: 'count', capital_relation: 'relation'},
    follows: (response, given) => holds(countCapitalWords(response), given, 'capital_relation', 'capital_frequency'),
  },
  'change_case:english_capital': {
    wants: {},
    follows: (response) => isUpper(response) && isIn(response, 'en'),
  },
  'change_case:english_lowercase': {
    wants: {},
    follows: (response) => isLower(response) && isIn(response, 'en'),
  },
  'punctuation:no_comma': {
    wants: {},
    follows: (response) => !response.includes(','),
  },
};

/** An instruction of a prompt. */
export interface Wanted {
  readonly id: string;
  readonly given: Arguments;
}

const isKind: Readonly<Record<ArgumentKind, (value: unknown) => boolean>> = {
  count: (value) => typeof value === 'number' && Number.isInteger(value) && value >= 0,
  text: (value) => typeof value === 'string' && value.trim() !== '',
  texts: (value) => Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'string'),
  relation: (value) => value === 'less than' || value === 'at least',
};

/** What is wrong with an instruction, if anything. */
export function instructionFault({id, given}: Wanted): string | undefined {
  const known = INSTRUCTIONS[id];
  if (known === undefined) return `there is no kind of instruction “${id}”`;
  const bad = Object.entries(known.wants).find(([name, kind]) => !isKind[kind](given[name]));
  return bad === undefined
    ? undefined
    : `“${id}” wants ${bad[0]}, which is ${given[bad[0]] === undefined ? 'not there' : JSON.stringify(given[bad[0]])}`;
}

/** How many of the instructions a response follows; a blank one follows none. */
export const followed = (wanted: readonly Wanted[], response: string): number =>
  response.trim() === '' ? 0 : wanted.filter(({id, given}) => INSTRUCTIONS[id]!.follows(response, given)).length;
