/** Options that take several values, repeated or with commas. */
import {InvalidArgumentError} from 'commander';
import {wholeNumber} from './numbers.js';

/** `--run 1,2 --run 3`: numbers of runs, each named once. */
export function runNumbers(text: string, before: readonly number[] = []): readonly number[] {
  const numbers = [...before, ...text.split(',').map(wholeNumber)];
  const twice = numbers.find((number, index) => numbers.indexOf(number) < index);
  if (twice !== undefined) throw new InvalidArgumentError(`run ${twice} is named twice.`);
  return numbers;
}

/** `--metric a,b --metric c`: names, each once. */
export function listed(text: string, before: readonly string[] = []): readonly string[] {
  const words = text.split(',').map((word) => word.trim());
  if (words.includes('')) throw new InvalidArgumentError('a name is expected, or several with commas between them.');
  return [...new Set([...before, ...words])];
}
