/**
 * Numbers as people and models write them. Strict: a text is a number only if nothing in it says that it is something else, a
 * formula, a bound, a range, a list or a part of a name. stages/tasks/README.md has the rules for those who use it.
 */
import {plain} from './plain.js';

/** Groups of three behind the same separator, or groups of two before the last three, as in India. */
const GROUPED =
  /\d{1,3}(?:([ '])\d{3}(?:\1\d{3})*(?!\d)|(?:,\d{3})+(?!\d)|(?:\.\d{3}){2,}(?!\d)|(?:,\d{2})+,\d{3}(?!\d))/y;
const EUROPEAN = /\d{1,3}(?:\.\d{3})+(?=,\d)/y;
const DIGITS = /\d+/y;

/** A number at a place of a text that `plain` made, without its sign. */
interface Scanned {
  /** Decimal, no leading zeros, no zeros behind the point at the end. */
  readonly value: string;
  readonly end: number;
}

const at = (pattern: RegExp, text: string, place: number): string | undefined => {
  pattern.lastIndex = place;
  return pattern.exec(text)?.[0];
};

function scan(text: string, place: number): Scanned | undefined {
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
const MINUS = /(?:minus|negative)(?![A-Za-z])|[负負]/iy;

/** Whether nothing behind a number is but its unit: a currency, a percent or degree sign, words. */
const UNIT = /^(?:[%°]|\p{Sc}|°[CF]|[\p{L}\p{M}][\p{L}\p{M}'.-]*)$/u;
/** `^2`, `^{-1}`, ² and the like behind a unit; `m2` for a length. */
const POWER = /(?:\^-?[1-9]|\^\{-?[1-9]\}|[²³])$|(?<=^(?:[mcdk]?m|ft|in|yd|mi))[23]$/u;
/** Units of one letter; any other letter is the name of a quantity, as in 5x and 2π. */
const LETTER_UNITS = new Set('m g s h l L t N J W V A Ω м г с ч л т'.split(' '));
/** Units of two or three letters that may stand right behind a number; other letters there are quantities, as in 2xy. */
const SHORT_UNITS = new Set(
  (
    'km cm mm dm nm um in ft yd mi kg mg lb lbs oz ml cl dl kl gal qt pt hr hrs min sec ms ns us mph kph kmh rpm bpm fps hz khz mhz ghz ' +
    'kb mb gb tb kw mw kwh kj mv kv ma pa kpa psi atm mol cal deg rad sq pcs usd eur gbp mya yrs yr pts px of cc ha'
  ).split(' '),
);
/** What makes another number of the one before it. */
const MAKES_ANOTHER = new Set(
  (
    'half halves third thirds fourth fourths quarter quarters fifth fifths sixth sixths seventh sevenths eighth eighths ninth ninths ' +
    'tenth tenths hundredth hundredths thousandth thousandths hundred hundreds thousand thousands million millions billion billions ' +
    'trillion trillions mn bn lakh crore dozen dozens score squared cubed factorial mod modulo pi th st nd rd times ' +
    'january february march april may june july august september october november december jan feb mar apr jun jul aug sep sept oct nov dec'
  ).split(' '),
);
/** What makes a bound, a list or a sentence of it. */
const JOINS = new Set(
  (
    'or and to than plus minus over under above below is are was were be if when where because since so then not no nor but by between ' +
    'until till versus vs except without point out more less fewer most least equals equal approximately about roughly maybe around ' +
    'ou oder und et bis'
  ).split(' '),
);
const CLOCK = new Set(['am', 'pm', 'a.m', 'p.m']);
const NO_UNIT_HAN = /^[万亿千百十萬億半多余餘几幾月日号號点點]|[或和与與至到]|以上|以下|左右|大约|大約|分之/u;

/** @param isClockTold whether `10am` is a 10: it is in an answer, and no whole number where it is the reference */
function isUnit(text: string, isAttached: boolean, isClockTold: boolean): boolean {
  const words = text.split(/[ /·]/).filter((word) => word !== '');
  return (
    words.length <= 6 &&
    words.every((word, place) => {
      const name = word.replace(POWER, '').replace(/[.,]{1,3}$/, '');
      const lower = name.toLowerCase();
      if (!UNIT.test(name) || NO_UNIT_HAN.test(name)) return false;
      if (CLOCK.has(lower)) return isClockTold;
      if (/^[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}]$/u.test(name))
        return LETTER_UNITS.has(name) || (place > 0 && lower === 'a');
      const isShort = place === 0 && name.length <= (isAttached ? 3 : 2) && /^[A-Za-z]+$/.test(name);
      return isShort ? SHORT_UNITS.has(lower) : !MAKES_ANOTHER.has(lower) && !JOINS.has(lower);
    })
  );
}

/** What may stand around a number and says nothing about it. */
const AROUND = /[\s*_`"“”«»$]/;

/** Without quotes, emphasis and formula signs around, and without punctuation at the end; `5!` keeps its sign. */
function bare(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && AROUND.test(text[from]!)) from++;
  while (from < to && (AROUND.test(text[to - 1]!) || /[.,;:]/.test(text[to - 1]!))) to--;
  if (to - from > 1 && text[to - 1] === '!' && !/\d/.test(text[to - 2]!)) to--;
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
  return isUnit(rest, !rest.startsWith(' '), isClockTold) ? signed(scanned.value, sign === '-') : undefined;
}

/** Whether what stands left of `=` leaves no doubt that the right side is what was asked for. */
const isPlainLeftSide = (left: string): boolean =>
  !/[;、<>≤≥≠≈±!]|,(?!\d)|\\(?:[lg](?:e|eq|t|eqslant)|ne|neq|approx|sim|pm)(?![A-Za-z])|\d ?[A-Za-z](?![A-Za-z])|\b(?:and|or)\b|[或和]/u.test(
    left,
  );

/** A name that a reference may say it is the value of. */
const NAME = /^[\p{L}\p{M}]+(?: [\p{L}\p{M}]+){0,2}$/u;

/** The same where an equation ends in the number: `3 + 4 = 7`, `x = 7`. */
function wholeOrEquation(text: string, isReference: boolean): string | undefined {
  const equals = text.lastIndexOf('=');
  if (equals === -1) return whole(text, !isReference);
  const left = bare(text.slice(0, equals));
  // A reference names what it is the value of; an equation of numbers could be the answer itself.
  if (isReference ? !NAME.test(left) : !isPlainLeftSide(left)) return undefined;
  return whole(bare(text.slice(equals + 1)), !isReference);
}

/**
 * The number that a reference is, all of it; `undefined` for any other.
 *
 * @returns in decimal, as `-12` or `3.5`
 */
export const numberOf = (reference: string): string | undefined => wholeOrEquation(bare(plain(reference)), true);

/** Words that make of the number in a sentence a bound, an estimate, a choice or another number. */
const DOUBTFUL =
  /\b(?:or|not|than|least|most|about|approximately|approx|around|roughly|nearly|almost|between|over|under|above|below|within|beyond|up to|maybe|perhaps|either|neither|except|unless|minus|plus|half|negative|point)\b|[或至约約负負]|不是|不等|大于|小于|超过|少于|多于|以上|以下|左右/iu;
/** Signs of a formula, lone letters among them: names of quantities. */
const FORMULA = /[\\^<>≤≥≠≈±√×÷=+*{}|∞²³!½¼¾]|(?<![\p{L}'])[B-HJ-Zb-hj-z\p{Script=Greek}](?![\p{L}'.])/u;

/** The number of a sentence that holds one and no other, in words that leave no doubt: `It is 12.`, `Tom has -3 points`. */
function stated(text: string): string | undefined {
  if (FORMULA.test(text) || DOUBTFUL.test(text)) return undefined;
  const values = new Set<string>();
  for (let place = text.search(/\d/); place !== -1 && place < text.length;) {
    const scanned = scan(text, place);
    if (scanned === undefined) return undefined;
    const before = /(?:^|[\s("'“«[:>]|\p{Script=Han})(-?)(?:\p{Sc}(-?))?$/u.exec(
      text.slice(Math.max(0, place - 4), place),
    );
    if (before === null || /- ?$/.test(text.slice(Math.max(0, place - 2), place).replace(/-$/, ''))) return undefined;
    const behind = /^[\p{L}\p{M}°%'/.²³-]*/u.exec(text.slice(scanned.end))![0];
    if (!isUnit(bare(behind), true, true)) return undefined;
    const next = /^ (\p{L}+)/u.exec(text.slice(scanned.end))?.[1]?.toLowerCase();
    if (next !== undefined && MAKES_ANOTHER.has(next)) return undefined;
    const isNegative = (before[1] ?? '') + (before[2] ?? '') !== '';
    values.add(signed(scanned.value, isNegative));
    if (values.size > 1) return undefined;
    const gap = text.slice(scanned.end).search(/\d/);
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
  const text = bare(plain(answer));
  return wholeOrEquation(text, false) ?? stated(text);
}

/** A number that is all of a text, with no unit but a percent sign, which is kept: `$3.50` is 3.5. */
export function pureNumber(text: string): string | undefined {
  const only = bare(plain(text));
  const number = trimmedEnd(only, '%');
  if (only.length - number.length > 1 || /[^\d.,' eE+\-\p{Sc}]/u.test(number)) return undefined;
  const value = whole(number, false);
  return value === undefined ? undefined : value + only.slice(number.length);
}

/** Whether a decimal is a whole number. */
export const isWhole = (decimal: string): boolean => !decimal.includes('.');

/** Without a character at the end, however often it stands there. */
export function trimmedEnd(text: string, char: string): string {
  let to = text.length;
  while (to > 0 && text[to - 1] === char) to--;
  return text.slice(0, to);
}
