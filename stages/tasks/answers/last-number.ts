/**
 * The number that a response ends with, for models that mark no answer: the last one of a piece of text that is said of what was asked
 * for. Numbers that are denied, compared with, counted from, computed with or called by are passed over, and of several that are
 * joined none is the answer. README.md has the rules for those who use it.
 */
import type {Completion} from '../../text/completion.js';
import {ANNOUNCED, boxes, collapsed, LONGEST_ANSWER} from './answer.js';
import {negated, ofDecimal, product, quotient, sum, textOf, type Fraction} from './fraction.js';
import {scan} from './number.js';
import {plain} from './plain.js';
import {isUnit} from './unit.js';

/** A number of a text that `plain` made. */
interface Found {
  readonly from: number;
  readonly to: number;
  readonly value: Fraction;
  readonly isPercent: boolean;
}

/** `\frac{3}{4}` and `\frac34`, with the digit in front that makes a mixed number of it. */
const FRAC = /(\d)?\\[dtc]?frac\s*(?:\{\s*(\d{1,30})\s*\}|(\d))\s*(?:\{\s*(\d{1,30})\s*\}|(\d))/g;
// prettier-ignore
const VULGAR: Readonly<Record<string, string>> = {
  '½': '1/2', '⅓': '1/3', '⅔': '2/3', '¼': '1/4', '¾': '3/4', '⅕': '1/5', '⅖': '2/5', '⅗': '3/5', '⅘': '4/5', '⅙': '1/6', '⅚': '5/6', '⅛': '1/8',
  '⅜': '3/8', '⅝': '5/8', '⅞': '7/8',
};

/** A line without what sets type, fractions typed on the line. */
function readableLine(line: string): string {
  return plain(
    line
      .replaceAll(/<\/?(?:think|answer)>/g, ' ')
      .replaceAll(/\*\*|__|~~|`|(?<![\p{L}\p{N}\\}])_(?=[\d$-])|(?<=[\d%.])_(?![\p{L}\p{N}{])/gu, '')
      .replaceAll(FRAC, (_, before?: string, a?: string, b?: string, c?: string, d?: string) => {
        const fraction = `${a ?? b!}/${c ?? d!}`;
        return before === undefined ? fraction : `${before} ${fraction}`;
      })
      .replaceAll(/(\d)?([½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞])/g, (_, before: string | undefined, char: string) =>
        before === undefined ? VULGAR[char]! : `${before} ${VULGAR[char]!}`,
      ),
  );
}

// prettier-ignore
const SCALES: Readonly<Record<string, bigint>> = {
  hundred: 100n, thousand: 1_000n, million: 1_000_000n, billion: 1_000_000_000n, trillion: 1_000_000_000_000n, 百: 100n, 千: 1_000n, 万: 10_000n,
  萬: 10_000n, 亿: 100_000_000n, 億: 100_000_000n,
};
const SCALE =
  /^ ?(hundred|thousand|million|billion|trillion|[百千万萬亿億](?![\p{Script=Han}]*[克米瓦]))(?![A-Za-z])/iu;

/** A number with what belongs to it, from its first digit on. */
function numberAt(text: string, from: number): Found | undefined {
  // `.5` has a zero in front of its point that nobody wrote.
  const isPointed = text[from - 1] === '.' && !/[\p{L}\d]/u.test(text[from - 2] ?? '');
  const [fraction, over, under] =
    /^(\d{1,30})\/(\d{1,30})(?![\d/.,]*\/\d)(?!\.\d)/.exec(text.slice(from, from + 80)) ?? [];
  let to: number;
  let value: Fraction | undefined;
  if (fraction !== undefined) {
    value = quotient(BigInt(over!), BigInt(under!));
    to = from + fraction.length;
  } else {
    const mixed = /^(\d{1,9}) (\d{1,9})\/(\d{1,9})(?![\d/])/.exec(text.slice(from, from + 40));
    if (mixed !== null && Number(mixed[2]) < Number(mixed[3])) {
      const part = quotient(BigInt(mixed[2]!), BigInt(mixed[3]!));
      value = part && sum({over: BigInt(mixed[1]!), under: 1n}, part);
      to = from + mixed[0].length;
    } else {
      const scanned = scan(text, from);
      if (scanned === undefined) return undefined;
      value = ofDecimal(isPointed ? `0.${text.slice(from, scanned.end)}` : scanned.value);
      to = scanned.end;
    }
  }
  if (value === undefined) return undefined;
  const scale = SCALE.exec(text.slice(to, to + 12));
  if (scale !== null) {
    value = product(value, SCALES[scale[1]!.toLowerCase()]!);
    to += scale[0].length;
  }
  const percent = /^ ?(?:%|percent\b|per cent\b)/i.exec(text.slice(to, to + 10));
  if (percent !== null) to += percent[0].length;
  return {from: isPointed ? from - 1 : from, to, value, isPercent: percent !== null};
}

/** The sign and the currency in front of a number: where they begin, and whether they make it negative. */
function signed(text: string, found: Found): Found {
  const front = /(?:(-)\s?)?(?:(?:US|AU|CA|NZ|HK|NT|S|A|C|R)?\p{Sc} ?)?(-)?$/u.exec(text.slice(0, found.from))!;
  const from = found.from - front[0].length;
  const before = text.slice(0, from);
  // A dash that stands apart, as in `Total - 18` and `- 18`, is no sign; neither is one behind a number or a letter.
  const isAttached = front[1] === undefined || !/^-\s/.test(front[0]);
  const isSign = (front[1] ?? front[2]) !== undefined && isAttached && !/[\p{L}\p{N})\]}]$/u.test(before);
  const word = /\b(?:minus|negative) ?$|[负負] ?$|零下 ?$/i.exec(before);
  const isCalled = word !== null && !/[\d)]\s*$/.test(before.slice(0, word.index));
  if (!isSign && !isCalled) return {...found, from: found.from - (front[1] === undefined ? front[0].length : 0)};
  return {...found, from: isCalled ? word.index : from, value: negated(found.value)};
}

/** Signs and words that compute with the number in front of them, where another follows; and with the one behind them. */
const COMPUTED_ON = new RegExp(
  String.raw`^(?:(?:\s?[\p{L}%°]+){0,2}\s*(?:[+×·÷*]|\\(?:times|cdot|div)(?![A-Za-z]))\s*[\d$(.\\\p{Sc}-]|\s*(?:-|/|[x])\s*[$(]*[\d.\\]|(?:\s[\p{L}]+){0,2} - ?[\d$(]|\s(?:plus|minus|times|multiplied by|divided by)\s[\d$(])`,
  'iu',
);
const COMPUTED_WITH =
  /(?:[+×÷]|(?:[\d)}]|\s)[·*]|\\(?:times|cdot|div)(?![A-Za-z]))\s*[-$(\s\p{Sc}]*$|[\d)\]%}](?:\s[\p{L}]+){0,2}\s*(?:-|\/|\bx\b)\s*[$(\s\p{Sc}]*$|(?:^|[^\p{L}\d])\p{L}\s?-\s?$|[\d)](?:\s[\p{L}]+){0,2}\s(?:plus|minus|times|multiplied by|divided by)\s[$(\p{Sc}]*$/iu;

/** Words in front of a number that is not the answer. */
const DENIED =
  /(?:\b(?:not|never|cannot|no longer|instead of|rather than|unlike|except(?: for)?|excluding|wrong(?:ly)?|incorrect(?:ly)?)\b|n['’]t\b|≠|!=|\\neq?(?![A-Za-z])|不是|并非|而非|不等于)(?:(?!\bbut\b|\bbecause\b|\bsince\b|\bso\b)[^\d.,;:!?()]){0,30}$/i;
/** And behind it. */
const REJECTED =
  /^(?:\s[\p{L}]+){0,2}\s(?:is|was|are|were|would be|seems|cannot be|can't be)\s?(?:n['’]t|not\b|wrong|incorrect|too\b|impossible)|^(?:\s[\p{L}]+){0,2}\s(?:isn|wasn|aren|weren)['’]t\b/iu;
/** What a number is compared with or comes from: `2 more than 16`, `18, down from 20`. */
const COMPARED =
  /\b(?:than|compared (?:to|with)|versus|vs\.?|from|as opposed to)(?: (?:the|its|his|her|their|an?|original|initial|first))* ?$/i;
/** The whole that a part is counted from: `3 of the 12`, `20% of 90`, `half of 36`, `18 out of 20`. */
const WHOLE =
  /(?:\bout of|(?:\d(?:st|nd|rd|th)?|%|\bhalf|\b(?:one|two|three)[- ](?:thirds?|quarters?|fourths?|fifths?)|\b(?:third|quarter|most|some|all|none|each|one|two|three|percent))(?:\s[\p{L}]+){0,2} of)(?: (?:the|its|his|her|their|these|those|all|my|our|your|original|initial|total))* ?$/iu;
/** What a number calls: `Step 3`, `#2`, `COVID-19`, `x2`, `x^2`. */
const CALLED =
  /(?:\b(?:steps?|question|problem|case|part|section|chapter|figure|table|equation|example|option|room|page|line|number|day|week|month|year|round|grade|class|exercise|q)\s?#?|#|[\p{L}_^]\{?|\p{L}-)$/iu;
/** Of these, what could be asked for: `It is on day 3.` */
const ASKED_FOR = /\b(?:number|day|week|month|year|round|grade|line|class|page|room)\s?$/i;
/** A year that says when: `18 in 2024`. */
const DATED = /\b(?:in|by|since|until|during|before|after)\s$/i;
const YEAR = /^(?:1[89]|20)\d\d$/;
/** More behind a number that belongs to it and is not read: `18 and a half`. */
const GOES_ON = /^(?:\s[\p{L}]+)?\sand (?:a|one|two|three)[- ](?:half|thirds?|quarters?)\b/iu;
/** A label of a list: `2. Then`, `3) Add`. */
const LABEL = /^\s*\(?\d{1,2}[.)]\s+\S/;

/** Between two numbers that are said together. */
const JOINED = /^(?:\s?[\p{L}%°]+){0,2}\s?(?:[;&、~]|,? ?(?:\band|\bor|\bto|\bthrough)\b|[或和到])\s?[-$\s\p{Sc}]*$/iu;
/** Between the parts of one quantity in two units, and behind the second: `5 feet 6 inches`. */
const LARGER =
  /^\s?(?:h|hrs?|hours?|mins?|minutes?|feet|foot|ft|yards?|m|km|met(?:er|re)s?|kilomet(?:er|re)s?|kg|kilograms?|lbs?|pounds?|stone|gallons?|dollars?|years?|months?|weeks?|days?)\s?$/i;
const SMALLER =
  /^\s?(?:mins?|minutes?|s|secs?|seconds?|in|inch|inches|feet|foot|ft|cm|centimet(?:er|re)s?|m|met(?:er|re)s?|g|grams?|oz|ounces?|pounds?|pints?|cents?|pence|months?|weeks?|days?|hours?)\b/i;
const LISTED = /^\s?,\s?[-$\s\p{Sc}]*$/u;
const OPENS_LIST = /(?:^|[=([{,:]|\b(?:is|are|be|answers?))\s*[-$\s\p{Sc}]*$/iu;
const CHANGES =
  /\b(?:increas|decreas|drop|fell|fall|rise|rose|grow|grew|reduc|chang|went|goes|go)\w*\b[^\d]*\bfrom\s?[-$\p{Sc}]*$/iu;

/** Whether a number is in brackets behind another one, which says something beside it. */
function isAside(text: string, {from}: Found, others: readonly Found[]): boolean {
  const open = text.lastIndexOf('(', from);
  if (open === -1 || text.slice(open, from).includes(')')) return false;
  return others.some((other) => other.to <= open);
}

/**
 * Numbers of a line that could be its answer, in their order.
 *
 * @param isCalled whether those count, too, that call a thing which could be asked for
 */
function candidates(text: string, isCalled: boolean): Found[] {
  const found: Found[] = [];
  const label = LABEL.test(text) ? /\d+/.exec(text)!.index : -1;
  for (let place = text.search(/\d/); place !== -1 && place < text.length;) {
    const raw = numberAt(text, place);
    const digits = /^[\d.,:'/]*\d/.exec(text.slice(place))?.[0].length ?? 1;
    const one = raw && signed(text, raw);
    const next = Math.max(raw?.to ?? 0, place + digits);
    if (one !== undefined && raw !== undefined && place !== label && isSaid(text, one, {digits: raw.from, isCalled}))
      found.push(one);
    const gap = text.slice(next).search(/\d/);
    place = gap === -1 ? -1 : next + gap;
  }
  return found.filter((one) => !isAside(text, one, found));
}

/** Whether a number says how many there are, and not what there is to compute, to compare or to call. */
function isSaid(
  text: string,
  {from, to, isPercent}: Found,
  {digits, isCalled}: {readonly digits: number; readonly isCalled: boolean},
): boolean {
  const before = text.slice(Math.max(0, from - 120), from);
  const after = text.slice(to, to + 120);
  const attached = /^[\p{L}\p{M}°%'/.²³-]*/u.exec(after)![0].replace(/[.'/-]+$/, '');
  if (/^-\p{L}/u.test(after) || /^(?:st|nd|rd|th)\b/i.test(after)) return false;
  if (attached !== '' && !isUnit(attached, true)) return false;
  const name = text.slice(Math.max(0, digits - 40), digits);
  if (CALLED.test(name) && !(isCalled && ASKED_FOR.test(name))) return false;
  if (YEAR.test(text.slice(digits, to)) && DATED.test(name) && !isCalled) return false;
  if (GOES_ON.test(after)) return false;
  if (isPercent && /^ of (?:\p{L}+ )?[$\d]/u.test(after)) return false; // 20% of 90
  if (DENIED.test(before) || REJECTED.test(after) || COMPARED.test(before) || WHOLE.test(before)) return false;
  return !COMPUTED_ON.test(after) && !COMPUTED_WITH.test(before);
}

/** The number that a piece of text, all in one line, gives; `undefined` where none is said, or several are said together. */
function numberOfLine(line: string): {readonly number?: Found; readonly isJoined?: true} {
  const text = readableLine(line);
  const last = candidates(text, false).at(-1) ?? candidates(text, true).at(-1);
  if (last === undefined) return {};
  const before = numbersBefore(text, last);
  if (before !== undefined && textOf(before.value) !== textOf(last.value)) {
    const between = text.slice(before.to, last.from);
    const front = text.slice(0, before.from);
    const isList = LISTED.test(between) && OPENS_LIST.test(front);
    const isCompound = LARGER.test(between) && SMALLER.test(text.slice(last.to, last.to + 40));
    if ((JOINED.test(between) && !CHANGES.test(front)) || isCompound || isList) return {isJoined: true};
  }
  return {number: last};
}

/** The number in front of another, whatever is said of it. */
function numbersBefore(text: string, {from}: Found): Found | undefined {
  const digits = [...text.slice(0, from).matchAll(/\d[\d.,/]*/g)].at(-1);
  const found = digits && numberAt(text, digits.index);
  return found && signed(text, found);
}

/** Pieces of a text that say what the answer is, the last one first. */
const sentences = (text: string): string[] =>
  text.split(/(?<=[.!?。！？])(?=\s|$)|\n/).filter((one) => one.trim() !== '');

/** What a text announces as its answer, or has behind `####`; absent where it does neither. */
function announced(text: string): string | undefined {
  const marked = text.split('####');
  if (marked.length > 1) return marked.at(-1)!.trim().split('\n', 1)[0]!;
  const said = collapsed(text.replaceAll(/\*\*|__/g, '')).split(ANNOUNCED);
  return said.length > 1 ? said.at(-1)!.trim() : undefined;
}

/**
 * The number that the text of a response gives: of what it announces, the first sentence that has one; else of the last line that has
 * one.
 *
 * @returns in decimal or as a fraction, and whether it is a percentage; `undefined` where there is none
 */
export function lastNumber(text: string): {readonly value: string; readonly isPercent: boolean} | undefined {
  const said = announced(text);
  const pieces = said === undefined ? text.split('\n').reverse() : sentences(said);
  for (const piece of pieces) {
    if (piece.length > LONGEST_ANSWER) return undefined;
    const {number, isJoined} = numberOfLine(piece);
    if (isJoined === true) return undefined;
    if (number !== undefined) return {value: textOf(number.value), isPercent: number.isPercent};
  }
  return undefined;
}

/**
 * What of a response its number is looked for in: the last thing that it marks as its answer, else what stands outside the thinking.
 * Thinking that was never closed is all there is.
 */
export function numberedPart({answers, reply, text}: Completion): string {
  return answers.at(-1) ?? boxes(reply).at(-1) ?? (reply.replaceAll(/<\/?answer>/g, '').trim() === '' ? text : reply);
}
