/** The length-controlled win rate beside the package alpaca_eval (fixtures/alpaca/make.py), and what the fit is by hand. */
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {lengthControlled} from '../../../stages/suites/length-controlled.js';
import {fitLogistic, strengthOf, type Observation} from '../../../stages/suites/sparse-logistic.js';

interface Case {
  readonly seed: number;
  readonly replies: readonly (readonly [
    baseline: number,
    own: number,
    difficulty: number,
    preference: number | null,
  ])[];
  readonly gamed: readonly (readonly [place: number, gap: number, preference: number])[];
  readonly expected: Readonly<Record<string, number>>;
}

const CASES = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../../../test/fixtures/alpaca/length-controlled.json'), 'utf8'),
) as readonly Case[];

const rateOf = ({replies, gamed}: Case, metric: string) =>
  lengthControlled(
    replies.map(([baselineLength, length, difficulty, preference], problem) => ({
      ...{problem, baselineLength, length, difficulty, preference: preference ?? undefined},
    })),
    gamed.map(([place, gap, target], group) => ({
      ...{features: [Math.tanh(gap), replies[place]![2], 0], target, weight: 0.1, group: `gamed ${group}`},
    })),
    {metric, seed: 1},
  );

test('the rate is that of the package, with the replies of gamed baselines and without', () => {
  assert.equal(CASES.length, 3);
  for (const one of CASES)
    for (const [name, gamed] of [
      ['length_controlled_v1', one.gamed],
      ['length_controlled_noreg', []],
    ] as const) {
      const said = rateOf({...one, gamed}, 'lc-win-rate');
      assert.ok('score' in said);
      const {mean, low, high, problems} = said.score;
      const expected = one.expected[name]!;
      assert.ok(Math.abs(mean - expected) < 2e-4, `${one.seed} ${name}: ${mean}, not ${expected}`);
      assert.ok(Math.abs(mean - one.expected['win_rate']!) > 5e-4, 'it is not the plain rate');
      assert.ok(low < mean && mean < high && high - low < 0.4, `${low} ${mean} ${high}`);
      assert.equal(problems, one.replies.length);
    }
});

test('the penalty’s weights by hand: one feature that is always 1', () => {
  const seen = (target: number, weight: number, group: number): Observation => ({features: [1], target, weight, group});
  // Σ weight (p − target) · C + sign(w) = 0: ten of weight 1 at 0.8 and C = 1 give p = 0.7.
  const ten = Array.from({length: 10}, (_, group) => seen(0.8, 1, group));
  assert.ok(Math.abs(fitLogistic(ten, 1)[0]! - Math.log(0.7 / 0.3)) < 1e-6);
  // A gradient at 0 of 10 · 0.3 · C that is below 1 leaves it at 0.
  assert.deepEqual(fitLogistic(ten, 0.3), [0]);
  // Half the weight is half of C, and the start changes nothing.
  const half = ten.map((one) => ({...one, weight: 0.5}));
  assert.ok(Math.abs(fitLogistic(half, 2, [9])[0]! - fitLogistic(ten, 1)[0]!) < 1e-6);
  // All alike: the weaker the penalty, the better the prediction of those that are held out.
  assert.equal(strengthOf(ten), 1e4);
  assert.equal(strengthOf(ten.slice(0, 4)), undefined);
});

test('there is no rate where nothing can be fitted, and it says why', () => {
  const reply = {baselineLength: 4, length: 4, difficulty: 0, preference: 0.5};
  const refusal = (replies: Parameters<typeof lengthControlled>[0]): string => {
    const said = lengthControlled(replies, [], {metric: 'lc-win-rate', seed: 1});
    assert.ok('refused' in said);
    return said.refused;
  };
  const five = [0, 1, 2, 3, 4].map((problem) => ({...reply, problem}));
  assert.match(refusal(five), /by the same length/);
  assert.match(refusal(five.slice(1)), /by the same length/);
  const longer = five.map((one) => ({...one, length: one.problem}));
  assert.match(refusal(longer.slice(1)), /wants 5 replies that were judged/);
  assert.match(refusal(longer.map((one) => ({...one, preference: undefined}))), /no reply was judged/);
});
