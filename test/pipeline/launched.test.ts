import assert from 'node:assert/strict';
import {execFileSync, spawn} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {pathToFileURL, fileURLToPath} from 'node:url';
import {ALWAYS, QUICK, launchedExecutor} from '../../pipeline/executors/launched.js';
import type {Executor, Running, StartRequest} from '../../pipeline/executors/executor.js';
import {hasProc, isRunning, processRecord, signal} from '../../pipeline/executors/processes.js';
import {jobFiles, readResult} from '../../pipeline/jobfolder.js';
import {until} from '../rig/command.js';
import {temporaryFolder} from '../rig/temporary.js';

const LAUNCHED = fileURLToPath(new URL('../../pipeline/executors/launched.js', import.meta.url));

/** An executor whose jobs are programs, and the folders for them. */
function setUp(t: TestContext, pace = ALWAYS): {executor: Executor; job: (script: string) => StartRequest} {
  const root = temporaryFolder(t);
  const executor = launchedExecutor('/nowhere/main.js', pace);
  t.after(() => executor.close?.());
  let jobs = 0;
  const job = (script: string): StartRequest => {
    const folder = join(root, String(jobs++));
    mkdirSync(jobFiles(folder).scratch, {recursive: true});
    return {folder, tag: `launched-${process.pid}-${folder}`, command: ['/bin/sh', '-c', script]};
  };
  return {executor, job};
}

/** 0 when the process is gone. */
function parentOf(pid: number): number {
  if (!isRunning(processRecord(pid))) return 0;
  if (!hasProc) return Number(execFileSync('ps', ['-o', 'ppid=', '-p', String(pid)], {encoding: 'utf8'}));
  return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ')[1]);
}

/** A job that is there until it is told to go on. */
async function waiting(
  {executor, job}: ReturnType<typeof setUp>,
  code: number,
): Promise<{running: Running; folder: string; go(): void}> {
  const request = job(`until test -e go; do sleep 0.01; done; exit ${code}`);
  const running = await executor.start(request);
  return {running, folder: request.folder, go: () => writeFileSync(join(jobFiles(request.folder).scratch, 'go'), '')};
}

/** Runs jobs until one of them was started by the launcher, and returns that process's pid. */
async function launcherOf(all: ReturnType<typeof setUp>): Promise<number> {
  for (;;) {
    const {running, go} = await waiting(all, 0);
    const parent = parentOf(running.pid);
    go();
    await running.exit;
    if (parent !== process.pid) return parent;
  }
}

test('a launcher starts the jobs once it is there; how they end is seen as if they were our own', async (t) => {
  const all = setUp(t);
  const launcher = await launcherOf(all);
  const {running, go} = await waiting(all, 3);
  assert.equal(parentOf(running.pid), launcher);
  go();
  assert.deepEqual(await running.exit, {how: {type: 'exited', code: 3}, leftovers: []});
  const killed = await waiting(all, 0);
  killed.running.kill();
  assert.deepEqual((await killed.running.exit).how, {type: 'signalled', signal: 'SIGKILL'});
  const leaving = await all.executor.start(all.job('sleep 600 & exit 0'));
  const {how, leftovers} = await leaving.exit;
  assert.deepEqual(how, {type: 'exited', code: 0});
  // It may not have become `sleep` yet.
  if (hasProc) assert.equal(leftovers.length, 1);
});

test('a few jobs are started without a launcher, many short ones with it', async (t) => {
  const all = setUp(t, {...QUICK, within: 60_000});
  const parents: number[] = [];
  for (let i = 0; i < QUICK.starts - 1; i++) {
    const {running, go} = await waiting(all, 0);
    parents.push(parentOf(running.pid));
    go();
    await running.exit;
  }
  assert.deepEqual(new Set(parents), new Set([process.pid]));
  assert.notEqual(await launcherOf(all), process.pid);
});

test('what cannot be started is an error with the reason', async (t) => {
  const all = setUp(t);
  await launcherOf(all);
  const request = all.job('exit 0');
  await assert.rejects(
    all.executor.start({...request, folder: join(request.folder, 'nowhere')}),
    /ENOENT|no such file or directory/i,
  );
});

test('a job outlives its launcher; its end goes unseen, its result is there, and another launcher comes', async (t) => {
  const all = setUp(t);
  const launcher = await launcherOf(all);
  const {running, folder, go} = await waiting(all, 0);
  assert.equal(parentOf(running.pid), launcher);
  const record = processRecord(running.pid);
  signal(launcher, 'SIGKILL');
  assert.notEqual(await launcherOf(all), launcher);
  assert.ok(isRunning(record));
  go();
  assert.deepEqual(await running.exit, {how: {type: 'unseen'}, leftovers: []});
  assert.deepEqual(readResult(folder), {ok: true, value: {end: 'exited', code: 0}});
});

test('a job that was asked of a launcher which died before it answered is not started twice: it is gone', async (t) => {
  const all = setUp(t);
  const launcher = await launcherOf(all);
  // It gets to read the request only after it has been killed, which is never.
  signal(launcher, 'SIGSTOP');
  const request = all.job('echo ran >> ../ran');
  const starting = all.executor.start(request);
  signal(launcher, 'SIGKILL');
  const running = await starting;
  assert.deepEqual(await running.exit, {how: {type: 'unseen'}, leftovers: []});
  assert.deepEqual(readResult(request.folder), {ok: true, value: undefined});
  assert.equal(existsSync(join(request.folder, 'ran')), false);
});

test('a process that its launcher was still starting when it was killed is found', async (t) => {
  if (!hasProc) {
    // Elsewhere than on Linux such a process cannot be found; ARCHITECTURE, appendix A, says so.
    t.skip('without /proc a process is only known by the pid that its launcher could not write down');
    return;
  }
  const all = setUp(t);
  const launcher = await launcherOf(all);
  signal(launcher, 'SIGSTOP');
  const {folder, tag, command} = all.job('until test -e go; do sleep 0.01; done');
  const starting = all.executor.start({folder, tag, command: command!});
  signal(launcher, 'SIGKILL');
  // What is left of it: forked, and the job, with its tag, a moment later.
  const {scratch} = jobFiles(folder);
  const child = spawn('/bin/sh', ['-c', 'sleep 0.1; R1_ATTEMPT=$0 exec "$@"', tag, ...command!], {
    cwd: scratch,
    detached: true,
    stdio: 'ignore',
  });
  const running = await starting;
  assert.equal(running.pid, child.pid);
  writeFileSync(join(scratch, 'go'), '');
  assert.deepEqual((await running.exit).how, {type: 'unseen'});
});

test('closed, or when its runner is killed, a launcher ends, and what it has started goes on', async (t) => {
  const all = setUp(t);
  const launcher = processRecord(await launcherOf(all));
  const {running, go} = await waiting(all, 0);
  all.executor.close?.();
  await until('the launcher has ended', () => !isRunning(launcher));
  assert.ok(isRunning(processRecord(running.pid)));
  go();
  assert.deepEqual((await running.exit).how, {type: 'unseen'});

  const folder = all.job('').folder;
  const program = `
    import {ALWAYS, launchedExecutor} from ${JSON.stringify(pathToFileURL(LAUNCHED).href)};
    const executor = launchedExecutor('/nowhere/main.js', ALWAYS);
    const job = {folder: ${JSON.stringify(folder)}, tag: 'launched-by-the-dead', command: ['/bin/sleep', '5']};
    for (;;) { const {pid} = await executor.start(job); console.log(pid); await new Promise((go) => setTimeout(go, 100)); }
  `;
  const runner = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => runner.kill('SIGKILL'));
  let said = '';
  runner.stdout.on('data', (data: Buffer) => (said += data.toString()));
  const started = () =>
    said
      .trim()
      .split('\n')
      .map(Number)
      .filter((pid) => pid > 0 && isRunning(processRecord(pid)));
  const itsLauncher = await until('its launcher is at work', () => {
    const parents = started().map((pid) => ({pid, parent: parentOf(pid)}));
    return parents.find(({parent}) => parent > 1 && parent !== runner.pid);
  });
  const record = processRecord(itsLauncher.parent);
  const dead = once(runner, 'exit');
  runner.kill('SIGKILL');
  await dead;
  await until('the launcher of the dead runner has ended', () => !isRunning(record));
});
