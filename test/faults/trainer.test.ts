/**
 * Kills a trainer in Python, the process that it has started, the runner, or the runner with all of them, at random moments of a
 * recipe of two trainings, and starts it again, until it is done: the same bytes, nothing lost, nothing twice, no process left,
 * and after each kill at most as many steps made again as there are between two checkpoints.
 *
 * `R1_KILLS=50 R1_FAULT_SEED=1 node --test dist/test/faults/trainer.test.js` is the campaign; without, a few kills are tried.
 */
import assert from 'node:assert/strict';
import {existsSync, readFileSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';
import {openStore} from '../../artifacts/index.js';
import {readProcess} from '../../pipeline/executors/process-record.js';
import {descendantsOf, isRunning, signal} from '../../pipeline/executors/process-table.js';
import {readJob} from '../../pipeline/job/folder.js';
import {findPython} from '../../stages/python/interpreter.js';
import {r1, start, until} from '../rig/command.js';
import type {Started} from '../rig/command.js';
import {temporaryFolder} from '../rig/temporary.js';
import {EVERY, STEPS} from '../rig/trainer/trainer.js';
import {assertNothingRuns, assertSound, assertWhole, jobsOf, randomFrom} from './sound.js';

const KILLS = Number(process.env['R1_KILLS'] ?? 6);
const SEED = Number(process.env['R1_FAULT_SEED'] ?? 1);
const RECIPE = fileURLToPath(new URL('../rig/trainer/trainer.js', import.meta.url));
/** Starts without a kill, after which something is wrong with the test. */
const MOST_STARTS = 30;

const found = await findPython([3, 8]);
const skip = 'tooOld' in found && 'there is no Python 3.8 or newer';

/** Its steps are noted beside the store, by whichever process makes them. */
const traceOf = (cwd: string): string => join(cwd, 'trace');
const startIn = (t: TestContext, cwd: string, words: readonly string[]): Started =>
  start(t, words, {cwd, env: {R1_TEST_TRACE: traceOf(cwd)}});

/** The processes of the trainer that runs, its own first; empty where none does. */
function processesIn(cwd: string): {readonly trainer: number; readonly session: number; readonly others: number[]}[] {
  return jobsOf(cwd).flatMap((folder) => {
    const record = readProcess(folder);
    const job = readJob(folder);
    if (record === undefined || !isRunning(record) || !job.ok) return [];
    const others = descendantsOf({tag: job.value.tag}).flatMap(({pid}) => (pid === record.pid ? [] : [pid]));
    return [{trainer: record.pid, session: record.session!, others}];
  });
}

const TARGETS = ['trainer', 'child', 'runner', 'both'] as const;

/** False where there was nothing to kill. */
function kill(target: (typeof TARGETS)[number], runner: Started, cwd: string): boolean {
  const processes = processesIn(cwd);
  switch (target) {
    case 'trainer':
      return processes.map(({trainer}) => signal(trainer, 'SIGKILL')).includes(true);
    case 'child':
      return processes.flatMap(({others}) => others.map((pid) => signal(pid, 'SIGKILL'))).includes(true);
    case 'runner':
      return runner.child.kill('SIGKILL');
    case 'both': {
      const isKilled = runner.child.kill('SIGKILL');
      for (const {session} of processes) signal(-session, 'SIGKILL');
      return isKilled;
    }
  }
}

/** Each stretch of steps that one process made, in the order in which they began. */
function stretchesOf(cwd: string, node: string): {readonly pid: string; readonly from: number; readonly to: number}[] {
  const stretches: {pid: string; from: number; to: number}[] = [];
  for (const line of readFileSync(traceOf(cwd), 'utf8').trimEnd().split('\n')) {
    const [pid = '', name, step] = line.split(' ');
    if (name !== node) continue;
    const last = stretches.at(-1);
    if (last?.pid === pid) {
      assert.equal(Number(step), last.to + 1, `steps of one process follow each other: ${line}`);
      last.to += 1;
    } else stretches.push({pid, from: Number(step), to: Number(step)});
  }
  return stretches;
}

/** All steps were made, no two processes were at it at once, and none began further back than the last checkpoint. */
function assertSteps(cwd: string, mostRepeated: number): number {
  let repeated = 0;
  for (const node of ['first', 'second']) {
    const stretches = stretchesOf(cwd, node);
    let reached = 0;
    for (const {from, to} of stretches) {
      assert.ok(from <= reached + 1, `${node} left out steps: ${JSON.stringify(stretches)}`);
      const again = reached + 1 - from;
      assert.ok(again <= mostRepeated, `${node} made ${again} steps again: ${JSON.stringify(stretches)}`);
      repeated += again;
      reached = to;
    }
    assert.equal(reached, STEPS);
    assert.equal(new Set(stretches.map(({pid}) => pid)).size, stretches.length, JSON.stringify(stretches));
  }
  return repeated;
}

/** Node and port → digest, of the newest run; each made by the only success of its fingerprint. */
function madeIn(cwd: string): Record<string, string> {
  const store = openStore(join(cwd, '.r1'), {mode: 'read'});
  try {
    return Object.fromEntries(
      store
        .nodesOf(store.latestRun()!.id)
        .flatMap(({node, attempt}) =>
          store.attempt(attempt!)!.outputs.map(({port, artifact}): [string, string] => [`${node}/${port}`, artifact]),
        ),
    );
  } finally {
    store.close();
  }
}

async function assertDone(cwd: string): Promise<void> {
  assertSound(cwd, {over: true});
  await assertWhole(cwd);
  assertNothingRuns(cwd);
}

interface Tally {
  starts: number;
  kills: number;
  killed: Record<string, number>;
  repeated: number;
}

/** One store, until its run is done. No more is killed once there were enough kills in all. */
async function round(
  t: TestContext,
  {random, calmMs, tally}: {readonly random: () => number; readonly calmMs: number; readonly tally: Tally},
): Promise<Record<string, string>> {
  const cwd = temporaryFolder(t);
  const killed: string[] = [];
  let said = '';
  for (let idle = 0; idle < MOST_STARTS;) {
    tally.starts += 1;
    const words = existsSync(join(cwd, '.r1')) && random() < 0.5 ? ['resume', '--recipe', RECIPE] : ['run', RECIPE];
    const runner = startIn(t, cwd, words);
    // The moments are drawn over what an undisturbed run takes here and now.
    const patience = tally.kills < KILLS ? calmMs * (0.05 + random() * 0.75) : Infinity;
    const over = runner.ended.then(() => true);
    const isOver = await (patience === Infinity ? over : Promise.race([over, sleep(patience).then(() => false)]));
    if (!isOver) {
      const target = TARGETS[Math.floor(random() * TARGETS.length)]!;
      if (kill(target, runner, cwd)) {
        tally.kills += 1;
        tally.killed[target] = (tally.killed[target] ?? 0) + 1;
        killed.push(target);
        idle = 0;
      }
    } else idle += 1;
    const {code, err} = await runner.ended;
    said += `\n--- ${words.join(' ')}, killed ${killed.at(-1) ?? 'nothing'}\n${err}`;
    if (code !== 0) {
      // What was killed is not there any more, or the start before was killed before it had begun a run.
      assert.ok(code === null || code === 1 || /there is no (run to resume|store)/.test(err), said);
      continue;
    }
    await assertDone(cwd);
    tally.repeated += assertSteps(cwd, EVERY);
    const made = madeIn(cwd);
    rmSync(cwd, {recursive: true, force: true});
    return made;
  }
  return assert.fail(`not done after ${MOST_STARTS} starts without a kill: ${said}`);
}

test(
  `a trainer in Python is killed ${KILLS} times, seed ${SEED}: the same bytes, nothing twice, nothing left, and an interval of steps again`,
  {skip},
  async (t) => {
    const calm = temporaryFolder(t);
    const began = performance.now();
    const {code, err} = await startIn(t, calm, ['run', RECIPE]).ended;
    assert.equal(code, 0, err);
    const calmMs = performance.now() - began;
    await assertDone(calm);
    assert.equal(assertSteps(calm, 0), 0);
    const expected = madeIn(calm);
    assert.deepEqual(Object.keys(expected).sort(), ['first/history', 'first/model', 'second/history', 'second/model']);
    const random = randomFrom(SEED);
    const tally: Tally = {starts: 0, kills: 0, killed: {}, repeated: 0};
    const losses: string[] = [];
    for (let i = 0; tally.kills < KILLS; i++) {
      try {
        assert.deepEqual(await round(t, {random, calmMs, tally}), expected);
      } catch (error) {
        losses.push(`round ${i}, seed ${SEED}: ${(error as Error).message}`);
        if (losses.length > 5) break;
      }
    }
    t.diagnostic(`${tally.starts} runs, ${tally.kills} faults, ${losses.length} losses`);
    t.diagnostic(`seed ${SEED}; killed: ${JSON.stringify(tally.killed)}; ${tally.repeated} steps were made again`);
    assert.ok(tally.repeated <= tally.kills * EVERY);
    assert.deepEqual(losses, []);
  },
);

test('a trainer that is asked to stop ends with a checkpoint, and no step is made again', {skip}, async (t) => {
  const cwd = temporaryFolder(t);
  const runner = startIn(t, cwd, ['run', RECIPE]);
  // In the middle of an interval, so that the checkpoint is one for the stop.
  await until('it trains', () => existsSync(traceOf(cwd)) && stretchesOf(cwd, 'first').some(({to}) => to > EVERY + 1));
  runner.child.kill('SIGINT');
  const stopped = await runner.ended;
  assert.notEqual(stopped.code, 0, stopped.err);
  const {to} = stretchesOf(cwd, 'first').at(-1)!;
  assert.match(stopped.err, new RegExp(`first +was stopped by you, checkpoint of step ${to} kept`));
  assertNothingRuns(cwd);
  const resumed = await r1(t, ['resume', '--recipe', RECIPE], {cwd, env: {R1_TEST_TRACE: traceOf(cwd)}});
  assert.equal(resumed.code, 0, resumed.err);
  await assertDone(cwd);
  assert.equal(assertSteps(cwd, 0), 0);
});
