/** The runs of a store as a table. */
import type {RunOverview} from '../../pipeline/inspect/runs.js';
import {durationText} from './quantity.js';
import {oneLine} from '../terminal/paint.js';
import {tableText} from './table.js';
import {whenText} from './when.js';

export function runsText(runs: readonly RunOverview[]): string {
  if (runs.length === 0) return 'nothing has been run yet: `r1 run`';
  const rows = runs.map(({run, recipe, seed, startedAt, endedAt, state, ran, reused, failed, cancelled}) =>
    [
      String(run),
      recipe,
      String(seed),
      whenText(startedAt),
      state,
      endedAt === undefined ? '' : durationText(endedAt - startedAt),
      [ran, reused, failed, cancelled].map((value) => (value === 0 ? '' : String(value))),
    ].flat(),
  );
  return tableText(rows, {
    head: ['run', 'recipe', 'seed', 'started', 'state', 'took', 'ran', 'reused', 'failed', 'cancelled'],
    right: [0, 2, 5, 6, 7, 8, 9],
  });
}

/** `run 3: tiny, seed 0` */
export const runLine = ({
  id,
  recipe,
  seed,
}: {
  readonly id: number;
  readonly recipe: string;
  readonly seed: number;
}): string => `run ${id}: ${oneLine(recipe)}, seed ${seed}`;
