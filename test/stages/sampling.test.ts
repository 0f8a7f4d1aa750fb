import assert from 'node:assert/strict';
import {test} from 'node:test';
import {lengthBuckets, sampleGroups} from '../../stages/sampling.js';
import type {EncodedPrompt, Generate} from '../../stages/sampling.js';
import type {Tokenizer} from '../../stages/text/tokenizer.js';

const tokenizer = {
  decode: (ids: readonly number[]) => ids.join(' '),
  encode: (text: string) => text.split(' ').map(Number),
  eosId: 0,
} as unknown as Tokenizer;
const prompt = (id: string, length: number): EncodedPrompt => ({
  prompt: {id, from: [], task: 'exact', key: id, question: id, answer: ''},
  tokens: Array.from({length}, () => 1),
});

test('buckets cover every length, are few, and are multiples of eight', () => {
  assert.deepEqual(lengthBuckets([3, 9, 10, 30], 2), [16, 32]);
  assert.deepEqual(lengthBuckets([5, 5, 5], 3), [8]);
});

test('groups come back in the order of the prompts, though chunks go by length', async () => {
  const chunks: number[][] = [];
  const generate: Generate = ({prompts, uniforms}) => {
    chunks.push(prompts.map(({length}) => length));
    assert.equal(uniforms.length, prompts.length * 2 * 3);
    return prompts.flatMap(({length}) => [0, 1].map((sample) => ({tokens: [length, sample + 1, 0], finished: true})));
  };
  const groups = await sampleGroups(generate, [prompt('long', 9), prompt('short', 2), prompt('middle', 5)], {
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

test('a sample’s uniforms do not depend on which prompts share its chunk', async () => {
  const seen = new Map<string, number[]>();
  const spy =
    (chunkPrompts: readonly EncodedPrompt[], into: Map<string, number[]>): Generate =>
    ({prompts, uniforms}) => {
      prompts.forEach((tokens, place) => {
        const owner = chunkPrompts.find((one) => one.tokens.length === tokens.length)!.prompt.id;
        into.set(owner, [...uniforms.subarray(place * 6, place * 6 + 6)]);
      });
      return prompts.flatMap(() => [0, 1].map(() => ({tokens: [0], finished: true})));
    };
  const prompts = [prompt('a', 4), prompt('b', 6)];
  const options = {tokenizer, group: 2, maxNewTokens: 3, key: {seed: 1, purpose: 'test'}};
  await sampleGroups(spy(prompts, seen), prompts, {...options, chunk: 2});
  const apart = new Map<string, number[]>();
  await sampleGroups(spy(prompts, apart), prompts, {...options, chunk: 1});
  assert.deepEqual(seen, apart);
});
