/** Answers that are forced behind stored thinking, with a model that says what it says whatever it has thought. */
import assert from 'node:assert/strict';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {after, before, test} from 'node:test';
import type {Params} from '../../pipeline/stage.js';
import {writeJson, writeRows} from '../../stages/data/rows.js';
import type {EarlyAnswer} from '../../stages/evaluation/early-answers.js';
import {readEarlyAnswers} from '../../stages/evaluation/report/index.js';
import {scoreSamples} from '../../stages/evaluation/index.js';
import {earlyAnswering} from '../../stages/index.js';
import {weightsDigest} from '../../stages/model/hf-folder/index.js';
import type {Prompt} from '../../stages/tasks/prompt.js';
import {writeSpeaker} from '../rig/speaker.js';
import {mistakesOf} from '../rig/wired.js';
import {sampleOf} from './evaluation/samples.js';
import {rowsIn} from './here.js';
import {make, outputPath, outputsOf, runStage, writeJob} from './stagejob.js';

const root = mkdtempSync(join(tmpdir(), 'r1-early-'));
const at = (name: string): string => join(root, name);
after(() => rmSync(root, {recursive: true, force: true}));

const PROBLEMS = 6;
const SAMPLES = 3;
const numbers = Array.from({length: PROBLEMS}, (_, index) => index);
/** What was stored of the model; the third sample of each problem has no thinking. */
const stored = (index: number, sample: number): string =>
  sample === 2
    ? '<answer> 18 </answer>'
    : `<think> ${index} and ${sample}\nis eighteen\n\nor so\nit is </think> <answer> ${sample === 0 ? 18 : 20} </answer>`;

async function writeScores(
  name: string,
  model: string,
  ofPrompt = (index: number): string => `p${index}`,
): Promise<void> {
  const samples = numbers.flatMap((index) =>
    Array.from({length: SAMPLES}, (_, sample) =>
      sampleOf({
        ...{prompt: ofPrompt(index), key: `k${index}`, task: 'integer', steps: null, sample},
        ...{outcome: sample === 1 ? 'wrong' : 'right', answer: sample === 1 ? '20' : '18', text: stored(index, sample)},
      }),
    ),
  );
  await writeRows(
    at(name),
    samples.map((one) => ({id: `${one.prompt}#${one.sample}`, from: [one.prompt], ...one})),
  );
  await writeJson(join(at(name), 'scores.json'), {
    ...{format: 'r1-scores-1', model, template: 'chat', prefill: '', temperature: 1, topP: 1, k: SAMPLES},
    scores: scoreSamples(samples, {k: SAMPLES}),
  });
}

before(async () => {
  // Behind the tag of an answer it is right or wrong, each as likely: other draws would be seen.
  await writeSpeaker(at('model'), [{key: '<answer>', replies: ['18</answer>', '20</answer>']}]);
  const question = (index: number): Prompt => ({
    ...{id: `p${index}`, from: [], task: 'integer', key: `k${index}`, language: 'en'},
    ...{question: `How many? key-${index}`, answer: '18'},
  });
  await writeRows(at('prompts'), numbers.map(question));
  await writeScores('scores', await weightsDigest(at('model')));
  await writeScores('others', '0'.repeat(64));
  await writeScores('strangers', await weightsDigest(at('model')), (index) => `q${index}`);
});

const job = (params: Params = {}, scores = 'scores') => ({
  ...{stage: earlyAnswering, exported: 'earlyAnswering'},
  inputs: {model: at('model'), scores: at(scores), prompts: at('prompts')},
  params: {maxNewTokens: 4, chunk: 8, ...params},
});

test('each response is answered in every condition with the same draws, and equal work is equal bytes', async () => {
  await make(at('a'), job());
  const rows = rowsIn<EarlyAnswer & {id: string; from: string[]}>(outputPath(at('a'), 'answers'));
  assert.equal(rows.length, PROBLEMS * 2 * 7);
  const byResponse = new Map<string, EarlyAnswer[]>();
  for (const row of rows) byResponse.set(row.from[0]!, [...(byResponse.get(row.from[0]!) ?? []), row]);
  assert.equal(byResponse.size, PROBLEMS * 2);
  for (const members of byResponse.values())
    assert.equal(new Set(members.map(({answer}) => answer)).size, 1, 'this model does not read what it has thought');
  assert.equal(new Set(rows.map(({answer}) => answer)).size, 2, 'and says the one and the other');
  const [own] = byResponse.get('p3#1')!.filter(({condition, share}) => condition === 'own' && share === 0.5);
  assert.match(own!.text, /^<think> 3 and 1\nis eighteen <\/think> <answer> ?(?:18|20)<\/answer>$/);
  assert.deepEqual([own!.lines, own!.of, own!.stored, own!.sample], [2, 4, 'wrong', 1]);
  const given = byResponse.get('p3#1')!.find(({condition}) => condition === 'other')!;
  const [, donor] = (given as unknown as {from: string[]}).from;
  const [, number, sample] = /^p(\d)#(\d)$/.exec(donor!)!;
  assert.notEqual(number, '3');
  assert.ok(given.text.startsWith(`<think> ${number!} and ${sample!}\n`), given.text);
  assert.equal(given.followed, given.answer === (sample === '0' ? '18' : '20'));

  const card = await readEarlyAnswers(outputPath(at('a'), 'answers'));
  assert.deepEqual([card.problems, card.responses], [PROBLEMS, PROBLEMS * 2]);
  assert.deepEqual(card.leftOut, {'no thinking in the format': PROBLEMS});
  assert.equal(card.stored.mean, 0.5);
  // Independently of how the card was made.
  for (const {condition, share, right, difference} of card.conditions) {
    const members = rows.filter((row) => row.condition === condition && row.share === share);
    assert.equal(right.mean, members.filter(({outcome}) => outcome === 'right').length / members.length);
    assert.equal(difference?.mean ?? 0, 0);
  }

  await make(at('b'), job());
  assert.deepEqual(outputsOf(at('b')), outputsOf(at('a')));
});

test('only the first samples are asked again, and only as cut as is wanted', async () => {
  await make(at('few'), job({samples: 1, shares: [0.5, 1]}));
  const rows = rowsIn<EarlyAnswer>(outputPath(at('few'), 'answers'));
  assert.deepEqual([...new Set(rows.map(({sample}) => sample))], [0]);
  assert.deepEqual(
    [...new Set(rows.map(({condition, share}) => `${condition} ${share}`))],
    ['own 0.5', 'own 1', 'other 1', 'filler 1'],
  );
});

test('what was forgotten is told: scores of another model, of other prompts, and no room', async () => {
  const failure = async (name: string, ...given: Parameters<typeof job>): Promise<string> => {
    writeJob(at(name), job(...given));
    const {result} = await runStage(at(name));
    assert.equal(result?.end, 'failed');
    return JSON.stringify(result);
  };
  assert.match(
    await failure('model-of-others', {}, 'others'),
    /the scores are of the model 000000000000, and this one/,
  );
  assert.match(await failure('of-strangers', {}, 'strangers'), /there is no problem “q0” among these/);
  assert.match(await failure('no-room', {maxNewTokens: 505}), /no response can be cut: .*12 × no room for the answer/);
});

test('shares without the whole, or not ascending, are told before anything runs', () => {
  const mistakes = (params: object): string => mistakesOf(earlyAnswering, {...params}).join();
  assert.equal(mistakes({shares: [0.1, 1]}), '');
  assert.equal(mistakes({filler: '…'}), '');
  for (const shares of [[], [0.5], [1, 0.5], [0.5, 0.5, 1], [-1, 1], ['a', 1]])
    assert.match(mistakes({shares}), /shares is .* and should be a list of shares, ascending, the last of them 1/);
  assert.match(mistakes({filler: 'a b'}), /should be a text without spaces/);
});
