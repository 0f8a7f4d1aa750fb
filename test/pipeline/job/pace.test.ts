import assert from 'node:assert/strict';
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {eventLine} from '../../../pipeline/job/event-lines.js';
import type {JobEvent, Report} from '../../../pipeline/job/event-lines.js';
import {Pace, lastProgress} from '../../../pipeline/job/pace.js';
import {temporaryFolder} from '../../rig/temporary.js';

const at = (ms: number, report: Report): JobEvent => ({...report, at: ms});
const progress = (ms: number, step: number): JobEvent => at(ms, {type: 'progress', step, total: 100});

test('a step takes what lies between two reports, without the checkpoint that was written between them', () => {
  const pace = new Pace();
  pace.take(progress(1_000, 1));
  assert.equal(pace.stepMs, undefined, 'one report says nothing of a pace');
  pace.take(progress(3_000, 2));
  assert.equal(pace.stepMs, 2_000);
  // 6 s, of which 5 are the checkpoint's.
  pace.take(at(8_000, {type: 'checkpoint', step: 2, ms: 5_000}));
  pace.take(progress(9_000, 3));
  assert.deepEqual([pace.stepMs, pace.checkpointMs], [2_000, 5_000]);
  // Ten steps in 40 s.
  pace.take(progress(49_000, 13));
  assert.equal(pace.stepMs, 4_000);
});

test('the longest of the latest steps counts: one with a rollout is longer than those that follow it', () => {
  const pace = new Pace();
  let ms = 0;
  for (let step = 1; step <= 17; step++) pace.take(progress((ms += step % 16 === 1 ? 60_000 : 1_000), step));
  assert.equal(pace.stepMs, 60_000);
  for (let step = 18; step <= 90; step++) pace.take(progress((ms += 1_000), step));
  assert.equal(pace.stepMs, 1_000, 'what is long ago does not');
});

test('of a job that runs already, the pace is in the end of its events', (t) => {
  const file = join(temporaryFolder(t), 'events.jsonl');
  assert.deepEqual([Pace.of(file).stepMs, lastProgress(file)], [undefined, undefined], 'there may be none');
  const events: readonly JobEvent[] = [
    progress(0, 1),
    progress(7_000, 2),
    at(9_000, {type: 'checkpoint', step: 2, ms: 2_000}),
  ];
  writeFileSync(file, `torn\n${events.map(({at: ms, ...report}) => eventLine(report, ms)).join('\n')}\n`);
  const pace = Pace.of(file);
  assert.deepEqual([pace.stepMs, pace.checkpointMs], [7_000, 2_000]);
  assert.deepEqual(lastProgress(file), {step: 2, total: 100});
});
