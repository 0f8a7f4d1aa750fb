/** Arguments for code of a person's own that may be looked at but not changed: whoever changes one throws, and is named. */

/**
 * Freezes a value and what its fields hold, functions aside. What is frozen already is passed by.
 * @returns the same value
 */
export function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  if (ArrayBuffer.isView(value)) return value; // Its elements cannot be frozen.
  Object.freeze(value);
  Object.values(value).forEach(frozen);
  return value;
}
