/**
 * Copies of a store, and stores that are moved, while stages of theirs run: a process belongs to the folder it was started
 * in. Nobody ends or takes over what is of another copy, and what was moved is found again.
 */
import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import {existsSync, readFileSync, readdirSync, renameSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {openStore} from '../../artifacts/index.js';
import {hasProc, isRunning} from '../../pipeline/executors/process-table.js';
import {readProcess} from '../../pipeline/executors/process-record.js';
import {jobFiles} from '../../pipeline/job/folder.js';
import type {ProcessRecord} from '../../pipeline/executors/process-record.js';
import {start, until} from '../rig/command.js';
import type {Ended, Started} from '../rig/command.js';
import {temporaryFolder} from '../rig/temporary.js';

const RECIPE = `
  import {appendFileSync, existsSync, mkdirSync, writeFileSync} from 'node:fs';
  import {join} from 'node:path';
  import {Stopped, defineStage, recipe} from 'r1';
  import {command} from 'r1/stages';
  const pause = () => new Promise((resolve) => setTimeout(resolve, 10));
  const put = (folder) => { mkdirSync(folder); writeFileSync(join(folder, 'text'), 'made'); };
  /** Is there until it is told to go on. */
  export const wait = defineStage({
    module: import.meta.url, name: 'wait', inputs: {}, outputs: {out: 'data'}, params: {at: ''},
    async run({outputs, params}) {
      appendFileSync(params.at + '/tally', 'x');
      while (!existsSync(params.at + '/go')) await pause();
      put(outputs.out);
    },
  });
  /** Takes as long to stop as it likes, the first time. */
  export const slow = defineStage({
    module: import.meta.url, name: 'slow', inputs: {}, outputs: {out: 'data'}, params: {at: ''},
    async run({outputs, params, signal}) {
      appendFileSync(params.at + '/tally', 'x');
      while (!existsSync(params.at + '/go')) {
        await pause();
        if (!signal.aborted) continue;
        appendFileSync(params.at + '/asked', 'x');
        while (!existsSync(params.at + '/go')) await pause();
        throw new Stopped();
      }
      put(outputs.out);
    },
  });
  export const program = command({
    module: import.meta.url, name: 'program', inputs: {}, outputs: {out: 'data'}, params: {at: ''},
    argv: ({outputs, params}) => [
      '/bin/sh', '-c', 'printf x >>"$1/tally"; until test -e "$1/go"; do sleep 0.02; done; echo made >"$2"', 'sh', params.at, outputs.out,
    ],
  });
  const at = import.meta.dirname;
  const only = (stage) => recipe(stage.name, (add) => { add('node', stage, {}, {at}); });
  export {only};
`;

/** Of the same name as `wait`'s, so that its run looks after that one's orphans, but it wants something else. */
const OTHER_RECIPE = `
  import {writeFileSync} from 'node:fs';
  import {defineStage, recipe} from 'r1';
  export const other = defineStage({
    module: import.meta.url, name: 'other', inputs: {}, outputs: {out: 'data'}, params: {},
    run: async ({outputs}) => writeFileSync(outputs.out, 'made'),
  });
  export default recipe('wait', (add) => { add('other', other); });
`;

interface Bench {
  readonly cwd: string;
  run(store: string): Started;
  /** The process of the only job, once it is noted. */
  process(store: string): Promise<ProcessRecord>;
  /** How often the stage was executed. */
  tally(): number;
  tallied(times: number): Promise<unknown>;
  go(): void;
}

/** @param stage which stage of the recipe its only node is */
function setUp(t: TestContext, stage: 'wait' | 'slow' | 'program'): Bench {
  const cwd = temporaryFolder(t, {
    'stages.mjs': RECIPE.replace(
      'import.meta.dirname',
      "decodeURI(new URL('.', import.meta.url).pathname).slice(0, -1)",
    ),
    'recipe.mjs': `import {only, ${stage}} from './stages.mjs';\nexport default only(${stage});`,
  });
  const tally = () => (existsSync(join(cwd, 'tally')) ? readFileSync(join(cwd, 'tally'), 'utf8').length : 0);
  return {
    cwd,
    tally,
    run: (store) => start(t, ['run', './recipe.mjs', '--store', store], {cwd}),
    process: (store) => until('its process is noted', () => readProcess(join(cwd, store, 'jobs', '1'))),
    tallied: (times) => until(`the stage was executed ${times} times`, () => tally() === times),
    go: () => writeFileSync(join(cwd, 'go'), ''),
  };
}

const copy = (cwd: string, from: string, to: string): void => {
  const {status, stderr} = spawnSync('cp', ['-a', from, to], {cwd, encoding: 'utf8'});
  assert.equal(status, 0, stderr);
};

function assertWell({code, err}: Ended): void {
  assert.equal(code, 0, err);
  assert.doesNotMatch(err, /left processes|stopped|failed/);
}

/** Runs until the stage does, then kills the runner alone. */
async function orphaned({run, process, tallied}: Bench, store: string): Promise<ProcessRecord> {
  const runner = run(store);
  await tallied(1);
  const record = await process(store);
  runner.child.kill('SIGKILL');
  await runner.ended;
  assert.ok(isRunning(record));
  return record;
}

for (const stage of ['wait', 'program'] as const) {
  test(`a copy of a store in use (${stage}): both make their own, and leave the other alone`, async (t) => {
    const bench = setUp(t, stage);
    const original = bench.run('a');
    await bench.tallied(1);
    const record = await bench.process('a');
    copy(bench.cwd, 'a', 'b');
    const copied = bench.run('b');
    await bench.tallied(2);
    assert.ok(isRunning(record), 'the process of the original lives on');
    bench.go();
    for (const ended of await Promise.all([original.ended, copied.ended])) assertWell(ended);
    assert.equal(bench.tally(), 2);
  });

  test(`a copy of a store with an orphan (${stage}): it is the original’s alone`, async (t) => {
    const bench = setUp(t, stage);
    const record = await orphaned(bench, 'a');
    copy(bench.cwd, 'a', 'b');
    const copied = bench.run('b');
    await bench.tallied(2);
    assert.ok(isRunning(record), 'nobody ended it');
    const again = bench.run('a');
    await until('the original takes it over', () =>
      /node\s+continues: its process outlived the runner/.test(again.err()),
    );
    bench.go();
    for (const ended of await Promise.all([copied.ended, again.ended])) assertWell(ended);
    assert.equal(bench.tally(), 2);
    const store = openStore(join(bench.cwd, 'b'), {mode: 'read'});
    const outcomes = [1, 2].map((attempt) => store.attempt(attempt as never)?.outcome?.detail);
    store.close();
    assert.deepEqual(outcomes, [{reason: 'lost', copied: true}, {reason: 'succeeded'}]);
  });
}

test('a copy of a store whose recipe no longer wants an orphan does not end it', async (t) => {
  const bench = setUp(t, 'wait');
  const record = await orphaned(bench, 'a');
  copy(bench.cwd, 'a', 'b');
  writeFileSync(join(bench.cwd, 'recipe.mjs'), OTHER_RECIPE);
  assertWell(await bench.run('b').ended);
  assert.ok(isRunning(record));
  bench.go();
  await until('the orphan has ended', () => !isRunning(record));
});

test('a result that was copied is not believed: what it stands over may not have been copied whole', async (t) => {
  const bench = setUp(t, 'wait');
  const record = await orphaned(bench, 'a');
  bench.go();
  await until('the orphan has ended', () => !isRunning(record));
  copy(bench.cwd, 'a', 'b');
  assertWell(await bench.run('b').ended);
  assert.equal(bench.tally(), 2);
  assertWell(await bench.run('a').ended);
  assert.equal(bench.tally(), 2, 'the original has it');
});

test('a store that is moved while an orphan of it lives finds it again, and its result', async (t) => {
  const bench = setUp(t, 'wait');
  const record = await orphaned(bench, 'a');
  renameSync(join(bench.cwd, 'a'), join(bench.cwd, 'b'));
  const next = bench.run('b');
  await until('it is taken over', () => /node\s+continues: its process outlived the runner/.test(next.err()));
  assert.ok(isRunning(record));
  bench.go();
  assertWell(await next.ended);
  assert.equal(bench.tally(), hasProc ? 1 : 2);
});

test('a program that was moved with its store, and ends badly for it, is tried again', async (t) => {
  const bench = setUp(t, 'program');
  await orphaned(bench, 'a');
  renameSync(join(bench.cwd, 'a'), join(bench.cwd, 'b'));
  const next = bench.run('b');
  await until('it is taken over', () => /node\s+continues: its process outlived the runner/.test(next.err()));
  bench.go();
  assertWell(await next.ended);
  assert.equal(bench.tally(), 2);
});

test('a process that ends as an earlier run had asked it to is tried again; asked by this run, it is stopped', async (t) => {
  const bench = setUp(t, 'slow');
  const first = bench.run('a');
  await bench.tallied(1);
  first.child.kill('SIGINT');
  await until('it is asked', () => existsSync(join(bench.cwd, 'asked')));
  assert.ok(existsSync(jobFiles(join(bench.cwd, 'a', 'jobs', '1')).stop));
  first.child.kill('SIGKILL');
  await first.ended;
  const second = bench.run('a');
  await until('it is taken over', () => /has asked it to stop/.test(second.err()));
  bench.go();
  const ended = await second.ended;
  assert.equal(ended.code, 0, ended.err);
  assert.equal(bench.tally(), 2);
});

test('an adopted process that this run asks to stop is stopped', async (t) => {
  const bench = setUp(t, 'slow');
  await orphaned(bench, 'a');
  const second = bench.run('a');
  await until('it is taken over', () => /continues: its process outlived/.test(second.err()));
  second.child.kill('SIGINT');
  await until('it is asked', () => existsSync(join(bench.cwd, 'asked')));
  bench.go();
  const ended = await second.ended;
  assert.equal(ended.code, 130, ended.err);
  assert.match(ended.err, /node\s+was stopped by you, without a checkpoint/);
  assert.equal(bench.tally(), 1);
});

for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1'] as const) {
  test(`a stage that somebody sends ${name} stops in order, and the run says who asked`, async (t) => {
    const bench = setUp(t, 'slow');
    const runner = bench.run('a');
    await bench.tallied(1);
    const {pid} = await bench.process('a');
    process.kill(pid, name);
    await until('it is asked', () => existsSync(join(bench.cwd, 'asked')));
    bench.go();
    const {code, err} = await runner.ended;
    assert.equal(code, 1, err);
    assert.match(
      err,
      new RegExp(`was stopped, without a checkpoint \\(${name} from outside of r1 or from the program itself\\)`),
    );
  });
}

test('two reproductions of one attempt at once leave each other alone', async (t) => {
  const bench = setUp(t, 'wait');
  bench.go();
  assertWell(await bench.run('a').ended);
  renameSync(join(bench.cwd, 'go'), join(bench.cwd, 'gone'));
  const both = [0, 1].map(() => start(t, ['reproduce', 'node', '--store', 'a'], {cwd: bench.cwd}));
  await bench.tallied(3);
  bench.go();
  for (const {code, out, err} of await Promise.all(both.map(({ended}) => ended))) {
    assert.equal(code, 0, err);
    assert.match(out, /reproducible, the same bytes again/);
  }
});

test('a reproduction that is asked to stop ends its stage, by whichever signal', async (t) => {
  const bench = setUp(t, 'slow');
  bench.go();
  assertWell(await bench.run('a').ended);
  renameSync(join(bench.cwd, 'go'), join(bench.cwd, 'gone'));
  for (const [i, name] of (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).entries()) {
    const {child, ended} = start(t, ['reproduce', 'node', '--store', 'a'], {cwd: bench.cwd});
    await bench.tallied(2 + i);
    child.kill(name);
    await until('the stage is asked', () => existsSync(join(bench.cwd, 'asked')));
    bench.go();
    assert.equal((await ended).code, 130);
    for (const file of ['go', 'asked']) renameSync(join(bench.cwd, file), join(bench.cwd, 'gone'));
  }
});

for (const next of ['gc', 'run', 'reproduce'] as const) {
  test(`what a killed reproduction has left running is ended by the next ${next}, and its folder removed`, async (t) => {
    const bench = setUp(t, 'wait');
    const {cwd} = bench;
    bench.go();
    assertWell(await bench.run('a').ended);
    renameSync(join(cwd, 'go'), join(cwd, 'gone'));
    const killed = start(t, ['reproduce', 'node', '--store', 'a'], {cwd});
    await bench.tallied(2);
    const [name] = readdirSync(join(cwd, 'a', 'tmp'));
    const record = await until('its process is noted', () => readProcess(join(cwd, 'a', 'tmp', name!)));
    const beside = await start(t, ['gc', '--store', 'a'], {cwd}).ended;
    assert.equal(beside.code, 0, beside.err);
    assert.ok(isRunning(record), 'it is left alone while its reproduction lives');
    killed.child.kill('SIGKILL');
    await killed.ended;
    assert.ok(isRunning(record));
    copy(cwd, 'a', 'b');
    assert.equal((await start(t, ['gc', '--store', 'b'], {cwd}).ended).code, 0);
    assert.ok(isRunning(record), 'it is none of a copy’s');
    const words = {gc: ['gc'], run: ['run', './recipe.mjs'], reproduce: ['reproduce', 'node']}[next];
    const started = start(t, [...words, '--store', 'a'], {cwd});
    await until('it is ended', () => !isRunning(record));
    bench.go();
    const ended = await started.ended;
    assert.equal(ended.code, 0, ended.err);
    for (const store of ['a', 'b']) {
      for (const folder of ['tmp', 'trash']) assert.deepEqual(readdirSync(join(cwd, store, folder)), []);
    }
  });
}
