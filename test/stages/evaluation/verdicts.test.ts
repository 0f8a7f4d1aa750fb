import assert from 'node:assert/strict';
import test from 'node:test';

import {countsText, judgeClaims, judgeOverRuns, type Claim} from '../../../stages/evaluation/index.js';
import {claimMistakes} from '../../../stages/evaluation/claims.js';
import {SMOLLM2_CLAIMS} from '../../../stages/recipes/smollm2/claims.js';
import {TINY_CLAIMS, TINY_CONTROL_CLAIMS} from '../../../stages/recipes/tiny-claims.js';
import {sampleOf, samplesOf} from './samples.js';

const claim = (fields: Partial<Claim>): Claim => ({
  id: 'c',
  text: '',
  paper: '',
  metric: 'pass@1',
  statistic: 'difference',
  left: 'new',
  right: 'old',
  direction: 'above',
  threshold: 0.25,
  ...fields,
});
const repeat = (times: number, ...letters: string[]): string[] => Array.from({length: times}, () => letters).flat();
const model = (...problems: string[]) => ({template: 'chat', samples: samplesOf(...problems)});

test('a claim holds, fails or stays open by where its interval lies', () => {
  const old = model(...repeat(50, 'ww', 'rw')); // 0.25
  const verdict = (...problems: string[]) => judgeClaims([claim({})], {new: model(...problems), old})[0]!;
  const holds = verdict(...repeat(50, 'rr', 'rw')); // + 0.5
  assert.equal(holds.verdict, 'holds');
  assert.ok(holds.low > 0.25 && holds.value === 0.5);
  const fails = verdict(...repeat(50, 'ww', 'rr')); // + 0.25 / 2, well below
  assert.equal(verdict(...repeat(50, 'ww', 'ww')).verdict, 'fails');
  assert.equal(fails.value, 0.25);
  assert.equal(fails.verdict, 'not significant'); // on the threshold
});

test('a difference between models that were asked or read otherwise names both', () => {
  const old = model('ww', 'rw');
  const [same] = judgeClaims([claim({})], {new: model('rr', 'rr'), old});
  assert.ok(!('asked' in same!));
  const lenient = {...model('rr', 'rr'), extraction: 'last-number', stop: ['\n'], prefill: '<think>'};
  const [unequal] = judgeClaims([claim({})], {new: lenient, old});
  assert.deepEqual(unequal!.asked, ['chat, prefill “<think>”, stop “\\n”, extraction last-number', 'chat']);
});

test('a ratio to nothing is not measured, and no claim is judged by what has no p-value', () => {
  const ratio = claim({statistic: 'ratio', id: 'ratio'});
  assert.deepEqual(judgeClaims([ratio], {new: model('rr'), old: model('ww', 'wi')}), []);
  const [plain] = judgeClaims([claim({threshold: 0})], {new: model('rr', 'rw'), old: model('rr', 'ww')});
  const rows = (value: number) => [
    {...plain!, value},
    {...plain!, claim: 'strange', value: 1 / (value - 0.5)},
  ];
  const over = judgeOverRuns([
    {run: '1', claims: rows(0.5)}, // 1 / 0
    {run: '2', claims: rows(-0.4)},
  ]);
  assert.deepEqual(
    over.map(({verdict}) => verdict),
    ['not significant', 'not significant'],
  );
  assert.ok(over[0]!.adjusted >= 0.05 && over[1]!.adjusted === 1);
});

test('claims whose models were not measured are absent', () => {
  assert.deepEqual(judgeClaims([claim({right: 'nobody'})], {new: model('rr'), old: model('rr')}), []);
});

test('where there is no room to rise, not falling is the claim', () => {
  const ceiling = {over: 0.95, threshold: -0.02};
  const perfect = model(...repeat(300, 'r'));
  const [atTop] = judgeClaims([claim({threshold: 0, ceiling})], {new: perfect, old: perfect});
  assert.deepEqual([atTop!.threshold, atTop!.verdict], [-0.02, 'holds']); // 2 · 0.98^300 = 0.0047
  const [below] = judgeClaims([claim({threshold: 0, ceiling})], {new: perfect, old: model(...repeat(150, 'r', 'w'))});
  assert.deepEqual([below!.threshold, below!.verdict], [0, 'holds']);
});

test('many claims need stronger evidence than one', () => {
  // 20 problems, all won: 2 · 0.8^20 = 0.023, below 0.05 alone and 0.07 among three.
  const won = model(...repeat(20, 'r'));
  const level = claim({statistic: 'level', threshold: 0.8, metric: 'format'});
  delete (level as {right?: string}).right;
  const alone = judgeClaims([level], {new: won})[0]!;
  assert.equal(alone.verdict, 'holds');
  const three = judgeClaims([level, {...level, id: 'd'}, {...level, id: 'e'}], {new: won});
  assert.deepEqual(
    three.map(({verdict}) => verdict),
    ['not significant', 'not significant', 'not significant'],
  );
  assert.ok(Math.abs(three[0]!.adjusted - 3 * three[0]!.p) < 1e-12);
});

test('over several runs the run is the unit', () => {
  const row = judgeClaims([claim({})], {new: model(...repeat(50, 'rr')), old: model(...repeat(50, 'ww', 'rw'))})[0]!;
  const runs = [0.28, 0.29, 0.3, 0.31, 0.32].map((value, n) => ({run: String(n), claims: [{...row, value}]}));
  const [over] = judgeOverRuns(runs);
  assert.ok(Math.abs(over!.value - 0.3) < 1e-12);
  assert.ok(Math.abs(over!.low - 0.2803676) < 1e-6); // see the t-interval's test
  assert.equal(over!.verdict, 'holds'); // against 0.25
  assert.deepEqual(
    over!.runs.map(({run, value}) => [run, value]),
    [0.28, 0.29, 0.3, 0.31, 0.32].map((value, n) => [String(n), value]),
  );
  // One strong run does not carry four others.
  const uneven = [0.9, 0.2, 0.2, 0.2, 0.2].map((value, n) => ({run: String(n), claims: [{...row, value}]}));
  assert.equal(judgeOverRuns(uneven)[0]!.verdict, 'not significant');
  assert.equal(judgeOverRuns(runs.slice(0, 1))[0]!.verdict, 'not significant');
  assert.deepEqual(judgeOverRuns([]), []);
});

test('a run with another threshold is held against its own', () => {
  const row = judgeClaims([claim({})], {new: model('rr'), old: model('ww')})[0]!;
  const at = (value: number, threshold: number, n: number) => ({run: String(n), claims: [{...row, value, threshold}]});
  // Above their own thresholds by 0.02, 0.021 and 0.022, although the values spread from 0 to 0.022.
  const [over] = judgeOverRuns([at(0, -0.02, 0), at(0.021, 0, 1), at(0.022, 0, 2)]);
  assert.equal(over!.verdict, 'holds');
});

test('a claim about a control that did not learn is not judged, and is no test among the others', () => {
  const requires = [{kind: 'learned', model: 'old', from: 'base'}] as const;
  const won = model(...repeat(20, 'r'));
  const level = {
    ...claim({statistic: 'level', threshold: 0.8, metric: 'format'}),
    right: undefined,
  } as unknown as Claim;
  const [gated, alone] = judgeClaims([claim({requires}), level], {
    new: won,
    old: model(...repeat(10, 'r', 'w')),
    base: model(...repeat(10, 'r', 'w')),
  });
  assert.equal(gated!.verdict, 'not judged');
  assert.match(gated!.unmet!.join(), /^the control did not learn: pass@1 of old − base is 0\.000 \[-0\.\d+, 0\.\d+\]$/);
  assert.equal(gated!.value, 0.5); // what was measured is still shown
  assert.equal(alone!.adjusted, alone!.p); // one test, not two
  assert.equal(countsText([gated!, alone!]), '1 of 2 hold, not significant 0, failing 0, not judged 1');

  const learned = {new: won, old: model(...repeat(10, 'r', 'w')), base: model(...repeat(20, 'w'))};
  const [judged] = judgeClaims([claim({requires})], learned);
  assert.deepEqual([judged!.verdict, 'unmet' in judged!], ['holds', false]);
  const [unknown] = judgeClaims([claim({requires})], {new: won, old: won});
  assert.deepEqual(unknown!.unmet, ['whether old learned is not known, as base was not measured']);
});

test('a claim at equal compute is judged only where the control took as much', () => {
  const requires = [{kind: 'compute', model: 'old', atLeast: 'new'}] as const;
  const models = {new: model(...repeat(50, 'rr')), old: model(...repeat(50, 'ww', 'rw'))};
  const judge = (operations: Record<string, number>) => judgeClaims([claim({requires})], models, operations)[0]!;
  assert.equal(judge({new: 10, old: 10}).verdict, 'holds');
  assert.deepEqual(judge({new: 10, old: 8}).unmet, ['old took only 0.80 times the operations of new']);
  assert.deepEqual(judge({new: 10}).unmet, ['the operations of old are not known']);
  const runs = [
    {run: '1', claims: [judge({new: 10, old: 10})]},
    {run: '2', claims: [judge({new: 10, old: 8})]},
  ];
  const [over] = judgeOverRuns(runs);
  assert.equal(over!.verdict, 'not judged');
  assert.deepEqual(over!.unmet, ['run 2: old took only 0.80 times the operations of new']);
  assert.deepEqual(
    over!.runs.map(({verdict}) => verdict),
    ['holds', 'not judged'],
  );
});

test('the declared claims have different ids and name models of the recipe', () => {
  for (const claims of [[...TINY_CLAIMS, ...TINY_CONTROL_CLAIMS], SMOLLM2_CLAIMS]) checkDeclared(claims);
});

function checkDeclared(claims: readonly Claim[]): void {
  assert.deepEqual(claimMistakes(claims), []);
  const evaluations = Object.fromEntries(
    claims
      .flatMap(({left, right}) => [left, right ?? left])
      .map((name) => [
        name,
        {
          template: 'chat',
          samples: [...samplesOf('rw', 'rr'), sampleOf({key: 'g', task: 'general', helpful: true, safe: true})],
        },
      ]),
  );
  assert.equal(judgeClaims(claims, evaluations).length, claims.length);
}

test('claims of a recipe of one’s own are looked at before anything runs', () => {
  const given = {
    id: 'a',
    text: 'a',
    paper: '',
    metric: 'pass@1',
    statistic: 'level',
    left: 'm',
    direction: 'above',
    threshold: 0,
  };
  assert.deepEqual(claimMistakes([given, {...given, id: 'b', statistic: 'difference', right: 'n'}]), []);
  const wrong = (change: object): string => claimMistakes([{...given, ...change}]).join();
  assert.match(wrong({metric: 3}), /“metric” is missing/);
  assert.match(wrong({statistic: 'mean'}), /“statistic” is one of difference, ratio, level, not "mean"/);
  assert.match(wrong({statistic: 'ratio'}), /a ratio needs “right”/);
  assert.match(wrong({right: 'n'}), /a level has no “right”/);
  assert.match(wrong({direction: 'up', threshold: '0'}), /above or below, not "up".*“threshold” is missing/);
  assert.match(
    wrong({statistic: 'level', right: undefined, threshold: 95}),
    /from 0 to 1, and so is its “threshold”, which is 95/,
  );
  assert.match(wrong({right: 5}), /“right” is no text/);
  assert.match(wrong({statistic: undefined, right: undefined}), /a difference or a ratio needs “right”/);
  assert.match(claimMistakes([given, given]).join(), /claim “a” is there twice/);
  assert.match(claimMistakes({}).join(), /claims is a list/);
  assert.match(wrong({requires: {}}), /“requires” is a list/);
  assert.match(wrong({requires: [{kind: 'money'}]}), /requires is one of learned, compute, not "money"/);
  assert.match(wrong({requires: [{kind: 'learned', model: 'm'}]}), /“from” of what it requires is missing/);
  assert.match(
    wrong({requires: [{kind: 'learned', model: 'm', from: 'm'}]}),
    /what it requires holds “m” against itself/,
  );
  assert.match(wrong({requires: [{kind: 'compute', model: 'm', atLeast: 'n', by: 2}]}), /has no field “by”/);
  assert.match(wrong({treshold: 1}), /there is no field “treshold”; there are id, text/);
  assert.match(wrong({metric: 'accuracy'}), /there is no metric “accuracy”; there are pass@1/);
  assert.equal(wrong({metric: 'cons@64', ceiling: {over: 0.9, threshold: -0.02}}), '');
  for (const ceiling of [{over: 1}, 3, null, {over: 0, threshold: 0, more: 0}])
    assert.match(wrong({ceiling}), /“ceiling” is \{over, threshold\}, two numbers/);
});
