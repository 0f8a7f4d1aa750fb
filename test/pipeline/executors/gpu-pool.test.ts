/** Jobs that hold GPUs: none meets another on a device, whoever started it and whatever became of that one. */
import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import type {Running, StartRequest} from '../../../pipeline/executors/executor.js';
import {readGpus} from '../../../pipeline/executors/gpu-record.js';
import {programIn} from '../../../pipeline/executors/gpus.js';
import {descendantsOf, hasProc, isRunning, processRecord, signal} from '../../../pipeline/executors/process-table.js';
import {readProcess} from '../../../pipeline/executors/process-record.js';
import {jobFiles} from '../../../pipeline/job/folder.js';
import {until} from '../../rig/command.js';
import {SEE, nvidiaSmi, seenBy, setVariables} from '../../rig/gpus.js';
import {adopt, adoptRunning, assertGone, launcherOf, runnerOf, setUp} from '../../rig/jobs.js';
import type {JobRig} from '../../rig/jobs.js';
import {temporaryFolder} from '../../rig/temporary.js';

const skip =
  hasProc && programIn(process.env['PATH'], 'flock') !== undefined ? false : 'GPUs are locked with flock, on Linux';

/** Notes what it has of GPUs, and is there until it is told to go on. */
const HOLD = `${SEE}; until test -e go; do sleep 0.01; done`;

interface GpuRig extends JobRig {
  readonly locks: string;
}

/** Runners that share locks, on a machine with these devices. */
function machine(t: TestContext, devices: string, locks = temporaryFolder(t)): GpuRig {
  setVariables(t, {CUDA_VISIBLE_DEVICES: devices});
  return {...setUp(t, {gpuLocks: locks}), locks};
}

const letGo = ({folder}: StartRequest): void => writeFileSync(join(jobFiles(folder).scratch, 'go'), '');

const seen = (request: StartRequest): Promise<string> => until('the job has started', () => seenBy(request));

/** Starts a job that may have to wait for its devices. */
function starting(rig: JobRig, gpu: number, script = HOLD, more: Partial<StartRequest> = {}) {
  const request = rig.job(script);
  const said: string[] = [];
  const started = rig.executor.start({...request, gpu, waiting: (text) => said.push(text), ...more});
  return {request, said, started};
}

async function ended(running: Running): Promise<void> {
  assert.deepEqual((await running.exit).how, {type: 'exited', code: 0});
}

test('two jobs with one GPU each get different ones, and a third waits until one is free', {skip}, async (t) => {
  const rig = machine(t, '4,6');
  const [a, b] = [starting(rig, 1), starting(rig, 1)];
  const running = await Promise.all([a.started, b.started]);
  assert.deepEqual([await seen(a.request), await seen(b.request)].sort(), ['1 4', '1 6']);
  const c = starting(rig, 1);
  await until('it says what it waits for', () => c.said.length > 0);
  assert.deepEqual(c.said, ['waiting for a GPU: 4 and 6 are held by another job of this run']);
  letGo(a.request);
  await ended(running[0]);
  const third = await c.started;
  assert.equal(await seen(c.request), await seen(a.request));
  for (const {request} of [b, c]) letGo(request);
  await Promise.all([running[1], third].map(ended));
});

test('a job gets as many as it asks for, at most those that there are, all at once', {skip}, async (t) => {
  const rig = machine(t, 'GPU-a,GPU-b,MIG-GPU-c/1/0');
  assert.equal((await rig.executor.capacity()).gpu, 3);
  assert.equal((await rig.executor.capacity({gpu: false})).gpu, 0);
  const two = starting(rig, 2);
  const running = await two.started;
  assert.equal(await seen(two.request), '2 GPU-a,GPU-b');
  const all = starting(rig, 8);
  await until('it says what it waits for', () => all.said.length > 0);
  assert.equal(all.said[0], 'waiting for 3 GPUs: GPU-a and GPU-b are held by another job of this run');
  letGo(two.request);
  await ended(running);
  const other = await all.started;
  assert.equal(await seen(all.request), '3 GPU-a,GPU-b,MIG-GPU-c/1/0');
  letGo(all.request);
  await ended(other);
});

test(
  'a job that asks for none holds none and sees what r1 sees; where there are none, nobody holds any',
  {skip},
  async (t) => {
    const rig = machine(t, '0');
    const shared = starting(rig, 0, SEE);
    await ended(await shared.started);
    assert.match(seenBy(shared.request)!, /^0 /);
    assert.equal(readGpus(shared.request.folder), undefined);
    assert.deepEqual(readdirSync(rig.locks), []);
    const bare = machine(t, '');
    const {request, started} = starting(bare, 1, SEE);
    await ended(await started);
    assert.match(seenBy(request)!, /^0 /);
    assert.equal((await bare.executor.capacity()).gpu, 0);
  },
);

test('nvidia-smi names the devices where no list does, in an order that the job is told', {skip}, async (t) => {
  const says = 'echo "GPU 0: NVIDIA X (UUID: GPU-aa)"; echo "GPU 1: NVIDIA X (UUID: GPU-bb)"';
  const path = `${nvidiaSmi(t, says)}:${process.env['PATH']}`;
  setVariables(t, {PATH: path, CUDA_VISIBLE_DEVICES: undefined});
  const locks = temporaryFolder(t);
  const rig = setUp(t, {gpuLocks: locks});
  const {request, started} = starting(rig, 1, `${SEE}; echo "$CUDA_DEVICE_ORDER"`);
  await ended(await started);
  assert.equal(seenBy(request), '1 0');
  assert.equal(readFileSync(jobFiles(request.folder).log, 'utf8'), 'PCI_BUS_ID\n');
  assert.deepEqual(readGpus(request.folder), {
    version: 1,
    gpus: [{visible: '0', id: 'GPU-aa', lock: join(locks, 'GPU-aa.lock')}],
  });
});

test('what a job is told to use by its own environment it gets, and nothing else', {skip}, async (t) => {
  const rig = machine(t, '0,1');
  const own = starting(rig, 1, HOLD, {env: {CUDA_VISIBLE_DEVICES: '1'}});
  const running = await own.started;
  assert.equal(await seen(own.request), '1 1');
  const none = starting(rig, 1, SEE, {env: {CUDA_VISIBLE_DEVICES: ''}});
  await ended(await none.started);
  assert.equal(seenBy(none.request), '0');
  const passedOn = starting(rig, 1, SEE, {env: {CUDA_VISIBLE_DEVICES: '0,1'}});
  await ended(await passedOn.started);
  assert.equal(seenBy(passedOn.request), '1 0');
  letGo(own.request);
  await ended(running);
});

test('runners of two stores exclude each other, and who waits says for whom', {skip}, async (t) => {
  const one = machine(t, '0,1');
  const second = machine(t, '0,1', one.locks);
  const [a, b] = [starting(one, 1), starting(second, 1)];
  const [first, next] = [await a.started, await b.started];
  assert.deepEqual([await seen(a.request), await seen(b.request)].sort(), ['1 0', '1 1']);
  const both = starting(second, 2);
  await until('it says what it waits for', () => both.said.length > 0);
  letGo(b.request);
  await ended(next);
  await until('it says that it waits for somebody else', () => both.said.length > 1);
  const [mine, theirs] = [await seen(b.request), await seen(a.request)].map((words) => words.split(' ')[1]!);
  const {pid} = readProcess(a.request.folder)!;
  assert.deepEqual(both.said, [
    `waiting for 2 GPUs: ${mine} is held by another job of this run`,
    `waiting for 2 GPUs: ${theirs} is held by the job in ${a.request.folder} (process ${pid})`,
  ]);
  letGo(a.request);
  await ended(first);
  const last = await both.started;
  assert.equal(await seen(both.request), '2 0,1');
  letGo(both.request);
  await ended(last);
});

test('who is not wanted any more while it waits is not started, and holds nothing', {skip}, async (t) => {
  const rig = machine(t, '0');
  const holder = starting(rig, 1);
  const running = await holder.started;
  const stop = new AbortController();
  const {request, said, started} = starting(rig, 1, SEE, {signal: stop.signal});
  await until('it says what it waits for', () => said.length > 0);
  stop.abort();
  await assert.rejects(started, {name: 'AbortError'});
  assert.equal(seenBy(request), undefined);
  letGo(holder.request);
  await ended(running);
  const after = starting(rig, 1, SEE);
  await ended(await after.started);
  assert.equal(seenBy(after.request), '1 0');
});

test(
  'a job whose runner is killed keeps its device until it ends, as its adopter and others see',
  {skip},
  async (t) => {
    const rig = machine(t, '0');
    const request = rig.job(HOLD);
    const runner = runnerOf(t, {gpuLocks: rig.locks});
    runner.ask({...request, gpu: 1});
    const record = await until('the job runs', () => readProcess(request.folder));
    assert.equal(await seen(request), '1 0');
    await runner.kill();
    const stranger = starting(machine(t, '0', rig.locks), 1);
    await until('it says what it waits for', () => stranger.said.length > 0);
    assert.equal(
      stranger.said[0],
      `waiting for a GPU: 0 is held by the job in ${request.folder} (process ${record.pid})`,
    );
    const adopted = await adoptRunning(rig.executor, request);
    const mine = starting(rig, 1);
    await until('it says what it waits for', () => mine.said.length > 0);
    assert.equal(mine.said[0], 'waiting for a GPU: 0 is held by another job of this run');
    letGo(request);
    assert.deepEqual((await adopted.exit).how, {type: 'unseen'});
    for (const {request} of [stranger, mine]) letGo(request);
    await Promise.all([stranger, mine].map(async ({started}) => ended(await started)));
  },
);

test('what a job leaves behind keeps the device until it is ended', {skip}, async (t) => {
  const rig = machine(t, '0');
  const request = rig.job(`sleep 600 & ${HOLD}`);
  const runner = runnerOf(t, {gpuLocks: rig.locks});
  runner.ask({...request, gpu: 1});
  await until('its process is noted', () => readProcess(request.folder));
  await seen(request);
  const launcher = processRecord(launcherOf(request));
  await runner.kill();
  letGo(request);
  await until('the launcher has ended', () => !isRunning(launcher));
  const [child] = descendantsOf({tag: request.tag});
  assert.match(child!.command, /^sleep/);
  const next = starting(rig, 1, SEE);
  await until('it says what it waits for', () => next.said.length > 0);
  assert.equal(seenBy(next.request), undefined);
  // The next runner ends it.
  assertGone(await adopt(rig.executor, request));
  await ended(await next.started);
  assert.equal(seenBy(next.request), '1 0');
});

test(
  'a shell that is killed with its job frees the device, and a job that outlives its shell keeps it',
  {skip},
  async (t) => {
    const rig = machine(t, '0');
    const first = starting(rig, 1);
    const running = await first.started;
    await until('its process is noted', () => readProcess(first.request.folder));
    await running.kill();
    await running.exit;
    const second = starting(rig, 1);
    const alone = await second.started;
    await until('its process is noted', () => readProcess(second.request.folder));
    signal(launcherOf(second.request), 'SIGKILL');
    const third = starting(machine(t, '0', rig.locks), 1, SEE);
    await until('it says what it waits for', () => third.said.length > 0);
    letGo(second.request);
    assert.deepEqual((await alone.exit).how, {type: 'unseen'});
    await ended(await third.started);
  },
);

test('a machine of sixteen devices gives them all to one job', {skip}, async (t) => {
  const devices = Array.from({length: 16}, (_, i) => String(i)).join(',');
  const rig = machine(t, devices);
  const {request, started} = starting(rig, 16, SEE);
  await ended(await started);
  assert.equal(seenBy(request), `16 ${devices}`);
});

test('without a flock that can be used this is said once, and the runner keeps count by itself', async (t) => {
  const tools = temporaryFolder(t);
  for (const name of ['sh', 'sleep', 'mv', 'cat'])
    symlinkSync(programIn(process.env['PATH'], name)!, join(tools, name));
  const strange = temporaryFolder(t, {flock: '#!/bin/sh\nexit 1\n'});
  chmodSync(join(strange, 'flock'), 0o755);
  for (const [path, why] of [
    [tools, 'there is no flock here'],
    [`${strange}:${tools}`, 'flock cannot be used here: it ended with exit code 1'],
  ] as const) {
    setVariables(t, {PATH: path});
    const rig = machine(t, '0');
    const notes: string[] = [];
    const note = (text: string) => notes.push(text);
    const first = starting(rig, 1, HOLD, {note});
    const running = await first.started;
    const second = starting(rig, 1, SEE, {note});
    await until('it says what it waits for', () => second.said.length > 0);
    assert.deepEqual(readGpus(first.request.folder), {version: 1, gpus: [{visible: '0', id: '0'}]});
    letGo(first.request);
    await ended(running);
    await ended(await second.started);
    assert.deepEqual(notes, [
      `${why}, so other runs on this machine may use the same GPUs (flock is part of util-linux)`,
    ]);
  }
});

test('a folder of locks is made for its user alone, and somebody else’s is refused', {skip}, async (t) => {
  const parent = temporaryFolder(t);
  const locks = join(parent, 'locks');
  const rig = machine(t, '0', locks);
  const {started} = starting(rig, 1, SEE);
  await ended(await started);
  assert.equal(statSync(locks).mode & 0o777, 0o700);
  const elsewhere = join(parent, 'elsewhere');
  symlinkSync(locks, elsewhere);
  const misled = starting(machine(t, '0', elsewhere), 1);
  await assert.rejects(misled.started, {
    name: 'UserError',
    message: /in which GPUs are locked, is not a folder of yours/,
  });
  if (process.getuid?.() !== 0) return;
  const theirs = join(parent, 'theirs');
  mkdirSync(theirs);
  assert.equal(spawnSync('chown', ['65534', theirs]).status, 0);
  await assert.rejects(starting(machine(t, '0', theirs), 1).started, {name: 'UserError'});
});

test('a job that cannot be started gives its devices back', {skip}, async (t) => {
  const rig = machine(t, '0');
  const lost = rig.job(SEE);
  await assert.rejects(rig.executor.start({...lost, gpu: 1, folder: join(lost.folder, 'nowhere')}), /ENOENT/);
  const unwritable = rig.job(SEE);
  mkdirSync(jobFiles(unwritable.folder).log);
  await assert.rejects(rig.executor.start({...unwritable, gpu: 1}), /EISDIR/);
  assert.equal(existsSync(join(unwritable.folder, 'process.json')), false);
  const {request, started} = starting(rig, 1, SEE);
  await ended(await started);
  assert.equal(seenBy(request), '1 0');
});
