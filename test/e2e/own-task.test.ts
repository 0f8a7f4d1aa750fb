/** A task and a reward of one's own, each in a module beside the recipe, from documents to scores with the real command line. */
import assert from 'node:assert/strict';
import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {r1} from '../rig/command.js';
import {temporaryFolder} from '../rig/temporary.js';

const SORTING = `
import {defineTask} from 'r1/stages';

export const sorting = defineTask({
  module: import.meta.url,
  name: 'sorting',
  problems(random) {
    const digits = Array.from({length: 3 + random.int(4)}, () => random.int(10));
    const sorted = digits.toSorted((a, b) => a - b);
    const rest = [...digits];
    const lines = sorted.map((smallest) => {
      rest.splice(rest.indexOf(smallest), 1);
      return \`take \${smallest} , rest \${rest.join(' ')} .\`;
    });
    return {question: \`sort \${digits.join(' ')}\`, answer: sorted.join(' '), solution: lines.join(' ')};
  },
});
`;

const BREVITY = `
import {defineReward} from 'r1/stages';

export const brevity = defineReward({
  module: import.meta.url,
  name: 'brevity',
  score: (problem, completion) => 1 / (1 + completion.text.length / 200),
});
`;

const RECIPE = `
import {recipe} from 'r1';
import {corpus, evaluate, generalData, grpo, pretrain, prompts} from 'r1/stages';
import {brevity} from './brevity.js';
import {sorting} from './sorting.js';

const tasks = [sorting];
const short = {maxNewTokens: 40};

export default recipe('sorting', (add) => {
  add('unconcerned', generalData, {}, {rows: 5});
  const data = add('corpus', corpus, {}, {count: 300}, {tasks});
  const asked = add('prompts', prompts, {}, {train: 30}, {tasks});
  const ground = {documents: data.documents, tokenizer: data.tokenizer, validation: asked.validation};
  const size = {hiddenSize: 16, intermediateSize: 32, layers: 1, heads: 2, keyValueHeads: 1};
  const base = add('base', pretrain, ground, {...size, ...short, gate: 0, steps: 30, learningRate: 1e-2}, {tasks});
  const zero = add('zero', grpo, {policy: base.model, prompts: asked.train},
    {...short, template: 'tiny-zero', steps: 2, questions: 2, group: 4, minibatches: 2, chunk: 2, microBatch: 8,
     rewards: {accuracy: 1, format: 1, repetition: 0.5, brevity: 0.25}},
    {rewards: [brevity], tasks});
  add('scores', evaluate, {model: zero.model, prompts: asked.heldOut}, {...short, template: 'tiny-zero', samples: 1, chunk: 60}, {tasks});
});
`;

interface RolloutRow {
  readonly reward: number;
  readonly verdicts: Readonly<Record<string, {readonly value: number; readonly outcome: string}>>;
  readonly completion: string;
}

async function rowsOf<T>(t: TestContext, output: string, cwd: string): Promise<T[]> {
  const target = join(temporaryFolder(t), 'out');
  const ended = await r1(t, ['export', output, target], {cwd});
  assert.equal(ended.code, 0, ended.err);
  const lines = readFileSync(join(target, 'rows.jsonl'), 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as T);
}

test('a task and a reward beside a recipe train and score a model, and are the ingredient of whoever uses them', async (t) => {
  const cwd = temporaryFolder(t, {'sorting.ts': SORTING, 'brevity.ts': BREVITY, 'main.ts': RECIPE});
  const run = await r1(t, ['run', './main.ts'], {cwd});
  assert.equal(run.code, 0, run.out + run.err);
  assert.match(run.err, /6 ran, 0 reused/);

  await t.test('every completion is broken down by reward, and a weighted reward has a curve', async () => {
    for (const {reward, verdicts, completion} of await rowsOf<RolloutRow>(t, 'zero:rollouts', cwd)) {
      assert.equal(verdicts['brevity']!.value, 1 / (1 + completion.length / 200));
      const value = (name: string): number => verdicts[name]!.value;
      const total = value('accuracy') + value('format') + 0.5 * value('repetition') + 0.25 * value('brevity');
      assert.ok(Math.abs(reward - total) < 1e-12, `${reward} is not ${total}`);
    }
    for (const row of await rowsOf<Record<string, number>>(t, 'zero:history', cwd)) {
      assert.ok(row['reward/brevity']! > 0 && row['reward/repetition']! > 0, JSON.stringify(row));
    }
    const scores = await rowsOf<{task: string; reasoning: boolean; outcome: string; value: number}>(t, 'scores', cwd);
    assert.equal(scores.length, 420);
    assert.ok(scores.every(({task, reasoning}) => task === 'sorting' && reasoning));
    assert.ok(scores.every(({outcome}) => ['right', 'wrong', 'unparsable'].includes(outcome)));
    assert.ok(scores.every(({outcome, value}) => value === Number(outcome === 'right')));
    const table = await r1(t, ['scores'], {cwd});
    assert.match(table.out, /^run 1: .*\n\nmodel +pass@1 /);
    assert.match(
      (await r1(t, ['claims'], {cwd})).err,
      /no run in this store has made a report yet\nscores has made scores/,
    );
  });

  const edit = (file: string, from: string, to: string): void => {
    const text = readFileSync(join(cwd, file), 'utf8');
    assert.ok(text.includes(from));
    writeFileSync(join(cwd, file), text.replace(from, to));
  };
  const toDo = async (): Promise<string[]> => {
    const plan = await r1(t, ['plan', './main.ts', '--json'], {cwd});
    assert.equal(plan.code, 0, plan.err);
    const {nodes} = JSON.parse(plan.out) as {nodes: {node: string; action: string}[]};
    return nodes.filter(({action}) => action !== 'reuse').map(({node}) => node);
  };

  await t.test(
    'another reward runs again where it is weighted, another task everywhere but where it is not wired',
    async () => {
      assert.deepEqual(await toDo(), []);
      edit('brevity.ts', '/ 200', '/ 100');
      assert.deepEqual(await toDo(), ['zero', 'scores']);
      edit('sorting.ts', '3 + random', '2 + random');
      assert.deepEqual((await toDo()).sort(), ['base', 'corpus', 'prompts', 'scores', 'zero']);
    },
  );

  await t.test('a weight without a reward is told with file and line before anything runs', async () => {
    edit('main.ts', 'brevity: 0.25', 'brevety: 0.25');
    const plan = await r1(t, ['plan', './main.ts'], {cwd});
    assert.equal(plan.code, 2);
    assert.match(plan.err, /main\.ts:\d+:\d+.*rewards\.brevety is the weight of a reward that is neither built in/s);
    assert.match(plan.err, /the reward “brevity” is wired but has no weight/);
  });

  await t.test('a stage that was not given the task is told with file and line before anything runs', async () => {
    edit('main.ts', 'brevety: 0.25', 'brevity: 0.25');
    edit('main.ts', 'chunk: 60}, {tasks});', 'chunk: 60});');
    const blind = await r1(t, ['plan', './main.ts'], {cwd});
    assert.equal(blind.code, 2);
    assert.match(
      blind.err,
      /main\.ts:\d+:\d+: node “scores”: its prompts come from node “prompts”, which .*\[sorting\]\}/,
    );
  });

  await t.test('prompts of the task that come as a source end the stage, which says what to wire', async () => {
    assert.equal((await r1(t, ['export', 'prompts:heldOut', './rows'], {cwd})).code, 0);
    edit('main.ts', 'prompts: asked.heldOut}', "prompts: add.source('rows', 'prompts', './rows')}");
    const blind = await r1(t, ['run', './main.ts'], {cwd});
    assert.equal(blind.code, 1);
    assert.match(
      blind.err,
      /is of the task “sorting”, which this stage does not know; wire its definition: .*\{tasks: \[sorting\]\}/,
    );
  });

  await t.test('a field that there is not is told with the line of the definition', async () => {
    edit('sorting.ts', "name: 'sorting',", "name: 'sorting', reasonning: false,");
    const plan = await r1(t, ['plan', './main.ts'], {cwd});
    assert.equal(plan.code, 2);
    assert.match(
      plan.err,
      /sorting\.ts:4:\d+: TypeError: task “sorting”: there is no field “reasonning”, did you mean/,
    );
  });
});
