/** A conversation whose keys and values stay in the session: what it holds changes what it costs, and nothing of what it says. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {openEngine} from '../../../stages/engine/engine.js';
import {conversation} from '../../../stages/engine/programs/conversation.js';
import type {Conversation} from '../../../stages/engine/programs/conversation.js';
import {generation} from '../../../stages/engine/programs/generation.js';
import {initialWeights} from '../../../stages/model/parameters.js';
import {drawn as config, spreadWeights, withAll} from './small.js';

const weights = initialWeights(config, 5);
const PIECE = 3;
const options = {block: 4, piece: PIECE, temperature: 1, topP: 1, topK: 0, stopIds: [2], padId: 0};
const uniformsOf = (piece: number): Float32Array =>
  Float32Array.from({length: PIECE}, (_, i) => ((7 * (piece * PIECE + i) + 3) % 10) / 10 + 0.05);

const open = (given: Partial<typeof options> = {}) =>
  openEngine({config, weights, threads: 1, programs: {talk: conversation({...options, ...given})}});

/** The reply in three pieces, or up to a stop token; and how many blocks were read for it. */
function replyTo(talk: Conversation, prompt: readonly number[]): {tokens: number[]; blocks: number} {
  let blocks = 0;
  while (talk.read(prompt)) blocks++;
  const tokens: number[] = [];
  for (let piece = 0; piece < 3 && !tokens.includes(2); piece++) tokens.push(...talk.speak(uniformsOf(piece)));
  return {tokens, blocks};
}

const first = [5, 9, 4, 7, 8, 3, 3, 10, 6, 11, 4];
const others = [4, 5, 9, 9, 3, 8, 10, 7, 5];

test('what was read is not read again, and the reply is the one of a conversation that begins there', async () => {
  const engine = await open();
  const {talk} = engine.run;
  assert.equal(replyTo(talk, first).blocks, 3, 'ten tokens in blocks of four; the eleventh is read by the reply');
  const spoken = replyTo(talk, first);
  assert.equal(spoken.blocks, 0);
  const longer = [...first, ...spoken.tokens, ...others];
  const again = replyTo(talk, longer);
  assert.ok(again.blocks <= Math.ceil((longer.length - 1 - 8) / 4), 'the first two blocks are there');

  const afresh = await open();
  assert.deepEqual(replyTo(afresh.run.talk, longer).tokens, again.tokens);
  afresh.dispose();
  engine.dispose();
});

test('an earlier turn that is edited is read again from there, a shorter prompt is cut off', async () => {
  const engine = await open();
  const {talk} = engine.run;
  replyTo(talk, [...first, ...others]);
  for (const prompt of [first.with(5, 9), first.slice(0, 6), first.slice(0, 5), [7], [7, 8], first]) {
    const afresh = await open();
    assert.deepEqual(replyTo(talk, prompt).tokens, replyTo(afresh.run.talk, prompt).tokens, prompt.join());
    afresh.dispose();
  }
  assert.throws(() => talk.read([]), /nothing/);
  engine.dispose();
});

for (const [words, model] of [
  ['it', config],
  ['one with biases and normalized heads', withAll(config)],
] as const) {
  test(`${words} takes the tokens that generation takes`, async () => {
    const greedy = {temperature: 0, topP: 1, topK: 1} as const;
    const prompts = [first, [3], [...others, ...first]];
    const programs = {
      talk: conversation({...options, ...greedy}),
      sample: generation({
        ...greedy,
        prompts: 1,
        group: 1,
        promptLengths: [20],
        maxNewTokens: 3 * PIECE,
        stopIds: [2],
        padId: 0,
      }),
    };
    const engine = await openEngine({config: model, weights: spreadWeights(model, 5), threads: 1, programs});
    for (const prompt of prompts) {
      const [sampled] = engine.run.sample({prompts: [prompt], uniforms: new Float32Array(3 * PIECE)});
      assert.deepEqual(replyTo(engine.run.talk, prompt).tokens, sampled!.tokens);
    }
    engine.dispose();
  });
}
