/** The tables of the report that a run has just made or reused; nothing for a recipe without one. */
import type {Store} from '../../artifacts/index.js';
import type {RunSummary} from '../../pipeline/run/options.js';
import type {Services} from '../cli-context.js';

export interface Succeeded {
  readonly store: Store;
  readonly summary: RunSummary;
  readonly services: Services;
}

export async function printReport({store, summary, services}: Succeeded): Promise<void> {
  const {reportsOf, withReportFolder} = await import('../access/reports.js');
  const run = store.run(summary.run);
  const found = run === undefined ? undefined : reportsOf(store, run)[0];
  if (found === undefined) return;
  const {readClaims, readScores} = await import('../../stages/evaluation/report/index.js');
  const [scores, claims] = await withReportFolder(store, found, (folder) =>
    Promise.all([readScores(folder), readClaims(folder)]),
  );
  const {benchmarkTable} = await import('../render/benchmarks.js');
  const {byModel, claimsText, scoreTable} = await import('../render/scores.js');
  const own = scores.filter(({suite}) => suite === undefined);
  if (own.length > 0) services.say(`\n${scoreTable(byModel(own), services)}`);
  if (own.length < scores.length) services.say(`\n${benchmarkTable(scores)}`);
  if (claims.length > 0) services.say(`\n${claimsText(claims, services)}`);
  services.say(
    `\nr1 export ${summary.run}/${found.node} ./report writes out the whole report; r1 lineage ${summary.run}/${found.node} says where it came from`,
  );
}
