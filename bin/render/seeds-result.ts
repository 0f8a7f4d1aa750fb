/** What several runs at one word have come to: the spread over seeds first, then what is claimed of it. */
import type {RunClaims} from '../access/run-result.js';
import type {ClaimOverRuns} from '../../stages/evaluation/index.js';
import {FEWEST_SEEDS} from '../../stages/evaluation/over-seeds.js';
import {createColors} from '../terminal/paint.js';
import {wrapped} from '../terminal/columns.js';
import {claimsSummary, isTelling} from './run-result.js';
import type {RunResultOptions} from './run-result.js';
import {seedTexts} from './run-scores.js';
import type {SeedScoresTable} from './run-scores.js';

/** Seeds of one recipe: the scores of its main models, and the claims judged over the seeds. */
export interface SeedsResult extends SeedScoresTable {
  readonly claims: readonly ClaimOverRuns[];
  readonly unmeasured: RunClaims['unmeasured'];
}

export function seedsResultText(results: readonly SeedsResult[], {width, colours}: RunResultOptions): string {
  const paint = createColors(colours);
  return results
    .flatMap((result) => {
      const telling = result.rows.filter(({metric}) => isTelling(metric));
      const rows = telling.length > 0 ? telling : result.rows;
      const runs = result.runs.map(({id}) => id).join(',');
      const isFew = result.runs.length < FEWEST_SEEDS;
      const next = [
        `r1 scores --run ${runs} has every seed and metric`,
        ...(result.claims.length === 0 ? [] : [`r1 claims --run ${runs} has the claims seed by seed`]),
      ];
      return [
        ...seedTexts([{runs: result.runs, rows}], {width}),
        result.claims.length === 0
          ? ''
          : isFew
            ? wrapped(`no claim is judged over fewer than ${FEWEST_SEEDS} seeds`, width, '').join('\n')
            : `over these seeds, ${claimsSummary(result, {width, paint})}`,
        next.flatMap((line) => wrapped(line, width, '')).join('\n'),
      ];
    })
    .filter((text) => text !== '')
    .join('\n\n');
}
