/** `r1 run` as a person meets it: real processes, killed and stopped at bad moments. */
import assert from 'node:assert/strict';
import {existsSync, readFileSync, readdirSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {openStore} from '../../../artifacts/index.js';
import type {Attempt, Store} from '../../../artifacts/index.js';
import {isRunning, descendantsOf} from '../../../pipeline/executors/process-table.js';
import {parseEvent} from '../../../pipeline/job/event-lines.js';
import {readProcess} from '../../../pipeline/executors/process-record.js';
import {readJob} from '../../../pipeline/job/folder.js';
import {r1, recipeFile, start, until} from '../../rig/command.js';
import {temporaryFolder} from '../../rig/temporary.js';

const COUNTING = recipeFile('counting');
const MISBEHAVING = recipeFile('misbehaving');

/** What `count` of 5, 40 and 5 steps comes to when nothing goes wrong; computed once by an uninterrupted run. */
let undisturbed: string | undefined;

async function undisturbedHash(t: TestContext): Promise<string> {
  if (undisturbed === undefined) {
    const cwd = temporaryFolder(t);
    assert.equal((await r1(t, ['run', COUNTING], {cwd})).code, 0);
    undisturbed = thirdOutput(cwd);
  }
  return undisturbed;
}

const reading = <T>(cwd: string, read: (store: Store) => T): T => {
  const store = openStore(join(cwd, '.r1'), {mode: 'read'});
  try {
    return read(store);
  } finally {
    store.close();
  }
};

/** Digest of what the last node of the newest run made. */
const thirdOutput = (cwd: string): string =>
  reading(cwd, (store) => {
    const node = store.nodesOf(store.latestRun()!.id).find((other) => other.node === 'third');
    return store.attempt(node!.attempt!)!.outputs[0]!.artifact;
  });

/** Every attempt of `node` in any run, oldest first. */
const attemptsOf = (cwd: string, node: string): readonly Attempt[] =>
  reading(cwd, (store) => [...store.runs()].reverse().flatMap(({id}) => store.attemptsOf(id, node)));

const jobs = (cwd: string): string[] => {
  const folder = join(cwd, '.r1', 'jobs');
  return existsSync(folder)
    ? readdirSync(folder)
        .sort((a, b) => Number(a) - Number(b))
        .map((name) => join(folder, name))
    : [];
};

/** The job folder of the newest attempt of `node`, once it has done `steps` steps. */
const jobAt = (cwd: string, node: string, steps: number): Promise<string> =>
  until(`“${node}” is at step ${steps}`, () =>
    jobs(cwd).findLast((folder) => {
      // Its runner may be writing it at this moment.
      const job = readJob(folder);
      if (!job.ok || job.value.node !== node) return false;
      const events = join(folder, 'events.jsonl');
      if (!existsSync(events)) return false;
      const lines = readFileSync(events, 'utf8').split('\n').map(parseEvent);
      return lines.some((event) => event?.type === 'checkpoint' && event.step >= steps);
    }),
  );

function assertNothingLeft(cwd: string): void {
  for (const folder of jobs(cwd)) {
    const {tag} = JSON.parse(readFileSync(join(folder, 'job.json'), 'utf8')) as {tag: string};
    assert.deepEqual(descendantsOf({tag}), [], `no process of ${tag} is left`);
  }
}

test('runs, reuses, and shows what it did', async (t) => {
  const cwd = temporaryFolder(t);
  const first = await r1(t, ['run', COUNTING], {cwd});
  assert.equal(first.code, 0, first.err);
  assert.match(first.err, /run 1: counting, seed 0, 3 of 3 nodes to run/);
  assert.match(first.err, /second\s+done in/);
  assert.match(first.err, /run 1 succeeded in .*: 3 ran, 0 reused/);
  undisturbed = thirdOutput(cwd);
  const second = await r1(t, ['run', COUNTING], {cwd});
  assert.equal(second.code, 0);
  assert.match(second.err, /all 3 nodes are up to date/);
  assert.equal(attemptsOf(cwd, 'second').length, 1);
});

test('--dry-run shows the plan and leaves nothing behind, --json makes every event a line', async (t) => {
  const cwd = temporaryFolder(t);
  const dry = await r1(t, ['run', COUNTING, '--dry-run'], {cwd});
  assert.equal(dry.code, 0, dry.err);
  assert.match(dry.out, /^first {3}run {5}never made before\n/);
  assert.ok(!existsSync(join(cwd, '.r1')));
  const run = await r1(t, ['run', COUNTING, '--until', 'first', '--json'], {cwd});
  assert.equal(run.code, 0, run.err);
  const types = run.out
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as {type: string}).type);
  assert.equal(types[0], 'run-started');
  assert.equal(types.at(-1), 'run-finished');
  assert.ok(
    ['node-started', 'node-metric', 'node-progress', 'node-checkpoint', 'node-finished'].every((type) =>
      types.includes(type),
    ),
  );
});

test('when only the runner is killed, the next one adopts the stage that lives on', async (t) => {
  const cwd = temporaryFolder(t);
  const runner = start(t, ['run', COUNTING], {cwd});
  const folder = await jobAt(cwd, 'second', 3);
  runner.child.kill('SIGKILL');
  await runner.ended;
  const {pid} = readProcess(folder)!;
  assert.ok(isRunning(readProcess(folder)!), 'the stage outlives its runner');
  const next = await r1(t, ['run', COUNTING], {cwd});
  assert.equal(next.code, 0, next.err);
  assert.match(next.err, /second\s+continues: its process outlived the runner/);
  assert.equal(attemptsOf(cwd, 'second').length, 1, 'no second attempt was made');
  assert.equal(readProcess(folder)!.pid, pid);
  assert.equal(thirdOutput(cwd), await undisturbedHash(t));
  assertNothingLeft(cwd);
});

test('when the stage has ended in order after its runner was killed, its result counts', async (t) => {
  const cwd = temporaryFolder(t);
  const runner = start(t, ['run', COUNTING], {cwd});
  const folder = await jobAt(cwd, 'second', 30);
  runner.child.kill('SIGKILL');
  await until(
    'the orphan has ended',
    () => existsSync(join(folder, 'result.json')) && !isRunning(readProcess(folder)!),
  );
  const next = await r1(t, ['run', COUNTING], {cwd});
  assert.equal(next.code, 0, next.err);
  assert.equal(attemptsOf(cwd, 'second').length, 1);
  assert.equal(thirdOutput(cwd), await undisturbedHash(t));
});

test('an orphan that nobody wants any more is ended', async (t) => {
  const cwd = temporaryFolder(t);
  const runner = start(t, ['run', COUNTING], {cwd});
  const folder = await jobAt(cwd, 'second', 3);
  runner.child.kill('SIGKILL');
  await runner.ended;
  const next = await r1(t, ['run', COUNTING, '--set', 'second.steps=3'], {cwd});
  assert.equal(next.code, 0, next.err);
  assert.ok(!isRunning(readProcess(folder)!));
  assert.equal(attemptsOf(cwd, 'second')[0]?.outcome?.reason, 'stopped');
  assertNothingLeft(cwd);
});

test('when the stage is killed, its node fails, and the next run goes on from the checkpoint', async (t) => {
  const cwd = temporaryFolder(t);
  const runner = start(t, ['run', COUNTING], {cwd});
  const folder = await jobAt(cwd, 'second', 5);
  process.kill(readProcess(folder)!.pid, 'SIGKILL');
  const ended = await runner.ended;
  assert.equal(ended.code, 1);
  assert.match(ended.err, /second\s+failed: was killed by SIGKILL/);
  assert.match(ended.err, /1 failed, 1 not started/);
  const next = await r1(t, ['run', COUNTING], {cwd});
  assert.equal(next.code, 0, next.err);
  assert.match(
    next.err,
    /second\s+started: last time: was killed by a signal, from the checkpoint at step \d+ of attempt 2/,
  );
  assert.equal(thirdOutput(cwd), await undisturbedHash(t));
});

for (const steps of [1, 12, 39]) {
  test(`runner and stage killed together at step ${steps}: resume ends with the same bytes`, async (t) => {
    const cwd = temporaryFolder(t);
    const runner = start(t, ['run', COUNTING], {cwd});
    const folder = await jobAt(cwd, 'second', steps);
    runner.child.kill('SIGKILL');
    process.kill(-readProcess(folder)!.session!, 'SIGKILL');
    await runner.ended;
    assert.match(
      (await r1(t, ['plan', COUNTING], {cwd})).out,
      /second {2}run {5}attempt 2 has lost its runner: .*, from the checkpoint at step \d+ of attempt 2/,
    );
    assert.match(
      (await r1(t, ['why', 'second'], {cwd})).out,
      /attempt 2: has lost its runner, and nobody has recorded/,
    );
    const next = await r1(t, ['resume', '--recipe', COUNTING], {cwd});
    assert.equal(next.code, 0, next.err);
    assert.match(
      next.err,
      /second\s+started: last time: was killed with its runner, or by a power cut, from the checkpoint at step \d+ of/,
    );
    const [, second] = attemptsOf(cwd, 'second');
    assert.ok((second?.continues?.step ?? 0) >= steps, 'it went on from the checkpoint');
    assert.equal(attemptsOf(cwd, 'first').length, 1);
    assert.equal(thirdOutput(cwd), await undisturbedHash(t));
    assertNothingLeft(cwd);
  });
}

test('Ctrl-C writes a checkpoint and ends with 130; resume goes on from it', async (t) => {
  const cwd = temporaryFolder(t);
  const runner = start(t, ['run', COUNTING], {cwd});
  await jobAt(cwd, 'second', 3);
  runner.child.kill('SIGINT');
  const ended = await runner.ended;
  assert.equal(ended.code, 130);
  assert.match(ended.err, /second\s+was stopped by you, checkpoint of step \d+ kept/);
  assert.match(ended.err, /run 1 stopped in .*r1 resume 1 continues it/);
  const next = await r1(t, ['resume', '--recipe', COUNTING], {cwd});
  assert.equal(next.code, 0, next.err);
  assert.equal(thirdOutput(cwd), await undisturbedHash(t));
});

test('Ctrl-C twice ends at once', async (t) => {
  const cwd = temporaryFolder(t);
  const runner = start(t, ['run', MISBEHAVING, '--set', 'bad.how=ignore'], {cwd});
  await until('the stage ignores', () =>
    jobs(cwd).some(
      (folder) =>
        existsSync(join(folder, 'output.log')) && readFileSync(join(folder, 'output.log'), 'utf8').includes('ignoring'),
    ),
  );
  runner.child.kill('SIGINT');
  await until('the runner has heard', () => runner.err().includes('stopping'));
  runner.child.kill('SIGINT');
  const ended = await runner.ended;
  assert.equal(ended.code, 130);
  assertNothingLeft(cwd);
});

test('two runs at once on one store: every node runs once', async (t) => {
  const cwd = temporaryFolder(t);
  const one = start(t, ['run', COUNTING], {cwd});
  const two = start(t, ['run', COUNTING], {cwd});
  const ends = [await one.ended, await two.ended];
  assert.deepEqual(
    ends.map(({code}) => code),
    [0, 0],
    ends.map(({err}) => err).join('\n'),
  );
  for (const node of ['first', 'second', 'third']) assert.equal(attemptsOf(cwd, node).length, 1, node);
});

const OUTCOMES: Readonly<Record<string, readonly [reason: string, said: RegExp]>> = {
  'no output': ['output-missing', /ended well but never wrote its output “out”/],
  'half a line': ['events-garbled', /wrote garbled events; line 1 is/],
  'half a line and death': ['killed-by-signal', /was killed by SIGKILL/],
  'garbled result': ['result-garbled', /left a result that is not one/],
  fail: ['stage-failed', /bad\s+failed: the base solves too little/],
  throw: ['stage-threw', /threw TypeError: something is undefined/],
  'throw later': ['stage-threw', /threw RangeError: in a timer/],
  exit: ['stage-exited', /exited with 7 before it was done/],
  die: ['killed-by-signal', /was killed by SIGKILL/],
  link: ['output-refused', /cannot be kept/],
  'change input': ['inputs-changed', /changed its inputs/],
};

for (const [how, [reason, said]] of Object.entries(OUTCOMES)) {
  test(`a stage that does this wrong: ${how}`, async (t) => {
    const cwd = temporaryFolder(t);
    const ended = await r1(t, ['run', MISBEHAVING, '--set', `bad.how=${how}`], {cwd});
    assert.equal(ended.code, 1, ended.err);
    assert.match(ended.err, said);
    assert.match(ended.err, /next: /);
    assert.equal(attemptsOf(cwd, 'bad')[0]?.outcome?.reason, reason);
  });
}

test('a stage that hangs past its timeout is ended and recorded as timed out', async (t) => {
  const cwd = temporaryFolder(t, {
    'hanging.js': `import {recipe} from 'r1';
      import {misbehave} from ${JSON.stringify(new URL('../../fixtures/stages/misbehave.js', import.meta.url).href)};
      export default recipe('hanging', (add) => add('bad', misbehave, {}, {how: 'hang'}, {timeout: 0.5}));`,
  });
  const ended = await r1(t, ['run', './hanging.js', '--grace', '0.2'], {cwd});
  assert.equal(ended.code, 1, ended.err);
  assert.match(ended.err, /bad\s+failed: was stopped: its time limit of 0.5 s was up/);
  assertNothingLeft(cwd);
});

test('a grandchild that was left running is ended, told of, and does not spoil the success', async (t) => {
  const cwd = temporaryFolder(t);
  const ended = await r1(t, ['run', MISBEHAVING, '--set', 'bad.how=grandchild'], {cwd});
  assert.equal(ended.code, 0, ended.err);
  assert.match(ended.err, /bad\s+left processes running, which were ended: .*setInterval/);
  assertNothingLeft(cwd);
});

test('a flood of output leaves a log within bounds', async (t) => {
  const cwd = temporaryFolder(t);
  const ended = await r1(t, ['run', MISBEHAVING, '--set', 'bad.how=flood'], {cwd});
  assert.equal(ended.code, 0, ended.err);
  const folder = jobs(cwd).at(-1)!;
  const bytes = readdirSync(folder)
    .filter((name) => name.startsWith('output.log'))
    .map((name) => readFileSync(join(folder, name)).length);
  assert.ok(bytes.reduce((sum, size) => sum + size, 0) < 70 << 20, `${bytes.join(' + ')} bytes of 100 MiB`);
});
