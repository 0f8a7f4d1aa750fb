/** The tables of a report, for who has just made one. Apart from what begins and watches a run, which has no use for it before the end. */
import {readClaims, readScores} from '../../stages/evaluation/report/index.js';
import type {Store} from '../../artifacts/index.js';
import {withReportFolder} from '../access/reports.js';
import type {FoundReport} from '../access/reports.js';
import {benchmarkTable} from '../render/benchmarks.js';
import {claimsText} from '../render/claims.js';
import {byModel, scoreTable} from '../render/scores.js';
import type {ClaimsTextOptions} from '../render/claims.js';

/** Scores, benchmarks and claims, as far as the report has some. */
export async function reportTables(
  store: Store,
  found: FoundReport,
  options: ClaimsTextOptions,
): Promise<readonly string[]> {
  const [scores, claims] = await withReportFolder(store, found, (folder) =>
    Promise.all([readScores(folder), readClaims(folder)]),
  );
  const own = scores.filter(({suite}) => suite === undefined);
  return [
    ...(own.length > 0 ? [scoreTable(byModel(own), options)] : []),
    ...(own.length < scores.length ? [benchmarkTable(scores)] : []),
    ...(claims.length > 0 ? [claimsText(claims, options)] : []),
  ];
}
