/** Numbers with what lies between them: fractions and decimals in one form, so that 3/4 is 0.75. */

/** A number as a quotient in lowest terms, the lower part positive. */
export interface Fraction {
  readonly over: bigint;
  readonly under: bigint;
}

/** Decimal digits of the longest number that is computed with. */
const MOST_DIGITS = 2_000;

function divisor(a: bigint, b: bigint): bigint {
  let [one, other] = [a < 0n ? -a : a, b];
  while (other !== 0n) [one, other] = [other, one % other];
  return one;
}

/** over / under in lowest terms; `undefined` where that is no number. */
export function quotient(over: bigint, under: bigint): Fraction | undefined {
  if (under === 0n) return undefined;
  const sign = under < 0n ? -1n : 1n;
  const common = divisor(over, under * sign);
  return {over: (sign * over) / common, under: (sign * under) / common};
}

/** A decimal such as `-12.50`; `undefined` where it is too long. */
export function ofDecimal(text: string): Fraction | undefined {
  const [, sign = '', whole = '', behind = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text) ?? [];
  if (whole === '' || whole.length + behind.length > MOST_DIGITS) return undefined;
  return quotient(BigInt(`${sign}${whole}${behind}`), 10n ** BigInt(behind.length));
}

export const sum = (a: Fraction, b: Fraction): Fraction =>
  quotient(a.over * b.under + b.over * a.under, a.under * b.under)!;
export const product = (a: Fraction, by: bigint): Fraction => quotient(a.over * by, a.under)!;
export const negated = ({over, under}: Fraction): Fraction => ({over: -over, under});

/** `12`, `-0.75`, or `1/3` where no decimal is exact. */
export function textOf({over, under}: Fraction): string {
  if (under === 1n) return String(over);
  let [rest, places, twos, fives] = [under, 0, 0, 0];
  for (; rest % 2n === 0n; rest /= 2n) twos++;
  for (; rest % 5n === 0n; rest /= 5n) fives++;
  if (rest !== 1n) return `${over}/${under}`;
  places = Math.max(twos, fives);
  const digits = String(((over < 0n ? -over : over) * 10n ** BigInt(places)) / under).padStart(places + 1, '0');
  return `${over < 0n ? '-' : ''}${digits.slice(0, -places)}.${digits.slice(-places)}`;
}

/** A text that is a decimal or a fraction, as `textOf` writes it; any other text as it is. */
export function numberForm(text: string): string {
  const bare = text.replace(/ ?%$/, '');
  const [, over, under] = /^(-?\d{1,100})\/(\d{1,100})$/.exec(bare) ?? [];
  const value = over === undefined || under === undefined ? ofDecimal(bare) : quotient(BigInt(over), BigInt(under));
  return value === undefined ? text : textOf(value);
}
