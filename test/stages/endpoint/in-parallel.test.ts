/** So many requests at a time, and what one that fails does to the others. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {setImmediate as turn} from 'node:timers/promises';
import {inParallel} from '../../../stages/endpoint/in-parallel.js';

const items = Array.from({length: 9}, (_, index) => index);
const never = new AbortController().signal;

test('as many are under way as may be, and all are done', async () => {
  const done: number[] = [];
  let [now, most] = [0, 0];
  const failures = await inParallel(items, {concurrency: 3, signal: never}, async (item) => {
    most = Math.max(most, ++now);
    for (let i = 0; i <= item % 3; i++) await turn();
    now--;
    done.push(item);
  });
  assert.deepEqual(failures, []);
  assert.equal(most, 3);
  assert.deepEqual(done.sort(), items);
});

test('after one that failed none begins, and those under way are told', async () => {
  const begun: number[] = [];
  const told: number[] = [];
  const failures = await inParallel(items, {concurrency: 3, signal: never}, async (item, giveUp) => {
    begun.push(item);
    giveUp.addEventListener('abort', () => told.push(item));
    await turn();
    if (item === 1) throw new Error('no');
    await turn();
  });
  assert.deepEqual(begun.sort().slice(0, 3), [0, 1, 2]);
  assert.ok(begun.length < 6, `${begun.length} began`);
  assert.ok(told.includes(2));
  assert.deepEqual(failures.map(String), ['Error: no']);
});

test('a stop is handed on, also one that was asked for before', async () => {
  const stop = new AbortController();
  const seen: boolean[] = [];
  const work = async (item: number, giveUp: AbortSignal): Promise<void> => {
    if (item === 0) stop.abort();
    await turn();
    seen.push(giveUp.aborted);
    if (giveUp.aborted) throw new Error('stopped');
  };
  assert.ok((await inParallel(items, {concurrency: 2, signal: stop.signal}, work)).length > 0);
  assert.ok(seen.every(Boolean));
  seen.length = 0;
  await inParallel([1], {concurrency: 1, signal: AbortSignal.abort()}, work);
  assert.deepEqual(seen, [true]);
});
