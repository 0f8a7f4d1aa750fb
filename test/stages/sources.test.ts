/** The stages that make data out of nothing but their params: corpus, prompts, general data. */
import assert from 'node:assert/strict';
import {createHash} from 'node:crypto';
import {readFileSync, readdirSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {corpus, generalData, prompts} from '../../stages/index.js';
import {splitOf} from '../../stages/tasks/splits.js';
import {openTokenizer} from '../../stages/text/tokenizer.js';
import {cardIn, rowsIn, runHere} from './here.js';

const digest = (folder: string): string => {
  const hash = createHash('sha256');
  for (const name of readdirSync(folder).sort()) hash.update(name).update(readFileSync(join(folder, name)));
  return hash.digest('hex');
};

for (const {stage, params} of [
  {stage: corpus, params: {count: 300}},
  {stage: prompts, params: {train: 200}},
  {stage: generalData, params: {rows: 200}},
]) {
  test(`${stage.name} makes the same bytes again, and other ones for another seed only if it draws`, async (t) => {
    const runs = [
      await runHere(t, stage, {params}),
      await runHere(t, stage, {params}),
      await runHere(t, stage, {params, seed: 1}),
    ];
    for (const port of Object.keys(stage.outputs)) {
      const [first, again, other] = runs.map((run) => digest(run.out(port)));
      assert.equal(again, first, port);
      assert.equal(other === first, stage.seedless === true, port);
    }
  });
}

test('the corpus holds what its card says, in words that its tokenizer knows', async (t) => {
  const {out} = await runHere(t, corpus, {params: {count: 300}});
  const documents = rowsIn<{prompt: string; response: string; key: string}>(out('documents'));
  assert.equal(documents.length, 300);
  assert.equal(cardIn(out('documents'))['documents'], 300);
  const tokenizer = await openTokenizer(out('tokenizer'));
  const unknown = tokenizer.idOf('<|unknown|>')!;
  for (const {prompt, response, key} of documents) {
    assert.ok(!tokenizer.encode(`${prompt} ${response}`).includes(unknown), response);
    assert.equal(splitOf(key), 'train');
  }
});

test('prompt sets lie on their sides, with cards that count languages', async (t) => {
  const {out} = await runHere(t, prompts, {params: {train: 200, fewestSteps: 2, mostSteps: 3}});
  const sides = {
    train: 'train',
    validation: 'validation',
    heldOut: 'held-out',
    generalTrain: 'train',
    generalHeldOut: 'held-out',
  };
  for (const [port, side] of Object.entries(sides)) {
    const rows = rowsIn<{id: string; key: string; language: string; steps?: number}>(out(port));
    for (const {key} of rows) assert.equal(splitOf(key), side, `${port}: ${key}`);
    assert.equal(new Set(rows.map(({id}) => id)).size, rows.length, `${port}: ids are unique`);
    const of = (language: string): number => rows.filter((row) => row.language === language).length;
    assert.deepEqual(cardIn(out(port)), {rows: rows.length, languages: {en: of('en'), zh: of('zh')}});
  }
  const train = rowsIn<{steps: number}>(out('train'));
  assert.equal(train.length, 200);
  assert.deepEqual([...new Set(train.map(({steps}) => steps))].sort(), [2, 3]);
});

test('general data says how much of it is good', async (t) => {
  const {out} = await runHere(t, generalData, {params: {rows: 400, goodShare: 0.6}});
  const rows = rowsIn<{quality: string; response: string; question: string}>(out('dataset'));
  const good = rows.filter(({quality}) => quality === 'good').length;
  assert.deepEqual(cardIn(out('dataset')), {rows: 400, good, poor: 400 - good});
  assert.ok(Math.abs(good - 240) < 50, `${good}`); // 240 ± 5 standard deviations of 9.8
  for (const {response} of rows) assert.match(response, /^<think> .*<\/think> <answer> .*<\/answer>$/);
});
