/** What a run has come to, for who has just made it. Apart from what begins and watches a run, which has no use for it before the end: see `SELDOM` in setup/one-file/parts.js. */
import type {Run, Store} from '../../artifacts/index.js';
import {runResultOf} from '../access/run-result.js';
import type {Services} from '../cli-context.js';
import {runResultText} from '../render/run-result.js';

/** Says nothing of a run that has evaluated nothing. */
export async function sayRunResult(store: Store, run: Run, services: Services): Promise<void> {
  const result = await runResultOf(store, run, services.complain);
  if (result !== undefined) services.say(`\n${runResultText(result, services)}`);
}
