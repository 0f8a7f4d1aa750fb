import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {test} from 'node:test';
import {
  TAG_VARIABLE,
  hasProc,
  descendantsOf,
  processRecord,
  signal,
} from '../../../pipeline/executors/process-table.js';
import {until} from '../../rig/command.js';

/** Leaves one process in its own session and one in another, and ends when its input does. */
const LEAVING = 'sleep 600 & setsid sleep 600 & read line; exit 0';

test('what a process left behind is found, in its session and out of it, by its leader and by the tag alone', async (t) => {
  if (!hasProc) {
    // Elsewhere than on Linux descendants that left their group cannot be found; pipeline/fingerprint/README.md, says so.
    t.skip('there is no /proc');
    return;
  }
  const tag = `kin-of-${process.pid}`;
  const child = spawn('/bin/sh', ['-c', LEAVING], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: {...process.env, [TAG_VARIABLE]: tag},
  });
  t.after(() => {
    for (const {pid} of descendantsOf({tag})) signal(pid, 'SIGKILL');
  });
  const leader = processRecord(child.pid!);
  const sleeping = () => descendantsOf({tag}).filter(({command}) => command === 'sleep 600');
  await until('both sleep', () => sleeping().length === 2, 300_000);
  const mains = sleeping().filter(({isMain}) => isMain);
  assert.equal(mains.length, 1);
  const main = processRecord(mains[0]!.pid);
  const ended = once(child, 'exit');
  child.stdin.end();
  await ended;
  const left = sleeping();
  assert.deepEqual(descendantsOf({tag, leader}), left);
  // A job that outlives its launcher is among what is to be ended, too, however soon it is looked for.
  assert.deepEqual(descendantsOf({tag, leader: main}), left);
  assert.deepEqual(
    descendantsOf({tag: 'nobody', leader}),
    left.filter(({pid}) => processRecord(pid).session === child.pid),
  );
});
