/**
 * Numbers as people and models write them. Strict: a text is a number only if nothing in it says that it is something else, a
 * formula, a bound, a range, a list or a part of a name. README.md has the rules for those who use it.
 */
import {isDenied} from './denied.js';
import {behindWord} from './exclaimed.js';
import {plain} from './plain.js';
import {isNoNoun, isUnit} from './unit.js';

/** Groups of three behind the same separator, or groups of two before the last three, as in India. */
const GROUPED =
  /\d{1,3}(?:([ '])\d{3}(?:\1\d{3})*(?!\d)|(?:,\d{3})+(?!\d)|(?:\.\d{3}){2,}(?!\d)|(?:,\d{2})+,\d{3}(?!\d))/y;
const EUROPEAN = /\d{1,3}(?:\.\d{3})+(?=,\d)/y;
const DIGITS = /\d+/y;

/** A number at a place of a text that `plain` made, without its sign. */
export interface Scanned {
  /** Decimal, no leading zeros, no zeros behind the point at the end. */
  readonly value: string;
  readonly end: number;
}

const at = (pattern: RegExp, text: string, place: number): string | undefined => {
  pattern.lastIndex = place;
  return pattern.exec(text)?.[0];
};

/** The number that begins at a place, without a sign; `undefined` where it is a part of something else (3:30, 1.2.3). */
export function scan(text: string, place: number): Scanned | undefined {
  const european = at(EUROPEAN, text, place);
  const whole = european ?? at(GROUPED, text, place) ?? at(DIGITS, text, place);
  if (whole === undefined) return undefined;
  if (whole.length > 1 && /^0\D/.test(whole)) return undefined; // 0,123 groups nothing.
  let end = place + whole.length;
  const decimals = at(european === undefined ? /\.\d+/y : /,\d+/y, text, end) ?? '';
  end += decimals.length;
  const exponent = at(/[eE][+-]?\d{1,3}(?![\w.])/y, text, end) ?? '';
  end += exponent.length;
  if (/^(?:\d|[.,:'/-]\d)/.test(text.slice(end, end + 2))) return undefined;
  return {value: decimal(whole.replaceAll(/\D/g, ''), decimals.slice(1), Number(exponent.slice(1) || 0)), end};
}

/** Digits before and behind the point, the point moved by an exponent. */
function decimal(whole: string, behind: string, exponent: number): string {
  const digits = whole + behind;
  const point = whole.length + exponent;
  const left = (point > 0 ? digits.slice(0, point).padEnd(point, '0') : '').replace(/^0+/, '') || '0';
  const right = trimmedEnd(point < 0 ? '0'.repeat(-point) + digits : digits.slice(Math.max(0, point)), '0');
  return right === '' ? left : `${left}.${right}`;
}

const signed = (value: string, isNegative: boolean): string => (isNegative && value !== '0' ? `-${value}` : value);

const CURRENCY =
  /(?:US|AU|CA|NZ|HK|NT|S|A|C|R)?\p{Sc}|(?:USD|EUR|GBP|CNY|RMB|JPY|INR|CHF)(?![A-Za-z])|Rs\.?(?![A-Za-z])/uy;
const MINUS = /(?:minus|negative)(?![A-Za-z])|[负負]|零下/iy;

/** What may stand around a number and says nothing about it. */
const AROUND = /[\s*_`"“”«»$]/;

/** Millions of money, as in $5m; but not $5m$, which is a formula. */
const MONEY_SCALED = /\p{Sc} ?-?[\d.,' ]*\d ?(?:mm?|[lt])(?![\p{L}\d$/^²³])/iu;

/** What is owed, as accounts have it: $(5). */
const OWED = /^-?\p{Sc} ?[([][^$]*$/u;

/** An estimate: `~5`; `5~cm` has a space that does not break. */
const ESTIMATED = /^[\s$([*]*[~≈∼≃]/u;
/** Digits that are of another base than ten. */
const OTHER_BASE = /\d[^\d]*\b(?:binary|octal|hex|hexadecimal)\b/i;

/** What an answer or a reference is read from; nothing of it where it estimates, or counts millions or what is owed. */
const readable = (text: string): string => {
  const only = plain(text);
  const isOther = MONEY_SCALED.test(only) || OWED.test(only) || ESTIMATED.test(text) || OTHER_BASE.test(only);
  return isOther ? '' : bare(only);
};

/** Without quotes, emphasis and formula signs around, and without punctuation at the end; `5!` keeps its sign. */
function bare(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && AROUND.test(text[from]!)) from++;
  while (from < to && (AROUND.test(text[to - 1]!) || /[.,;:]/.test(text[to - 1]!))) to--;
  to = Math.max(from, behindWord(text, to));
  return text.slice(from, to);
}

/** A number that is all of a text, with its sign, its currency and its unit, which are looked through. */
function whole(text: string, isClockTold: boolean): string | undefined {
  let place = 0;
  let sign: string | undefined;
  for (;;) {
    const char = text[place];
    if (char === ' ') place++;
    else if (char === '-' || char === '+') {
      if (sign !== undefined) return undefined;
      sign = char;
      place++;
    } else {
      const currency = at(CURRENCY, text, place);
      const minus = currency === undefined && sign === undefined ? at(MINUS, text, place) : undefined;
      if (minus !== undefined) sign = '-';
      const length = (currency ?? minus)?.length;
      if (length === undefined) break;
      place += length;
    }
  }
  const scanned = scan(text, place);
  if (scanned === undefined) return undefined;
  const rest = text.slice(scanned.end);
  return isUnit(rest, isClockTold) ? signed(scanned.value, sign === '-') : undefined;
}

/** Words that make of the number in a sentence a bound, an estimate, a choice or another number. */
const DOUBTFUL =
  /\b(?:or|than|least|most|about|approximately|approx|around|roughly|nearly|almost|between|(?<!\bleft )over|under|above|below|within|beyond|(?<!\b(?:adds?|added|sums?|comes?|came|totals?) )up to|maybe|perhaps|possibly|probably|might|either|neither|except|unless|minus|plus|half|negative|point|twice|thrice|double|doubled|triple|tripled|halved|squared|cubed|minimum|maximum|exceeds?|past|o'clock|zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w{3,6}teen|(?:twen|thir|for|fif|six|seven|eigh|nine)ty|hundreds?|thousands?|dozens?|menos|moins|meno|ungef|etwa|circa|mehr|weniger|unter|mindestens|environ|plus de|casi|cerca|entre|zwischen|hasta)\b|[或至约約负負第未]|零下|不等|大于|小于|大於|小於|超过|超過|少于|多于|少於|多於|以上|以下|以内|左右|大概|可能|差不多|(?![\p{Script=Latin}\p{Script=Han}])\p{L}/iu;
/** A letter that stands for a quantity: no part of a word, and no name of a LaTeX command. */
const VARIABLE = /(?<![\p{L}\\'])[A-Za-z\p{Script=Greek}](?![\p{L}'])/u;
/** What makes another quantity of one: `x^2 = 25` does not say what x is, nor do `x + 3 = 8`, `|x| = 5` and `log x = 2`. */
const REWORKED =
  /[-+*/^²³|√·×÷]|\\(?:[dt]?frac|sqrt|cdot|times|div|l?vert)(?![A-Za-z])|\b(?:sqrt|log|ln|sin|cos|tan|exp|abs)\b/u;
const isReworked = (left: string): boolean => VARIABLE.test(left) && REWORKED.test(left);

/** Whether a chain of equations begins with what its end is the value of: `A = 5 \\times 5`, `2 + 3`, but not `x^2`. */
function isSettled(left: string): boolean {
  const [first = '', ...others] = left.split('=').map((side) => side.trim());
  if (isReworked(first)) return false;
  return /\p{L}/u.test(first.replaceAll(/\\[A-Za-z]+/g, '')) || !others.some(isReworked);
}

/** Whether what stands left of `=` leaves no doubt that the right side is what was asked for. */
const isPlainLeftSide = (left: string): boolean =>
  !isDenied(left) &&
  isSettled(left) &&
  !/\b(?:squared|cubed)\b/i.test(left) &&
  !/^- ?\(? ?[\p{L}\\]\w*\)?$/u.test(left) &&
  !/[;、<>≤≥≠≈±!]|,(?!\d)|\\(?:[lg](?:e|eq|t|eqslant)|ne|neq|approx|sim|pm)(?![A-Za-z])|\d ?[A-Za-z](?![A-Za-z])|\b(?:and|or)\b|[或和]/u.test(
    left,
  );

/** A name that a reference may say it is the value of. */
const NAME = /^[\p{L}\p{M}]+(?: [\p{L}\p{M}]+){0,2}$/u;

const isName = (left: string): boolean =>
  NAME.test(left) && !isDenied(left) && !DOUBTFUL.test(left) && !left.split(' ').some(isNoNoun);

/** The same where an equation ends in the number: `3 + 4 = 7`, `x = 7`. */
function wholeOrEquation(text: string, isReference: boolean): string | undefined {
  const equals = text.lastIndexOf('=');
  if (equals === -1) return whole(text, !isReference);
  const left = bare(text.slice(0, equals));
  // A reference names what it is the value of; an equation of numbers could be the answer itself.
  if (isReference ? !isName(left) : !isPlainLeftSide(left)) return undefined;
  return whole(bare(text.slice(equals + 1)), !isReference);
}

/**
 * The number that a reference is, all of it; `undefined` for any other.
 *
 * @returns in decimal, as `-12` or `3.5`
 */
export const numberOf = (reference: string): string | undefined => wholeOrEquation(readable(reference), true);

/** Signs of a formula, lone letters among them: names of quantities. */
const FORMULA =
  /[\\^<>≤≥≠≈±√×÷=+*{}|∞²³!½¼¾]|(?<![\p{L}'])[B-HJ-Zb-hj-z\p{Script=Greek}](?![\p{L}'.])|\d ?i(?![\p{L}'])/u;

/** What in front of a number makes another one of it, or a name: functions, `the square root of 5`, `Section 8`. */
const CHANGED_BY = /(\p{L}+)(?: (\p{L}+))? ?[("'“«[:]?[-+]?\p{Sc}?-?$/u;
/** `a total of 12`, `a distance of 12 km`: but not `the cost of 5 pens` or `the square of 5`. */
const OF_WHICH =
  /\ban? (?:[a-z]+ )?(?:total|cost|price|value|sum|distance|length|width|height|depth|area|perimeter|volume|weight|mass|profit|loss|speed|age|balance|result|answer) of ?["'“«(]?[-+]?\p{Sc}?-?$/iu;
/** `increased to 12`, `adds up to 12`: where something comes to. But not `3 to 5`. */
const COMES_TO =
  /\b(?:increas(?:ed|es)|decreas(?:ed|es)|rises?|rose|risen|grew|grows|grown|fell|falls|fallen|drops|dropped|reduced|raised|lowered|equal|equals|comes?|came|(?:adds?|added|sums?|comes?|came|totals?) up|amounts?|evaluates|simplifies) to ?["'“«(]?[-+]?\p{Sc}?-?$/iu;
/** Words that make a difference of the number before them, which is told only of what is still missing: `needs 5 more`. */
const COMPARES =
  /^(?:more|fewer|less|extra|additional|further|another|higher|lower|bigger|smaller|larger|greater|older|younger|longer|shorter|taller)$/i;
const ADDS = /^(?:more|extra|additional|further)$/i;
const MISSING =
  /\b(?:needs?|needed|requires?|required|takes?|short|lacks?|must|should|(?:have|has|had) to|going to)\b/i;
const LEADS_AWAY = new Set(
  (
    'rose rises risen fell falls fallen down increased increases decreased decreases by to from until till before after since times per every another number section chapter step question problem part version page ' +
    'room figure table level grade class equation case example line row item unit day week month year'
  ).split(' '),
);
/** `增加了5` tells of a change, `增加到5` of what it comes to. */
const HAN_CHANGE = /(?:[增减減多少升降涨跌漲]|增加|减少|減少|提高|降低|上升|下降|增长|增長)[了掉]? ?$/u;
const HAN_NUMBER = /[零一二三四五六七八九十百千万亿萬億兆两兩]$/u;

function isChanged(before: string): boolean {
  if (HAN_CHANGE.test(before.replace(/[-+]?\p{Sc}?-?$/u, ''))) return true;
  const [, first, second] = CHANGED_BY.exec(before) ?? [];
  const last = (second ?? first ?? '').toLowerCase();
  if (last === '') return false;
  if (last === 'of') return !OF_WHICH.test(before) || /absolute value of/i.test(before);
  if (last === 'to') return !COMES_TO.test(before);
  return isNoNoun(last) || LEADS_AWAY.has(last) || HAN_NUMBER.test(last);
}

/** Words of small numbers that say who is spoken of, not how many there are in the end: `the two of them`, `all three boys`. */
const withoutGroups = (text: string): string =>
  text.replaceAll(
    /\b(the|these|those|both|all|other|no) (?:one|two|three|four|five|six)\b(?! (?:hundred|thousand|million|dozen|times|halves|thirds|quarters|\w+ths))/gi,
    '$1',
  );

/** The number of a sentence that holds one and no other, in words that leave no doubt: `It is 12.`, `Tom has -3 points`. */
function stated(text: string): string | undefined {
  if (FORMULA.test(text) || DOUBTFUL.test(withoutGroups(text)) || isDenied(text)) return undefined;
  const values = new Set<string>();
  for (let place = text.search(/\d/); place !== -1 && place < text.length;) {
    const scanned = scan(text, place);
    if (scanned === undefined) return undefined;
    const front = text.slice(Math.max(0, place - 40), place);
    // A bracket may stand around the whole only: in front of one could be a sign or a function.
    const before = /(?:^|[\s:>]|(?:^|\s)["'“«]|^[([]|\p{Script=Han})(-?)(?:\p{Sc}(-?))?$/u.exec(
      place <= 40 ? front : ` ${front}`,
    );
    if (before === null || /- ?["'“«]?$/.test(front.replace(/-$/, '')) || isChanged(front)) return undefined;
    const after = text.slice(scanned.end, scanned.end + 200);
    const behind = /^[\p{L}\p{M}°%'/.²³-]*/u.exec(after)![0];
    if (!isUnit(bare(behind), true)) return undefined;
    const next = /^[^\p{L}\d]{1,3}(\p{L}+)/u.exec(after)?.[1];
    if (/^ ?(?:BCE?|AD|CE)(?![\p{L}\d])/u.test(after)) return undefined;
    // `5 more` and `5 apples more`, as far as the next words go.
    const compared = after.split(/[^\p{L}'-]+/u, 4).filter((word) => COMPARES.test(word));
    const isMissing = MISSING.test(text.slice(0, place)) && compared.every((word) => ADDS.test(word));
    if (compared.length > 0 && (!isMissing || /\bthan\b/i.test(after))) return undefined;
    if (
      next !== undefined &&
      ((isNoNoun(next) && !COMPARES.test(next)) || !/^(?:[A-Za-z]+|\p{Script=Han}+)$/u.test(next))
    )
      return undefined;
    if (next !== undefined && /^\p{Script=Han}/u.test(next) && after.startsWith(' ') && !isUnit(` ${next}`, true))
      return undefined;
    const isNegative = (before[1] ?? '') + (before[2] ?? '') !== '';
    values.add(signed(scanned.value, isNegative));
    if (values.size > 1) return undefined;
    const gap = text.slice(scanned.end).search(/\d/);
    // `5 5` is 55, a list or a slip.
    if (gap !== -1 && /^[\s,;]*$/.test(text.slice(scanned.end, scanned.end + gap))) return undefined;
    place = gap === -1 ? -1 : scanned.end + gap;
  }
  return values.size === 1 ? [...values][0] : undefined;
}

/**
 * The number that an answer states: all of it, behind the last `=`, or the only one of a sentence.
 *
 * @returns in decimal, as `-12` or `3.5`
 */
export function statedNumber(answer: string): string | undefined {
  // A number that is set against another one is still that number: `15 (not 16)`.
  const text = readable(
    answer.replace(/(?<=^\s*-?\d{1,15}) ?\((?:not|rather than|instead of) -?\d{1,15}\)(?=\.?\s*$)/, ''),
  );
  return wholeOrEquation(text, false) ?? stated(text);
}

/** A number that is all of a text, with no unit but a percent sign, which is kept: `$3.50` is 3.5. */
export function pureNumber(text: string): string | undefined {
  const only = bare(plain(text));
  // `.5` has a zero in front of its point that nobody wrote.
  const number = trimmedEnd(only, '%').replace(/^([-+ ]*\p{Sc}? ?-?)\.(?=\d)/u, '$10.');
  const percent = only.endsWith('%') ? '%' : '';
  if (only.endsWith('%%') || /[^\d.,' eE+\-\p{Sc}]/u.test(number)) return undefined;
  const value = whole(number, false);
  return value === undefined ? undefined : value + percent;
}

/** Whether a decimal is a whole number. */
export const isWhole = (decimal: string): boolean => !decimal.includes('.');

/** Without a character at the end, however often it stands there. */
export function trimmedEnd(text: string, char: string): string {
  let to = text.length;
  while (to > 0 && text[to - 1] === char) to--;
  return text.slice(0, to);
}
