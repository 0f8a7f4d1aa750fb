/** Processes whose runner was killed and whose work nobody wants any more: they are ended, and their attempts closed. */
import type {Orphan} from '../artifacts/index.js';
import {jobFiles} from './jobfolder.js';
import {adopted} from './noderun.js';
import type {NodeRunner} from './noderun.js';
import {outcomeJson} from './outcome.js';
import type {Outcome} from './outcome.js';

/** Time to write a checkpoint, which a later run of the same work may still want, ms. */
const GRACE = 10_000;

export async function endOrphan(
  {attempt, jobFolder}: Orphan,
  runner: Pick<NodeRunner, 'store' | 'run' | 'executor'>,
): Promise<void> {
  const {store, run} = runner;
  const found = await adopted(jobFolder, runner);
  // Whole, only not recorded: it harms nobody, and whoever wants it can still have it.
  if (found?.pid === 0) return;
  const because = 'left by a runner that was killed, not wanted by this run';
  const claim = store.adopt({attempt, run, because});
  if (claim === undefined) return; // its runner lives after all, or somebody else took it
  let outcome: Outcome = {reason: 'lost'};
  if (found !== undefined) {
    found.stop();
    const timer = setTimeout(() => found.kill(), GRACE);
    await found.exit;
    clearTimeout(timer);
    outcome = {reason: 'stopped'};
  }
  store.finishAttempt({attempt, claim, outcome: {ok: false, reason: outcome.reason, detail: outcomeJson(outcome)}});
  const files = jobFiles(jobFolder);
  await store.removeTree(files.inputs);
  await store.removeTree(files.scratch);
}
