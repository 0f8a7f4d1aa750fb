/** Benchmarks as a person has them: a node of a recipe whose scores a report and `r1 scores` show, and `r1 bench-eval`. */
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {r1} from '../../rig/command.js';
import {writeSpeaker} from '../../rig/speaker.js';
import {temporaryFolder} from '../../rig/temporary.js';

const RECIPE = `
import {recipe} from 'r1';
import {bench, importModel, report} from 'r1/stages';

export default recipe('aime', (add) => {
  const mine = add('mine', importModel, {folder: add.source('checkpoint', 'folder', './model')});
  const data = add.source('questions', 'data', './aime.jsonl');
  const aime = add('mine-aime', bench, {model: mine.model, data}, {suite: 'aime-2024', samples: 2, maxNewTokens: 8});
  const own = add('mine-own', bench, {model: mine.model, data, suite: add.source('own', 'data', './own.toml')}, {samples: 2});
  add('report', report, {scores: {'mine-aime': aime.scores, 'mine-own': own.scores}, histories: {}, cards: {}});
});
`;

const OWN = `
name = "mine"
title = "My own"
[data]
from = "aime.jsonl"
id = "ID"
question = "Problem"
answer = "Answer"
[ask]
prompt = "{{question}} and say it"
samples = 1
temperature = 0
maxNewTokens = 4
[grade]
task = "integer"
[measure]
metrics = ["accuracy"]
`;

const ROWS = [
  {ID: 'a', Problem: 'Find key-1 now', Answer: 204},
  {ID: 'b', Problem: 'Find key-2 now', Answer: 25},
];

test('a benchmark is a node of a recipe, and r1 bench-eval scores the same', async (t) => {
  const cwd = temporaryFolder(t, {
    'aime.recipe.ts': RECIPE,
    'own.toml': OWN,
    'aime.jsonl': ROWS.map((row) => JSON.stringify(row)).join('\n'),
  });
  await writeSpeaker(join(cwd, 'model'), [
    {key: 'key-1', replies: ['\\boxed{204}']},
    {key: 'key-2', replies: ['\\boxed{52}']},
  ]);
  const run = await r1(t, ['run', './aime.recipe.ts'], {cwd});
  assert.equal(run.code, 0, run.err);
  assert.match(run.err, /mine-aime +AIME 2024: pass@1 0\.500 \[/);
  assert.match(run.err, /mine-aime +not comparable with the paper: samples 2, not 64; /);
  const scores = await r1(t, ['scores'], {cwd});
  assert.match(scores.out, /mine-aime +AIME 2024 +pass@1 +\.500 \[/);
  assert.match(scores.out, /mine-own +My own +accuracy +\.500 \[/);
  assert.match(scores.out, /AIME 2024 \(mine-aime\): 2 of 2 problems, 2 samples each, .*not comparable with the paper/);
  const rows = JSON.parse((await r1(t, ['scores', '--json'], {cwd})).out) as {metric: string; suite: {name: string}}[];
  assert.deepEqual(new Set(rows.map(({suite}) => suite.name)), new Set(['aime-2024', 'mine']));
  const exported = await r1(t, ['export', 'report', './report'], {cwd});
  assert.equal(exported.code, 0, exported.err);
  assert.match(readFileSync(join(cwd, 'report/report.md'), 'utf8'), /## Benchmarks\n\n\| model \| benchmark \|/);
  const words = ['bench-eval', './model', '--suite', './own.toml', '--data', './aime.jsonl'];
  const typed = await r1(t, words, {cwd});
  assert.equal(typed.code, 0, typed.err);
  assert.match(
    typed.out,
    /^\.\/model on My own: 2 problems, 1 sample each, temperature 0, .*\n\nmeasure .*\naccuracy +\.500 \[/,
  );
  assert.match(typed.out, /The paper has no number for it\./);
  const json = JSON.parse((await r1(t, [...words, '--json'], {cwd})).out) as {scores: object[]; samples: object[]};
  assert.equal(json.samples.length, 2);
  const again = await r1(t, ['run', './aime.recipe.ts'], {cwd});
  assert.match(again.err, /all 4 nodes are up to date/);
});

test('what is missing is told before a model is read', async (t) => {
  const cwd = temporaryFolder(t, {
    'rows.jsonl': JSON.stringify({problem: 'What?', solution: 'That.'}),
    'model/config.json': '{}',
  });
  const typed = async (...words: string[]): Promise<string> => {
    const {code, err} = await r1(t, ['bench-eval', ...words], {cwd});
    assert.equal(code, 2, err);
    return err;
  };
  assert.match(await typed('./model'), /which benchmark\?\n.*--list/s);
  assert.match(await typed('--suite', 'mmlu'), /which model\?/);
  assert.match(
    await typed('./model', '--suite', 'mmul', '--data', 'rows.jsonl'),
    /there is no suite “mmul”, did you mean “mmlu”\?/,
  );
  assert.match(await typed('./model', '--suite', 'mmlu'), /MMLU wants a file of questions: mmlu\.csv of simple-evals/);
  assert.match(
    await typed('./model', '--suite', 'aime-2024', '--data', 'rows.jsonl'),
    /rows\.jsonl:1 has no field “Answer” or “answer”; it has problem, solution\. AIME 2024 reads the 30 problems/,
  );
  assert.match(
    await typed('./model', '--suite', 'drop', '--data', 'rows.jsonl'),
    /DROP shows 3 solved examples .* wants a file of shots/,
  );
  assert.match(
    await typed('./model', '--suite', './none.toml', '--data', 'rows.jsonl'),
    /there is no file \.\/none\.toml/,
  );
  assert.match(
    await typed('./model', '--suite', './rows.jsonl', '--data', 'rows.jsonl'),
    /rows\.jsonl is no suite: there is no field “problem”; there are name, title, /,
  );
});
