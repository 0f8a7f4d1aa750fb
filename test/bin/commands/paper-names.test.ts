/** What the paper calls models stands beside what the recipe calls them, where the recipe says so and there is room. */
import assert from 'node:assert/strict';
import test, {type TestContext} from 'node:test';
import {compareCommand} from '../../../bin/commands/compare.js';
import {scoresCommand} from '../../../bin/commands/scores.js';
import {statusCommand} from '../../../bin/commands/status.js';
import type {Json} from '../../../artifacts/index.js';
import {Bench} from '../../artifacts/temporary.js';
import {evaluatedRun} from '../../rig/evaluations.js';
import {samplesOf} from '../../stages/evaluation/samples.js';
import {spoken} from '../spoken.js';

/** Two runs of `base` and `zero-rl`, numbers 2 and 3; the report of their recipe has these params and was not made. */
async function store(t: TestContext, report: Json): Promise<Bench> {
  const bench = new Bench(t);
  for (const [seed, letters] of ['rrrw', 'rrww'].entries())
    await evaluatedRun(bench, {
      seed,
      report,
      models: [
        {node: 'base', evaluations: [{node: 'evaluate-base', samples: samplesOf('wwwr', 'wwww'), k: 4}]},
        {
          ...{node: 'zero-rl', from: 'base'},
          evaluations: [{node: 'evaluate-zero-rl', samples: samplesOf('rrrr', letters), k: 4}],
        },
      ],
    });
  return bench;
}

const NAMED = {paperNames: {'zero-rl': 'R1-Zero', nobody: 'R1'}};
const COMMANDS = [
  [scoresCommand, ['--run', '2']],
  [scoresCommand, ['--run', '2,3']],
  [compareCommand, ['2/base', '2/zero-rl']],
  [compareCommand, ['base', 'zero-rl', '--run', '2,3']],
  [compareCommand, ['2', '3']],
  [statusCommand, ['2']],
] as const;

test('scores, compare and status have them, as text and as JSON, for the models that the recipe names and no other', async (t) => {
  const {folder} = await store(t, NAMED);
  for (const [command, words] of COMMANDS) {
    const {out} = await spoken(command, folder, words);
    const lines = out.split('\n').filter((line) => line.includes('R1-Zero'));
    assert.ok(lines.length > 0, `${command.name} ${words.join(' ')}\n${out}`);
    for (const line of lines) assert.match(line, /zero-rl +R1-Zero/);
    assert.doesNotMatch(out, /\bR1\b(?!-Zero)/);
    const json = (await spoken(command, folder, [...words, '--json'])).out;
    assert.match(json, /"paper":"R1-Zero"/, `${command.name} ${words.join(' ')}`);
    assert.doesNotMatch(json, /"paper":"R1"/);
  }
});

test('a recipe that says nothing has none, though its nodes are called as those of tiny', async (t) => {
  for (const report of [{}, {paperNames: ['zero-rl']}, {paperNames: {'zero-rl': 7}}] satisfies Json[]) {
    const {folder} = await store(t, report);
    for (const [command, words] of COMMANDS) {
      const {out} = await spoken(command, folder, words);
      assert.doesNotMatch(out, /R1|in the paper/);
      assert.doesNotMatch((await spoken(command, folder, [...words, '--json'])).out, /"paper"/);
    }
  }
});

test('on a narrow terminal the number that a table is about stays, and the name gives way', async (t) => {
  const {folder} = await store(t, NAMED);
  const table = async (width: number): Promise<string> =>
    (await spoken(scoresCommand, folder, ['--run', '2'], {width, isTerminal: true})).out;
  assert.match(await table(60), /^zero-rl +R1-Zero +\.875 \[/m);
  assert.match(await table(30), /^zero-rl +\.875 \[/m);
  const status = async (width: number): Promise<string> =>
    (await spoken(statusCommand, folder, ['2'], {width, isTerminal: true})).out;
  assert.match(await status(80), /^zero-rl +R1-Zero +done/m);
  assert.match(await status(60), /^zero-rl +done/m);
});
