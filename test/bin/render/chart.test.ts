import assert from 'node:assert/strict';
import test from 'node:test';
import {axisNumber, chart, sparkline} from '../../../bin/render/chart.js';
import {curvesText} from '../../../bin/render/curves.js';
import {widthOf} from '../../../bin/terminal/columns.js';
import {tableText} from '../../../bin/render/table.js';

const line = (values: readonly number[]) => values.map((y, x) => ({x: x + 1, y}));

test('a sparkline goes from the lowest to the highest value', () => {
  assert.equal(sparkline(line([0, 1, 2, 3, 4, 5, 6, 7]), 20), '▁▂▃▄▅▆▇█');
  assert.equal(sparkline(line([5, 5, 5]), 20), '▄▄▄');
  assert.equal(sparkline(line(Array.from({length: 1000}, (_, i) => i)), 4), '▁▃▆█');
});

test('what is no number leaves a gap and does not spoil the rest', () => {
  assert.equal(sparkline(line([0, Number.NaN, 7]), 20), '▁ █');
  assert.equal(sparkline(line([Number.NaN, Infinity]), 20), '');
  assert.equal(chart(line([Number.NaN]), {width: 40, height: 4}), '(nothing to draw)');
});

test('a chart shows its range, and a rising line rises', () => {
  // Two by four dots a character: a diagonal of 8 points over 4 characters and 2 lines.
  const drawn = chart(line([0, 1, 2, 3, 4, 5, 6, 7]), {width: 7, height: 2}).split('\n');
  assert.equal(drawn.length, 4);
  assert.match(drawn[0]!, /^7 ┤/);
  assert.match(drawn[1]!, /^0 ┤/);
  assert.match(drawn[3]!, /1 +8$/);
  const firstDot = (text: string) => Array.from(text.slice(3)).findIndex((cell) => cell.codePointAt(0)! > 0x2800);
  assert.ok(firstDot(drawn[0]!) > firstDot(drawn[1]!), drawn.join('\n'));
});

test('a single point and a flat line are drawn in the middle', () => {
  for (const values of [[3], [3, 3, 3]]) assert.match(chart(line(values), {width: 30, height: 3}), /^3 ┤/);
});

test('axis numbers are short', () => {
  assert.deepEqual([0, 0.123456, 1234567, 0.0000123, -2].map(axisNumber), ['0', '0.1235', '1.23e+6', '1.23e-5', '-2']);
});

test('several metrics are a table, one is a chart', () => {
  const curve = line([3, 2, 1]).map(({x, y}) => ({name: 'loss', step: x, value: y}));
  const options = {title: 'zero', charts: false, width: 80};
  assert.match(
    curvesText(
      new Map([
        ['loss', curve],
        ['准确率', curve],
      ]),
      options,
    ),
    /loss +3 +1 +1 +3 +█▅▁/,
  );
  assert.match(curvesText(new Map([['loss', curve]]), options), /┤/);
  assert.match(curvesText(new Map(), options), /no metrics/);
});

test('columns line up, East Asian characters included', () => {
  const [first, second] = tableText(
    [
      ['状态', '1'],
      ['ab', '22'],
    ],
    {right: [1]},
  ).split('\n');
  assert.equal(first, '状态   1');
  assert.equal(second, 'ab    22');
});

test('a long table has the same columns all the way down', () => {
  const rows = Array.from({length: 250}, (_, i) => [i === 240 ? 'a long name' : '中文', String(i)]);
  const lines = tableText(rows, {head: ['name', 'number'], right: [1]}).split('\n');
  assert.equal(lines.length, 251);
  assert.deepEqual(new Set(lines.map((line) => widthOf(line))), new Set([19]));
  assert.equal(lines[241], 'a long name     240');
});
