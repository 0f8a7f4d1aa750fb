/**
 * Any operation of a run may fail, with any error: a plain message, an exit code that is not 0, a store that opens and
 * whose records are true, and a next run that ends with the same artifacts.
 *
 * `R1_FAULT_EVERY=1 R1_FAULT_SEED=1 node --test dist/test/faults/errors.test.js` tries every operation with every error;
 * without, a sample is drawn.
 */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {inspect} from 'node:util';
import {ERRORS, calmRun, tryFault} from './errors.js';
import type {Fault} from './errors.js';
import {randomFrom} from './sound.js';

const EVERY = Number(process.env['R1_FAULT_EVERY'] ?? 0);
const SAMPLE = 9;
/** Faults where there is no store yet, and the operations that making one takes, mostly the same for 256 folders. */
const FRESH = EVERY > 0 ? 200 : 3;
const MAKING = 1200;
const SEED = Number(process.env['R1_FAULT_SEED'] ?? 1);
const NAMES = Object.keys(ERRORS);

test(`whatever fails, seed ${SEED}: a sentence, a whole store, and the same artifacts the next time`, async (t) => {
  const calm = await calmRun(t);
  const random = randomFrom(SEED);
  const faults: Fault[] = [];
  if (EVERY > 0) {
    for (let at = 1; at <= calm.operations; at += EVERY)
      for (const code of NAMES) faults.push({code, at, lasts: random() < 0.3});
  } else {
    for (let i = 0; i < SAMPLE; i++)
      faults.push({
        code: NAMES[i % NAMES.length]!,
        at: 1 + Math.floor(random() * calm.operations),
        lasts: random() < 0.3,
      });
  }
  for (let i = 0; i < FRESH; i++) {
    const at = 1 + Math.floor(random() * MAKING);
    faults.push({code: NAMES[Math.floor(random() * NAMES.length)]!, at, lasts: random() < 0.3, fresh: true});
  }
  const came = {failed: 0, 'went on': 0, missed: 0};
  const losses: string[] = [];
  for (const fault of faults) {
    try {
      came[await tryFault(t, calm, fault)] += 1;
    } catch (error) {
      losses.push(inspect(error));
    }
  }
  t.diagnostic(
    `at ${calm.operations} operations: ${came.failed} errors ended the run, ${came['went on']} did not matter, ` +
      `${came.missed} met nothing`,
  );
  t.diagnostic(`${2 * faults.length} runs, ${faults.length - came.missed} faults, ${losses.length} losses`);
  assert.deepEqual(losses.slice(0, 20), [], `${losses.length} losses`);
  assert.ok(came.failed > 0, 'some faults were fatal');
});
