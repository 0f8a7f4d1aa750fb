/** A part of the problems is asked: the first ones, with the samples that they have when all are. */
import assert from 'node:assert/strict';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {after, before, test} from 'node:test';
import type {Params} from '../../pipeline/stage.js';
import {readCard, writeRows} from '../../stages/data/rows.js';
import {computeOf} from '../../stages/evaluation/report/compute.js';
import type {Compute} from '../../stages/evaluation/report/compute.js';
import {readEvaluation} from '../../stages/evaluation/report/index.js';
import {evaluate} from '../../stages/index.js';
import type {Prompt} from '../../stages/tasks/prompt.js';
import {generalPrompts} from '../../stages/tasks/prompt-sets.js';
import {writeSpeaker} from '../rig/speaker.js';
import {rowsIn} from './here.js';
import {mistakesOf} from '../rig/wired.js';
import {make, outputPath} from './stagejob.js';

const root = mkdtempSync(join(tmpdir(), 'r1-evaluate-'));
const at = (name: string): string => join(root, name);
after(() => rmSync(root, {recursive: true, force: true}));

const PROBLEMS = 6;
const general = generalPrompts({seed: 0, split: 'train', count: 3});

before(async () => {
  const numbers = Array.from({length: PROBLEMS}, (_, index) => index);
  // Right or wrong, each as likely: other draws would be seen.
  await writeSpeaker(
    at('model'),
    numbers.map((index) => ({key: `key-${index}`, replies: ['<answer>18</answer>', '<answer>20</answer>']})),
  );
  const question = (index: number): Prompt => ({
    ...{id: `p${index}`, from: [], task: 'integer', key: `k${index}`, question: `How many? key-${index}`, answer: '18'},
  });
  await writeRows(at('prompts'), numbers.map(question));
  await writeRows(at('general'), general);
});

interface Row {
  readonly id: string;
  readonly prompt: string;
  readonly task: string;
  readonly text: string;
  readonly tokens: number;
}
const inputs = () => ({model: at('model'), prompts: at('prompts'), general: at('general')});
/** The rows with so many prompts. Chunks of four problems: the second one of a whole evaluation is not full. */
async function rowsWith(prompts: number): Promise<Row[]> {
  const folder = at(`first-${prompts}`);
  const params = {prompts, samples: 8, temperature: 1, maxNewTokens: 4, chunk: 4};
  await make(folder, {stage: evaluate, exported: 'evaluate', inputs: inputs(), params});
  return rowsIn<Row>(outputPath(folder, 'scores'));
}
const reasoning = (rows: readonly Row[]): Row[] => rows.filter(({task}) => task !== 'general');

test('the first problems are asked, with the samples that they have among all', async () => {
  const all = await rowsWith(0);
  assert.equal(reasoning(all).length, 8 * PROBLEMS);
  assert.equal(new Set(reasoning(all).map(({text}) => text)).size, 2, 'the model says the one and the other');
  for (const count of [1, 5]) {
    const some = await rowsWith(count);
    assert.deepEqual(
      [...new Set(reasoning(some).map(({prompt}) => prompt))],
      Array.from({length: count}, (_, index) => `p${index}`),
    );
    assert.deepEqual(reasoning(some), reasoning(all).slice(0, 8 * count));
    // Of general prompts all are asked.
    assert.equal(some.length - reasoning(some).length, 8 * general.length);
  }
  const folder = outputPath(at('first-5'), 'scores');
  const {scores} = await readEvaluation(folder);
  assert.equal(scores.find(({metric}) => metric === 'pass@1')!.problems, 5);
  // What it took, for `r1 cost`: of every response, those to general prompts among them.
  const card = (await readCard(folder)) as unknown as Compute;
  const tokens = rowsIn<Row>(folder).reduce((sum, row) => sum + row.tokens, 0);
  assert.deepEqual(computeOf({...card}), {
    ...{parameters: card.parameters, trainedTokens: 0, generatedTokens: tokens, scoredTokens: 0},
    operations: 2 * card.parameters * tokens,
  });
  assert.ok(card.parameters > 0 && tokens > 0);
});

test('more problems than there are mean all of them', async () => {
  assert.deepEqual(await rowsWith(100), rowsIn<Row>(outputPath(at('first-0'), 'scores')));
});

test('a number of problems that is none is told before anything runs', () => {
  const mistakes = (params: Params): readonly string[] => mistakesOf(evaluate, params, {inputs: ['model', 'prompts']});
  assert.deepEqual(mistakes({}), []);
  assert.deepEqual(mistakes({prompts: 3}), []);
  for (const prompts of [-1, 1.5])
    assert.deepEqual(mistakes({prompts}), [`prompts is ${prompts} and should be a whole number, 0 or more`]);
});

test('memory is reckoned for the workers that the problems keep busy', async () => {
  const mib = async (prompts: number, wired: object): Promise<number> => {
    const params = {...evaluate.params, prompts, chunk: 4, maxNewTokens: 4};
    return (await evaluate.memory!({inputs: {...inputs(), ...wired}, params, threads: 1, cores: 2})).mib;
  };
  const problemsAlone = {general: undefined};
  // Six problems are two chunks, so two workers; three are one.
  assert.equal(await mib(0, problemsAlone), await mib(PROBLEMS, problemsAlone));
  assert.ok((await mib(3, problemsAlone)) < (await mib(0, problemsAlone)));
  assert.equal(await mib(3, {}), await mib(0, {}), 'of general prompts all are asked');
});
