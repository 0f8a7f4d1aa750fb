import assert from 'node:assert/strict';
import {appendFileSync, mkdirSync, renameSync, truncateSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import type {MetricPoint} from '../../../artifacts/index.js';
import {EventTail} from '../../../pipeline/job/event-tail.js';
import {MOST_LINE, eventLine} from '../../../pipeline/job/event-lines.js';
import type {JobEvent, Report} from '../../../pipeline/job/event-lines.js';
import {temporaryFolder} from '../../rig/temporary.js';

const lines = (...reports: Report[]): string => reports.map((report) => `${eventLine(report, 1)}\n`).join('');
const metric = (step: number, value = step): Report => ({type: 'metric', name: 'loss', step, value});
const note = (text: string): Report => ({type: 'note', text});

interface Followed {
  readonly file: string;
  readonly tail: EventTail;
  readonly shown: JobEvent[];
  readonly batches: {points: readonly MetricPoint[]; offset: number}[];
}

function follow(
  t: TestContext,
  {text = '', offset = 0, file = join(temporaryFolder(t), 'events.jsonl')} = {},
): Followed {
  if (text !== '') writeFileSync(file, text);
  const shown: JobEvent[] = [];
  const batches: Followed['batches'] = [];
  const tail = new EventTail({
    file,
    offset,
    show: (event) => shown.push(event),
    keep: (points, behind) => batches.push({points: [...points], offset: behind}),
  });
  return {file, tail, shown, batches};
}

test('what is appended is shown as it comes and kept with the offset behind it', async (t) => {
  const {file, tail, shown, batches} = follow(t);
  tail.poll(0);
  writeFileSync(file, lines(metric(1)).slice(0, 10));
  tail.poll(5000);
  assert.deepEqual(shown, []);
  appendFileSync(file, lines(metric(1), metric(2)).slice(10));
  tail.poll(6000);
  assert.equal(shown.length, 2);
  assert.equal(await tail.end(), undefined);
  const offset = lines(metric(1), metric(2)).length;
  assert.deepEqual(batches, [
    {
      points: [
        {name: 'loss', step: 1, value: 1},
        {name: 'loss', step: 2, value: 2},
      ],
      offset,
    },
  ]);
});

test('a garbled line is told with its number and what is wrong; what follows it is shown all the same', async (t) => {
  const bad = '{"type":"metric","at":1,"name":"loss","step":0.5,"value":1}\n';
  const {tail, shown, batches} = follow(t, {text: lines(metric(1)) + bad + lines(metric(2))});
  const garbled = await tail.end();
  assert.equal(garbled?.line, 2);
  assert.match(garbled.text, /"step":0\.5/);
  assert.match(garbled.message, /the step is 0\.5, not a whole number/);
  assert.equal(shown.length, 2);
  const [batch] = batches;
  assert.equal(batch?.offset, lines(metric(1)).length, 'whoever goes on from here finds the garbled line as well');
});

test('who goes on where another runner stopped counts lines from the beginning', async (t) => {
  const before = lines(metric(1), note('a'), metric(2));
  const {tail, shown} = follow(t, {text: `${before}{}\n`, offset: before.length});
  assert.equal((await tail.end())?.line, 4);
  assert.deepEqual(shown, []);
});

test('a line that is never finished, one that is too long, and a file that was written anew are told', async (t) => {
  const cases: readonly [string, (followed: Followed) => void, number, RegExp][] = [
    ['unfinished', ({file}) => writeFileSync(file, `${lines(metric(1))}{"type":"no`), 2, /never finished/],
    [
      'too long',
      ({file}) => writeFileSync(file, `${lines(metric(1))}${'z'.repeat(MOST_LINE + 1)}\n`),
      2,
      /longer than 1 MiB/,
    ],
    ['too long and unfinished', ({file}) => writeFileSync(file, 'z'.repeat(3 * MOST_LINE)), 2, /never finished/],
    ['cut', ({file}) => truncateSync(file, 5), 2, /written anew/],
    [
      'replaced',
      ({file}) => {
        writeFileSync(`${file}.new`, lines(metric(1)));
        renameSync(`${file}.new`, file);
      },
      2,
      /anew/,
    ],
  ];
  for (const [name, spoil, line, wrong] of cases) {
    const followed = follow(t, {text: lines(metric(1))});
    followed.tail.poll();
    spoil(followed);
    const garbled = await followed.tail.end();
    assert.equal(garbled?.line, line, name);
    assert.match(garbled.message, wrong, name);
    assert.ok(garbled.text.length <= 200, name);
  }
  const file = join(temporaryFolder(t), 'events.jsonl');
  mkdirSync(file);
  assert.match((await follow(t, {file}).tail.end())!.message, /is not a file/);
});

/** Bytes in which the end of a line was looked for, and bytes that were copied, while `work` went on. */
async function looked(t: TestContext, work: () => Promise<unknown>): Promise<{searched: number; joined: number}> {
  const count = {searched: 0, joined: 0};
  const prototype = Buffer.prototype as Buffer;
  const {concat} = Buffer;
  const indexOf = prototype.indexOf as (this: Buffer, value: number, from: number) => number;
  const search = t.mock.method(prototype, 'indexOf', function (this: Buffer, value: number, from = 0) {
    const found = indexOf.call(this, value, from);
    count.searched += (found < 0 ? this.length : found + 1) - from;
    return found;
  });
  const join = t.mock.method(Buffer, 'concat', (pieces: Buffer[]) => {
    const whole = concat(pieces);
    count.joined += whole.length;
    return whole;
  });
  await work();
  search.mock.restore();
  join.mock.restore();
  return count;
}

test('each byte is looked at once, however long a line is and however often it is polled', async (t) => {
  const size = 25 << 20;
  const shapes: Readonly<Record<string, () => string>> = {
    'one line': () => lines(note('z'.repeat(size))),
    'lines of half a megabyte': () => lines(note('z'.repeat(1 << 19))).repeat(size >> 19),
    'no line at all': () => 'z'.repeat(size),
  };
  for (const [name, text] of Object.entries(shapes)) {
    const {file, tail} = follow(t);
    const all = text();
    const {searched, joined} = await looked(t, async () => {
      for (let at = 0; at < all.length; at += 1 << 20) {
        appendFileSync(file, all.slice(at, at + (1 << 20)));
        tail.poll();
      }
      await tail.end();
    });
    assert.ok(searched <= all.length + MOST_LINE, `${name}: ${searched} bytes of ${all.length} were searched`);
    assert.ok(joined <= all.length + MOST_LINE, `${name}: ${joined} bytes of ${all.length} were copied`);
  }
});

test('a poll reads a part of what has come, so that others have their turn, and points are kept in batches', async (t) => {
  const {tail, shown, batches} = follow(t, {
    text: Array.from({length: 100_000}, (_, step) => lines(metric(step))).join(''),
  });
  tail.poll();
  assert.ok(shown.length > 0 && shown.length < 100_000, `${shown.length} of 100,000 were shown`);
  assert.equal(await tail.end(), undefined);
  assert.equal(shown.length, 100_000);
  assert.ok(batches.every(({points}) => points.length <= 10_000));
  assert.equal(
    batches.reduce((sum, {points}) => sum + points.length, 0),
    100_000,
  );
});
