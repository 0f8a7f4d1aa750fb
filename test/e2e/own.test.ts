/** Recipes that start from files of one's own: a checkpoint, questions, a model in the place of a node. Whole and broken. */
import assert from 'node:assert/strict';
import {cpSync, mkdirSync, rmSync, truncateSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {newConfig} from '../../stages/model/config.js';
import {saveModel} from '../../stages/model/hf-folder/index.js';
import {initialWeights} from '../../stages/model/parameters.js';
import {vocabulary} from '../../stages/tasks/lexicon.js';
import {openTokenizer} from '../../stages/text/tokenizer.js';
import {writeWordTokenizer} from '../../stages/text/word-tokenizer.js';
import {r1, recipeFile} from '../rig/command.js';
import {temporaryFolder} from '../rig/temporary.js';

const CHECKPOINT = fileURLToPath(new URL('../../../test/fixtures/hf/qwen2-tiny', import.meta.url));

const RECIPE = `
import {recipe} from 'r1';
import {evaluate, grpo, importModel, importPrompts} from 'r1/stages';

export default recipe('mine', (add) => {
  const {model} = add('base', importModel, {folder: add.source('checkpoint', 'folder', './checkpoint')});
  const asked = add('asked', importPrompts, {file: add.source('file', 'jsonl', './questions.jsonl')});
  const rl = add('rl', grpo, {policy: model, prompts: asked.train},
    {steps: 2, questions: 2, group: 4, minibatches: 2, chunk: 2, microBatch: 8, maxNewTokens: 8, template: 'none'});
  add('evaluate', evaluate, {model: rl.model, prompts: asked.heldOut}, {samples: 2, maxNewTokens: 8, template: 'none'});
});
`;

const questions = Array.from({length: 60}, (_, i) =>
  JSON.stringify({question: `left ${i} , right ${i + 1} . now ?`, answer: i}),
);

test('a recipe file from anywhere trains a checkpoint on questions of one’s own', async (t) => {
  const cwd = temporaryFolder(t, {'mine.recipe.ts': RECIPE, 'questions.jsonl': questions.join('\n')});
  cpSync(CHECKPOINT, join(cwd, 'checkpoint'), {recursive: true});
  await writeWordTokenizer(join(cwd, 'checkpoint'), vocabulary().slice(0, 40));

  await t.test('a truncated checkpoint and a garbled file are told with their places', async () => {
    const weights = join(cwd, 'checkpoint/model.safetensors');
    truncateSync(weights, 20_000);
    writeFileSync(join(cwd, 'questions.jsonl'), [...questions, '{"question": "wh'].join('\n'));
    const run = await r1(t, ['run', './mine.recipe.ts', '--on-failure', 'continue'], {cwd});
    assert.equal(run.code, 1);
    assert.match(run.err, new RegExp(`base +failed: ${weights}: .*truncated`));
    assert.match(run.err, new RegExp(`asked +failed: ${join(cwd, 'questions.jsonl')}:61 is not JSON`));
    assert.doesNotMatch(run.err, / at .*\(.*:\d+:\d+\)/, 'no stack is shown');
    assert.match(run.err, /2 failed, 2 not started/);
  });

  await t.test('a checkpoint without config.json as well, and a missing one before anything runs', async () => {
    rmSync(join(cwd, 'checkpoint/config.json'));
    const run = await r1(t, ['run', './mine.recipe.ts', '--only', 'base'], {cwd});
    assert.equal(run.code, 1);
    assert.match(run.err, new RegExp(`there is no ${join(cwd, 'checkpoint/config.json')}`));
    rmSync(join(cwd, 'checkpoint'), {recursive: true});
    const none = await r1(t, ['run', './mine.recipe.ts'], {cwd});
    assert.equal(none.code, 2);
    assert.match(none.err, /source “checkpoint”: .*checkpoint does not exist/);
    assert.equal((await r1(t, ['verify'], {cwd})).code, 0);
  });

  await t.test('mended, it runs to the end', async () => {
    cpSync(CHECKPOINT, join(cwd, 'checkpoint'), {recursive: true});
    await writeWordTokenizer(join(cwd, 'checkpoint'), vocabulary().slice(0, 40));
    writeFileSync(join(cwd, 'questions.jsonl'), questions.join('\n'));
    const run = await r1(t, ['run', './mine.recipe.ts'], {cwd});
    assert.equal(run.code, 0, run.err);
    assert.match(run.err, /evaluate +done/);
    const lineage = await r1(t, ['lineage', 'rl:model'], {cwd});
    for (const origin of ['checkpoint', 'file']) assert.match(lineage.out, new RegExp(`← ${origin}\\b`));
  });
});

test('--source puts a model folder in the place of the node that would train it', async (t) => {
  const cwd = temporaryFolder(t);
  const folder = join(cwd, 'model');
  mkdirSync(join(cwd, 'tokenizer'));
  await writeWordTokenizer(join(cwd, 'tokenizer'), vocabulary());
  const {size, eosId, padId} = await openTokenizer(join(cwd, 'tokenizer'));
  const config = newConfig({
    vocabSize: size,
    hiddenSize: 16,
    intermediateSize: 32,
    layers: 1,
    heads: 2,
    keyValueHeads: 1,
    maxPositions: 96,
    eosId,
    padId,
  });
  await saveModel(folder, {config, weights: initialWeights(config, 5), tokenizerFrom: join(cwd, 'tokenizer')});
  const words = ['run', recipeFile('whole'), '--source', `base=${folder}`, '--only', 'zero-rl'];
  const run = await r1(t, [...words, '--set', 'zero-rl.steps=2'], {cwd});
  assert.equal(run.code, 0, run.err);
  assert.doesNotMatch(run.err, /base +started/);
  const lineage = await r1(t, ['lineage', 'zero-rl:model'], {cwd});
  assert.match(lineage.out, /policy ← base\b/);
  assert.doesNotMatch(lineage.out, /pretrain/);

  rmSync(join(folder, 'config.json'));
  const broken = await r1(t, [...words, '--set', 'zero-rl.steps=2'], {cwd});
  assert.equal(broken.code, 1);
  assert.match(broken.err, new RegExp(`zero-rl +failed: there is no ${join(folder, 'config.json')}`));
});
