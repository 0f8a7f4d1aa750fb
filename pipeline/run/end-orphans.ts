/** Processes whose runner was killed and whose work nobody wants any more: they are ended, and their attempts closed. */
import type {Orphan, Scratch} from '../../artifacts/index.js';
import {outcomeOf, withSavedStep} from './outcome-of.js';
import type {Executor, Exit, Running} from '../executors/executor.js';
import {checkCode} from '../job/job-code.js';
import {jobFiles, readResult} from '../job/folder.js';
import {adoptJob} from './adopt.js';
import {GRACE} from './stop.js';
import {couldNot} from './terminate.js';
import type {NodeContext} from './run-node.js';
import {isSuccess, outcomeJson} from '../outcome.js';
import type {Outcome} from '../outcome.js';

export async function endOrphan(
  {attempt, jobFolder}: Orphan,
  runner: Pick<NodeContext, 'store' | 'run' | 'executor' | 'emit'>,
): Promise<void> {
  const {store, run} = runner;
  const warn = (text: string) => runner.emit({type: 'warning', text});
  const found = await adoptJob(jobFolder, runner.executor);
  // Whole, only not recorded: it harms nobody, and whoever wants it can still have it.
  if (found.state === 'ended') return;
  if (found.state === 'unknown') {
    warn(`attempt ${attempt}, which nobody wants any more, may still run: ${found.why}`);
    return;
  }
  const because = 'left by a runner that was killed, not wanted by this run';
  const ownership = store.adopt({attempt, run, because});
  if (ownership === undefined) return; // its runner lives after all, or somebody else took it
  let outcome: Outcome;
  if (found.state === 'lost') outcome = found.lost;
  else {
    const exit = await endOf(found.running, `attempt ${attempt}`, warn);
    outcome = outcomeOf({folder: jobFolder, exit, result: readResult(jobFolder), asked: 'unwanted'});
    // Nobody is there to store its outputs.
    if (isSuccess(outcome)) outcome = {reason: 'stopped', by: 'unwanted'};
  }
  outcome = withSavedStep(checkCode(outcome, {folder: jobFolder}), jobFolder);
  store.finishAttempt({attempt, ownership, outcome: {ok: false, reason: outcome.reason, detail: outcomeJson(outcome)}});
  const files = jobFiles(jobFolder);
  await store.removeTree(files.inputs);
  await store.removeTree(files.scratch);
  await store.removeTree(files.code);
}

/** Ends what a killed `reproduce` has left running, and removes the folders that it ran in. */
export async function endAbandoned(
  abandoned: readonly Scratch[],
  {executor, warn}: {readonly executor: Executor; readonly warn: (text: string) => void},
): Promise<void> {
  await Promise.all(
    abandoned.map(async ({folder, remove}) => {
      const found = await adoptJob(folder, executor);
      if (found.state === 'unknown') {
        warn(`the process in ${folder} may still run: ${found.why}`);
        return;
      }
      if (found.state === 'running') await endOf(found.running, `the process in ${folder}`, warn);
      await remove();
    }),
  );
}

/** Asks a process that nobody wants any more to end, and ends it when its time is up. */
async function endOf(running: Running, what: string, warn: (text: string) => void): Promise<Exit> {
  const timer = setTimeout(() => {
    running.kill().catch((thrown: unknown) => warn(couldNot(`end ${what} by force`, thrown)));
  }, GRACE.orphan * 1000);
  try {
    await running.stop('unwanted');
  } catch (thrown) {
    // Should this runner die before the process has ended, the next one will not know that it was asked.
    warn(couldNot(`write down that ${what} was asked to stop`, thrown));
  }
  return running.exit.finally(() => clearTimeout(timer));
}
