import assert from 'node:assert/strict';
import {chmodSync, writeFileSync} from 'node:fs';
import {test} from 'node:test';
import {until} from '../../rig/command.js';
import {Rig} from '../../rig/rig.js';

test('a large output that somebody writes to before the run is over is no result, and is made again', async (t) => {
  const rig = new Rig(t);
  const shape = {early: [], late: []};
  const large = 'x'.repeat((1 << 20) + 1);
  const running = rig.run(shape);
  await rig.succeed('early', large);
  const finished = await until('the first one is stored', () =>
    rig.events.find((event) => event.type === 'node-finished' && event.node === 'early'),
  );
  assert.ok(finished.type === 'node-finished');
  const blob = rig.store.parts.blobs.path(rig.store.artifact(finished.outputs['out']!)!.files[0]!.sha256);
  chmodSync(blob, 0o644);
  writeFileSync(blob, 'EVIL', {flag: 'r+'});
  await rig.succeed('late');
  const first = await running;
  assert.deepEqual([first.outcome, Rig.ends(first)], ['failed', {early: 'store-failed', late: 'made'}]);
  const told = rig.events.find((event) => event.type === 'node-failed');
  assert.match(JSON.stringify(told), /written to its outputs after they were stored; they were quarantined/);

  const again = rig.run(shape);
  await rig.succeed('early', large);
  assert.deepEqual(Rig.ends(await again), {early: 'made', late: 'reused'});
});
