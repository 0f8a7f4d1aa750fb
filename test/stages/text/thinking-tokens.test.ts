import assert from 'node:assert/strict';
import {join} from 'node:path';
import {test} from 'node:test';
import {vocabulary} from '../../../stages/tasks/lexicon.js';
import {thinkingTokens} from '../../../stages/text/thinking-tokens.js';
import {openTokenizer} from '../../../stages/text/tokenizer.js';
import {writeWordTokenizer} from '../../../stages/text/word-tokenizer.js';
import {temporaryFolder} from '../../rig/temporary.js';

/** A tokenizer without tags among its tokens: a token for each letter. */
const letters = {
  idOf: () => undefined,
  decode: (ids: ArrayLike<number>) => String.fromCodePoint(...Array.from(ids)),
};
const spelled = (text: string): {tokens: number[]; text: string} => ({
  tokens: Array.from(text, (letter) => letter.codePointAt(0)!),
  text,
});

test('thinking is all up to the tag that closes it, the answer all behind it', async (t) => {
  const folder = join(temporaryFolder(t), 'tokenizer');
  await writeWordTokenizer(folder, vocabulary());
  const tokenizer = await openTokenizer(folder);
  const count = (text: string): readonly [number, number] => {
    const tokens = [...tokenizer.encode(text), tokenizer.eosId];
    return [thinkingTokens({tokens, text}, tokenizer), tokens.length];
  };
  // <think> left 3 </think> | <answer> 3 4 </answer> end
  assert.deepEqual(count('<think> left 3 </think> <answer> 3 4 </answer>'), [4, 9]);
  assert.deepEqual(count('<answer> 3 4 </answer>'), [0, 5]);
  assert.deepEqual(count('<think> left 3'), [4, 4], 'thinking that was cut off is all thinking');
  assert.deepEqual(count('left 3 </think> <answer> 3 </answer>'), [3, 7], 'where a template has opened it');
  assert.deepEqual(count('<think> left </think> <think> 3 </think> <answer> 3 </answer>'), [6, 10]);
});

test('a tag of several tokens ends where its last one does', () => {
  const text = '<think>ab</think><answer>c</answer>';
  assert.equal(thinkingTokens(spelled(text), letters), '<think>ab</think>'.length);
  assert.equal(thinkingTokens(spelled('no tags'), letters), 0);
  assert.equal(thinkingTokens(spelled('<think>ab'), letters), 9);
  const twice = `<think>a</think>b${text}`;
  assert.equal(thinkingTokens(spelled(twice), letters), twice.indexOf('<answer>'));
  // What the response was made to begin with is text, and no token that was sampled.
  const {tokens} = spelled('<answer>c</answer>');
  assert.equal(thinkingTokens({tokens, text: `<think></think>${String.fromCodePoint(...tokens)}`}, letters), 0);
});
