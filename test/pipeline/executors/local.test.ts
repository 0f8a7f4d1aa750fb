import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {localExecutor} from '../../../pipeline/executors/local.js';
import {hasProc, isRunning, processRecord, signal} from '../../../pipeline/executors/process-table.js';
import {processFile, readProcess} from '../../../pipeline/executors/process-record.js';
import {jobFiles, readResult} from '../../../pipeline/job/folder.js';
import {until} from '../../rig/command.js';
import {launcherOf, logOf, pidOf, runnerOf, setUp, waiting} from '../../rig/jobs.js';
import type {JobRig} from '../../rig/jobs.js';
import {temporaryFolder} from '../../rig/temporary.js';

/** A shell that has run a job and waits for the next. */
async function idleLauncher(rig: JobRig): Promise<number> {
  const {running, request, go} = await waiting(rig);
  go();
  await running.exit;
  return launcherOf(request);
}

test('how a job ends is seen: by its code, by a signal, with what it left behind', async (t) => {
  const rig = setUp(t);
  const {running, request, go} = await waiting(rig, 3);
  go();
  const {how, leftovers} = await running.exit;
  assert.deepEqual({how, leftovers}, {how: {type: 'exited', code: 3}, leftovers: []});
  assert.deepEqual(readResult(request.folder), {ok: true, value: {end: 'exited', code: 3, asked: false}});
  const hit = await waiting(rig);
  signal(pidOf(hit.running), 'SIGKILL');
  assert.deepEqual((await hit.running.exit).how, {type: 'signalled', signal: 'SIGKILL'});
  const ended = await waiting(rig);
  await ended.running.kill();
  await ended.running.exit;
  assert.ok(!isRunning(readProcess(ended.request.folder)!));
  const leaving = await rig.executor.start(rig.job('sleep 600 & exit 0'));
  const left = await leaving.exit;
  assert.deepEqual(left.how, {type: 'exited', code: 0});
  // It may not have become `sleep` yet.
  if (hasProc) assert.equal(left.leftovers.length, 1);
});

test(
  'a shell runs one job after another, and never two at a time',
  {skip: hasProc ? false : 'without /proc a shell is ended with its job, to be sure of what the job left behind'},
  async (t) => {
    const rig = setUp(t);
    const first = await waiting(rig);
    const second = await waiting(rig);
    const shells = [first, second].map(({request}) => launcherOf(request));
    assert.notEqual(shells[0], shells[1]);
    first.go();
    await first.running.exit;
    const third = await waiting(rig);
    assert.equal(launcherOf(third.request), shells[0]);
    for (const {running, go} of [second, third]) {
      go();
      assert.deepEqual((await running.exit).how, {type: 'exited', code: 0});
    }
  },
);

test('a program gets its words as they are, its folder, its tag, and nothing to read', async (t) => {
  const {executor, request} = setUp(t);
  const words = [
    '',
    ' ',
    "it's",
    '"$HOME" `id` $(id)',
    'two\nlines\n',
    '\\n \\',
    'naïve 推理 ✓',
    '-n',
    '*',
    '#',
    'a\tb\r',
  ];
  const program = `
    const {R1_ATTEMPT, R1_JOB} = process.env;
    const read = require('fs').readFileSync(0, 'utf8');
    console.log(JSON.stringify({words: process.argv.slice(1), cwd: process.cwd(), R1_ATTEMPT, R1_JOB, read}));
    console.error('and this');
  `;
  const asked = request([process.execPath, '-e', program, '--', ...words]);
  const {how} = await (await executor.start(asked)).exit;
  assert.deepEqual(how, {type: 'exited', code: 0}, logOf(asked));
  const [said, also] = logOf(asked).split('\n');
  const {folder, tag} = asked;
  assert.deepEqual(JSON.parse(said!), {
    words,
    cwd: realpathSync(jobFiles(folder).scratch),
    R1_ATTEMPT: tag,
    R1_JOB: folder,
    read: '',
  });
  assert.equal(also, 'and this');
});

test('processor time is told per job, of what the job waited for as well', async (t) => {
  const {executor, job} = setUp(t);
  const end = async (script: string) => (await (await executor.start(job(script))).exit).used!;
  const busy = await end('sh -c "i=0; while [ \\$i -lt 300000 ]; do i=\\$((i+1)); done"');
  assert.ok(busy.user > 0.05, JSON.stringify(busy));
  const idle = await end('exit 0');
  assert.ok(idle.user < busy.user / 2 && idle.user >= 0, JSON.stringify({busy, idle}));
});

test('what cannot be started is an error with the reason; a program that is not there says so in the log', async (t) => {
  const {executor, job, request} = setUp(t);
  const lost = job('exit 0');
  await assert.rejects(
    executor.start({...lost, folder: join(lost.folder, 'nowhere')}),
    /ENOENT|no such file or directory/i,
  );
  const absent = request(['/nowhere/program']);
  assert.deepEqual((await (await executor.start(absent)).exit).how, {type: 'exited', code: 127});
  assert.match(logOf(absent), /\/nowhere\/program: not found|\/nowhere\/program: No such file/);
});

test('a job outlives its launcher; its end goes unseen, and another launcher comes', async (t) => {
  const rig = setUp(t);
  const {running, request, go} = await waiting(rig);
  const record = readProcess(request.folder)!;
  signal(record.session!, 'SIGKILL');
  const next = await waiting(rig);
  assert.notEqual(launcherOf(next.request), record.session);
  assert.ok(isRunning(record));
  go();
  const {how, leftovers} = await running.exit;
  assert.deepEqual({how, leftovers}, {how: {type: 'unseen'}, leftovers: []});
  // Whoever would have written down its code is gone, so it will be tried again.
  assert.deepEqual(readResult(request.folder), {ok: true, value: undefined});
  next.go();
  await next.running.exit;
});

test('a job that was asked of a launcher which died before it answered is not started twice: it is gone', async (t) => {
  const rig = setUp(t);
  const launcher = await idleLauncher(rig);
  // It gets to read the order only after it has been killed, which is never.
  signal(launcher, 'SIGSTOP');
  const asked = rig.job('echo ran >> ../ran');
  const starting = rig.executor.start(asked);
  signal(launcher, 'SIGKILL');
  const gone = await starting;
  assert.deepEqual(await gone.exit, {how: {type: 'unseen'}, leftovers: []});
  assert.deepEqual(readResult(asked.folder), {ok: true, value: undefined});
  assert.equal(existsSync(join(asked.folder, 'ran')), false);
});

test(
  'a process that its launcher was still starting when it was killed is found',
  {skip: hasProc ? false : 'without /proc a process is only known by its pid; pipeline/fingerprint/README.md'},
  async (t) => {
    const rig = setUp(t);
    const launcher = await idleLauncher(rig);
    signal(launcher, 'SIGSTOP');
    const {folder, tag, command} = rig.job('until test -e go; do sleep 0.01; done');
    const starting = rig.executor.start({folder, tag, command: command!});
    signal(launcher, 'SIGKILL');
    // What is left of it: forked, and the job, with its tag, a moment later.
    const {scratch} = jobFiles(folder);
    const child = spawn('/bin/sh', ['-c', 'sleep 0.1; R1_ATTEMPT=$0 exec "$@"', tag, ...command!], {
      cwd: scratch,
      detached: true,
      stdio: 'ignore',
    });
    const found = await starting;
    assert.equal(pidOf(found), child.pid);
    writeFileSync(join(scratch, 'go'), '');
    assert.deepEqual((await found.exit).how, {type: 'unseen'});
  },
);

test('an order that a launcher comes to read after its runner died is not carried out', async (t) => {
  const {job} = setUp(t);
  const first = job('sleep 0.2');
  const runner = runnerOf(t);
  runner.ask(first);
  await until('the first job is over', () => runner.said().includes('ended'));
  const launcher = processRecord(readProcess(first.folder)!.session!);
  signal(launcher.pid, 'SIGSTOP');
  const second = job('echo ran >> ../ran');
  runner.ask(second);
  // That it has been written cannot be seen from here; if it has not, there is nothing that could be carried out.
  await new Promise((resolve) => setTimeout(resolve, 300));
  await runner.kill();
  signal(launcher.pid, 'SIGCONT');
  await until('the launcher has ended', () => !isRunning(launcher));
  assert.equal(existsSync(join(second.folder, 'ran')), false);
});

test('closed, a launcher ends with its job', async (t) => {
  const rig = setUp(t);
  const {running, request, go} = await waiting(rig, 5);
  const launcher = processRecord(launcherOf(request));
  rig.executor.close?.();
  assert.ok(isRunning(launcher));
  go();
  assert.deepEqual((await running.exit).how, {type: 'exited', code: 5});
  await until('the launcher has ended', () => !isRunning(launcher));
});

test('a job of which nobody could note the process is ended, and the reason told', async (t) => {
  const {executor, job} = setUp(t);
  const request = job('sleep 600');
  mkdirSync(processFile(request.folder));
  const running = await executor.start(request);
  const {how} = await running.exit;
  assert.equal(how.type, 'unstarted');
  assert.match(how.message, /^what is known of its process could not be written: EISDIR/);
  assert.ok(!isRunning(processRecord(pidOf(running))));
});

test('the shell says in a list of processes what it is for', async (t) => {
  const rig = setUp(t);
  const {running, request, go} = await waiting(rig);
  const words = hasProc ? readFileSync(`/proc/${launcherOf(request)}/cmdline`, 'utf8') : 'r1-launcher';
  assert.match(words, /r1-launcher/);
  go();
  await running.exit;
});

test('the module of a stage is run in its job folder by the Node that runs the runner', async (t) => {
  const root = temporaryFolder(t, {'main.mjs': 'console.log(process.execPath, process.argv[2], process.cwd());'});
  const executor = localExecutor(join(root, 'main.mjs'));
  t.after(() => executor.close?.());
  const folder = join(root, 'job');
  mkdirSync(folder);
  const {how} = await (await executor.start({folder, tag: 'module'})).exit;
  assert.deepEqual(how, {type: 'exited', code: 0});
  const log = readFileSync(jobFiles(folder).log, 'utf8');
  assert.equal(log, `${process.execPath} ${folder} ${realpathSync(folder)}\n`);
  assert.deepEqual(readResult(folder), {ok: true, value: undefined}, 'its result is its own to write');
});
