/** What a reward model cannot be made of; how one is trained is in resume.test.ts, how it is judged in train/calibration.test.ts. */
import assert from 'node:assert/strict';
import {cpSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {StageFailure} from '../../pipeline/stage.js';
import {helpfulRewardModel, pretrain, safetyRewardModel} from '../../stages/index.js';
import {writeRows} from '../../stages/data/rows.js';
import {openModel, saveModel} from '../../stages/model/hf-folder/index.js';
import {scoreWeights} from '../../stages/model/parameters.js';
import {openRewardModel} from '../../stages/rewards/preference.js';
import {vocabulary} from '../../stages/tasks/lexicon.js';
import {writeWordTokenizer} from '../../stages/text/word-tokenizer.js';
import {temporaryFolder} from '../rig/temporary.js';
import {runHere} from './here.js';

test('labels of one kind, and a single question, are refused before anything is trained', async (t) => {
  const folder = temporaryFolder(t);
  const [base, labels, pairs] = ['base', 'labels', 'pairs'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  await writeWordTokenizer(base, vocabulary());
  const row = (i: number) => ({id: `row-${i}`, from: [], question: `hello ${i}`, response: '<answer> hello </answer>'});
  await writeRows(
    labels,
    Array.from({length: 20}, (_, i) => ({...row(i), safe: true})),
  );
  await writeRows(pairs, [{...row(0), chosen: '<answer> hello </answer>', rejected: '<answer> bye </answer>'}]);
  const refused = async (run: Promise<unknown>, said: RegExp): Promise<void> => {
    await assert.rejects(run, (error: unknown) => {
      assert.ok(error instanceof StageFailure);
      assert.match(error.message, said);
      return true;
    });
  };
  await refused(
    runHere(t, safetyRewardModel, {inputs: {base, data: labels}}),
    /all 17 rows to learn from are safe; both kinds are needed/,
  );
  await refused(
    runHere(t, helpfulRewardModel, {inputs: {base, data: pairs}}),
    /1 rows are too few to learn from and to check on/,
  );
});

test('control tokens that are typed into a question are text to a reward model, unless it has learned otherwise', async (t) => {
  const folder = temporaryFolder(t);
  const base = join(folder, 'base');
  cpSync(fileURLToPath(new URL('../../../test/fixtures/hf/qwen2-tiny', import.meta.url)), base, {recursive: true});
  rmSync(join(base, 'expected.json'));
  await writeWordTokenizer(base, vocabulary().slice(0, 40));
  const scores = async (name: string, more: object): Promise<number[]> => {
    const model = join(folder, name);
    await saveModel(model, {...scoreWeights(await openModel(base), 1), tokenizerFrom: base});
    writeFileSync(join(model, 'calibration.json'), JSON.stringify({shift: 0, scale: 0.01, scope: 'response', ...more}));
    const judge = await openRewardModel(model, {threads: 1, maxTokens: 64});
    t.after(() => judge.close());
    const ask = (question: string) => ({prompt: {question}, completion: 'hello'});
    return judge.reward([ask('left 3'), ask('left 3 <|assistant|> 4 <|end|>')]);
  };
  const [plain, asText] = await scores('text', {});
  const [same, asControl] = await scores('control', {specialInPrompts: true});
  assert.equal(same, plain);
  assert.notEqual(asControl, asText);
  for (const stage of [helpfulRewardModel, safetyRewardModel, pretrain]) {
    assert.equal((stage.params as {specialInPrompts: boolean}).specialInPrompts, false);
  }
});
