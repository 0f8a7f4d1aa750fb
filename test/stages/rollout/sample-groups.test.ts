import assert from 'node:assert/strict';
import {test} from 'node:test';
import {inProcess} from '../../../stages/rollout/open-sampler.js';
import {encodePrompts, loneSpace, sampleGroups} from '../../../stages/rollout/sample-groups.js';
import {lengthBuckets} from '../../../stages/train/length-buckets.js';
import type {EncodedPrompt, Rollout} from '../../../stages/rollout/sample-groups.js';
import type {Chunk, Sample} from '../../../stages/engine/programs/generation.js';
import type {Tokenizer} from '../../../stages/text/tokenizer.js';
import {vocabulary} from '../../../stages/tasks/lexicon.js';
import type {Prompt} from '../../../stages/tasks/prompt.js';
import type {TemplateName} from '../../../stages/text/templates.js';
import {openTokenizer} from '../../../stages/text/tokenizer.js';
import {writeWordTokenizer} from '../../../stages/text/word-tokenizer.js';
import {temporaryFolder} from '../../rig/temporary.js';

const tokenizer = {
  decode: (ids: readonly number[]) => ids.join(' '),
  encode: (text: string) => text.split(' ').map(Number),
  eosId: 0,
  endIds: [0],
} as unknown as Tokenizer;
const prompt = (id: string, length: number): EncodedPrompt => ({
  prompt: {id, from: [], task: 'exact', key: id, question: id, answer: ''},
  tokens: Array.from({length}, () => 1),
});

const drawn = (...tokens: number[]): Sample => ({tokens, logProbs: tokens.map(() => 0), finished: true});

test('buckets cover every length, are few, and are multiples of eight', () => {
  assert.deepEqual(lengthBuckets([3, 9, 10, 30], 2), [16, 32]);
  assert.deepEqual(lengthBuckets([5, 5, 5], 3), [8]);
});

test('groups come back in the order of the prompts, though chunks go by length', async () => {
  const chunks: number[][] = [];
  const draw = ({prompts, uniforms}: Chunk): Sample[] => {
    chunks.push(prompts.map(({length}) => length));
    assert.equal(uniforms.length, prompts.length * 2 * 3);
    return prompts.flatMap(({length}) => [0, 1].map((sample) => drawn(length, sample + 1, 0)));
  };
  const groups = await sampleGroups(inProcess(draw), [prompt('long', 9), prompt('short', 2), prompt('middle', 5)], {
    tokenizer,
    group: 2,
    chunk: 2,
    maxNewTokens: 3,
    key: {seed: 1, purpose: 'test'},
  });
  assert.deepEqual(chunks, [[2, 5], [9]]);
  assert.deepEqual(
    groups.map((group) => group.map(({prompt: {id}, completion}) => `${id}: ${completion.text}`)),
    [
      ['long: 9 1', 'long: 9 2'],
      ['short: 2 1', 'short: 2 2'],
      ['middle: 5 1', 'middle: 5 2'],
    ],
  );
});

test('what was drawn behind a stop text counts for nothing, and what it was made to begin with is prompt', async () => {
  const draw = ({prompts}: Chunk): Sample[] => prompts.map(() => drawn(7, 8, 9, 5, 0));
  const options = {tokenizer, group: 1, chunk: 2, maxNewTokens: 5, key: {seed: 1, purpose: 'test'}, withLogProbs: true};
  const [[cut]] = (await sampleGroups(inProcess(draw), [prompt('a', 2)], {...options, stop: ['8 9']})) as [[Rollout]];
  assert.deepEqual([cut.tokens, cut.logProbs, cut.finished, cut.completion.text], [[7, 8, 9], [0, 0, 0], true, '7']);
  assert.deepEqual(cut.promptTokens, [1, 1]);
  const [[whole]] = (await sampleGroups(inProcess(draw), [prompt('a', 2)], {...options, prefill: '1 1'})) as [
    [Rollout],
  ];
  assert.deepEqual(
    [whole.tokens, whole.promptTokens],
    [
      [7, 8, 9, 5, 0],
      [1, 1],
    ],
  );
  assert.equal(whole.completion.text, '1 1 7 8 9 5');
});

test('a prefill whose space is a token of its own is noted', () => {
  const spaced = {decode: (ids: readonly number[]) => (ids[0] === 3 ? ' ' : 'word')};
  assert.match(loneSpace(spaced, {prefill: 'It is '}, 3)!, /"It is" may do better/);
  assert.equal(loneSpace(spaced, {prefill: 'It is'}, 3), undefined);
  assert.equal(loneSpace(spaced, {prefill: 'It is '}, 4), undefined);
});

test('a sample’s uniforms do not depend on which prompts share its chunk', async () => {
  const seen = new Map<string, number[]>();
  const spy =
    (chunkPrompts: readonly EncodedPrompt[], into: Map<string, number[]>) =>
    ({prompts, uniforms}: Chunk): Sample[] => {
      prompts.forEach((tokens, place) => {
        const owner = chunkPrompts.find((one) => one.tokens.length === tokens.length)!.prompt.id;
        into.set(owner, [...uniforms.subarray(place * 6, place * 6 + 6)]);
      });
      return prompts.flatMap(() => [drawn(0), drawn(0)]);
    };
  const prompts = [prompt('a', 4), prompt('b', 6)];
  const options = {tokenizer, group: 2, maxNewTokens: 3, key: {seed: 1, purpose: 'test'}};
  await sampleGroups(inProcess(spy(prompts, seen)), prompts, {...options, chunk: 2});
  const apart = new Map<string, number[]>();
  await sampleGroups(inProcess(spy(prompts, apart)), prompts, {...options, chunk: 1});
  assert.deepEqual(seen, apart);
});

test('words of prompts that the tokenizer does not know are noted, with the template that may be wrong', async (t) => {
  const folder = temporaryFolder(t);
  await writeWordTokenizer(folder, vocabulary());
  const tokenizer = await openTokenizer(folder);
  const notesOf = (template: TemplateName, question: string): string[] => {
    const notes: string[] = [];
    const prompt: Prompt = {id: 'p', from: [], task: 'exact', key: 'p', question, answer: 'so'};
    encodePrompts([prompt], {tokenizer, template, limit: 1000, note: (text) => notes.push(text)});
    return notes;
  };
  assert.deepEqual(notesOf('tiny-zero', 'now ?'), []);
  assert.match(notesOf('tiny-zero', 'xyzzy ?')[0]!, /^1 of \d+ tokens of the prompts are unknown to the tokenizer/);
  assert.match(notesOf('zero', 'now ?')[0]!, /^\d\d of \d+ tokens .*; is “zero” the right template\?$/);
});
