/** How long a stage that was asked to stop may take. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {Rig} from '../../rig/rig.js';

test('a grace of more than a timer can take is no reason to kill at once', async (t) => {
  for (const grace of [Infinity, 2_147_484]) {
    const rig = new Rig(t);
    rig.puppets.onSignal = () => undefined;
    const run = rig.run({base: []}, {grace});
    const base = await rig.puppets.at('base');
    rig.stop.press();
    // Timers go off in the order of their times: one that Node had cut to 1 ms is through by then.
    await sleep(20);
    assert.deepEqual(base.asked, ['stop']);
    base.end({type: 'exited', code: 0});
    await run;
  }
});
