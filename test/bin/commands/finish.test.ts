/** `r1 finish` and `r1 resume --finish`: real processes, and what is done with their outputs afterwards. */
import assert from 'node:assert/strict';
import {existsSync, readFileSync, readdirSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {openStore} from '../../../artifacts/index.js';
import type {Attempt} from '../../../artifacts/index.js';
import {parseEvent} from '../../../pipeline/job/event-lines.js';
import {readJob} from '../../../pipeline/job/folder.js';
import {r1, recipeFile, start, until} from '../../rig/command.js';
import {temporaryFolder} from '../../rig/temporary.js';

const COUNTING = recipeFile('counting');
/** Long enough that nobody has to hurry: 400 steps of 20 ms. */
const LONG = ['--set', 'second.steps=400'];

/** The newest attempt of a node in the newest run. */
function attemptOf(cwd: string, node: string): Attempt {
  const store = openStore(join(cwd, '.r1'), {mode: 'read'});
  try {
    return store.attemptsOf(store.latestRun()!.id, node).at(-1)!;
  } finally {
    store.close();
  }
}

/** Waits until `node` has done so many steps. */
const isAt = (cwd: string, node: string, steps: number): Promise<true> =>
  until(`“${node}” is at step ${steps}`, () => {
    const jobs = join(cwd, '.r1', 'jobs');
    return (existsSync(jobs) ? readdirSync(jobs) : []).some((name) => {
      const job = readJob(join(jobs, name));
      const events = join(jobs, name, 'events.jsonl');
      if (!job.ok || job.value.node !== node || !existsSync(events)) return false;
      const lines = readFileSync(events, 'utf8').split('\n').map(parseEvent);
      return lines.some((event) => event?.type === 'checkpoint' && event.step >= steps);
    });
  });

test('a running node is finished early: its run goes on, and verify, reproduce, export and gc find all as it should be', async (t) => {
  const cwd = temporaryFolder(t);
  const type = (...words: string[]) => r1(t, words, {cwd});
  const runner = start(t, ['run', COUNTING, ...LONG], {cwd});
  await isAt(cwd, 'second', 3);
  const third = await type('finish', 'third');
  assert.equal(third.code, 2);
  assert.match(third.err, /“third” of run 1 does not run yet/);
  const asked = await type('finish', 'second');
  assert.equal(asked.code, 0, asked.err);
  assert.match(asked.out, /^second \(attempt 2 of run 1, now at step \d+ of 400\) is asked to finish/);
  const ended = await runner.ended;
  assert.equal(ended.code, 0, ended.err);
  assert.match(ended.err, /second\s+done in .*: finished early, after step \d+ of 400, as asked/);
  assert.match(ended.err, /run 1 succeeded in .*: 3 ran, 0 reused/);

  const end = /finished early, after step \d+ of 400, as asked/;
  for (const words of [['status'], ['why', 'second'], ['show', 'second:count'], ['lineage', 'third:count']] as const) {
    const said = await type(...words);
    assert.match(said.out, words[0] === 'lineage' ? /second .* finished early/ : end, words.join(' '));
  }
  assert.equal((await type('verify')).code, 0);
  const again = await type('reproduce', 'second', '--recipe', COUNTING);
  assert.match(again.out, /^second \(attempt 2\): reproducible/, again.err);
  assert.equal((await type('export', 'second', './out')).code, 0);
  assert.ok(existsSync(join(cwd, 'out', 'hash.txt')));
  assert.equal((await type('gc')).code, 0);

  // Another run makes all of its steps, from the checkpoint that is still there.
  const whole = await type('run', COUNTING, ...LONG, '--set', 'second.ms=0', '--dry-run');
  assert.match(whole.out, /second\s+run/);
  const next = await type('run', COUNTING, ...LONG);
  assert.equal(next.code, 0, next.err);
  assert.match(
    next.err,
    /second\s+started: last time: finished early at step \d+ of 400 \(attempt 2\), which only its own run uses, from the checkpoint at step \d+ of attempt 2/,
  );
  assert.equal(attemptOf(cwd, 'second').outcome?.reason, 'succeeded');
  const difference = await type('diff', '1', '2');
  assert.match(difference.out + difference.err, /finished/, 'and why the two differ is said');
});

test('a run that was stopped is resumed with a node finished from its checkpoint', async (t) => {
  const cwd = temporaryFolder(t);
  const type = (...words: string[]) => r1(t, words, {cwd});
  const runner = start(t, ['run', COUNTING, ...LONG], {cwd});
  await isAt(cwd, 'second', 3);
  runner.child.kill('SIGINT');
  assert.equal((await runner.ended).code, 130);
  const asked = await type('finish', 'second');
  assert.equal(asked.code, 2);
  assert.match(asked.err, /r1 resume 1 --finish second ends it with what its newest checkpoint holds/);
  const next = await type('resume', '--recipe', COUNTING, '--finish', 'second');
  assert.equal(next.code, 0, next.err);
  const {continues, outcome} = attemptOf(cwd, 'second');
  assert.deepEqual(outcome?.detail, {reason: 'finished-early', step: continues?.step, total: 400});
  const again = await type('reproduce', 'second', '--recipe', COUNTING);
  assert.match(again.out, /: reproducible/, again.err);
  assert.equal((await type('resume', '--finish', 'second')).code, 0, 'there is nothing to resume any more');
});
