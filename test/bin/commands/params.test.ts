/** The commands that explain stages and params: of r1, of a recipe, and of a person's own. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {paramsCommand} from '../../../bin/commands/params.js';
import {stagesCommand} from '../../../bin/commands/stages.js';
import type {NodeFacts, StageFacts} from '../../../pipeline/inspect/params.js';
import {nodesOf, builtInStages} from '../../../bin/access/stages.js';
import {wire} from '../../../pipeline/wiring/wire.js';
import tiny from '../../../stages/recipes/tiny.js';
import {r1} from '../../rig/command.js';
import {temporaryFolder} from '../../rig/temporary.js';
import {spoken} from '../spoken.js';

const params = (...words: string[]) => spoken(paramsCommand, 'none', words);
const jsonOf = async <T>(...words: string[]): Promise<T> => JSON.parse((await params(...words, '--json')).out) as T;

test('a stage is shown with every param, what it may be and what it does, in lines that fit', async () => {
  const {out, code} = await params('grpo');
  assert.equal(code, 0);
  assert.match(out, /^grpo\n {4}Reinforcement learning/);
  assert.match(out, /takes policy \(model\), prompts \(prompts\), general \(prompts, optional\)/);
  assert.match(out, /import \{grpo\} from 'r1\/stages'; trains, can be ended early/);
  assert.match(out, /^steps = 10400 {3}a whole number, 1 or more\n {4}Optimizer updates/m);
  assert.match(out, /^group = 16 {3}a whole number, 2 or more: a completion learns from the others of its group$/m);
  assert.match(out, /nodes of tiny with this stage: zero-rl, reasoning-rl, all-scenario-rl, student-rl/);
  for (const line of out.split('\n')) assert.ok(line.length <= 100, line);
});

test('a node is shown with what the recipe says beside the defaults', async () => {
  const {out} = await params('zero-rl');
  assert.match(out, /^zero-rl: stage grpo, recipe tiny$/m);
  assert.match(out, /takes policy from base:model, prompts from prompts:train/);
  assert.match(out, /^steps = 60 {2}\(default 10400\) {3}a whole number, 1 or more$/m);
  assert.match(out, /^group = 16 {3}a whole/m, 'as the default is');
  assert.match(out, /the recipe sets 10 of 46 params: template, steps, snapshots, questions, minibatches,/);
  const facts = await jsonOf<NodeFacts>('zero-rl');
  assert.deepEqual([facts.node, facts.recipe, facts.stage.stage], ['zero-rl', 'tiny', 'grpo']);
  const steps = facts.params.find(({name}) => name === 'steps');
  assert.deepEqual([steps?.value, steps?.default, steps?.isDefault], [60, 10_400, false]);
});

test('a record that is written in another order is the default still', async () => {
  const facts = await jsonOf<NodeFacts>('zero-rl');
  assert.equal(facts.params.find(({name}) => name === 'rewards')?.isDefault, true);
});

test('where a node is called like its stage, a recipe that is named decides', async () => {
  assert.match((await params('corpus')).out, /r1 params corpus --recipe tiny shows what the recipe says$/);
  assert.match((await params('corpus', '--recipe', 'tiny')).out, /^corpus: stage corpus, recipe tiny$/m);
  assert.match((await params('sft', '--recipe', 'tiny')).out, /^sft\n/, 'which is no node of it');
});

test('a profile has other numbers', async () => {
  const value = async (...words: string[]): Promise<unknown> =>
    (await jsonOf<NodeFacts>('full-sft', '--recipe', 'smollm2', ...words)).params.find(({name}) => name === 'batch')
      ?.value;
  const [cpu, gpu] = [await value(), await value('--profile', 'gpu')];
  assert.ok(typeof cpu === 'number' && typeof gpu === 'number');
  const {err, code} = await params('full-sft', '--recipe', 'smollm2', '--profile', 'tpu');
  assert.deepEqual([code, /no profile “tpu”/.test(err)], [2, true]);
});

test('a name that there is not gets the nearest, and a source is told from a node', async () => {
  const wrong = async (...words: string[]): Promise<string> => {
    const {err, code} = await params(...words);
    assert.equal(code, 2);
    return err;
  };
  assert.match(await wrong('gpro'), /there is no stage “gpro”, .* did you mean “grpo”\?\n`r1 stages` lists/);
  assert.match(await wrong('zero-lr'), /did you mean “zero-rl”\?/);
  assert.match(await wrong('zero-rl', '--recipe', 'tinny'), /there is no recipe “tinny”, did you mean “tiny”\?/);
});

test('every stage is listed with what it does, and those that train say so', async () => {
  const {out} = await spoken(stagesCommand, 'none', []);
  const stages = JSON.parse((await spoken(stagesCommand, 'none', ['--json'])).out) as (StageFacts & {export: string})[];
  assert.ok(stages.length > 20);
  for (const {stage, summary} of stages) {
    assert.match(out, new RegExp(`^${stage}( +trains)?$`, 'm'));
    assert.match(summary ?? '', /^[A-Z]|^pass@1/, `${stage} has a summary`);
  }
  assert.deepEqual(
    stages.filter(({trains}) => trains).map(({stage}) => stage),
    ['grpo', 'helpful-reward-model', 'pretrain', 'safety-reward-model', 'sft', 'student', 'trl-grpo', 'trl-sft'],
  );
  assert.equal(stages.find(({stage}) => stage === 'cold-start-data')?.export, 'coldStartData');
  for (const line of out.split('\n')) assert.ok(line.length <= 100, line);
});

test('every node of tiny is of a stage that is listed', () => {
  const wired = wire(tiny, '.');
  assert.ok(wired.ok);
  const placed = builtInStages().flatMap(({stage}) => nodesOf(wired.value, stage));
  assert.deepEqual([...placed].sort(), [...wired.value.nodes.keys()].sort());
});

const OWN = `
import {defineStage, recipe} from 'r1';
export const pick = defineStage({
  module: import.meta.url, name: 'pick', inputs: {}, outputs: {data: 'dataset'},
  params: {rows: 500, seedOf: 'run', order: ['a'], plain: true},
  about: {rows: {text: 'Rows to keep, the shortest first.', range: {from: 1, whole: true}}, seedOf: 'Whose seed counts.'},
  async run() {},
});
export default recipe('own', (add) => void add('short', pick, {}, {rows: 3}));
`;

test('a stage of one’s own has names, defaults, types and what it says of them; r1 itself is asked', async (t) => {
  const cwd = temporaryFolder(t, {'own.recipe.ts': OWN});
  const shown = await r1(t, ['params', 'short', '--recipe', './own.recipe.ts'], {cwd});
  assert.equal(shown.code, 0, shown.err);
  assert.match(shown.out, /^short: stage pick, recipe own$/m);
  assert.match(
    shown.out,
    /^rows = 3 {2}\(default 500\) {3}a whole number, 1 or more\n {4}Rows to keep, the shortest first\.$/m,
  );
  assert.match(shown.out, /^seedOf = "run" {3}a text\n {4}Whose seed counts\.$/m);
  assert.match(shown.out, /^order = \["a"\] {3}a list\nplain = true {3}true or false$/m);
  const listed = await r1(t, ['stages', '--recipe', './own.recipe.ts', '--json'], {cwd});
  assert.ok((JSON.parse(listed.out) as StageFacts[]).some(({stage}) => stage === 'pick'));
  const outside = await r1(t, ['plan', './own.recipe.ts', '--set', 'short.rows=0'], {cwd});
  assert.equal(outside.code, 2);
  assert.equal(
    outside.err.trim(),
    'set short: rows is 0 and should be a whole number, 1 or more\n' +
      '`r1 params short --recipe own.recipe.ts` says what each param does and what it may be',
  );
  const mistyped = await r1(t, ['plan', './own.recipe.ts', '--set', 'short.row=2'], {cwd});
  assert.match(
    mistyped.err,
    /no param “row”; did you mean “rows”\?.*\n`r1 params short --recipe own\.recipe\.ts` says/,
  );
});
