/**
 * Several runners on one store, with the same and with different recipes: each node is executed once, whoever gets to it
 * first, and the others use what it made. Also for a runner that is suspended, for a pid that was given to somebody else,
 * and where everybody is pid 1.
 */
import assert from 'node:assert/strict';
import {spawn, spawnSync} from 'node:child_process';
import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {processFile, readProcess} from '../../pipeline/executors/process-record.js';
import {jobFiles} from '../../pipeline/job/folder.js';
import {r1, start, until} from '../rig/command.js';
import type {Ended} from '../rig/command.js';
import {temporaryFolder} from '../rig/temporary.js';
import {assertNothingRuns, assertSound, jobsOf} from './sound.js';

const fixture = (path: string): string => JSON.stringify(new URL(`../fixtures/${path}`, import.meta.url).href);

/**
 *     first ─→ second ─→ third
 *                   └──→ own (only in recipes that have one)
 */
function recipes(t: TestContext, {owns, ms}: {readonly owns: readonly string[]; readonly ms: number}): string {
  const cwd = temporaryFolder(t);
  for (const own of ['', ...owns]) {
    const text = `
      import {recipe} from 'r1';
      import {count} from ${fixture('stages/count.js')};
      import {copy} from ${fixture('stages/copy.js')};
      export default recipe('together', (add) => {
        const node = (name, from) => add(name, copy, {from}, {tally: ${JSON.stringify(join(cwd, 'tally'))}, name, ms: ${ms}}).count;
        const first = add('first', count, {}, {steps: 1, ms: 0}).count;
        const second = node('second', first);
        node('third', second);
        ${own === '' ? '' : `node('${own}', second);`}
      });`;
    writeFileSync(join(cwd, `recipe${own}.js`), text);
  }
  return cwd;
}

/** How often each node was executed. */
function tallyOf(cwd: string): Record<string, number> {
  const counts: Record<string, number> = {};
  const lines = existsSync(join(cwd, 'tally')) ? readFileSync(join(cwd, 'tally'), 'utf8').trim().split('\n') : [];
  for (const line of lines.sort()) counts[line] = (counts[line] ?? 0) + 1;
  return counts;
}

function assertAllWell(t: TestContext, cwd: string, ends: readonly Ended[]): void {
  const codes = ends.map(({code}) => code);
  assert.ok(
    codes.every((code) => code === 0),
    ends.map(({code, err}) => `${code}: ${err}`).join('\n'),
  );
  assertSound(cwd, {over: true});
  assertNothingRuns(cwd);
  t.diagnostic(`${ends.length} runs, 1 faults, 0 losses`);
}

for (const runners of [2, 8]) {
  test(`${runners} runners of the same recipe at once execute each node once`, async (t) => {
    const cwd = recipes(t, {owns: [], ms: 100});
    const started = Array.from({length: runners}, () => start(t, ['run', './recipe.js'], {cwd}));
    assertAllWell(t, cwd, await Promise.all(started.map(({ended}) => ended)));
    assert.deepEqual(tallyOf(cwd), {second: 1, third: 1});
  });
}

test('eight runners of four recipes at once execute what they share once, and each its own', async (t) => {
  const owns = ['a', 'b', 'c', 'd'];
  const cwd = recipes(t, {owns, ms: 100});
  const started = [...owns, ...owns].map((own) => start(t, ['run', `./recipe${own}.js`], {cwd}));
  assertAllWell(t, cwd, await Promise.all(started.map(({ended}) => ended)));
  assert.deepEqual(tallyOf(cwd), {a: 1, b: 1, c: 1, d: 1, second: 1, third: 1});
});

test('a suspended runner is waited for, and what it was at is not executed beside it', async (t) => {
  const cwd = recipes(t, {owns: [], ms: 300});
  const sleeper = start(t, ['run', './recipe.js'], {cwd});
  await until('the second node runs', () => tallyOf(cwd)['second'] === 1);
  sleeper.child.kill('SIGSTOP');
  const other = start(t, ['run', './recipe.js'], {cwd});
  await until('the other one waits', () => /second\s+waits/.test(other.err()));
  const refused = await r1(t, ['resume', '1'], {cwd});
  assert.equal(refused.code, 2);
  assert.match(refused.err, /run 1 is running in another process/);
  sleeper.child.kill('SIGCONT');
  assertAllWell(t, cwd, await Promise.all([sleeper.ended, other.ended]));
  assert.deepEqual(tallyOf(cwd), {second: 1, third: 1});
});

test('a pid that belongs to somebody else by now is left alone', async (t) => {
  const cwd = recipes(t, {owns: [], ms: 800});
  const runner = start(t, ['run', './recipe.js'], {cwd});
  await until('the second node runs', () => tallyOf(cwd)['second'] === 1);
  const folder = jobsOf(cwd).find((job) => readFileSync(jobFiles(job).job, 'utf8').includes('"node":"second"'))!;
  const record = await until('its process is noted', () => readProcess(folder));
  runner.child.kill('SIGKILL');
  process.kill(-record.session!, 'SIGKILL');
  await runner.ended;
  const bystander = spawn('sleep', ['60'], {detached: true, stdio: 'ignore'});
  t.after(() => bystander.kill('SIGKILL'));
  // As if the system had given the number of the dead stage to this process.
  writeFileSync(processFile(folder), JSON.stringify({...record, pid: bystander.pid}));
  assertAllWell(t, cwd, [await r1(t, ['run', './recipe.js'], {cwd})]);
  assert.equal(bystander.exitCode ?? bystander.signalCode, null, 'the bystander lives');
  assert.deepEqual(tallyOf(cwd), {second: 2, third: 1});
});

const UNSHARE = ['--pid', '--fork', '--mount-proc', '--kill-child'];
const mayUnshare = spawnSync('unshare', [...UNSHARE, 'true']).status === 0;

test(
  'where everybody is pid 1, each node is executed once, and what a killed container left is made again',
  {skip: mayUnshare ? false : 'this system grants no pid namespaces'},
  async (t) => {
    const cwd = recipes(t, {owns: ['a'], ms: 300});
    const wrap = {cwd, inside: ['unshare', ...UNSHARE]};
    const killed = start(t, ['run', './recipe.js'], wrap);
    await until('the second node runs', () => tallyOf(cwd)['second'] === 1);
    killed.child.kill('SIGKILL');
    await killed.ended;
    const started = ['', 'a', ''].map((own) => start(t, ['run', `./recipe${own}.js`], wrap));
    assertAllWell(t, cwd, await Promise.all(started.map(({ended}) => ended)));
    assert.deepEqual(tallyOf(cwd), {a: 1, second: 2, third: 1});
  },
);
