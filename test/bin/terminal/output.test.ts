/** Where output ends up, or does not: full disks, readers that leave, terminals that close. */
import assert from 'node:assert/strict';
import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {openStore} from '../../../artifacts/index.js';
import {r1, recipeFile, start, until} from '../../rig/command.js';
import {onTerminal} from '../../rig/pty.js';
import {temporaryFolder} from '../../rig/temporary.js';

/** A shell that runs what it is given, with its output led elsewhere. */
const led = (redirection: string) => ['/bin/sh', '-c', `exec "$@" ${redirection}`, 'sh'];

const LOST = /^what was to be written to stdout could not be written: no space left on device$/m;

test('a result that could not be written ends with an exit code and a sentence, whatever the command', async (t) => {
  const cwd = temporaryFolder(t);
  assert.equal((await r1(t, ['run', recipeFile('counting'), '--set', 'second.steps=1'], {cwd})).code, 0);
  const commands = [
    'runs',
    'runs --json',
    'status',
    'plan ' + recipeFile('counting'),
    'plan --json ' + recipeFile('counting'),
    'run --dry-run --json ' + recipeFile('counting'),
    'log first',
    'why first',
    'show first',
    'cost',
    'metrics first',
    'metrics first --csv',
    'lineage third',
    'diff first second',
    'export-lineage --format prov',
    'verify',
    'gc --dry-run',
    'tag',
    'pin',
    '--help',
    '--version',
    'run --help',
  ];
  for (const command of commands) {
    const {code, err} = await r1(t, command.split(' '), {cwd, inside: led('> /dev/full')});
    assert.equal(code, 74, `${command}: ${err}`);
    assert.match(err, LOST, command);
  }
});

/** A run whose curve is longer than a pipe holds, and than a file may grow to below. */
async function withLongCurve(cwd: string, t: TestContext): Promise<number> {
  await r1(t, ['run', recipeFile('counting'), '--until', 'first'], {cwd});
  const store = openStore(join(cwd, '.r1'));
  const {attempt} = store.nodesOf(store.latestRun()!.id)[0]!;
  const points = Array.from({length: 20_000}, (_, index) => ({name: 'loss', step: index + 1, value: 1 / (index + 1)}));
  store.addMetrics(attempt!, points, 0);
  store.close();
  return points.length;
}

test('a disk that takes only the beginning of a result does not pass for one that took it', async (t) => {
  const cwd = temporaryFolder(t);
  await withLongCurve(cwd, t);
  // Room enough for what opening a store writes, not for the result.
  const limited = ['/bin/sh', '-c', 'ulimit -f 256; exec "$@" > out', 'sh'];
  const {code, err} = await r1(t, ['metrics', 'first', '--json'], {cwd, inside: limited});
  assert.equal(code, 74, err);
  assert.match(err, /could not be written: file too large/);
  assert.ok(readFileSync(join(cwd, 'out')).length > 0);
});

test('a run whose own output is lost goes on, and its records are whole', async (t) => {
  const cwd = temporaryFolder(t);
  const words = ['run', recipeFile('counting'), '--set', 'second.steps=2'];
  const unheard = await r1(t, words, {cwd, inside: led('> /dev/full 2> /dev/full')});
  assert.equal(unheard.code, 0);
  const events = await r1(t, [...words, '--seed', '1', '--json'], {cwd, inside: led('> /dev/full')});
  assert.equal(events.code, 74, 'who reads the events must learn that they are not all there');
  assert.equal(events.err.match(new RegExp(LOST, 'gm'))?.length, 1);
  const store = openStore(join(cwd, '.r1'), {mode: 'read'});
  assert.deepEqual(
    store.runs().map(({end}) => end?.outcome),
    ['succeeded', 'succeeded'],
  );
  store.close();
});

test('a reader that has seen enough is no loss', async (t) => {
  const cwd = temporaryFolder(t);
  await r1(t, ['run', recipeFile('counting'), '--set', 'second.steps=1'], {cwd});
  // The reader is gone before anything is written.
  const {code, err} = await r1(t, ['export-lineage', '--format', 'prov'], {
    cwd,
    inside: ['/bin/sh', '-c', '{ sleep 0.2; "$@"; echo "code $?" >&2; } | true', 'sh'],
  });
  assert.equal(code, 0);
  assert.equal(err, 'code 0\n');
});

test('a slow reader of a pipe gets all of a long result', async (t) => {
  const cwd = temporaryFolder(t);
  const points = await withLongCurve(cwd, t);
  const {out} = await r1(t, ['metrics', 'first', '--json'], {
    cwd,
    inside: ['/bin/sh', '-c', '"$@" | { sleep 1; cat; }', 'sh'],
  });
  assert.equal((JSON.parse(out) as unknown[]).length, points);
  assert.ok(out.length > 1 << 18, 'longer than a pipe holds');
});

test('a terminal that closes stops the run in order, with a checkpoint', async (t) => {
  const cwd = temporaryFolder(t);
  const terminal = onTerminal(t, ['run', recipeFile('counting'), '--set', 'second.steps=100000'], {cwd});
  await until('second is at it', () => /step [1-9]\d* of 100000/.test(terminal.seen()));
  terminal.close();
  assert.equal(await terminal.ended, 130, terminal.seen());
  const store = openStore(join(cwd, '.r1'), {mode: 'read'});
  assert.equal(store.latestRun()?.end?.outcome, 'stopped');
  const second = store.nodesOf(store.latestRun()!.id).find(({node}) => node === 'second')!;
  assert.equal(second.outcome?.reason, 'stopped');
  assert.ok((second.outcome.detail as {step?: number}).step! > 0, 'a checkpoint was written');
  store.close();
});

test('a hangup that comes twice, from the system and from the shell, still leaves time for checkpoints', async (t) => {
  const cwd = temporaryFolder(t);
  const run = start(t, ['run', recipeFile('counting'), '--set', 'second.steps=100000', '--json'], {cwd});
  await until('second is at it', () => /"node-progress","node":"second"/.test(run.out()));
  for (const signal of ['SIGHUP', 'SIGHUP', 'SIGHUP'] as const) run.child.kill(signal);
  const {code, out} = await run.ended;
  assert.equal(code, 130);
  assert.equal(out.match(/"stop-asked"/g)?.length, 1);
  assert.match(out, /"outcome":\{"reason":"stopped","by":"person","step":\d+\}/);
});

test('a run that was started to outlive its terminal does not hear it close', async (t) => {
  // The shell's way, and the program's; of the latter the shell tells by a variable.
  const ways = [
    {inside: ['/bin/sh', '-c', 'trap "" HUP; "$@" & echo $! > pid; wait $!', 'sh'], env: {}},
    {inside: ['nohup'], env: {_: '/usr/bin/nohup'}},
  ];
  for (const way of ways) {
    const cwd = temporaryFolder(t);
    const run = start(t, ['run', recipeFile('counting'), '--json'], {cwd, ...way});
    await until('the run is going on', () => run.out().includes('"node-progress"'));
    const file = join(cwd, 'pid');
    const runner = existsSync(file) ? Number(readFileSync(file, 'utf8')) : run.child.pid!;
    process.kill(runner, 'SIGHUP');
    const {code, out} = await run.ended;
    assert.equal(code, 0, out);
    assert.doesNotMatch(out, /stop-asked/);
  }
});

test('an error of r1 itself has an exit code of its own and is not mistaken for a failed node', async (t) => {
  const cwd = temporaryFolder(t, {
    'broken.mjs': `const {stringify} = JSON;
      JSON.stringify = (value, ...rest) => {
        if (Array.isArray(value)) throw new TypeError('nobody was ready for this');
        return stringify(value, ...rest);
      };`,
  });
  openStore(join(cwd, '.r1')).close();
  const {code, err} = await r1(t, ['runs', '--json'], {cwd, preload: join(cwd, 'broken.mjs')});
  assert.equal(code, 70);
  assert.match(err, /error of r1 itself; please report it[^]*TypeError: nobody was ready for this\n +at /);
});
