/**
 * Kills the runner, a stage, or both, with SIGKILL at random moments of a recipe of twelve nodes, and starts it again, until
 * it is done. No unlock, no orphan, no node twice at once, the same bytes in the end.
 *
 * `R1_KILLS=500 R1_FAULT_SEED=1 node --test dist/test/faults/kill.test.js` is the campaign; without, a few rounds are tried.
 */
import assert from 'node:assert/strict';
import {existsSync, readFileSync, readdirSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {openStore} from '../../artifacts/index.js';
import {isRunning, kinOf} from '../../pipeline/executors/processes.js';
import {readProcess} from '../../pipeline/jobfolder.js';
import {r1, recipeFile, start} from '../rig/command.js';
import {temporaryFolder} from '../rig/temporary.js';

const ROUNDS = Number(process.env['R1_KILLS'] ?? 4);
const SEED = Number(process.env['R1_FAULT_SEED'] ?? Date.now() % 1_000_000);
const RECIPE = recipeFile('twelve');
const MOST_STARTS = 30;

/** Mulberry32: enough to spread kills, and a seed repeats them. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const jobsOf = (cwd: string): string[] => {
  const folder = join(cwd, '.r1', 'jobs');
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
};

/** Node → digest of what it made, of the newest run. */
function outputsOf(cwd: string): Record<string, string> {
  const store = openStore(join(cwd, '.r1'), {mode: 'read'});
  try {
    const nodes = store.nodesOf(store.latestRun()!.id);
    const outputs = nodes.map(({node, attempt}): [string, string] => [
      node,
      store.attempt(attempt!)!.outputs[0]!.artifact,
    ]);
    return Object.fromEntries(outputs.sort());
  } finally {
    store.close();
  }
}

/** Every fingerprint has one success, every attempt an outcome, every output its bytes. */
function assertSound(cwd: string): void {
  const store = openStore(join(cwd, '.r1'), {mode: 'read'});
  try {
    assert.deepEqual(store.orphans(), []);
    const successes = new Map<string, number>();
    for (const {id} of store.runs()) {
      for (const {node} of store.nodesOf(id)) {
        for (const attempt of store.attemptsOf(id, node)) {
          assert.ok(attempt.outcome !== undefined, `attempt ${attempt.id} has an outcome`);
          if (!attempt.outcome.ok) continue;
          successes.set(attempt.fingerprint, (successes.get(attempt.fingerprint) ?? 0) + 1);
          for (const {artifact} of attempt.outputs) assert.ok(store.isPresent(artifact));
        }
      }
    }
    for (const [fingerprint, count] of successes) assert.equal(count, 1, `${fingerprint} was made ${count} times`);
  } finally {
    store.close();
  }
}

function assertNothingRuns(cwd: string): void {
  for (const folder of jobsOf(cwd)) {
    const file = join(folder, 'job.json');
    if (!existsSync(file)) continue;
    const {tag} = JSON.parse(readFileSync(file, 'utf8')) as {tag: string};
    assert.deepEqual(kinOf({tag}), []);
  }
}

function killStages(cwd: string): void {
  for (const folder of jobsOf(cwd)) {
    const record = readProcess(folder);
    if (record !== undefined && isRunning(record)) process.kill(-record.pid, 'SIGKILL');
  }
}

async function round(t: TestContext, random: () => number): Promise<Record<string, string>> {
  const cwd = temporaryFolder(t);
  let said = '';
  for (let starts = 1; starts <= MOST_STARTS; starts++) {
    const again = starts > 1 && random() < 0.5 ? ['resume'] : ['run', RECIPE];
    const runner = start(t, again, {cwd});
    const ended = runner.ended.then(({code}) => code);
    const code = await Promise.race([ended, sleep(150 + random() * 1500 * (1 + starts / 10)).then(() => undefined)]);
    if (code === 0) {
      assertSound(cwd);
      assertNothingRuns(cwd);
      return outputsOf(cwd);
    }
    if (code !== undefined) {
      // A stage was killed in the start before and its runner has ended for it, or it was this very moment.
      // Or the start before was killed so early that it had not begun a run.
      assert.ok(code === 1 || /there is no (run to resume|store)/.test(runner.err()), runner.err());
      continue;
    }
    const whom = random();
    if (whom < 0.4) runner.child.kill('SIGKILL');
    else if (whom < 0.6) killStages(cwd);
    else {
      runner.child.kill('SIGKILL');
      killStages(cwd);
    }
    said += `\n--- ${again.join(' ')}\n${(await runner.ended).err}`;
  }
  return assert.fail(`not done after ${MOST_STARTS} starts: ${said}`);
}

test(`killed at random ${ROUNDS} times over, seed ${SEED}: the same bytes, nothing twice, nothing left`, async (t) => {
  const calm = temporaryFolder(t);
  assert.equal((await r1(t, ['run', RECIPE], {cwd: calm})).code, 0);
  const expected = outputsOf(calm);
  const random = randomFrom(SEED);
  for (let i = 0; i < ROUNDS; i++) assert.deepEqual(await round(t, random), expected, `round ${i}, seed ${SEED}`);
});
