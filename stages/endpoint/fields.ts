/** Looking into JSON that a server sent: nothing about its shape is certain. */

/** A field of a record or list, `undefined` of anything else. */
export const fieldOf = (value: unknown, field: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[field] : undefined;

/** The same where it is a text. */
export function wordsIn(value: unknown, field: string): string | undefined {
  const found = fieldOf(value, field);
  return typeof found === 'string' ? found : undefined;
}

/** What a text is in JSON, or `undefined` where it is none. */
export function jsonIn(text: string): {readonly value: unknown} | undefined {
  try {
    return {value: JSON.parse(text)};
  } catch {
    return undefined; // Whoever asks says what that means.
  }
}
