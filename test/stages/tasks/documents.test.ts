import assert from 'node:assert/strict';
import test from 'node:test';

import {corpus, CORPUS, corpusCard} from '../../../stages/tasks/documents.js';
import {parseReasoning} from '../../../stages/tasks/dials-grammar.js';
import {SCENARIO_SHARES} from '../../../stages/tasks/general-choice.js';
import {generalPrompts, heldOutGeneral} from '../../../stages/tasks/prompt-sets.js';
import {readCompletion} from '../../../stages/text/completion.js';
import {isSoundStep} from './solution.js';

const documents = [...corpus({seed: 5, count: 4000})];

test('a document depends on the seed and its own number only', () => {
  const [first, second] = [...corpus({seed: 5, count: 2})];
  assert.deepEqual([first, second], documents.slice(0, 2));
  assert.notDeepEqual([...corpus({seed: 6, count: 2})], [first, second]);
});

test('the counted shares agree with the declared ones', () => {
  const card = corpusCard(documents);
  const near = (count: number | undefined, share: number, of: number): void => {
    const spread = Math.sqrt(share * (1 - share) * of);
    assert.ok(Math.abs((count ?? 0) - share * of) < 4.5 * spread, `${count} of ${of}, expected ${share * of}`);
  };
  for (const [source, share] of Object.entries(CORPUS.sources)) near(card.sources[source], share, 4000);
  const asked = documents.filter(({source}) => source === 'zero' || source === 'chat');
  const styles = corpusCard(asked).styles;
  for (const [style, share] of Object.entries(CORPUS.styles)) near(styles[style], share, asked.length);
  near(card.languages['zh'], CORPUS.chinese, 4000);
});

test('no document is longer than the limit', () => {
  for (const {prompt, response} of documents) {
    const words = `${prompt} ${response}`.trim().split(' ').length;
    assert.ok(words <= CORPUS.maxWords, `${words} words: ${prompt} ${response}`);
  }
});

test('Chinese lines slip more often than English ones, as the shares say', () => {
  const slips = {en: [0, 0], zh: [0, 0]};
  for (const {task, source, style, response} of documents) {
    if (task !== 'dials' || source === 'plain' || style !== 'step') continue;
    for (const line of (readCompletion(response, true).thinking ?? '').match(/[^.。]+[.。]/g) ?? []) {
      const reasoning = parseReasoning(line);
      assert.ok(reasoning.ok, line);
      const count = slips[line.includes('。') ? 'zh' : 'en'];
      count[1]! += 1;
      if (!reasoning.value.every(isSoundStep)) count[0]! += 1;
    }
  }
  const rate = ([slipped, all]: number[]): number => slipped! / all!;
  // A slip is one of ten digits, the right one included: 0.12 × 0.9 = 0.108 and 0.12 × 2.5 × 0.9 = 0.27.
  assert.ok(Math.abs(rate(slips.en) - 0.108) < 0.04, `en ${rate(slips.en)}`);
  assert.ok(Math.abs(rate(slips.zh) - 0.27) < 0.06, `zh ${rate(slips.zh)}`);
});

test('general prompts keep to the shares and the held-out set covers every kind in both languages', () => {
  const prompts = generalPrompts({seed: 1, split: 'train', count: 2000});
  assert.equal(new Set(prompts.map(({id}) => id)).size, 2000, 'a question that is asked again has an id of its own');
  assert.ok(new Set(prompts.map(({question}) => question)).size < 2000);
  const refusals = prompts.filter(({scenario}) => scenario?.kind === 'refuse').length;
  assert.ok(Math.abs(refusals / 2000 - SCENARIO_SHARES.refuse) < 0.045, `${refusals} of 2000`);
  const held = heldOutGeneral();
  for (const kind of Object.keys(SCENARIO_SHARES)) {
    const ofKind = held.filter(({scenario}) => scenario?.kind === kind);
    assert.ok(ofKind.length >= 10, `${kind}: ${ofKind.length}`);
    assert.equal(ofKind.filter(({language}) => language === 'zh').length * 2, ofKind.length);
  }
  assert.equal(new Set(held.map(({id}) => id)).size, held.length);
});

test('the order in which shares are written does not matter', () => {
  const turned = <T extends object>(shares: T): T => Object.fromEntries(Object.entries(shares).reverse()) as T;
  const {sources, styles} = CORPUS;
  const reversed = {sources: turned(sources), styles: turned(styles)};
  assert.deepEqual([...corpus({seed: 1, count: 200, ...reversed})], [...corpus({seed: 1, count: 200})]);
});
