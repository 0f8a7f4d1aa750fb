/** Numbers as options, without what the options of a run load. */
import {InvalidArgumentError} from 'commander';

/** A whole number from 0. */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < 0) {
    throw new InvalidArgumentError('a whole number is expected.');
  }
  return value;
}
