/** What `r1 run` prints once a run has succeeded: the tables of a report, where the recipe makes one. */
import type {Store} from '../artifacts/index.js';
import type {RunSummary} from '../pipeline/run/options.js';
import {showReport} from './report-tables.js';
import type {Services} from './services.js';

export interface AfterRun {
  readonly store: Store;
  readonly summary: RunSummary;
  readonly services: Services;
}

/** Told of every run that succeeded, in this order. A renderer that has nothing to show for a run says nothing. */
const RENDERERS: readonly ((run: AfterRun) => Promise<void>)[] = [showReport];

export async function afterRun(run: AfterRun): Promise<void> {
  for (const render of RENDERERS) await render(run);
}
