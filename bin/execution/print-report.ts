/** What a run that has just succeeded has come to, on one screen; nothing for a recipe that measures nothing. */
import type {Store} from '../../artifacts/index.js';
import type {RunSummary} from '../../pipeline/run/options.js';
import type {Services} from '../cli-context.js';

export interface Succeeded {
  readonly store: Store;
  readonly summary: RunSummary;
  readonly services: Services;
}

export async function printReport({store, summary, services}: Succeeded): Promise<void> {
  const run = store.run(summary.run);
  const hasResult = (['scores', 'report'] as const).some((kind) => store.outputsOfKind(summary.run, kind).length > 0);
  if (run === undefined || !hasResult) return;
  const {sayRunResult} = await import('./say-run-result.js');
  await sayRunResult(store, run, services);
}
