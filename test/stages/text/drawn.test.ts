/** What counts of tokens that were drawn, with tokenizers as real models have them. */
import assert from 'node:assert/strict';
import {join} from 'node:path';
import {test} from 'node:test';
import {begunStop, completionFrom, readTokens, upTo} from '../../../stages/text/drawn.js';
import {encodePrompt, renderConversation, renderPrompt} from '../../../stages/text/templates.js';
import {openGuardedTokenizer} from '../../../stages/text/guarded-tokenizer.js';
import {openTokenizer, type Tokenizer} from '../../../stages/text/tokenizer.js';
import {NO_WORDING} from '../../../stages/text/wording.js';

const folder = (name: string): string => join(import.meta.dirname, '../../../../test/fixtures/tokenizers', name);

test('what may be the beginning of a stop text is not shown yet', () => {
  assert.equal(begunStop('It is 7.\n', ['\n\nQuestion']), 1);
  assert.equal(begunStop('It is 7.\n\nQues', ['x', '\n\nQuestion']), 6);
  assert.equal(begunStop('It is 7.\n\nQuest?', ['\n\nQuestion']), 0);
  assert.equal(begunStop('aa', ['aab', 'ab']), 2);
  assert.equal(begunStop('It is 7.', []), 0);
});

for (const name of ['qwen-like', 'llama-like']) {
  const opened = openTokenizer(folder(name));

  const drawn = (tokenizer: Tokenizer, text: string, prefill = '') => {
    const promptTokens = encodePrompt(tokenizer, 'chat', 'How many?', {...NO_WORDING, prefill});
    // As a model goes on: the rest of the text behind the prompt, whatever the seam.
    const tokens = [...tokenizer.encode(text), tokenizer.eosId];
    return {promptTokens, tokens, finished: true, logProbs: tokens.map((_, place) => -place)};
  };

  test(`${name}: a response ends where the first of the stop texts begins, with the token that completes it`, async () => {
    const tokenizer = await opened;
    const text = 'The answer is 72.\n\nQuestion: how many more?\nObservation: none';
    for (const stop of ['\n\nQuestion:', 'Question', '\n', '72', 'T', 'none', ' more']) {
      const given = drawn(tokenizer, text);
      const read = readTokens(tokenizer, given, {prefill: '', stop: ['never there', stop]});
      const decoded = tokenizer.decode(tokenizer.encode(text));
      assert.equal(read.text, decoded.slice(0, decoded.indexOf(stop)), stop);
      assert.equal(read.finished, true);
      assert.ok(tokenizer.decode(given.tokens.slice(0, read.count)).includes(stop), stop);
      assert.ok(!tokenizer.decode(given.tokens.slice(0, read.count - 1)).includes(stop), stop);
      const kept = upTo(given, read);
      assert.deepEqual([kept.tokens.length, kept.logProbs.length], [read.count, read.count]);
    }
  });

  test(`${name}: of two stop texts the one that is complete first ends it`, async () => {
    const tokenizer = await opened;
    const read = readTokens(tokenizer, drawn(tokenizer, 'a b c d e f'), {prefill: '', stop: ['b c d e', 'c']});
    assert.match(read.text, /^a b $/);
  });

  test(`${name}: what was cut off is finished by a stop text, and without one it is what it was`, async () => {
    const tokenizer = await opened;
    const cut = {...drawn(tokenizer, 'so 7\nand'), finished: false};
    const tokens = cut.tokens.slice(0, -1);
    assert.equal(readTokens(tokenizer, {...cut, tokens}, {prefill: '', stop: ['\n']}).finished, true);
    const whole = readTokens(tokenizer, {...cut, tokens}, {prefill: '', stop: ['x']});
    assert.deepEqual([whole.finished, whole.count], [false, tokens.length]);
  });

  test(`${name}: the text begins with what the response was made to begin with, and keeps the space behind it`, async () => {
    const tokenizer = await opened;
    const prefill = '<think>\nThe answer is';
    const read = readTokens(tokenizer, drawn(tokenizer, ' 72.\n</think>\n<answer>72</answer>', prefill), {
      prefill,
      stop: [],
    });
    assert.match(read.text, /^<think>\nThe answer is {1,2}72\.\n<\/think>/);
    const completion = completionFrom(read, {prefill, stop: []});
    assert.deepEqual([completion.answer, completion.tagged, completion.prefill], ['72', true, prefill]);
    // A stop text in what it was made to begin with ends nothing.
    const going = drawn(tokenizer, 'x', prefill);
    assert.equal(readTokens(tokenizer, going, {prefill, stop: ['answer is']}).count, going.tokens.length);
  });

  test(`${name}: the thread of a tokenizer reads the same`, async (t) => {
    const tokenizer = await opened;
    const guarded = await openGuardedTokenizer(folder(name));
    t.after(() => guarded.close());
    const given = drawn(tokenizer, 'The answer is 72.\nDone', 'So: ');
    const ends = {prefill: 'So: ', stop: ['\n']};
    assert.deepEqual(await guarded.read(given, ends), readTokens(tokenizer, given, ends));
    const shots = [{question: 'Why?', response: 'So.'}];
    const asked = {shots, system: '', suffix: ' Think.', prefill: '<think>'};
    assert.deepEqual(
      await guarded.encodePrompt('chat', [{role: 'user', content: 'How?'}], {asked}),
      encodePrompt(tokenizer, 'chat', 'How?', asked),
    );
    const spoken = [
      {role: 'user', content: 'Why? Think.'},
      {role: 'assistant', content: 'So.'},
      {role: 'user', content: 'How?'},
    ] as const;
    assert.equal(
      renderPrompt(tokenizer, 'chat', 'How?', asked),
      renderConversation(tokenizer, 'chat', spoken, {...asked, shots: []}),
    );
    assert.throws(() => renderPrompt(tokenizer, 'zero', 'How?', asked), /has no turns for the shots/);
  });
}
