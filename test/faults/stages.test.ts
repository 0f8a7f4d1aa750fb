/**
 * Stages that behave badly towards the disk and the machine, beyond those in `bin/commands/run.test.ts`: each is recorded as what it
 * is, and harms nobody else.
 */
import assert from 'node:assert/strict';
import {existsSync, readFileSync, readdirSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {openStore} from '../../artifacts/index.js';
import type {Attempt} from '../../artifacts/index.js';
import {r1, start} from '../rig/command.js';
import {temporaryFolder} from '../rig/temporary.js';
import {assertNothingRuns, assertWhole, jobsOf} from './sound.js';

/** A recipe of one program: `first ─→ bad`. */
function withProgram(t: TestContext, shell: string, options = '{}'): string {
  const cwd = temporaryFolder(t);
  const count = JSON.stringify(new URL('../fixtures/stages/count.js', import.meta.url).href);
  writeFileSync(join(cwd, 'bad.sh'), shell);
  writeFileSync(
    join(cwd, 'bad.js'),
    `import {recipe} from 'r1';
    import {command} from 'r1/stages';
    import {count} from ${count};
    export const bad = command({module: import.meta.url, name: 'bad', inputs: {from: 'count'}, outputs: {out: 'text'}, params: {},
      argv: ({inputs, outputs}) => ['/bin/sh', new URL('./bad.sh', import.meta.url), inputs.from, outputs.out]});
    export default recipe('bad', (add) => {
      const first = add('first', count, {}, {steps: 1, ms: 0});
      add('bad', bad, {from: first.count}, {}, ${options});
    });`,
  );
  return cwd;
}

function attemptOf(cwd: string, node: string): Attempt | undefined {
  const store = openStore(join(cwd, '.r1'), {mode: 'read'});
  try {
    return store.attemptsOf(store.latestRun()!.id, node).at(-1);
  } finally {
    store.close();
  }
}

const WORDS = ['run', './bad.js', '--grace', '0.3'];

test('a program that writes outside its folder leaves what others made as it was', async (t) => {
  // It knows nothing of the store; what it can reach from where it runs are the job folder and the jobs beside it.
  const cwd = withProgram(t, 'echo spoilt > ../../1/stray; echo spoilt > ../outputs/stray; echo good > "$2"');
  const ended = await r1(t, WORDS, {cwd});
  assert.equal(ended.code, 0, ended.err);
  assert.equal(attemptOf(cwd, 'bad')?.outputs.length, 1, 'a file beside the declared output is no part of it');
  await assertWhole(cwd);
  const again = await r1(t, WORDS, {cwd});
  assert.match(again.err, /all 2 nodes are up to date/);
});

test('a program that puts a file and a link in place of its folders has made what it made, and they go', async (t) => {
  const cwd = withProgram(t, 'echo good > "$2"; cd ..; rmdir scratch; echo > scratch; ln -s / checkpoints');
  const ended = await r1(t, WORDS, {cwd});
  assert.equal(ended.code, 0, ended.err);
  const left = readdirSync(jobsOf(cwd).at(-1)!);
  assert.deepEqual(
    left.filter((name) => ['scratch', 'checkpoints'].includes(name)),
    [],
  );
  await assertWhole(cwd);
});

test('a program that writes through its input into the store is found out, and the bytes are put out of use', async (t) => {
  const cwd = withProgram(t, 'chmod -R u+w "$1"; echo spoilt >> "$1/hash.txt"; echo good > "$2"');
  const ended = await r1(t, WORDS, {cwd});
  assert.equal(ended.code, 1, ended.err);
  assert.equal(attemptOf(cwd, 'bad')?.outcome?.reason, 'inputs-changed');
  assert.match(ended.err, /next: r1 verify/);
  await assertWhole(cwd); // a small input is a copy, so the store's own bytes are whole
});

test('a program that leaves a daemon succeeds, and the daemon is ended and named', async (t) => {
  // The program ends only when its daemon is `sleep` and no longer the shell that was to become it.
  const cwd = withProgram(
    t,
    'setsid sleep 300 > /dev/null 2>&1 & until grep -qz "^sleep" /proc/$!/cmdline; do sleep 0.01; done; echo good > "$2"',
  );
  const ended = await r1(t, WORDS, {cwd});
  assert.equal(ended.code, 0, ended.err);
  assert.match(ended.err, /bad\s+left processes running, which were ended: .*sleep 300/);
  assertNothingRuns(cwd);
});

test('a daemon is named by what it was, whatever it becomes when it is asked to end', async (t) => {
  const cwd = withProgram(
    t,
    `setsid sh -c 'trap "exec sleep 0.4" TERM; : > ready; sleep 300 & wait' > /dev/null 2>&1 & until [ -e ready ]; do sleep 0.01; done; echo good > "$2"`,
  );
  const ended = await r1(t, WORDS, {cwd});
  assert.equal(ended.code, 0, ended.err);
  assert.match(ended.err, /left processes running, which were ended: .*sh -c trap/);
  assertNothingRuns(cwd);
});

test('a program that ignores SIGTERM past its timeout is ended by force and recorded as timed out', async (t) => {
  const cwd = withProgram(t, "trap '' TERM; while :; do sleep 0.1; done", '{timeout: 0.5}');
  const ended = await r1(t, WORDS, {cwd});
  assert.equal(ended.code, 1, ended.err);
  assert.equal(attemptOf(cwd, 'bad')?.outcome?.reason, 'timed-out');
  assertNothingRuns(cwd);
});

test('a gibibyte on stdout leaves a log within bounds, and the runner’s memory as it was', async (t) => {
  // Not faster than a program that has something to say: what is written between two looks is on the disk for a moment.
  const cwd = withProgram(t, 'for i in $(seq 64); do head -c 16777216 /dev/zero; sleep 0.02; done; echo good > "$2"');
  const runner = start(t, WORDS, {cwd});
  let peak = 0;
  const timer = setInterval(() => {
    const status = `/proc/${runner.child.pid}/status`;
    const hwm = existsSync(status) ? /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(status, 'utf8'))?.[1] : undefined;
    peak = Math.max(peak, Number(hwm ?? 0));
  }, 50);
  const ended = await runner.ended;
  clearInterval(timer);
  assert.equal(ended.code, 0, ended.err);
  const folder = jobsOf(cwd).find((job) => existsSync(join(job, 'output.log.1')))!;
  const bytes = readdirSync(folder)
    .filter((name) => name.startsWith('output.log'))
    .reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  assert.ok(bytes <= 24 << 20, `${bytes} bytes of log`);
  if (peak > 0) assert.ok(peak < 200 << 10, `${peak} KiB at most in the runner`);
});

test('a result that is a folder, and one that is no JSON, are told', async (t) => {
  for (const shell of ['mkdir "$R1_JOB/result.json"', 'echo "{" > "$R1_JOB/result.json"; kill -9 $PPID']) {
    const cwd = withProgram(t, shell);
    const ended = await r1(t, WORDS, {cwd});
    assert.equal(ended.code, 1, ended.err);
    assert.equal(attemptOf(cwd, 'bad')?.outcome?.reason, 'result-garbled', ended.err);
    assert.match(ended.err, /left a result that is not one/);
  }
});
