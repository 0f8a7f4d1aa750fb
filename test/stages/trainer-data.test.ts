/** Rows for other trainers: each finds the fields that it wants, and nothing is lost or made up on the way. */
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import path from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {recipe} from '../../pipeline/recipe.js';
import {wire} from '../../pipeline/wiring/wire.js';
import {writeRows} from '../../stages/data/rows.js';
import {prompts, trainerData} from '../../stages/index.js';
import {temporaryFolder} from '../rig/temporary.js';
import {runHere} from './here.js';

const PROMPTS = [
  {id: 'a', from: [], task: 'dials', key: 'a', question: 'left ?', answer: '5 4'},
  {id: 'b', from: [], task: 'general', key: 'b', question: 'hello “you”\n'},
];
const DATA = [{id: 'r', from: ['a'], question: 'left ?', response: '<answer> 5 4 </answer>'}];

async function rowsOf(t: TestContext, input: 'prompts' | 'data', params: Readonly<Record<string, string>>) {
  const folder = path.join(temporaryFolder(t), input);
  await writeRows(folder, input === 'prompts' ? PROMPTS : DATA);
  const {out, notes} = await runHere(t, trainerData, {inputs: {[input]: folder}, params});
  const text = readFileSync(path.join(out('rows'), 'train.jsonl'), 'utf8');
  const rows = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as object);
  return {rows, notes, text};
}

test('questions with answers, as each trainer of reinforcement learning reads them', async (t) => {
  const user = {role: 'user', content: 'left ?'};
  const {rows, notes} = await rowsOf(t, 'prompts', {format: 'verl'});
  assert.deepEqual(rows, [
    {
      data_source: 'r1/dials',
      prompt: [user],
      ability: 'dials',
      reward_model: {style: 'rule', ground_truth: '5 4'},
      extra_info: {split: 'train', index: 0, id: 'a'},
    },
  ]);
  assert.deepEqual(notes, ['1 of 2 questions have no answer and are left out', '1 rows in train.jsonl']);
  const others = {
    openrlhf: {input: [user], label: '5 4', datasource: 'r1/dials', id: 'a'},
    trl: {prompt: [user], answer: '5 4', task: 'dials', id: 'a'},
  };
  for (const [format, row] of Object.entries(others))
    assert.deepEqual((await rowsOf(t, 'prompts', {format})).rows, [row]);
});

test('questions with responses, with what is said around them', async (t) => {
  const words = {system: 'be brief', suffix: ' now'};
  const turns = [
    {role: 'system', content: 'be brief'},
    {role: 'user', content: 'left ? now'},
  ];
  const {response} = DATA[0]!;
  const messages = [...turns, {role: 'assistant', content: response}];
  assert.deepEqual((await rowsOf(t, 'data', {format: 'trl', ...words})).rows, [{messages, id: 'r'}]);
  assert.deepEqual((await rowsOf(t, 'data', {format: 'verl', ...words})).rows, [{messages, id: 'r'}]);
  const apart = {input: turns, output: response, id: 'r'};
  assert.deepEqual((await rowsOf(t, 'data', {format: 'openrlhf', ...words})).rows, [apart]);
});

test('one of the two inputs is wired, and some row has to be left', async (t) => {
  const wired = wire(
    recipe('none', (add) => void add('rows', trainerData, {})),
    '.',
  );
  assert.match(wired.ok ? '' : wired.error[0]!.message, /wire either prompts, for reinforcement learning, or data/);
  const both = wire(
    recipe('one', (add) => void add('rows', trainerData, {prompts: add('prompts', prompts, {}).train})),
    '.',
  );
  assert.ok(both.ok, JSON.stringify(both));
  const folder = path.join(temporaryFolder(t), 'prompts');
  await writeRows(folder, PROMPTS.slice(1));
  await assert.rejects(runHere(t, trainerData, {inputs: {prompts: folder}}), /no question has an answer/);
});
