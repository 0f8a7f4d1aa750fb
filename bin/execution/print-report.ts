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
  const {reportsOf} = await import('../access/reports.js');
  const run = store.run(summary.run);
  const found = run === undefined ? undefined : reportsOf(store, run)[0];
  if (found === undefined) return;
  const {reportTables} = await import('./report-tables.js');
  const {width, colours} = services;
  for (const table of await reportTables(store, found, {width, colours})) services.say(`\n${table}`);
  services.say(
    `\nr1 export ${summary.run}/${found.node} ./report writes out the whole report; r1 lineage ${summary.run}/${found.node} says where it came from`,
  );
}
