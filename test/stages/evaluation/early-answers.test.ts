/** What answers behind forced thinking come to: rates and differences against an independent count, and how the report says it. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {
  storedRate,
  summariseConditions,
  type EarlyAnswer,
  type EarlySummary,
} from '../../../stages/evaluation/early-answers.js';
import {earlySection, sentences} from '../../../stages/evaluation/report/early-answers.js';
import {earlyFigure} from '../../../stages/evaluation/report/early-figure.js';
import {tQuantile} from '../../../stages/evaluation/t-interval.js';
import {sampleOf} from './samples.js';

const answer = (key: string, right: boolean, fields: Partial<EarlyAnswer>): EarlyAnswer => ({
  ...sampleOf({prompt: key, key, outcome: right ? 'right' : 'wrong'}),
  ...{condition: 'own', share: 1, lines: 4, of: 4, stored: 'right'},
  ...fields,
});
/** Ten problems of two levels, two responses each: without thinking one problem in five is right, with it all but the last. */
const problems = Array.from({length: 10}, (_, place) => place);
const rows = problems.flatMap((place) => {
  const steps = place < 5 ? 3 : 5;
  return [0, 1].flatMap((sample) => {
    const of = {sample, steps, stored: place === 9 && sample === 1 ? 'wrong' : 'right'} as const;
    return [
      answer(`k${place}`, place % 5 === 0, {...of, share: 0, lines: 0}),
      answer(`k${place}`, place < 9, of),
      answer(`k${place}`, false, {...of, condition: 'other', followed: place < 8}),
      answer(`k${place}`, place === 0, {...of, condition: 'filler'}),
    ];
  });
});
const [none, whole, other, filler] = summariseConditions([...rows].reverse());

test('conditions stand from none of the thinking to all of it, then the controls', () => {
  assert.deepEqual(
    [none, whole, other, filler].map((one) => [one!.condition, one!.share, one!.lines, one!.right.mean]),
    [
      ['own', 0, 0, 0.2],
      ['own', 1, 4, 0.9],
      ['other', 1, 4, 0],
      ['filler', 1, 4, 0.1],
    ],
  );
  assert.ok(!('difference' in whole!));
});

test('a difference is paired on problems, all responses to one together', () => {
  // Of ten problems seven lose 1, three lose nothing: −0.7, s² = 10 · 0.7 · 0.3 / 9 of a problem.
  const {mean, low, high} = none!.difference!;
  const reach = tQuantile(0.975, 9) * Math.sqrt((10 * 0.7 * 0.3) / 9 / 10);
  for (const [found, wanted] of [
    [mean, -0.7],
    [low, -0.7 - reach],
    [high, Math.min(1, -0.7 + reach)],
  ] as const)
    assert.ok(Math.abs(found - Math.max(-1, wanted)) < 1e-9, `${found} is not ${wanted}`);
});

test('levels are counted by themselves', () => {
  assert.deepEqual(
    [none, whole].map((one) => one!.byLevel.map(({level, problems, mean}) => [level, problems, mean])),
    [
      [
        [3, 5, 0.2],
        [5, 5, 0.2],
      ],
      [
        [3, 5, 1],
        [5, 5, 0.8],
      ],
    ],
  );
});

test('how many follow another problem’s thinking is of those that had an answer to follow', () => {
  assert.equal(other!.followed!.mean, 0.8);
  assert.ok(!('followed' in filler!));
  const unknown = rows.map(({followed: _, ...row}) => row);
  assert.ok(summariseConditions(unknown).every((one) => !('followed' in one)));
});

test('what the responses were worth as they were stored is counted once for each', () => {
  assert.equal(storedRate(rows).mean, 0.95);
});

const summary: EarlySummary = {
  ...{format: 'r1-early-answers-1', model: 'f'.repeat(64), template: 'chat', temperature: 0.6, topP: 0.95, filler: '.'},
  ...{problems: 10, responses: 20, leftOut: {'no thinking in the format': 3}},
  stored: storedRate(rows),
  conditions: [none!, whole!, other!, filler!],
};

test('the report says what the intervals tell, and no more', () => {
  assert.match(sentences('zero', summary.conditions)[0]!, /^The answer of zero needs the thinking: 20\.0 % .* 90\.0 %/);
  assert.match(sentences('zero', summary.conditions)[1]!, /0\.0 % are right; 80\.0 % of the answers are those/);
  const same = summariseConditions(rows.map((row) => ({...row, outcome: 'right'})));
  assert.match(sentences('zero', same)[0]!, /is not shown to need/);
  const worse = summariseConditions(rows.map((row) => ({...row, outcome: row.share === 0 ? 'right' : 'wrong'})));
  assert.match(sentences('zero', worse)[0]!, /does better without/);
  // The one that there is to compare with is missing.
  assert.deepEqual(sentences('zero', [none!]), []);
});

test('every row of the table has a cell for each level, and the figure a curve', () => {
  const page = earlySection({zero: summary});
  const table = page.split('\n').filter((line) => line.startsWith('|'));
  assert.equal(table.length, 2 + 4);
  assert.equal(new Set(table.map((line) => line.split('|').length)).size, 1);
  assert.match(page, /left out: 3 no thinking in the format\./);
  assert.match(page, /\| 3 steps \| 5 steps \|/);
  const svg = earlyFigure('a < b', summary);
  assert.match(svg, /<title>a &lt; b: right answers/);
  assert.equal(svg.match(/<polyline/g)!.length, 2);
  // Controls are no part of a curve: two shares are two points.
  for (const [, points] of svg.matchAll(/points="([^"]*)"/g)) assert.equal(points!.split(' ').length, 2);
  assert.equal(svg.match(/<circle/g)!.length, 8);
  assert.ok(!/NaN|undefined|Infinity/.test(page + svg));
  assert.equal(earlySection({}), '');
});
