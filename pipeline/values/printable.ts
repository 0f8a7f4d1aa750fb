/** Values and texts from outside, in messages: in a few words, and within bounds. */
const MOST_SHOWN = 40;

/** A value of any kind in a few words, for a message. */
export function shown(value: unknown): string {
  if (typeof value === 'string') {
    return JSON.stringify(value.length > MOST_SHOWN ? `${value.slice(0, MOST_SHOWN)}…` : value);
  }
  if (typeof value === 'bigint') return 'a BigInt';
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'symbol') return 'a symbol';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  return Object.is(value, -0) ? '-0' : String(value);
}

export const counted = (characters: number): string => `${characters.toLocaleString('en')} characters`;

/** A text within bounds, these words included. What was cut off is said, and where the whole is. */
export function shortened(text: string, most: number, whole?: string): string {
  if (text.length <= most) return text;
  const words = `… (${counted(text.length)} in all${whole === undefined ? '' : `, see ${whole}`})`;
  // Not in the middle of a pair.
  return text.slice(0, most - words.length).replace(/[\uD800-\uDBFF]$/, '') + words;
}
