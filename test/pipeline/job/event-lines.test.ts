import assert from 'node:assert/strict';
import {test} from 'node:test';
import {MOST_NAME, MOST_NOTE, eventLine, readEvent} from '../../../pipeline/job/event-lines.js';
import {shortened} from '../../../pipeline/values/printable.js';

/** A line of events → what is wrong with it. */
const GARBLED: readonly [string, RegExp][] = [
  ['', /not JSON/],
  ['{"type":"note","at":1,', /not JSON/],
  ['{"type":"metric","at":1,"name":"loss","step":1,"value":NaN}', /not JSON.*write "NaN"/],
  ['null', /not a record/],
  ['3', /not a record/],
  ['{"type":"note","text":"a"}', /“at” is undefined/],
  ['{"type":"note","at":"now","text":"a"}', /“at” is "now"/],
  ['{"type":"note","at":1e999,"text":"a"}', /“at” is Infinity/],
  ['{"type":"hello","at":1}', /its type is "hello"/],
  ['{"at":1}', /its type is undefined/],
  ['{"type":"metric","at":1,"name":"loss","step":0.5,"value":1}', /the step is 0\.5, not a whole number/],
  ['{"type":"metric","at":1,"name":"loss","step":-1,"value":1}', /the step is -1/],
  ['{"type":"metric","at":1,"name":"loss","step":1e308,"value":1}', /the step is 1e\+308/],
  ['{"type":"metric","at":1,"name":"loss","step":9007199254740993,"value":1}', /the step is 9007199254740992/],
  ['{"type":"metric","at":1,"name":"loss","step":"1","value":1}', /the step is "1"/],
  ['{"type":"metric","at":1,"name":"loss","value":1}', /the step is undefined/],
  ['{"type":"metric","at":1,"name":"loss","step":1}', /the value is undefined/],
  ['{"type":"metric","at":1,"name":"loss","step":1,"value":null}', /the value is null/],
  ['{"type":"metric","at":1,"name":"loss","step":1,"value":"1.5"}', /the value is "1\.5"/],
  ['{"type":"metric","at":1,"name":"loss","step":1,"value":""}', /the value is ""/],
  ['{"type":"metric","at":1,"name":"","step":1,"value":1}', /the name is empty/],
  ['{"type":"metric","at":1,"name":7,"step":1,"value":1}', /the name is 7/],
  ['{"type":"metric","at":1,"name":"a\\u001b[2J","step":1,"value":1}', /control character/],
  ['{"type":"metric","at":1,"name":"a\\nb","step":1,"value":1}', /control character/],
  ['{"type":"metric","at":1,"name":"a\\u202eb","step":1,"value":1}', /control character/],
  ['{"type":"metric","at":1,"name":"a\\ud800","step":1,"value":1}', /control character/],
  [
    `{"type":"metric","at":1,"name":"${'n'.repeat(MOST_NAME + 1)}","step":1,"value":1}`,
    /the name "n{40}…" has 201 characters, 200 are allowed/,
  ],
  ['{"type":"progress","at":1,"step":null,"total":3}', /the step is null/],
  ['{"type":"progress","at":1,"step":1}', /the total is undefined/],
  ['{"type":"progress","at":1,"step":-1,"total":3}', /the step is -1/],
  ['{"type":"progress","at":1,"step":1,"total":3,"tokens":null}', /tokens are null/],
  ['{"type":"progress","at":1,"step":1,"total":3,"tokens":1e308}', /tokens are 1e\+308/],
  ['{"type":"note","at":1}', /the text is undefined/],
  ['{"type":"note","at":1,"text":{}}', /the text is an object/],
  ['{"type":"checkpoint","at":1,"step":2.5}', /the step is 2\.5/],
];

test('a line that is no event is told with what is wrong with it', () => {
  for (const [line, wrong] of GARBLED) {
    const read = readEvent(line);
    assert.ok(!read.ok, line);
    assert.match(read.error, wrong);
  }
});

test('events of every type come back as they were written, values that JSON has no word for as well', () => {
  const at = 12;
  for (const value of [1.25, -0.5, 0, 1e308, NaN, Infinity, -Infinity]) {
    const event = {type: 'metric', name: 'loss', step: Number.MAX_SAFE_INTEGER, value} as const;
    assert.deepEqual(readEvent(eventLine(event, at)), {ok: true, value: {...event, at}});
  }
  for (const event of [
    {type: 'progress', step: 0, total: 0},
    {type: 'progress', step: 1, total: 3, tokens: 4096},
    {type: 'note', text: '  two\nlines\u2028and “quotes” '},
    {type: 'checkpoint', step: 7},
  ] as const) {
    assert.deepEqual(readEvent(eventLine(event, at)), {ok: true, value: {...event, at}});
  }
});

test('a note is cut, with how long it was and where the whole is, and a note that was cut is not cut again', () => {
  const line = JSON.stringify({type: 'note', at: 1, text: 'z'.repeat(1_000_000)});
  const read = readEvent(line);
  assert.ok(read.ok && read.value.type === 'note');
  const {text} = read.value;
  assert.equal(text.length, MOST_NOTE);
  assert.match(text, /^z+… \(1,000,000 characters in all, see events\.jsonl\)$/);
  assert.equal(shortened(text, MOST_NOTE, 'elsewhere'), text);
  const faces = shortened('😀'.repeat(100), 51, 'x');
  assert.ok(faces.length <= 51 && !/\p{Surrogate}/u.test(faces), 'no half character is left');
});
