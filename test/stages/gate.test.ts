/** A gate hands a model on byte by byte, or says why reinforcement learning has no ground in it. */
import assert from 'node:assert/strict';
import {mkdtempSync, readFileSync, readdirSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {after, before, test} from 'node:test';
import {jobFiles} from '../../pipeline/job/folder.js';
import type {Params} from '../../pipeline/stage.js';
import {gate} from '../../stages/index.js';
import {writeRows} from '../../stages/data/rows.js';
import type {Prompt} from '../../stages/tasks/prompt.js';
import {generalPrompts} from '../../stages/tasks/prompt-sets.js';
import {writeSpeaker} from '../rig/speaker.js';
import {mistakesOf} from '../rig/wired.js';
import {make, outputPath, runStage, writeJob} from './stagejob.js';

const root = mkdtempSync(join(tmpdir(), 'r1-gate-'));
const at = (name: string): string => join(root, name);
after(() => rmSync(root, {recursive: true, force: true}));

/** What the model says to each question, whose answer is 18: it solves the first two. */
const REPLIES = ['<think>9+9</think><answer>18</answer>', 'It is 18.', 'It is 20.', 'I do not know.'];
const question = (index: number): Prompt => ({
  ...{id: `p${index}`, from: [], task: 'integer', key: `k${index}`, question: `How many? key-${index}`, answer: '18'},
});
const general = generalPrompts({seed: 0, split: 'train', count: 3});
/** One without a reference, of a task that has answers. */
const open: Prompt = {id: 'open', from: [], task: 'integer', key: 'open', question: 'How many? key-0'};

before(async () => {
  await writeSpeaker(
    at('model'),
    REPLIES.map((reply, index) => ({key: `key-${index}`, replies: [reply]})),
  );
  // What has no answer stands in front and between, and is passed over.
  await writeRows(at('prompts'), [...general, question(0), open, ...[1, 2, 3].map(question)]);
  await writeRows(at('unanswered'), [...general, open]);
});

const drawn = {extraction: 'last-number', samples: 2, temperature: 0.1, maxNewTokens: 4};
const job = (params: Params, prompts = 'prompts') => ({
  stage: gate,
  exported: 'gate',
  inputs: {model: at('model'), prompts: at(prompts)},
  params: {...drawn, ...params},
});
/** What the stage says where it refuses. */
async function refusal(name: string, params: Params, prompts?: string): Promise<string> {
  writeJob(at(name), job(params, prompts));
  const {result, stderr} = await runStage(at(name));
  assert.ok(result?.end === 'failed', stderr);
  assert.deepEqual(readdirSync(jobFiles(at(name)).outputs), [], 'nothing is handed on');
  return result.message;
}

test('a model that solves enough is handed on byte by byte, tokenizer included', async () => {
  await make(at('passed'), job({least: 0.5}));
  const files = readdirSync(at('model')).sort();
  assert.deepEqual(files, ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json']);
  const out = outputPath(at('passed'), 'model');
  assert.deepEqual(readdirSync(out).sort(), files);
  for (const file of files) assert.deepEqual(readFileSync(join(out, file)), readFileSync(join(at('model'), file)));
  const events = readFileSync(jobFiles(at('passed')).events, 'utf8');
  assert.match(events, /"pass@2 on 4 problems is 0\.500, pass@1 0\.500"/);
  assert.match(events, /"type":"metric","name":"pass@2","step":0,"value":0\.5/);
});

test('one that solves too little is refused, with its numbers and what to do', async () => {
  const advice = 'train it on more rows (lessons.epochs)';
  const most =
    'pass@2 on 4 problems is 0.500, pass@1 0.500: below 0.6, reinforcement learning has too little to reward; ';
  assert.equal(await refusal('advised', {least: 0.6, advice}), most + advice);
  assert.equal(await refusal('plain', {least: 0.6}), `${most}train the model longer, or ask it otherwise`);
  // Answers are read as the params say: by tags, one question is solved.
  assert.match(await refusal('tags', {least: 0.5, extraction: 'tag'}), /^pass@2 on 4 problems is 0\.250/);
});

test('the first problems that can be checked are asked, or all of them', async () => {
  const solved = async (name: string, prompts: number): Promise<string> => {
    await make(at(name), job({least: 0.1, prompts}));
    return /pass@2 on .* is [\d.]+/.exec(readFileSync(jobFiles(at(name)).events, 'utf8'))![0];
  };
  assert.equal(await solved('two', 2), 'pass@2 on 2 problems is 1.000');
  assert.equal(await solved('all', 0), 'pass@2 on 4 problems is 0.500');
});

test('prompts without an answer that can be checked are refused', async () => {
  assert.match(await refusal('unanswered-gate', {}, 'unanswered'), /^none of the prompts has an answer/);
});

test('params that make no gate are told before anything runs', () => {
  const mistakes = (params: Params): readonly string[] => mistakesOf(gate, params);
  assert.deepEqual(mistakes({}), []);
  assert.deepEqual(mistakes({least: 1}), []);
  for (const least of [0, -0.1, 1.5])
    assert.deepEqual(mistakes({least}), [`least is ${least} and should be a share, above 0 and at most 1`]);
  for (const prompts of [-1, 1.5])
    assert.deepEqual(mistakes({prompts}), [`prompts is ${prompts} and should be a whole number, 0 or more`]);
  for (const samples of [0, -2, 0.5])
    assert.deepEqual(mistakes({samples}), [`samples is ${samples} and should be a whole number, 1 or more`]);
});
