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

/** A whole number from 1: how many of something there are, where none makes no sense. */
export function countingNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('a whole number from 1 is expected.');
  return value;
}

/** A number between two bounds, both of them included. */
export const numberBetween = (low: number, high: number) => (text: string) => {
  const value = Number(text);
  if (text.trim() === '' || !(value >= low && value <= high))
    throw new InvalidArgumentError(`a number from ${low} to ${high} is expected.`);
  return value;
};
