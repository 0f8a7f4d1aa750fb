/** Figures as SVG: what is drawn where, and where axes have their ticks. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {figure} from '../../../stages/evaluation/report/figure.js';
import {axisTicks, tickLabel} from '../../../stages/evaluation/report/ticks.js';

test('a figure places its points on its axes, with ticks, units, a legend and a band', () => {
  const svg = figure('a < b', [
    {
      ...{title: 'accuracy', note: 'bands: 95 %', axis: 'share', from: 0, to: 1, steps: [0, 4]},
      series: [{name: 'x & y', steps: [0, 4], values: [0, 1], low: [0, 0.5], high: [0.5, 1], isMarked: true}],
      references: [{name: 'base', value: 0.5}],
    },
  ]);
  assert.match(svg, /<title>a &lt; b<\/title>/);
  const line = /<polyline[^>]* points="([\d.]+),([\d.]+) ([\d.]+),([\d.]+)"/.exec(svg)!.slice(1).map(Number);
  const [left, bottom, right, top] = line as [number, number, number, number];
  assert.ok(left < right && top < bottom, 'from left bottom to right top');
  const middle = (top + bottom) / 2;
  // The band: above from left to right, then below from right to left.
  const band = /<polygon[^>]* points="([^"]+)"/
    .exec(svg)![1]!
    .split(' ')
    .map((point) => point.split(',').map(Number));
  assert.deepEqual(band, [
    [left, middle],
    [right, top],
    [right, middle],
    [left, bottom],
  ]);
  assert.ok(
    svg.includes(
      `class="r" stroke="#555555" stroke-dasharray="6 4" x1="${left.toFixed(0)}" x2="${right.toFixed(0)}" y1="${middle.toFixed(1)}"`,
    ),
    svg,
  );
  assert.equal(svg.match(/<circle /g)?.length, 2);
  const texts = [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text);
  for (const wanted of [
    'accuracy',
    'bands: 95 %',
    'x &amp; y',
    'base',
    'share',
    'step (optimizer updates)',
    '0.0',
    '0.2',
    '1.0',
    '0',
    '4',
  ])
    assert.ok(texts.includes(wanted), `${wanted} is among ${texts.join(' | ')}`);
});

test('the last step is named, and no round number that stands in its way', () => {
  const named = (last: number): (string | undefined)[] => {
    const series = [{name: 'x', steps: [0, last], values: [0, 1]}];
    const svg = figure('a', [{title: 'a', axis: 'share', from: 0, to: 1, steps: [0, last], series}]);
    return [...svg.matchAll(/text-anchor="middle">([\d,]+)</g)].map(([, text]) => text);
  };
  assert.deepEqual(named(60), ['0', '20', '40', '60']);
  assert.deepEqual(named(104), ['0', '50', '104'], '100 would touch it');
  assert.deepEqual(named(180), ['0', '50', '100', '150', '180']);
});

test('ticks are round numbers that hold the range, and are written with as many decimals as they differ in', () => {
  const written = (from: number, to: number): string[] => {
    const ticks = axisTicks(from, to);
    return ticks.map((tick) => tickLabel(tick, ticks[1]! - ticks[0]!));
  };
  assert.deepEqual(written(0, 1), ['0.0', '0.2', '0.4', '0.6', '0.8', '1.0']);
  assert.deepEqual(written(0, 100), ['0', '20', '40', '60', '80', '100']);
  assert.deepEqual(written(0, 10_400), ['0', '5,000', '10,000', '15,000']);
  assert.deepEqual(written(17.2, 29.9), ['15', '20', '25', '30']);
  assert.deepEqual(written(0.91, 0.95), ['0.91', '0.92', '0.93', '0.94', '0.95']);
  assert.deepEqual(axisTicks(3, 3), [3]);
  assert.deepEqual(axisTicks(0.1, 0.6), [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]);
});
