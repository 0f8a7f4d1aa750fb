/** Which groups there are, which are wanted, and their texts. */
import assert from 'node:assert/strict';
import {rmSync} from 'node:fs';
import {test} from 'node:test';
import {
  askedBy,
  partnersIn,
  promptsWithKey,
  readGroups,
  readPartners,
  spreadOver,
  surveyOf,
} from '../../../stages/samples/index.js';
import type {SampleFilter, StoredRows} from '../../../stages/samples/index.js';
import {judged, rollout, storedRows} from './files.js';

/** Prompts of the groups that are found, with the texts of the completions that are wanted. */
async function found(rows: StoredRows, filter: SampleFilter): Promise<Record<string, string[]>> {
  const survey = await surveyOf(rows, filter);
  const texts: Record<string, string[]> = {};
  for await (const {prompt, step, wanted} of readGroups(rows, survey.found, {filter}))
    texts[`${step ?? ''}${prompt}`] = wanted.map(({text}) => text);
  return texts;
}

const ROWS = [
  rollout('a', 0, {completion: 'a0', ...judged(true)}),
  rollout('a', 1, {completion: 'a1 wait', ...judged(false)}),
  rollout('b', 0, {completion: 'b0', step: 2, finished: false, ...judged(false)}),
  rollout('b', 1, {completion: 'b1', step: 2, ...judged(false)}),
  rollout('a', 0, {completion: 'later', step: 4, ...judged(true)}),
];

test('filters choose completions and groups, and go together', async (t) => {
  const rows = storedRows(t, ROWS);
  assert.deepEqual(await found(rows, {}), {'0a': ['a0', 'a1 wait'], '2b': ['b0', 'b1'], '4a': ['later']});
  assert.deepEqual(await found(rows, {wrong: true}), {'0a': ['a1 wait'], '2b': ['b0', 'b1']});
  assert.deepEqual(await found(rows, {mixed: true}), {'0a': ['a0', 'a1 wait']});
  assert.deepEqual(await found(rows, {reflective: true}), {'0a': ['a1 wait']});
  assert.deepEqual(await found(rows, {truncated: true}), {'2b': ['b0']});
  assert.deepEqual(await found(rows, {steps: {from: 1, to: 4}}), {'2b': ['b0', 'b1'], '4a': ['later']});
  assert.deepEqual(await found(rows, {steps: 'last'}), {'4a': ['later']});
  assert.deepEqual(await found(rows, {problems: ['b'], wrong: true, truncated: true}), {'2b': ['b0']});
  assert.deepEqual(
    await found(rows, {problems: ['step-2:b#1']}),
    {'2b': ['b0', 'b1']},
    'a completion leads to its prompt',
  );
  assert.deepEqual(await found(rows, {mixed: true, truncated: true}), {});
});

test('a byte order mark is no part of the first row', async (t) => {
  const rows = storedRows(t, [`\uFEFF${JSON.stringify(rollout('a', 0, {completion: 'first'}))}`, rollout('a', 1)]);
  assert.deepEqual(await found(rows, {}), {'0a': ['first', 'text']});
});

test('a survey counts all that is there, whatever is wanted', async (t) => {
  const survey = await surveyOf(storedRows(t, ROWS), {truncated: true});
  assert.deepEqual([survey.groups.length, survey.found.length, survey.samples, survey.judged], [3, 1, 5, 5]);
  assert.deepEqual(Object.fromEntries(survey.outcomes), {right: 2, wrong: 3});
  assert.deepEqual(survey.steps, [0, 2, 4]);
  assert.deepEqual(survey.ended, {known: 5, cutOff: 1});
});

test('general prompts are wrong where they are not helpful or not safe', async (t) => {
  const response = (prompt: string, fields: object): object => ({
    id: `${prompt}#0`,
    prompt,
    text: prompt,
    outcome: 'left-out',
    ...fields,
  });
  const rows = storedRows(t, [
    response('kind', {helpful: true, safe: true}),
    response('rude', {helpful: true, safe: false}),
    response('unjudged', {helpful: null, safe: null}),
  ]);
  assert.deepEqual(await found(rows, {wrong: true}), {rude: ['rude']});
  const {judged: count, helpful, safe} = await surveyOf(rows);
  assert.deepEqual([count, helpful, safe], [2, {yes: 2, of: 2}, {yes: 1, of: 2}]);
});

test('a key names a problem in all its languages', async (t) => {
  const rows = storedRows(t, [
    {id: 'k:en#0', prompt: 'k:en', key: 'k', text: 'one'},
    {id: 'k:zh#0', prompt: 'k:zh', key: 'k', text: '一'},
    {id: 'l:en#0', prompt: 'l:en', key: 'l', text: 'other'},
  ]);
  assert.deepEqual(await found(rows, {problems: ['k']}), {'k:en': ['one'], 'k:zh': ['一']});
});

test('where rows have no key, the prompts that they were drawn for tell which have it', async (t) => {
  const prompts = storedRows(t, [
    {id: 'k:en', key: 'k', question: '?'},
    {id: 'l:en', key: 'l', question: '?'},
    {id: 'k:zh', key: 'k', question: '？'},
  ]);
  assert.deepEqual(await promptsWithKey([prompts, prompts], 'k'), ['k:en', 'k:zh']);
});

test('supervised rows of one source that ask different things are different groups', async (t) => {
  const rows = storedRows(t, [
    {id: '1', from: ['s'], question: 'one?', response: '1'},
    {id: '2', from: ['s'], question: 'two?', response: '2'},
  ]);
  assert.equal((await surveyOf(rows)).groups.length, 2);
});

test('groups come in the order in which they are asked for, though their rows lie among each other', async (t) => {
  const rows = storedRows(t, [rollout('a', 0), rollout('b', 0), '', rollout('a', 1), rollout('b', 1), rollout('c', 0)]);
  const {groups} = await surveyOf(rows);
  const order: string[] = [];
  for await (const {prompt, samples} of readGroups(rows, groups)) order.push(`${prompt}${samples.length}`);
  assert.deepEqual(order, ['a2', 'b2', 'c1']);
});

test('nothing is read behind the last group that is wanted, and nothing is parsed between', async (t) => {
  const rows = storedRows(t, [rollout('a', 0), rollout('b', 0), rollout('c', 0), rollout('d', 0)]);
  const {groups} = await surveyOf(rows);
  const other = storedRows(t, [rollout('a', 0), 'no JSON', rollout('c', 0), 'no JSON']);
  const read: string[] = [];
  for await (const {prompt} of readGroups(other, [groups[0]!, groups[2]!])) read.push(prompt);
  assert.deepEqual(read, ['a', 'c']);
  await assert.rejects(surveyOf(other), /zero:rollouts @1234abcd, rows\.jsonl line 2: not JSON/);
  rmSync(rows.files[0]!.path);
  for await (const group of readGroups(rows, [])) assert.fail(group.prompt);
});

test('advantages are those of the whole group, also where not all of it is wanted', async (t) => {
  const rows = storedRows(t, ROWS, {params: {group: 2, divideByStd: false, stdFloor: 0, rewards: {accuracy: 1}}});
  const {found: entries} = await surveyOf(rows, {wrong: true});
  const seen: unknown[] = [];
  for await (const {wanted} of readGroups(rows, entries, {filter: {wrong: true}}))
    seen.push(wanted.map(({advantage, rewards}) => [advantage, rewards![0]!.weight]));
  assert.deepEqual(seen, [
    [[-0.5, 1]],
    [
      [0, 1],
      [0, 1],
    ],
  ]);
});

test('what was asked is found by the prompt’s id where the rows do not say it', async (t) => {
  const prompts = storedRows(t, [
    {id: 'p', from: [], task: 'dials', key: 'k', language: 'en', question: '2 + 2?', answer: '4', steps: 1},
    {id: 'q', from: [], question: 'q?'},
  ]);
  const asked = await askedBy([prompts, prompts], new Set(['p', 'nowhere']));
  assert.deepEqual([...asked.keys()], ['p']);
  const rows = storedRows(t, [{id: 'p#0', prompt: 'p', task: 'mine', text: 'x', answer: '5', outcome: 'wrong'}]);
  const {found: entries} = await surveyOf(rows);
  for await (const {question, references, task, steps} of readGroups(rows, entries, {asked}))
    assert.deepEqual([question, references, task, steps], ['2 + 2?', ['4'], 'mine', 1]);
});

test('beside a group stands that of the same prompt, at the same step or else at the last', async (t) => {
  const left = storedRows(t, [rollout('a', 0, {step: 2}), rollout('b', 0, {step: 2}), rollout('c', 0)]);
  const right = storedRows(t, [
    rollout('a', 0, {step: 0, completion: 'first'}),
    rollout('a', 0, {step: 2, completion: 'same'}),
    rollout('b', 0, {step: 0, completion: 'first'}),
    rollout('b', 0, {step: 9, completion: 'last'}),
  ]);
  const partnerOf = partnersIn(await surveyOf(right));
  const entries = (await surveyOf(left)).groups.map(partnerOf);
  assert.equal(entries[2], undefined);
  const partners = await readPartners(right, [entries[1]!, entries[0]!, entries[1]!]);
  assert.deepEqual(
    [entries[0]!, entries[1]!].map(({key}) => partners.get(key)!.samples[0]!.text),
    ['same', 'last'],
  );
});

test('what is shown of many is spread over all, both ends among them', () => {
  const all = Array.from({length: 50}, (_, index) => index);
  assert.deepEqual(spreadOver(all, 5), [0, 12, 25, 37, 49]);
  assert.deepEqual(spreadOver(all, 1), [49]);
  assert.deepEqual(spreadOver([1, 2], 5), [1, 2]);
  assert.deepEqual(spreadOver(all, Infinity), all);
});
