/** `--seeds` and `--grid`: one recipe, run once for each of several seeds and values of params. */
import {InvalidArgumentError} from 'commander';
import {MOST_NUMBERS, numberList} from './lists.js';
import {collect} from './run-options.js';
import type {RequestOptions} from './run-options.js';
import type {Command} from 'commander';

export interface GridOptions {
  readonly seeds?: readonly number[];
  readonly grid?: readonly string[];
}

export const withGrid = (command: Command): Command =>
  command
    .option(
      '--seeds <list>',
      'one run for each of these seeds, one after the other: 0..4, or 0,2,7 (repeats)',
      seedList,
    )
    .option(
      '--grid <node.param=values>',
      'one run for each of these values, separated by commas or as a JSON list; with several grids, for each combination (repeats)',
      collect,
    );

/** `0..4`, `3`, `0,2,7..9`; each seed once. @throws InvalidArgumentError */
export const seedList = (text: string, before?: readonly number[]): number[] => numberList(text, 'seed', before);

/** One run of several: what it is asked for, and how it is told from the others. */
export interface Combination {
  readonly request: RequestOptions;
  /** `seed 2, zero-rl.steps=50`. */
  readonly label: string;
  /** The assignments of the grid alone. */
  readonly cell: readonly string[];
}

/**
 * Every seed with every combination of values: seeds innermost, so that the first cell of a grid has all of its seeds before the second
 * begins.
 *
 * @throws InvalidArgumentError for a grid without values
 */
export function combinationsOf({seeds, grid = []}: GridOptions, request: RequestOptions): Combination[] {
  const axes = grid.map(valuesOf);
  const names = grid.map(nameOf);
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined)
    throw new InvalidArgumentError(`--grid ${twice} is there twice: all of its values go into one.`);
  let cells: readonly (readonly string[])[] = [[]];
  for (const axis of axes) {
    cells = cells.flatMap((cell) => axis.map((assignment) => [...cell, assignment]));
    if (cells.length > MOST_NUMBERS)
      throw new InvalidArgumentError(`--grid: more than ${MOST_NUMBERS} combinations are not run at once.`);
  }
  return cells.flatMap((cell) =>
    (seeds ?? [request.seed]).map((seed) => ({
      request: {...request, seed, ...(cell.length === 0 ? {} : {set: [...(request.set ?? []), ...cell]})},
      label: [`seed ${seed}`, ...cell].join(', '),
      cell,
    })),
  );
}

const nameOf = (axis: string): string => axis.slice(0, Math.max(0, axis.indexOf('='))).trim();

/** `sft.epochs=1,2` → `sft.epochs=1` and `sft.epochs=2`; a JSON list gives its members, which may have commas. */
function valuesOf(axis: string): string[] {
  const [name, text] = [nameOf(axis), axis.slice(axis.indexOf('=') + 1).trim()];
  const values = text.startsWith('[') ? listIn(text, axis) : text.split(',').map((value) => value.trim());
  if (name === '' || values.length === 0 || values.includes(''))
    throw new InvalidArgumentError(`--grid takes NODE.PARAM=VALUE,VALUE, not “${axis}”.`);
  if (new Set(values.map(meaning)).size < values.length)
    throw new InvalidArgumentError(`--grid ${axis}: each value is expected once.`);
  return values.map((value) => `${name}=${value}`);
}

/** What a value says, however it is written: `1.0` is 1. */
function meaning(value: string): string {
  try {
    return JSON.stringify(JSON.parse(value));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return value;
  }
}

function listIn(text: string, axis: string): string[] {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch (error) {
    throw new InvalidArgumentError(`--grid ${axis}: ${(error as Error).message}.`);
  }
  return (list as unknown[]).map((value) => JSON.stringify(value));
}
