/** What a reward model cannot be made of; how one is trained is in resume.test.ts, how it is judged in train/calibration.test.ts. */
import assert from 'node:assert/strict';
import {join} from 'node:path';
import {test} from 'node:test';
import {StageFailure} from '../../pipeline/stage.js';
import {helpfulRewardModel, safetyRewardModel} from '../../stages/index.js';
import {writeRows} from '../../stages/data/rows.js';
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
