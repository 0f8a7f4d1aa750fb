/** The Python helper's events and stops, as r1 reads them. */
import assert from 'node:assert/strict';
import {readFileSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {declaresCompletion, jobFiles, writeStop} from '../../../../pipeline/job/folder.js';
import {temporaryFolder} from '../../../rig/temporary.js';
import {PACKAGE, eventsOf, inJob, jobFolder, saidIn, skip, startInJob, startPython} from './python-job.js';
import type {StartedPython} from './python-job.js';

const succeeded = ({code, err}: {code: number | null; err: string}): void => assert.equal(code, 0, err);

test('events are what r1 reads, whatever numbers and texts they are made of', {skip}, async (t) => {
  const folder = jobFolder(t);
  const {code, err} = await inJob(
    t,
    folder,
    `
class Whole:
    def __index__(self): return 7
job.progress(1, 10)
job.progress(Whole(), 10.0, tokens=2.5)
job.metric('loss', 1, 0.25)
job.metric('accuracy ✓', Whole(), 1)
for value in ('nan', 'inf', '-inf'): job.metric('loss', 2, float(value))
job.note('line\\nand “ü” and half a character \\ud83d')
job.note('x' * 3_000_000)
job.complete()
job.note('too late')
`,
  );
  succeeded({code, err});
  const [first, second, ...rest] = saidIn(folder) as [object, object, ...({text?: string} & object)[]];
  assert.deepEqual(first, {type: 'progress', step: 1, total: 10});
  assert.deepEqual(second, {type: 'progress', step: 7, total: 10, tokens: 2.5});
  assert.deepEqual(rest.slice(0, 5), [
    {type: 'metric', name: 'loss', step: 1, value: 0.25},
    {type: 'metric', name: 'accuracy ✓', step: 7, value: 1},
    {type: 'metric', name: 'loss', step: 2, value: NaN},
    {type: 'metric', name: 'loss', step: 2, value: Infinity},
    {type: 'metric', name: 'loss', step: 2, value: -Infinity},
  ]);
  assert.equal(rest[5]?.text, 'line\nand “ü” and half a character \ud83d');
  assert.match(rest[6]?.text ?? '', /^xxx/);
  assert.deepEqual(rest.slice(7), [{type: 'complete', version: 1}]);
  assert.ok(declaresCompletion(folder));
  assert.ok(Math.abs(eventsOf(folder)[0]!.at - Date.now()) < 600_000, 'in milliseconds');
});

test('what r1 would not take is refused where it is said', {skip}, async (t) => {
  const folder = jobFolder(t);
  const refused = [
    'job.metric("", 1, 0)',
    'job.metric("x" * 201, 1, 0)',
    'job.metric("a\\x1b[2Jb", 1, 0)',
    'job.metric(None, 1, 0)',
    'job.metric("loss", 1.5, 0)',
    'job.metric("loss", -1, 0)',
    'job.metric("loss", 2**53, 0)',
    'job.metric("loss", 1, "much")',
    'job.progress(-1, 10)',
    'job.progress(1, float("nan"))',
    'job.progress(1, 10, tokens=-1)',
    'job.checkpoint("5", lambda folder: None)',
  ];
  const lines = refused.map(
    (line) => `try:\n    ${line}\n    print(${JSON.stringify(line)})\nexcept (TypeError, ValueError): pass`,
  );
  const {code, out, err} = await inJob(t, folder, lines.join('\n'));
  assert.deepEqual({code, out}, {code: 0, out: ''}, err);
  assert.deepEqual(saidIn(folder), []);
});

test('threads and forked processes that report at once spoil no line', {skip}, async (t) => {
  const folder = jobFolder(t);
  const end = await inJob(
    t,
    folder,
    `
import threading
def report(name):
    for step in range(1000): job.metric(name, step, 0.5)
def save():
    for step in range(20): job.checkpoint(step, lambda folder: open(folder + '/state', 'w').close())
child = os.fork()
if child == 0:
    report('forked')
    os._exit(0)
threads = [threading.Thread(target=report, args=(name,)) for name in 'ab'] + [threading.Thread(target=save) for _ in 'cd']
for each in threads: each.start()
for each in threads: each.join()
os.waitpid(child, 0)
`,
  );
  succeeded(end);
  const said = eventsOf(folder);
  const count = (name: string) => said.filter((event) => event.type === 'metric' && event.name === name).length;
  assert.deepEqual([count('a'), count('b'), count('forked')], [1000, 1000, 1000]);
  assert.equal(said.filter(({type}) => type === 'checkpoint').length, 40);
});

test('of several processes only the first writes, and all read', {skip}, async (t) => {
  const folder = jobFolder(t);
  const lines = `
job.progress(1, 2)
job.checkpoint(1, lambda folder: open(folder + '/state', 'w').close())
job.checkpoint_folder(2, 'nowhere') if job.rank else None
job.complete()
print(job.rank, job.latest_step)`;
  const second = await inJob(t, folder, lines, {RANK: '1'});
  assert.equal(second.out, '1 None\n', second.err);
  assert.deepEqual(saidIn(folder), []);
  assert.equal((await inJob(t, folder, lines, {RANK: '0'})).out, '0 1\n');
  assert.deepEqual(
    eventsOf(folder).map(({type}) => type),
    ['progress', 'checkpoint', 'complete'],
  );
  assert.equal((await inJob(t, folder, lines, {RANK: '1'})).out, '1 1\n');
});

test(
  'an event that cannot be written is lost and told; the one that says that it is done is not',
  {skip},
  async (t) => {
    const folder = jobFolder(t);
    const {code, out, err} = await inJob(
      t,
      folder,
      `
job.progress(1, 2)
try: job.complete()
except r1job.JobError as error: print(error)`,
      {R1_EVENTS: '/dev/full'},
    );
    assert.equal(code, 0, err);
    assert.match(err, /^r1job: an event is lost: .*No space left/);
    assert.match(out, /complete could not be written to \/dev\/full: .*No space left/);
  },
);

test('a job knows what it was given; variables count more than job.json', {skip}, async (t) => {
  const folder = jobFolder(t, {
    params: {steps: 3},
    inputs: {base: 'inputs/base', many: {a: 'inputs/many/a'}},
    outputs: {model: 'outputs/model'},
    seed: 5,
    threads: 4,
    checkpointEvery: 10,
  });
  const print = `
import json
print(json.dumps([job.folder, job.params, job.inputs, job.outputs, job.seed, job.threads, job.gpus, job.every, job.checkpoints]))`;
  const paths = [
    {base: join(folder, 'inputs/base'), many: {a: join(folder, 'inputs/many/a')}},
    {model: join(folder, 'outputs/model')},
  ];
  assert.deepEqual(JSON.parse((await inJob(t, folder, print)).out), [
    ...[folder, {steps: 3}, ...paths, 5, 4, 0, 10],
    jobFiles(folder).checkpoints,
  ]);
  const env = {
    R1_SEED: '6',
    R1_THREADS: '2',
    R1_GPUS: '8',
    R1_CHECKPOINT_EVERY: '20',
    R1_CHECKPOINTS: join(folder, 'else'),
  };
  const said = JSON.parse((await inJob(t, folder, print, env)).out) as unknown[];
  assert.deepEqual(said.slice(4), [6, 2, 8, 20, join(folder, 'else')]);
});

for (const [what, env, says] of [
  ['a folder that is not there', {R1_JOB: '/nowhere'}, /R1_JOB names \/nowhere, which is no folder; .*unset it/],
  ['a folder without a job', {R1_JOB: '/'}, /job\.json cannot be read .*is R1_JOB the job folder that r1 has made\?/],
  ['a seed that is none', {R1_SEED: 'x'}, /R1_SEED is 'x', not a whole number from 0 up/],
  ['an interval of nothing', {R1_CHECKPOINT_EVERY: '0'}, /R1_CHECKPOINT_EVERY is '0', not a whole number from 1 up/],
] as const) {
  test(`${what} is refused with what to do about it`, {skip}, async (t) => {
    const {code, err} = await startPython(t, ['-c', 'import r1job; r1job.Job()'], {env}).ended;
    assert.equal(code, 1);
    assert.match(err.trimEnd().split('\n').at(-1)!, says);
  });
}

test('a job.json of another version is refused', {skip}, async (t) => {
  const {code, err} = await inJob(t, jobFolder(t, {version: 2}), '');
  assert.equal(code, 1);
  assert.match(err, /is not of version 1; take the r1job that came with this r1/);
});

const LOOP = `
import time
print('ready', flush=True)
while not job.stopping: time.sleep(0.01)
assert job.due(3)
job.checkpoint(3, lambda folder: open(folder + '/state', 'w').close())
sys.exit(r1job.TRY_AGAIN)`;

async function ready({child, ended}: StartedPython): Promise<void> {
  await Promise.race([new Promise((resolve) => child.stdout!.once('data', resolve)), ended]);
}

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1'] as const) {
  test(`${signal} asks for a checkpoint and an end`, {skip}, async (t) => {
    const folder = jobFolder(t);
    const running = startInJob(t, folder, LOOP);
    await ready(running);
    running.child.kill(signal);
    const {code, err} = await running.ended;
    assert.equal(code, 75, err);
    assert.match(err, new RegExp(`^r1job: asked to stop by ${signal}`));
    assert.deepEqual(
      eventsOf(folder).map(({type}) => type),
      ['checkpoint'],
    );
  });
}

test('r1’s stop.json asks as well, without a signal', {skip}, async (t) => {
  const folder = jobFolder(t);
  const running = startInJob(t, folder, LOOP);
  await ready(running);
  writeStop(folder, {version: 1, why: 'person'});
  assert.equal((await running.ended).code, 75);
});

test('a second Ctrl-C ends it at once, though not one that arrives with the first', {skip}, async (t) => {
  const running = startInJob(
    t,
    jobFolder(t),
    `
import signal, time
os.kill(os.getpid(), signal.SIGINT)
os.kill(os.getpid(), signal.SIGINT)
print('still there', flush=True)
real = time.monotonic
time.monotonic = lambda: real() + 2
os.kill(os.getpid(), signal.SIGINT)
print('not reached')`,
  );
  const {out, err} = await running.ended;
  assert.equal(out, 'still there\n');
  assert.match(err, /asked to stop by SIGINT; Ctrl-C once more ends it at once\n[^]*KeyboardInterrupt/);
});

test('a worker that was forked dies of a signal, and what is ignored stays ignored', {skip}, async (t) => {
  const {code, out, err} = await startPython(t, [
    '-c',
    `
import os, signal, time
signal.signal(signal.SIGHUP, signal.SIG_IGN)
import r1job
job = r1job.Job()
os.kill(os.getpid(), signal.SIGHUP)
ready, go = os.pipe()
worker = os.fork()
if worker == 0:
    # Python forgets a signal that comes while a fork is on its way.
    os.write(go, b'x')
    time.sleep(60)
os.read(ready, 1)
os.kill(worker, signal.SIGTERM)
print(os.WTERMSIG(os.waitpid(worker, 0)[1]), job.stopping)`,
  ]).ended;
  assert.equal(code, 0, err);
  assert.equal(out, '15 False\n');
});

test('a checkpoint is due by the interval, else by what the last one cost', {skip}, async (t) => {
  const due = (lines: string, env = {}) => inJob(t, jobFolder(t), lines, env).then(({out, err}) => out + err);
  assert.equal(
    await due('print([step for step in range(1, 11) if job.due(step)])', {R1_CHECKPOINT_EVERY: '4'}),
    '[4, 8]\n',
  );
  const byCost = `
import time
now = time.monotonic()
time.monotonic = lambda: now
def after(seconds):
    global now
    now += seconds
    return job.due(1)
def write(folder):
    global now
    now += 2
print(after(4.9), after(0.2))
job.checkpoint(1, write)
print(after(39.9), after(0.2))`;
  assert.equal(await due(byCost), 'False True\nFalse True\n');
});

/** The trainer that the README shows. */
const shown = (): string => /```py\n([^]*?)```/.exec(readFileSync(join(PACKAGE, 'README.md'), 'utf8'))![1]!;

test('the trainer of the README runs alone, and in a job goes on where it was stopped', {skip}, async (t) => {
  const alone = temporaryFolder(t, {'train.py': shown()});
  succeeded(await startPython(t, ['train.py'], {cwd: alone}).ended);
  const whole = readFileSync(join(alone, 'weight.json'), 'utf8');

  const folder = jobFolder(t, {outputs: {weight: 'outputs/weight'}});
  const train = join(alone, 'train.py');
  writeStop(folder, {version: 1, why: 'person'});
  const env = {R1_JOB: folder};
  assert.equal((await startPython(t, [train], {env}).ended).code, 75);
  rmSync(jobFiles(folder).stop);
  succeeded(await startPython(t, [train], {env}).ended);
  assert.equal(readFileSync(join(folder, 'outputs/weight'), 'utf8'), whole);
  const steps = eventsOf(folder).flatMap((event) => (event.type === 'progress' ? [event.step] : []));
  assert.deepEqual(
    steps,
    Array.from({length: 100}, (_, index) => index + 1),
  );
});
