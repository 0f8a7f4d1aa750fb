/** Programs that are asked to stop: by the runner, by others, too late, and with the last word left to them. */
import assert from 'node:assert/strict';
import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {outcomeOf} from '../../../pipeline/run/outcome-of.js';
import type {Running, StartRequest, StopWhy} from '../../../pipeline/executors/executor.js';
import {localExecutor} from '../../../pipeline/executors/local.js';
import {processRecord, signal} from '../../../pipeline/executors/process-table.js';
import {tagOf} from '../../../pipeline/job/tag.js';
import {readProcess} from '../../../pipeline/executors/process-record.js';
import {jobFiles, readResult, readStop} from '../../../pipeline/job/folder.js';
import type {Outcome} from '../../../pipeline/outcome.js';
import {until} from '../../rig/command.js';
import {pidOf} from '../../rig/jobs.js';
import {temporaryFolder} from '../../rig/temporary.js';

interface Program {
  readonly request: StartRequest;
  readonly running: Running;
  /** The shell that started it. */
  readonly launcher: number;
}

/** Starts a program in a folder of its own; `ready` in its scratch folder says that it has come so far. */
async function started(t: TestContext, script: string): Promise<Program> {
  const folder = temporaryFolder(t);
  const executor = localExecutor('/nowhere/main.js');
  t.after(() => executor.close?.());
  mkdirSync(jobFiles(folder).scratch);
  const request = {folder, tag: tagOf('stopping', folder), command: ['/bin/sh', '-c', script]};
  const running = await executor.start(request);
  t.after(() => running.kill());
  await until('it is ready', () => existsSync(join(jobFiles(folder).scratch, 'ready')));
  const record = await until('its process is noted', () => readProcess(folder));
  return {request, running, launcher: record.session!};
}

async function endOf({running, request: {folder}}: Program, asked?: StopWhy): Promise<Outcome> {
  const exit = await running.exit;
  return outcomeOf({folder, exit, result: readResult(folder), asked, timeout: 60});
}

/** Writes half an output when it is asked to end, and ends with 0. */
const obliging = (signals: string): string =>
  `trap 'echo half >../half; exit 0' ${signals}; : >ready; while :; do sleep 0.05; done`;

const COMPLETE = '{"type":"complete","version":1,"at":1}';

/** Says that it is done before it ends. */
const declaring = (line: string): string =>
  `trap 'echo whole >../half; echo '\\''${line}'\\'' >>"$R1_JOB/events.jsonl"; exit 0' TERM; : >ready; while :; do sleep 0.05; done`;

test('a program that is asked to stop and ends with 0 was stopped, and what it was asked was written down first', async (t) => {
  const program = await started(
    t,
    `trap 'cp ../stop.json ../seen; exit 0' TERM; : >ready; while :; do sleep 0.05; done`,
  );
  const {folder} = program.request;
  await program.running.stop('person');
  assert.deepEqual(await endOf(program, 'person'), {reason: 'stopped', by: 'person'});
  assert.deepEqual(readResult(folder), {ok: true, value: {end: 'exited', code: 0, asked: true}});
  assert.equal((JSON.parse(readFileSync(join(folder, 'seen'), 'utf8')) as {why: string}).why, 'person');
});

test('a program whose time is up and that ends with 0 for it has timed out', async (t) => {
  const program = await started(t, obliging('TERM'));
  await program.running.stop('timeout');
  assert.deepEqual(await endOf(program, 'timeout'), {reason: 'timed-out', seconds: 60});
});

test('a program that declares that it is complete is done, whatever it was asked', async (t) => {
  for (const why of ['person', 'timeout'] as const) {
    const program = await started(t, declaring(COMPLETE));
    await program.running.stop(why);
    assert.deepEqual(await endOf(program, why), {reason: 'succeeded'});
  }
});

test('a declaration counts only whole, of a version that is known, and as the last word', async (t) => {
  const lines = [
    '{"type":"complete","version":2,"at":1}',
    '{"type":"complete","at":1}',
    `${COMPLETE}\n{"type":"note","at":2,"text":"not yet"}`,
  ];
  for (const line of lines) {
    const program = await started(t, declaring(line));
    await program.running.stop('person');
    assert.deepEqual(await endOf(program, 'person'), {reason: 'stopped', by: 'person'}, line);
  }
  const torn = await started(t, declaring(COMPLETE).replace("echo '\\'", "printf %s '\\'"));
  await torn.running.stop('person');
  assert.deepEqual(await endOf(torn, 'person'), {reason: 'stopped', by: 'person'}, 'without a line break');
});

test('a program that fails when it is asked to stop was stopped, declared or not', async (t) => {
  const program = await started(t, declaring(COMPLETE).replace('exit 0', 'exit 3'));
  await program.running.stop('person');
  assert.deepEqual(await endOf(program, 'person'), {reason: 'stopped', by: 'person'});
});

for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1'] as const) {
  test(`${name} to the shell that started a program is for the program, and no result comes of it`, async (t) => {
    const program = await started(t, obliging('TERM HUP USR1'));
    const {folder} = program.request;
    signal(program.launcher, name);
    assert.deepEqual(await endOf(program), {reason: 'stopped', by: {signal: name}});
    assert.deepEqual(readStop(folder), {version: 1, why: 'signal', signal: name});
    assert.deepEqual(readResult(folder), {ok: true, value: {end: 'exited', code: 0, asked: true}});
    assert.equal(readFileSync(join(folder, 'half'), 'utf8'), 'half\n');
  });
}

test('how a program ends is seen that does not end for the signals that its shell gets', async (t) => {
  const program = await started(t, `trap : TERM USR1; : >ready; until test -e go; do sleep 0.05; done; exit 7`);
  const {folder} = program.request;
  for (const name of ['SIGTERM', 'SIGUSR1'] as const) signal(program.launcher, name);
  await until('it is written down', () => readStop(folder));
  writeFileSync(join(jobFiles(folder).scratch, 'go'), '');
  const {how} = await program.running.exit;
  assert.deepEqual(how, {type: 'exited', code: 7});
});

test('a shell that has been sent a signal runs the next job as any other', async (t) => {
  const folder = temporaryFolder(t);
  const executor = localExecutor('/nowhere/main.js');
  t.after(() => executor.close?.());
  const start = async (name: string, script: string) => {
    const job = join(folder, name);
    mkdirSync(jobFiles(job).scratch, {recursive: true});
    const running = await executor.start({folder: job, tag: tagOf(name, job), command: ['/bin/sh', '-c', script]});
    return {running, job, record: await until('it is noted', () => readProcess(job))};
  };
  const first = await start('first', 'trap "exit 0" TERM; : >ready; while :; do sleep 0.05; done');
  await until('it is ready', () => existsSync(join(jobFiles(first.job).scratch, 'ready')));
  signal(first.record.session!, 'SIGTERM');
  await first.running.exit;
  const second = await start('second', 'sleep 0.3; exit 0');
  assert.equal(second.record.session, first.record.session);
  await second.running.exit;
  assert.deepEqual(readResult(second.job), {ok: true, value: {end: 'exited', code: 0, asked: false}});
});

test('a program that had ended by itself is not asked any more, and what it did counts', async (t) => {
  const program = await started(t, ': >ready; until test -e go; do sleep 0.01; done; exit 0');
  const {folder} = program.request;
  // It is over, but nobody has heard of it.
  signal(program.launcher, 'SIGSTOP');
  writeFileSync(join(jobFiles(folder).scratch, 'go'), '');
  await until('it has ended', () => isOver(pidOf(program.running)));
  await program.running.stop('person');
  signal(program.launcher, 'SIGCONT');
  assert.deepEqual(await endOf(program, 'person'), {reason: 'succeeded'});
  assert.equal(readStop(folder), undefined);
});

const isOver = (pid: number): boolean =>
  process.platform === 'linux'
    ? / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
    : processRecord(pid).started === undefined;

test('a pipe that a program leaves in the place of its result is not waited at', async (t) => {
  const program = await started(
    t,
    'mkfifo ../result.json; : >ready; until test -s ../process.json; do sleep 0.01; done; exit 3',
  );
  assert.deepEqual(await endOf(program), {reason: 'stage-exited', exitCode: 3});
});

test('a device in the place of the result is not read', async (t) => {
  const program = await started(
    t,
    'until test -s ../process.json; do sleep 0.01; done; ln -s /dev/zero ../result.json; : >ready',
  );
  assert.deepEqual(await endOf(program), {reason: 'result-garbled', message: 'it is not a file'});
});

test('a program that ended with 0 where this could not be written down is not said to have ended too early', (t) => {
  const folder = temporaryFolder(t);
  const job = {version: 1, epoch: '', tag: '', node: 'a', stage: 'a', module: '', export: '', command: ['true']};
  const rest = {params: {}, seed: 0, threads: 1, cores: 1, inputs: {}, outputs: {}};
  writeFileSync(jobFiles(folder).job, JSON.stringify({...job, ...rest}));
  writeFileSync(jobFiles(folder).result, '');
  const exit = {how: {type: 'exited', code: 0}, leftovers: []} as const;
  const outcome = outcomeOf({folder, exit, result: readResult(folder), asked: undefined});
  assert.ok(outcome.reason === 'store-failed');
  assert.deepEqual(outcome.remedy, {type: 'free-space', maybe: true});
});

test('a program is stopped on a full disk too, and counts as stopped', async (t) => {
  const program = await started(t, obliging('TERM'));
  const {folder} = program.request;
  // Nothing can be put in its place.
  mkdirSync(`${jobFiles(folder).stop}.tmp`);
  await assert.rejects(program.running.stop('person'));
  const exit = await program.running.exit;
  const {stop, result} = jobFiles(folder);
  assert.equal(existsSync(stop), false);
  assert.equal(readFileSync(result, 'utf8'), '{"end":"exited","code":0,"asked":false}');
  const asked = {folder, exit, result: readResult(folder), asked: 'person', isUnwritten: true} as const;
  assert.deepEqual(outcomeOf(asked), {reason: 'stopped', by: 'person'});
});
