/** What a run says at its end, on one screen: claims, a small table, one question answered by its main models, where to look next. */
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'node:test';
import {Command} from 'commander';
import {claimsCommand} from '../../../bin/commands/claims.js';
import {sayRunResult} from '../../../bin/execution/say-run-result.js';
import {sayScoresOverSeeds} from '../../../bin/execution/scores-over-seeds.js';
import {widthOf} from '../../../bin/terminal/columns.js';
import {scoreSamples} from '../../../stages/evaluation/index.js';
import type {Claim, Sample} from '../../../stages/evaluation/index.js';
import {buildReport, writeReport} from '../../../stages/evaluation/report/index.js';
import {PAPER_NAMES} from '../../../stages/recipes/paper-names.js';
import {Bench, temporaryFolder} from '../../artifacts/temporary.js';
import {evaluatedRun} from '../../rig/evaluations.js';
import type {Trained} from '../../rig/evaluations.js';
import {sampleOf, samplesOf} from '../../stages/evaluation/samples.js';
import {spoken} from '../spoken.js';
import type {Spoken} from '../spoken.js';

/** What the newest run says at its end. */
const ended = ({folder}: Bench, width?: number): Promise<Spoken> =>
  spoken(
    (services) =>
      new Command('run').action(async () => {
        const store = services.openStore(undefined, {mode: 'read'});
        try {
          await sayRunResult(store, store.latestRun()!, services);
        } finally {
          store.close();
        }
      }),
    folder,
    [],
    width === undefined ? {} : {width},
  );

const model = (node: string, samples: readonly Sample[], more: Partial<Trained> = {}): Trained => ({
  node,
  evaluations: [{node: `evaluate-${node}`, samples, k: 4}],
  ...more,
});

/** A response to a question in English or Chinese with so many steps. */
const replied = (prompt: string, letters: string, of: Partial<Sample>, text: (isRight: boolean) => string): Sample[] =>
  letters.split('').map((letter, sample) => {
    const isRight = letter === 'r';
    const outcome = isRight ? 'right' : 'wrong';
    return sampleOf({
      prompt,
      key: prompt,
      sample,
      outcome,
      answer: isRight ? '1 1' : '2 2',
      text: text(isRight),
      ...of,
    });
  });

/** Three models, of which the later ones solve `b:en` and `c:zh` that base never does; `a:en` base solves, too. */
function story(): Trained[] {
  const said = (who: string) => (isRight: boolean) => `${who} says ${isRight ? 'so' : 'no'}`;
  const of = (who: string, a: string, b: string, c: string): Sample[] => [
    ...replied('a:en', a, {steps: 9}, said(who)),
    ...replied('c:zh', c, {language: 'zh', steps: 5}, said(who)),
    ...replied('b:en', b, {steps: 2}, said(who)),
  ];
  return [
    model('base', of('base', 'rrrw', 'wwww', 'wwww')),
    model('zero-rl', of('zero', 'rrrr', 'wrrr', 'wrrr'), {from: 'base'}),
    model('full-sft', of('sft', 'rrrr', 'rrrr', 'rrrr'), {from: 'base'}),
    model('all-scenario-rl', of('last', 'rrrr', 'rrrr', 'rrrw'), {from: 'full-sft'}),
  ];
}

const claim = (id: string, left: string, right: string, threshold: number, more: Partial<Claim> = {}): Claim => ({
  ...{id, text: id, paper: '', metric: 'pass@1', statistic: 'difference', left, right, direction: 'above', threshold},
  ...more,
});

const evaluated = (samples: readonly Sample[]) => ({
  ...{model: 'f'.repeat(64), template: 'chat', temperature: 0.6, topP: 0.95, k: 4},
  scores: scoreSamples(samples, {k: 4}),
  samples,
});

/** Makes the report of these evaluations, with these claims, a part of the run. */
async function report(
  bench: Bench,
  t: test.TestContext,
  models: readonly Trained[],
  claims: readonly Claim[],
): Promise<void> {
  const evaluations = Object.fromEntries(models.map(({node, evaluations: [one]}) => [node, evaluated(one!.samples)]));
  const folder = temporaryFolder(t);
  await writeReport(folder, buildReport({evaluations, histories: {}, cards: {}}, claims));
  const files = ['scores.json', 'claims.json'].map((name) => [name, readFileSync(join(folder, name))] as const);
  await bench.make({
    node: 'report',
    params: {run: bench.run},
    outputs: {report: {kind: 'report', files: Object.fromEntries(files)}},
  });
}

test('claims that do not hold are named with the reason, then scores, one question that tells the story, and what to type', async (t) => {
  const bench = new Bench(t);
  const solved = (letters: string): Sample[] => samplesOf(...Array.from({length: 20}, () => letters));
  const models = [
    model('base', solved('wwww')),
    model('zero-rl', solved('rrrr'), {from: 'base'}),
    model('all-scenario-rl', solved('rrrw'), {from: 'base'}),
  ];
  const claims = [
    claim('learns', 'zero-rl', 'base', 0.25),
    claim('goes-on', 'all-scenario-rl', 'zero-rl', 0),
    claim('cheap', 'zero-rl', 'base', 0, {requires: [{kind: 'compute', model: 'zero-rl', atLeast: 'base'}]}),
    claim('never-made', 'nobody', 'base', 0),
  ];
  await evaluatedRun(bench, {models, report: {claims, paperNames: PAPER_NAMES}});
  await report(bench, t, models, claims);
  const {out, err, code} = await ended(bench);
  assert.deepEqual([err, code], ['', 0]);
  assert.match(out, /^\nrun 2: tried, seed 0\n\n1 of 3 claims hold; these do not:\n/);
  assert.match(out, /\n {2}fails +goes-on: measured -0\.250 \[-0\.\d+, -0\.\d+\], claimed > 0\.00\n/);
  assert.match(out, /\n {2}not judged +cheap: the operations of zero-rl are not known\n/);
  assert.match(out, /\n {2}declared and not measured: never-made\n/);
  const listed = await spoken(claimsCommand, bench.folder, ['--run', '2']);
  assert.match(listed.out, /\ndeclared and not measured: never-made$/);
  assert.match(
    out,
    /\nmodel +in the paper +pass@1 .*\nbase +\.000 .*\nzero-rl +R1-Zero +1\.000 .*\* .*\nall-scenario-rl +R1 +\.750 /,
  );
  assert.match(
    out,
    /\n {2}r1 claims .*\n {2}r1 compare base all-scenario-rl .*\n {2}r1 samples evaluate-all-scenario-rl --wrong .*\n {2}r1 export 2\/report \.\/report .*$/,
  );
});

test('the question is the one that the others gain most on, an English one first, and base is shown wrong there', async (t) => {
  const bench = new Bench(t);
  await evaluatedRun(bench, {models: story(), report: {paperNames: PAPER_NAMES}});
  const {out} = await ended(bench);
  assert.ok(
    out.includes(
      [
        'one of 3 questions, the one on which zero-rl and all-scenario-rl gain most over base',
        '  what is b:en ?',
        '  answer: 1 1  (b:en)',
        'base  wrong  0 of 4 samples right',
        '  base says no',
        'zero-rl = R1-Zero  right  3 of 4 samples right',
        '  zero says so',
        'all-scenario-rl = R1  right  4 of 4 samples right',
        '  last says so',
      ].join('\n'),
    ),
    out,
  );
});

test('it fits one screen at 100 columns, and no line is wider than the terminal at 60 or 40', async (t) => {
  const bench = new Bench(t);
  const long = `${'word '.repeat(300)}<answer> 1 1 </answer>`;
  const samples = samplesOf(...Array.from({length: 20}, (_, n) => (n < 10 ? 'rrrr' : 'wwww'))).map((one) => ({
    ...one,
    text: long,
  }));
  const names = ['base', ...Object.keys(PAPER_NAMES)];
  const models = names.map((node, place) => model(node, samples, place === 0 ? {} : {from: 'base'}));
  const claims = Array.from({length: 20}, (_, n) => claim(`claim-${n}`, 'zero-rl', 'base', 0.5));
  await evaluatedRun(bench, {models, report: {claims, paperNames: PAPER_NAMES}});
  await report(bench, t, models, claims);
  for (const width of [40, 60, 100, 160]) {
    const {out} = await ended(bench, width);
    const lines = out.split('\n');
    if (width >= 100) assert.ok(lines.length <= 45, `${lines.length} lines\n${out}`);
    // What is typed is not broken.
    for (const line of lines) assert.ok(widthOf(line) <= width || line.startsWith('  r1 '), `${width}: ${line}`);
    assert.match(out, /… and 16 more: r1 claims/);
    // The answer stands at the end, which is shown whatever is left out.
    assert.match(out, /… \d+ more lines …\n.*<\/answer>\n/);
  }
});

test('a recipe of one’s own with other names: what is there, with no name of the paper’s and none of ours', async (t) => {
  const bench = new Bench(t);
  const own = story().map(({node, from, ...one}) => ({
    ...one,
    node: `my-${node}`,
    evaluations: [{...one.evaluations[0]!, node: `check-${node}`}],
    ...(from === undefined ? {} : {from: `my-${from}`}),
  }));
  await evaluatedRun(bench, {recipe: 'mine', models: own});
  const {out} = await ended(bench);
  assert.doesNotMatch(out, /R1|claim|in the paper|r1 export|evaluate-/);
  // From where the last one came, by way of the last before it.
  assert.match(out, /the one on which my-full-sft and my-all-scenario-rl gain most over my-base\n/);
  assert.match(out, /r1 compare my-base my-all-scenario-rl /);
  assert.match(out, /r1 samples check-all-scenario-rl --wrong /);
});

test('snapshots of a training are not among the models of the screen, one run or several', async (t) => {
  const bench = new Bench(t);
  const runs: number[] = [];
  for (const seed of [0, 1]) {
    const snapshot = model('my-zero-step-5', samplesOf('wwww', 'rrww', 'wwww'), {stage: 'snapshot', params: {step: 5}});
    const models = [...story().slice(0, 2), snapshot, ...story().slice(2)];
    runs.push(await evaluatedRun(bench, {recipe: 'mine', seed, models}));
  }
  const one = await ended(bench);
  assert.match(one.out, /^base +/m);
  assert.doesNotMatch(one.out, /step-5|more models/);
  const all = await spoken(
    (services) => new Command('run').action(() => sayScoresOverSeeds(services, {}, runs)),
    bench.folder,
    [],
  );
  assert.match(all.out, /^\n2 seeds of mine/);
  assert.doesNotMatch(all.out, /step-5/);
});

test('names that a recipe merely shares with tiny’s are not the paper’s', async (t) => {
  const bench = new Bench(t);
  await evaluatedRun(bench, {models: story()});
  const {out} = await ended(bench);
  assert.doesNotMatch(out, /R1/);
  assert.match(out, /^zero-rl +1?\.\d{3}/m);
});

test('one model alone, questions without an answer, a run that measures nothing', async (t) => {
  const bench = new Bench(t);
  const open = samplesOf('r', 'r').map((one) => ({
    ...one,
    ...({outcome: 'left-out', answer: null, helpful: true, text: '\u001b[2J\nhello'} as const),
  }));
  await evaluatedRun(bench, {models: [model('only', open)]});
  const {out} = await ended(bench);
  assert.match(out, /one of 2 questions\n {2}what is p0 \?\n {2}answer: 1 1 {2}\(p0\)\nonly\n.*\n {2}hello\n/);
  assert.match(out, /\n {2}r1 samples evaluate-only +what it wrote$/);
  assert.doesNotMatch(out, /right|compare|claims/);
  bench.begin('nothing');
  await bench.make({node: 'rows', outputs: {rows: {kind: 'dataset', files: {'rows.jsonl': ''}}}});
  assert.deepEqual((await ended(bench)).out, '');
});

test('a report that is none, and scores that are none, are told, and the run has succeeded all the same', async (t) => {
  const bench = new Bench(t);
  await evaluatedRun(bench, {models: story(), report: {paperNames: PAPER_NAMES}});
  await bench.make({node: 'report', outputs: {report: {kind: 'report', files: {'claims.json': 'null'}}}});
  await bench.make({node: 'mine', outputs: {scores: {kind: 'scores', files: {'scores.json': '{"format": "mine"}'}}}});
  const {out, err, code} = await ended(bench);
  assert.equal(code, 0);
  assert.match(err, /mine of run 2 is left out/);
  assert.match(err, /claims\.json/);
  assert.match(out, /^base +/m);
});

test('a main model whose scores cannot be read does not hide the question of the others', async (t) => {
  const bench = new Bench(t);
  await evaluatedRun(bench, {models: story()});
  await bench.make({node: 'mine', outputs: {scores: {kind: 'scores', files: {'scores.json': '{"format": "mine"}'}}}});
  const {out, err} = await ended(bench);
  assert.match(err, /mine of run 2 is left out/);
  assert.match(out, /^one of 3 questions/m);
  assert.doesNotMatch(out, /^mine/m);
});

test('a report without claims.json says which file it lacks', async (t) => {
  const bench = new Bench(t);
  await evaluatedRun(bench, {models: story(), report: {paperNames: PAPER_NAMES}});
  await bench.make({node: 'report', outputs: {report: {kind: 'report', files: {'report.md': '# mine'}}}});
  assert.match((await ended(bench)).err, /is not a report: it has no claims\.json/);
});

test('after several seeds the spread comes first, with the claims judged over them', async (t) => {
  const bench = new Bench(t);
  const runs: number[] = [];
  const claims = [claim('learns', 'zero-rl', 'base', 0.25), claim('all', 'zero-rl', 'base', 0.95)];
  for (const [seed, right] of [18, 17, 16].entries()) {
    const solved = Array.from({length: 20}, (_, n) => (n < right ? 'rrrr' : 'wwww'));
    const models = [
      model('base', samplesOf(...solved.map(() => 'wwww'))),
      model('zero-rl', samplesOf(...solved), {from: 'base', params: {right}}),
      model('other', samplesOf(...solved)),
    ];
    // Seeds of one recipe have one plan.
    const planned = models.map((one) => ({...one, params: {}}));
    runs.push(await evaluatedRun(bench, {seed, models: planned, report: {claims, paperNames: {'zero-rl': 'R1-Zero'}}}));
    await report(bench, t, models, claims);
  }
  const say = (those: readonly number[]): Promise<Spoken> =>
    spoken((services) => new Command('run').action(() => sayScoresOverSeeds(services, {}, those)), bench.folder, []);
  const {out, err} = await say(runs);
  assert.equal(err, '');
  assert.match(out, /^\n3 seeds of tried: runs 2, 3, 4\n\nmodel +in the paper +seeds +pass@1/);
  assert.match(out, /\nzero-rl +R1-Zero +3 +\.850 \(\.800 to \.900\) \[\.726, \.974\]/);
  assert.doesNotMatch(out, /^other/m);
  assert.match(
    out,
    /\nover these seeds, 1 of 2 claims hold; this one does not:\n {2}not significant {2}all: measured 0\.850 /,
  );
  assert.match(out, /r1 claims --run 2,3,4/);
  assert.match((await say(runs.slice(1))).out, /no claim is judged over fewer than 3 seeds/);
});
