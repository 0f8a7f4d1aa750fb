/** Jobs whose runner was killed, found again by the next: their processes, how they ended, and what they left behind. */
import assert from 'node:assert/strict';
import {spawn, spawnSync} from 'node:child_process';
import {existsSync, mkdirSync, readFileSync, renameSync, statSync, utimesSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {hasProc, isRunning, processRecord, signal} from '../../../pipeline/executors/process-table.js';
import {startedIn, tagOf} from '../../../pipeline/job/tag.js';
import {processFile, readProcess} from '../../../pipeline/executors/process-record.js';
import {jobFiles, readResult} from '../../../pipeline/job/folder.js';
import {until} from '../../rig/command.js';
import {adopt, adoptRunning, assertGone, logOf, pidOf, runnerOf, setUp, waiting} from '../../rig/jobs.js';
import {temporaryFolder} from '../../rig/temporary.js';

test('when its runner is killed a launcher stays until its job is over, writes down the code, and ends', async (t) => {
  const {executor, job} = setUp(t);
  const request = job('until test -e go; do sleep 0.01; done; exit 7');
  const runner = runnerOf(t);
  runner.ask(request);
  const record = await until('the job runs', () => readProcess(request.folder));
  await runner.kill();
  const launcher = processRecord(record.session!);
  assert.ok(isRunning(record) && isRunning(launcher));
  const adopted = await adoptRunning(executor, request);
  assert.equal(adopted.pid, record.pid);
  writeFileSync(join(jobFiles(request.folder).scratch, 'go'), '');
  assert.deepEqual((await adopted.exit).how, {type: 'unseen'});
  assert.deepEqual(readResult(request.folder), {ok: true, value: {end: 'exited', code: 7, asked: false}});
  await until('the launcher has ended', () => !isRunning(launcher));
  // That nobody listened any more is not the job's affair.
  assert.equal(logOf(request), '');
});

test(
  'a job of a killed runner is found without its record while its launcher is there',
  {skip: hasProc ? false : 'without /proc a process is only known by its record; pipeline/fingerprint/README.md'},
  async (t) => {
    const {executor, job} = setUp(t);
    const request = job('sleep 600 & until test -e go; do sleep 0.01; done; kill $!; exit 0');
    const runner = runnerOf(t);
    runner.ask(request);
    const record = await until('the job runs', () => readProcess(request.folder));
    await runner.kill();
    writeFileSync(processFile(request.folder), '');
    const adopted = await adoptRunning(executor, request);
    assert.equal(adopted.pid, record.pid);
    writeFileSync(join(jobFiles(request.folder).scratch, 'go'), '');
    assert.deepEqual((await adopted.exit).how, {type: 'unseen'});
    assert.deepEqual(readResult(request.folder), {ok: true, value: {end: 'exited', code: 0, asked: false}});
  },
);

for (const noted of [true, false]) {
  test(
    `a program that has ended is waited for until its launcher has written down how${noted ? '' : ', where its process was not noted'}`,
    {
      skip:
        noted || hasProc
          ? false
          : 'without /proc a process is only known by its record; pipeline/fingerprint/README.md',
    },
    async (t) => {
      const {executor, job} = setUp(t);
      const request = job('until test -e go; do sleep 0.01; done; exit 6');
      const runner = runnerOf(t);
      runner.ask(request);
      const record = await until('the job runs', () => readProcess(request.folder));
      signal(record.session!, 'SIGSTOP');
      await runner.kill();
      writeFileSync(join(jobFiles(request.folder).scratch, 'go'), '');
      await until('the program has ended', () => !isRunning(record));
      if (!noted) writeFileSync(processFile(request.folder), '');
      const said: string[] = [];
      const adopting = adopt(executor, request, (text) => said.push(text));
      await until('it says what it waits for', () => said.length > 0);
      assert.deepEqual(readResult(request.folder), {ok: true, value: undefined});
      signal(record.session!, 'SIGCONT');
      assertGone(await adopting);
      assert.deepEqual(readResult(request.folder), {ok: true, value: {end: 'exited', code: 6, asked: false}});
      assert.match(
        said.join(),
        new RegExp(`waiting until process ${record.session}, which started it, writes down how`),
      );
    },
  );
}

test('a launcher that is gone is not waited for', async (t) => {
  const {executor, job} = setUp(t);
  const request = job('until test -e go; do sleep 0.01; done; exit 6');
  const runner = runnerOf(t);
  runner.ask(request);
  const record = await until('the job runs', () => readProcess(request.folder));
  await runner.kill();
  signal(record.session!, 'SIGKILL');
  const adopted = await adoptRunning(executor, request);
  writeFileSync(join(jobFiles(request.folder).scratch, 'go'), '');
  assert.deepEqual((await adopted.exit).how, {type: 'unseen'});
  assert.deepEqual(readResult(request.folder), {ok: true, value: undefined});
});

test('a job is adopted in the folder that it was started in, wherever that lies, and in no copy of it', async (t) => {
  const rig = setUp(t);
  const {running, request, go} = await waiting(rig);
  const record = readProcess(request.folder)!;
  for (const how of ['-a', ...(process.platform === 'linux' ? ['-al'] : [])]) {
    const copy = `${request.folder}${how}`;
    spawnSync('cp', [how, request.folder, copy]);
    assert.deepEqual(readProcess(copy), record);
    assert.deepEqual(await adopt(rig.executor, {...request, folder: copy}), {state: 'gone', trusted: false});
    assert.ok(isRunning(record), `not ended by ${how}`);
  }
  const moved = {...request, folder: `${request.folder}-moved`};
  renameSync(request.folder, moved.folder);
  const adopted = await adoptRunning(rig.executor, moved);
  assert.equal(adopted.pid, pidOf(running));
  mkdirSync(jobFiles(request.folder).scratch, {recursive: true});
  assert.deepEqual(await adopt(rig.executor, request), {state: 'gone', trusted: false}, 'another folder has its place');
  go();
  writeFileSync(join(jobFiles(moved.folder).scratch, 'go'), '');
  await adopted.exit;
  assert.deepEqual(readResult(moved.folder), {ok: true, value: {end: 'exited', code: 0, asked: false}});
});

test('a folder that was restored is another one, though it may get the number of the old', (t) => {
  const folder = join(temporaryFolder(t), 'job');
  mkdirSync(folder);
  const tag = tagOf('store/1', folder);
  assert.equal(startedIn(folder, tag), 'here');
  const {birthtimeNs} = statSync(folder, {bigint: true});
  const older = tag.replace(/\d+$/, String(birthtimeNs - 5_000_000n));
  utimesSync(folder, 1, 1);
  assert.equal(startedIn(folder, tag), 'here');
  assert.equal(startedIn(folder, older), 'elsewhere');
  assert.equal(startedIn(folder, 'store/1'), 'unsaid');
  assert.equal(startedIn(join(folder, 'nowhere'), tag), 'elsewhere');
});

test(
  'a job of version 0.1, whose tag names no folder, is adopted where its process works, and nowhere else',
  {skip: hasProc ? false : 'without /proc nobody sees where a process works'},
  async (t) => {
    const rig = setUp(t);
    const {folder, command} = rig.job('until test -e go; do sleep 0.01; done');
    const request = {folder, command: command!, tag: `old-${process.pid}/1`};
    const running = await rig.executor.start(request);
    const record = await until('its process is noted', () => readProcess(folder));
    const copy = `${folder}-copy`;
    spawnSync('cp', ['-a', folder, copy]);
    assertGone(await adopt(rig.executor, {...request, folder: copy}));
    assert.ok(isRunning(record));
    assert.equal((await adoptRunning(rig.executor, request)).pid, pidOf(running));
    writeFileSync(join(jobFiles(folder).scratch, 'go'), '');
    await running.exit;
  },
);

test('where a process has just ended, its shell gets the moment that it needs to write down how', async (t) => {
  const rig = setUp(t);
  const {running, request, go} = await waiting(rig, 4);
  const record = readProcess(request.folder)!;
  go();
  await running.exit;
  const {result} = jobFiles(request.folder);
  const text = readFileSync(result, 'utf8');
  writeFileSync(result, '');
  setTimeout(() => writeFileSync(result, text), 100);
  assert.ok(!isRunning(record) && signal(record.session!, 0));
  assertGone(await adopt(rig.executor, request));
  assert.deepEqual(readResult(request.folder), {ok: true, value: {end: 'exited', code: 4, asked: false}});
});

test(
  'what hides from its session and its tag is found by the outputs that it writes to; who only reads them is left alone',
  {
    skip: hasProc
      ? false
      : 'without /proc descendants that left their group cannot be found; pipeline/fingerprint/README.md',
  },
  async (t) => {
    const rig = setUp(t);
    const request = rig.job('until test -e go; do sleep 0.01; done');
    const outputs = join(jobFiles(request.folder).outputs, 'out');
    mkdirSync(outputs, {recursive: true});
    const file = join(outputs, 'rows.jsonl');
    writeFileSync(file, '');
    const running = await rig.executor.start(request);
    await until('its process is noted', () => readProcess(request.folder));
    const hidden = (script: string) => {
      const child = spawn('env', ['-i', 'PATH=/usr/bin:/bin', '/bin/sh', '-c', `${script}; sleep 600; :`, file], {
        detached: true,
        stdio: 'ignore',
      });
      t.after(() => child.kill('SIGKILL'));
      return child;
    };
    const writing = hidden('exec 3>>"$0"');
    const both = hidden('exec 3<>"$0"');
    const reading = hidden('exec 3<"$0"');
    const elsewhere = hidden('exec 3>"${0%/outputs/*}/beside"');
    const children = [writing, both, reading, elsewhere];
    const has = ({pid}: (typeof children)[number]) => existsSync(`/proc/${pid}/fd/3`);
    await until('all have opened it', () => children.every(has));
    writeFileSync(join(jobFiles(request.folder).scratch, 'go'), '');
    const left = (await running.exit).leftovers.map(({pid}) => pid);
    assert.ok([writing, both].every(({pid}) => left.includes(pid!)));
    assert.ok(![reading, elsewhere].some(({pid}) => left.includes(pid!)));
    assert.ok([reading, elsewhere].every(({exitCode, signalCode}) => (exitCode ?? signalCode) === null));
  },
);
