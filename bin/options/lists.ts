/** Options that take several values, repeated or with commas. */
import {InvalidArgumentError} from 'commander';

/** A list that is longer was hardly meant: it is days of work, or a slip of the keyboard. */
export const MOST_NUMBERS = 1000;

/**
 * `0..4`, `3`, `0,2,7..9`; each number once, and no more than MOST_NUMBERS in all.
 *
 * @param what one of them, for messages
 * @param before those of the same option, where it was given before
 * @throws InvalidArgumentError
 */
export function numberList(text: string, what: string, before: readonly number[] = []): number[] {
  const tooMany = (): InvalidArgumentError =>
    new InvalidArgumentError(`at most ${MOST_NUMBERS} ${what}s are expected.`);
  const added = text.split(',').flatMap((part) => {
    const [, first, last = first] = /^\s*(\d+)\s*(?:\.\.\s*(\d+)\s*)?$/.exec(part) ?? [];
    const [from, to] = [Number(first), Number(last)];
    if (first === undefined || !Number.isSafeInteger(from) || !Number.isSafeInteger(to) || to < from)
      throw new InvalidArgumentError(`${what}s such as 0..4 or 0,2,7 are expected.`);
    if (to - from >= MOST_NUMBERS) throw tooMany();
    return Array.from({length: to - from + 1}, (_, more) => from + more);
  });
  const numbers = [...before, ...added];
  if (numbers.length > MOST_NUMBERS) throw tooMany();
  if (new Set(numbers).size < numbers.length) throw new InvalidArgumentError(`each ${what} is expected once.`);
  return numbers;
}

/** `--run 1,2 --run 3..5`: numbers of runs, each named once. */
export const runNumbers = (text: string, before?: readonly number[]): readonly number[] =>
  numberList(text, 'run', before);

/** `--metric a,b --metric c`: names, each once. */
export function listed(text: string, before: readonly string[] = []): readonly string[] {
  const words = text.split(',').map((word) => word.trim());
  if (words.includes('')) throw new InvalidArgumentError('a name is expected, or several with commas between them.');
  return [...new Set([...before, ...words])];
}
