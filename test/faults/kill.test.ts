/**
 * Kills the runner, the stages, both, a helper process of a stage, or the shells that start its jobs, with SIGKILL at random
 * moments of a recipe of twelve nodes, and starts it again, until it is done. No unlock, no orphan, no node twice at once, the same bytes in the end.
 *
 * A thread cannot be killed from outside without its process; what stands for it is a helper that the stage needs.
 *
 * `R1_KILLS=500 R1_FAULT_SEED=1 node --test dist/test/faults/kill.test.js` is the campaign; without, a few rounds are tried.
 */
import assert from 'node:assert/strict';
import {existsSync, readFileSync, readdirSync, rmSync} from 'node:fs';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {LAUNCHER} from '../../pipeline/executors/launcher-shell.js';
import {isRunning, descendantsOf, signal} from '../../pipeline/executors/process-table.js';
import {processFile, readProcess} from '../../pipeline/executors/process-record.js';
import {readJob} from '../../pipeline/job/folder.js';
import {r1, recipeFile, start} from '../rig/command.js';
import {temporaryFolder} from '../rig/temporary.js';
import {assertNothingRuns, assertSound, assertWhole, jobsOf, outputsOf, randomFrom} from './sound.js';

const ROUNDS = Number(process.env['R1_KILLS'] ?? 4);
const SEED = Number(process.env['R1_FAULT_SEED'] ?? 1);
const RECIPE = recipeFile('twelve');
const MOST_STARTS = 30;

function killStages(cwd: string): void {
  for (const folder of jobsOf(cwd)) {
    const record = readProcess(folder);
    if (record !== undefined && isRunning(record)) signal(-record.session!, 'SIGKILL');
  }
}

/** Processes of stages that are not their main one. */
function killHelpers(cwd: string): void {
  for (const folder of jobsOf(cwd)) {
    if (!existsSync(processFile(folder))) continue;
    const job = readJob(folder);
    if (!job.ok) continue;
    const main = readProcess(folder)?.pid;
    for (const {pid} of descendantsOf({tag: job.value.tag})) if (pid !== main) signal(pid, 'SIGKILL');
  }
}

/** The shells that start jobs for the runner. */
function killLaunchers(runner: number): void {
  for (const name of existsSync('/proc') ? readdirSync('/proc') : []) {
    if (!/^\d+$/.test(name) || Number(name) === runner) continue;
    const words = textOf(`/proc/${name}/cmdline`);
    if (!words.includes(LAUNCHER)) continue;
    if (textOf(`/proc/${name}/stat`).split(') ').at(-1)?.split(' ')[1] === String(runner))
      signal(Number(name), 'SIGKILL');
  }
}

/** Empty when the process is gone. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw error;
  }
}

interface Tally {
  starts: number;
  kills: number;
}

/**
 * @param calmMs what an undisturbed run takes here and now. The moments are drawn over this time and not over a fixed one:
 *   on a busy machine, a runner that is always killed before its first stage has loaded gets nowhere.
 */
async function round(
  t: TestContext,
  {random, calmMs, tally}: {readonly random: () => number; readonly calmMs: number; readonly tally: Tally},
): Promise<Record<string, string>> {
  const cwd = temporaryFolder(t);
  let said = '';
  for (let starts = 1; starts <= MOST_STARTS; starts++) {
    tally.starts += 1;
    const again = starts > 1 && random() < 0.5 ? ['resume', '--recipe', RECIPE] : ['run', RECIPE];
    const runner = start(t, again, {cwd});
    const ended = runner.ended.then(({code}) => code);
    // Later starts get more time, should the machine have become slower since.
    const patience = calmMs * (0.05 + random() * 0.75) * (1 + starts / 10);
    const code = await Promise.race([ended, sleep(patience).then(() => undefined)]);
    if (code === 0) {
      assertSound(cwd, {over: true});
      await assertWhole(cwd);
      assertNothingRuns(cwd);
      const outputs = outputsOf(cwd);
      // Here and not at the end of the test: a campaign makes hundreds of stores.
      rmSync(cwd, {recursive: true, force: true});
      return outputs;
    }
    if (code !== undefined) {
      // A stage was killed in the start before and its runner has ended for it, or it was this very moment.
      // Or the start before was killed so early that it had not begun a run.
      assert.ok(code === 1 || /there is no (run to resume|store)/.test(runner.err()), runner.err());
      continue;
    }
    tally.kills += 1;
    const whom = random();
    if (whom < 0.35) runner.child.kill('SIGKILL');
    else if (whom < 0.5) killStages(cwd);
    else if (whom < 0.6) killHelpers(cwd);
    else if (whom < 0.75) {
      killLaunchers(runner.child.pid!);
      // Half of the time with what it had started, so that nobody saw how that ended. Alone it is not missed.
      if (random() < 0.5) killStages(cwd);
      else assert.equal((await runner.ended).code, 0, runner.err());
    } else {
      runner.child.kill('SIGKILL');
      killStages(cwd);
    }
    said += `\n--- ${again.join(' ')}\n${(await runner.ended).err}`;
  }
  return assert.fail(`not done after ${MOST_STARTS} starts: ${said}`);
}

test(`killed at random, ${ROUNDS} rounds, seed ${SEED}: the same bytes, nothing twice, nothing left`, async (t) => {
  const calm = temporaryFolder(t);
  const started = performance.now();
  assert.equal((await r1(t, ['run', RECIPE], {cwd: calm})).code, 0);
  const calmMs = performance.now() - started;
  const expected = outputsOf(calm);
  const random = randomFrom(SEED);
  const tally: Tally = {starts: 0, kills: 0};
  const losses: string[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    try {
      assert.deepEqual(await round(t, {random, calmMs, tally}), expected);
    } catch (error) {
      losses.push(`round ${i}, seed ${SEED}: ${(error as Error).message}`);
    }
  }
  t.diagnostic(`${tally.starts} runs, ${tally.kills} faults, ${losses.length} losses`);
  assert.deepEqual(losses, []);
});
