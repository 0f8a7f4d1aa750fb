/** `r1 log --follow`: it ends when nothing more is to come. */
import assert from 'node:assert/strict';
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {openStore} from '../../../artifacts/index.js';
import {signal} from '../../../pipeline/executors/process-table.js';
import {readProcess} from '../../../pipeline/executors/process-record.js';
import {jobFiles} from '../../../pipeline/job/folder.js';
import {r1, recipeFile, start, until} from '../../rig/command.js';
import {temporaryFolder} from '../../rig/temporary.js';

test('follows a stage that outlived its runner, and ends when that is gone as well', async (t) => {
  const cwd = temporaryFolder(t);
  const run = start(t, ['run', recipeFile('counting'), '--set', 'second.steps=100000', '--json'], {cwd});
  await until('second is at it', () => /"node-progress","node":"second"/.test(run.out()));
  const store = openStore(join(cwd, '.r1'), {mode: 'read'});
  const {attempt} = store.nodesOf(store.latestRun()!.id).find(({node}) => node === 'second')!;
  const folder = store.jobFolder(attempt!);
  store.close();
  const stage = await until('its process is known', () => readProcess(folder)?.pid);
  run.child.kill('SIGKILL');
  await run.ended;
  t.after(() => signal(stage, 'SIGKILL'));
  const follow = start(t, ['log', 'second', '--follow'], {cwd});
  await until('the log is shown', () => follow.out().includes('starts behind step 0'));
  assert.equal(follow.child.exitCode, null, 'the stage is still there');
  signal(stage, 'SIGKILL');
  const {code, err} = await follow.ended;
  assert.equal(code, 0);
  assert.match(err, new RegExp(`attempt ${attempt} was interrupted: its runner and its process are gone`));
});

test('Ctrl-C ends it as other commands', async (t) => {
  const cwd = temporaryFolder(t);
  const run = start(t, ['run', recipeFile('counting'), '--set', 'second.steps=100000', '--json'], {cwd});
  await until('second is at it', () => /"node-progress","node":"second"/.test(run.out()));
  const follow = start(t, ['log', 'second', '-f'], {cwd});
  await until('the log is shown', () => follow.out().includes('starts behind step 0'));
  follow.child.kill('SIGINT');
  assert.equal((await follow.ended).code, 130);
  run.child.kill('SIGINT');
  await run.ended;
});

test('a log of which only the end was kept says so', async (t) => {
  const cwd = temporaryFolder(t);
  await r1(t, ['run', recipeFile('counting')], {cwd});
  assert.equal((await r1(t, ['log', 'second'], {cwd})).err, '');
  const store = openStore(join(cwd, '.r1'), {mode: 'read'});
  const {attempt} = store.nodesOf(store.latestRun()!.id).find(({node}) => node === 'second')!;
  writeFileSync(`${jobFiles(store.jobFolder(attempt!)).log}.1`, 'moved aside\n');
  store.close();
  const {out, err} = await r1(t, ['log', 'second'], {cwd});
  assert.match(out, /^moved aside\n/);
  assert.match(err, /only the end of this log was kept/);
});

test('while a run goes on again, what an earlier session called off is waiting', async (t) => {
  const cwd = temporaryFolder(t);
  const first = start(t, ['run', recipeFile('counting'), '--set', 'second.steps=100000', '--json'], {cwd});
  await until('second is at it', () => /"node-progress","node":"second"/.test(first.out()));
  first.child.kill('SIGINT');
  await first.ended;
  const states = async (): Promise<Map<string, string>> => {
    const {nodes} = JSON.parse((await r1(t, ['status', '--json'], {cwd})).out) as {
      nodes: {node: string; state: string}[];
    };
    return new Map(nodes.map(({node, state}) => [node, state]));
  };
  const off = [...(await states())].filter(([, state]) => state === 'not started').map(([node]) => node);
  assert.ok(off.length > 0, 'a node stands behind the one that was stopped');
  const again = start(t, ['resume', '--recipe', recipeFile('counting'), '--json'], {cwd});
  await until('second is at it again', () => /"node-progress","node":"second"/.test(again.out()));
  const now = await states();
  for (const node of off) assert.equal(now.get(node), 'waiting');
  again.child.kill('SIGINT');
  await again.ended;
});
