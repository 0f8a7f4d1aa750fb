/** What a program that is a stage is told of its job, and what its ends come to: checkpoints, another try, garbled events, grace. */
import assert from 'node:assert/strict';
import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {openStore} from '../../artifacts/index.js';
import type {Attempt, MetricPoint} from '../../artifacts/index.js';
import {r1, start, until} from '../rig/command.js';
import {temporaryFolder} from '../rig/temporary.js';

/** One node whose program is a shell script, with these options. */
const recipe = (options: string, fields = ''): string => `
import {recipe} from 'r1';
import {command} from 'r1/stages';
export const train = command({
  module: import.meta.url, name: 'train', inputs: {}, outputs: {out: 'data'}, params: {}, ${fields}
  argv: ({outputs}) => ['/bin/sh', '-e', new URL('./train.sh', import.meta.url), outputs.out],
});
export default recipe('programs', (add) => void add('train', train, {}, {}, ${options}));
`;

/** Seals a checkpoint as the README says, with what a shell has. */
const SEAL = `
seal() {
  new=$R1_CHECKPOINTS/writing-$$
  mkdir -p "$new/files"
  echo "$2" >"$new/files/state"
  sum=$(sha256sum "$new/files/state" | cut -d' ' -f1)
  bytes=$(($(wc -c <"$new/files/state")))
  printf '{"version":1,"step":%d,"files":[{"path":"state","bytes":%d,"sha256":"%s"}]}' "$1" "$bytes" "$sum" >"$new/manifest.json"
  mv "$new" "$R1_CHECKPOINTS/step-$1"
}
`;

function recorded(cwd: string): {attempts: readonly Attempt[]; metrics: readonly MetricPoint[]} {
  const store = openStore(join(cwd, '.r1'), {mode: 'read'});
  try {
    const attempts = store.attemptsOf(store.latestRun()!.id, 'train');
    return {attempts, metrics: store.metrics(attempts.at(-1)!.id)};
  } finally {
    store.close();
  }
}

const detailOf = ({outcome}: Attempt): unknown => outcome?.detail;

test('a program is told of its job by variables that nobody else sets', async (t) => {
  const script =
    'env | grep "^R1_" | sort >"$1"; test -d "$R1_CHECKPOINTS"; test ! -e "$R1_CHECKPOINTS/latest"; cp "$1" seen; cat seen\n';
  const cwd = temporaryFolder(t, {
    'p.ts': recipe('{threads: 3, checkpointEvery: 7}', 'checkpoints: true,'),
    'train.sh': script,
  });
  const env = {R1_SEED: '99', R1_CHECKPOINTS: '/nowhere', R1_EVENTS: '/nowhere', R1_GPUS: '8', R1_MINE: 'handed on'};
  const {code, err} = await r1(t, ['run', './p.ts', '--seed', '5'], {cwd, env});
  assert.equal(code, 0, err);
  const log = readFileSync(join(cwd, '.r1', 'jobs', '1', 'output.log'), 'utf8');
  const seen = Object.fromEntries(
    log
      .trim()
      .split('\n')
      .map((line) => line.split('=') as [string, string]),
  );
  const {R1_JOB: job = ''} = seen;
  assert.match(job, /\/jobs\/1$/);
  assert.equal(seen['R1_EVENTS'], join(job, 'events.jsonl'));
  assert.equal(seen['R1_CHECKPOINTS'], join(job, 'checkpoints'));
  const {R1_CHECKPOINT_EVERY, R1_SEED, R1_THREADS, R1_MINE} = seen;
  assert.deepEqual(
    {R1_CHECKPOINT_EVERY, R1_SEED, R1_THREADS, R1_MINE},
    {R1_CHECKPOINT_EVERY: '7', R1_SEED: '5', R1_THREADS: '3', R1_MINE: 'handed on'},
  );
});

test('a program without checkpoints is told of none, and one that is seedless of no seed', async (t) => {
  const script = 'test -z "$R1_CHECKPOINTS$R1_CHECKPOINT_EVERY"; test "$R1_SEED" = 0; : >"$1"\n';
  const cwd = temporaryFolder(t, {'p.ts': recipe('{checkpointEvery: 7}', 'seedless: true,'), 'train.sh': script});
  const env = {R1_CHECKPOINTS: '/outer', R1_CHECKPOINT_EVERY: '1'};
  const {code, err} = await r1(t, ['run', './p.ts', '--seed', '5'], {cwd, env});
  assert.equal(code, 0, err);
});

test('a program that a node makes can be executed by the next one, and is made again as such', async (t) => {
  const cwd = temporaryFolder(t, {
    'p.ts': `
import {recipe} from 'r1';
import {command} from 'r1/stages';
const module = import.meta.url;
export const build = command({
  module, name: 'build', inputs: {}, outputs: {tool: 'tool'}, params: {},
  argv: ({outputs}) => ['/bin/sh', '-e', '-c', 'printf "#!/bin/sh\\necho hello\\n" >"$0"; chmod 700 "$0"', outputs.tool],
});
export const use = command({
  module, name: 'use', inputs: {tool: 'tool'}, outputs: {out: 'data'}, params: {},
  argv: ({inputs, outputs}) => ['/bin/sh', '-e', '-c', '"$0" >"$1"', inputs.tool, outputs.out],
});
export default recipe('programs', (add) => {
  const {tool} = add('build', build);
  add('use', use, {tool});
});`,
  });
  const ran = await r1(t, ['run', './p.ts'], {cwd});
  assert.equal(ran.code, 0, ran.err);
  assert.match((await r1(t, ['show', 'build'], {cwd})).out, /\(the file itself\).*executable/);
  assert.match((await r1(t, ['reproduce', 'build'], {cwd})).out, /build .*reproducible/);
});

test('exit code 75 asks for another try, which resumes from the newest checkpoint', async (t) => {
  const script = `${SEAL}
step=0
test ! -e "$R1_CHECKPOINTS/latest" || step=$(cat "$R1_CHECKPOINTS/latest/state")
echo "from $step"
if test "$step" -lt 3; then seal $((step + 1)) $((step + 1)); exit 75; fi
echo "$step" >"$1"
`;
  // Three tries more, and none of them without a newer checkpoint: one is enough for each.
  const cwd = temporaryFolder(t, {'p.ts': recipe('{retries: 1}', 'checkpoints: true,'), 'train.sh': script});
  const {code, err} = await r1(t, ['run', './p.ts'], {cwd});
  assert.equal(code, 0, err);
  assert.match(err, /train +exited with 75, which asks for another try: trying again in 1 s \(1 of 1\)/);
  const {attempts} = recorded(cwd);
  assert.deepEqual(
    attempts.map(({continues}) => continues?.step),
    [undefined, 1, 2, 3],
  );
  assert.deepEqual(
    attempts.map(({outcome}) => outcome?.ok),
    [false, false, false, true],
  );
});

test('tries that get no further are counted, and the last one is a failure', async (t) => {
  const cwd = temporaryFolder(t, {
    'p.ts': recipe('{retries: 1}'),
    'train.sh': 'echo "no room on the cluster"; exit 75\n',
  });
  const {code, err} = await r1(t, ['run', './p.ts'], {cwd});
  assert.equal(code, 1, err);
  assert.match(
    err,
    /train +failed: exited with 75 before it was done \(it asked for another try\): no room on the cluster/,
  );
  const {attempts} = recorded(cwd);
  assert.equal(attempts.length, 2);
  const none = temporaryFolder(t, {'p.ts': recipe('{retries: 0}'), 'train.sh': 'exit 75\n'});
  assert.equal((await r1(t, ['run', './p.ts'], {cwd: none})).code, 1);
  assert.equal(recorded(none).attempts.length, 1);
});

test('a checkpoint that is not whole is no step further, and does not stand in the way', async (t) => {
  const script = `mkdir -p "$R1_CHECKPOINTS/step-9/files"
echo '{"version":1,"step":9,"files":[null]}' >"$R1_CHECKPOINTS/step-9/manifest.json"
echo "to $R1_CHECKPOINTS"
exit 75
`;
  const cwd = temporaryFolder(t, {'p.ts': recipe('{retries: 1}', 'checkpoints: true,'), 'train.sh': script});
  const {code, err} = await r1(t, ['run', './p.ts'], {cwd});
  assert.equal(code, 1, err);
  assert.match(err, /train +failed: exited with 75/);
  assert.equal(recorded(cwd).attempts.length, 2);
  assert.equal((await r1(t, ['plan', './p.ts'], {cwd})).code, 0);
});

test('a node that asks for a GPU where there is none is told so, and runs', async (t) => {
  const cwd = temporaryFolder(t, {
    'p.ts': recipe('{resources: {gpu: 1}}'),
    'train.sh': 'test "$R1_GPUS" = 0; : >"$1"\n',
  });
  const {code, err} = await r1(t, ['run', './p.ts'], {cwd, env: {CUDA_VISIBLE_DEVICES: ''}});
  assert.equal(code, 0, err);
  assert.match(err, /train +asks for a GPU and gets none/);
});

test('a checkpoint that is being written when the grace of the node is up is waited for', async (t) => {
  const script = `${SEAL}
trap 'mkdir "$R1_CHECKPOINTS/writing-0"; sleep 1.5; rmdir "$R1_CHECKPOINTS/writing-0"; seal 4 4; exit 1' TERM
: >"$R1_JOB/ready"; while :; do sleep 0.05; done
`;
  const cwd = temporaryFolder(t, {'p.ts': recipe('{grace: 0.3}', 'checkpoints: true,'), 'train.sh': script});
  const runner = start(t, ['run', './p.ts'], {cwd});
  await until('the program runs', () => existsSync(join(cwd, '.r1', 'jobs', '1', 'ready')));
  runner.child.kill('SIGINT');
  const ended = await runner.ended;
  assert.match(ended.err, /train +was stopped by you, checkpoint of step 4 kept/);
});

test('garbled events of a program are a warning, and what it made counts', async (t) => {
  const script = `echo 'Epoch 1' >>"$R1_EVENTS"
echo '{"type":"metric","at":1,"name":"loss","step":1,"value":0.5}' >>"$R1_EVENTS"
echo '{"type":"metric","at":1,"name":"loss","step":2,"value":NaN}' >>"$R1_EVENTS"
printf '{"type":"metric","at":1,"name":"loss","step":3,"value":0.25}' >>"$R1_EVENTS"
echo done >"$1"
`;
  const cwd = temporaryFolder(t, {'p.ts': recipe('{}'), 'train.sh': script});
  const {code, err} = await r1(t, ['run', './p.ts'], {cwd});
  assert.equal(code, 0, err);
  assert.match(
    err,
    /“train”: 3 lines of its events\.jsonl are not events and were left out; the first is line 1, "Epoch 1": it is not JSON/,
  );
  const {attempts, metrics} = recorded(cwd);
  assert.deepEqual(
    metrics.map(({step, value}) => [step, value]),
    [
      [1, 0.5],
      [3, 0.25],
    ],
  );
  const detail = detailOf(attempts[0]!) as {reason: string; garbled: {lines: number; line: number; text: string}};
  assert.deepEqual(
    [detail.reason, detail.garbled.lines, detail.garbled.line, detail.garbled.text],
    ['succeeded', 3, 1, 'Epoch 1'],
  );
  const again = await r1(t, ['run', './p.ts'], {cwd});
  assert.match(again.out + again.err, /nothing to do|1 reused/);
});

test('a failure of a program names the line that says why', async (t) => {
  const script = `cat >&2 <<END
Traceback (most recent call last):
  File "train.py", line 3, in <module>
    import trl
ModuleNotFoundError: No module named 'trl'
END
exit 1
`;
  const cwd = temporaryFolder(t, {'p.ts': recipe('{}'), 'train.sh': script});
  const {code, err} = await r1(t, ['run', './p.ts'], {cwd});
  assert.equal(code, 1);
  assert.match(err, /train +failed: exited with 1 before it was done: ModuleNotFoundError: No module named 'trl'/);
});

test('a node has the grace that its recipe gives it, unless another is typed', async (t) => {
  const script = `trap '' TERM; : >"$R1_JOB/ready"; while :; do sleep 0.05; done\n`;
  const cwd = temporaryFolder(t, {'p.ts': recipe('{grace: 0.2}'), 'train.sh': script});
  const runner = start(t, ['run', './p.ts'], {cwd});
  await until('the program runs', () => existsSync(join(cwd, '.r1', 'jobs', '1', 'ready')));
  runner.child.kill('SIGINT');
  const ended = await runner.ended;
  assert.equal(ended.code, 130);
  assert.match(ended.err, /train +was ended by force/);
});

test('options that cannot be are refused before anything runs', async (t) => {
  for (const [options, said] of [
    ['{retries: -1}', /options\.retries is -1, not a whole number from 0 up/],
    ['{grace: -2}', /options\.grace is -2, not seconds, from 0 to/],
    ['{retry: 3}', /takes no option “retry”; it takes .* retries/],
  ] as const) {
    const cwd = temporaryFolder(t, {'p.ts': recipe(options), 'train.sh': 'exit 1\\n'});
    const {code, err} = await r1(t, ['plan', './p.ts'], {cwd});
    assert.equal(code, 2, err);
    assert.match(err, said);
  }
});
