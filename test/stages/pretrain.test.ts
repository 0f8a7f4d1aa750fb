import assert from 'node:assert/strict';
import {join} from 'node:path';
import {test} from 'node:test';
import {writeRows} from '../../stages/data/rows.js';
import {afterGate, headMistakes, pretrain, rateAt} from '../../stages/pretrain.js';
import {vocabulary} from '../../stages/tasks/lexicon.js';
import type {Prompt} from '../../stages/tasks/prompt.js';
import {generalPrompts} from '../../stages/tasks/prompt-sets.js';
import {writeWordTokenizer} from '../../stages/text/word-tokenizer.js';
import {temporaryFolder} from '../rig/temporary.js';
import {runHere} from './here.js';

const rate = {steps: 100, extraSteps: 20, learningRate: 1, warmup: 10, decayFrom: 0.6};

test('the learning rate warms up, holds, and falls to a twentieth', () => {
  assert.equal(rateAt(0, 100, rate), 0.1);
  assert.equal(rateAt(30, 100, rate), 1);
  assert.ok(Math.abs(rateAt(80, 100, rate) - 0.525) < 1e-9); // half way down: 1 − 0.95 / 2
  assert.ok(rateAt(99, 100, rate) < 0.08 && rateAt(99, 100, rate) >= 0.05);
});

test('added steps hold the peak and fall again', () => {
  assert.equal(rateAt(100, 120, rate), 1);
  assert.equal(rateAt(111, 120, rate), 1);
  assert.ok(Math.abs(rateAt(116, 120, rate) - 0.525) < 1e-9);
  assert.ok(rateAt(119, 120, rate) < 0.2);
});

test('without a fall the peak holds to the end', () => {
  assert.equal(rateAt(99, 100, {...rate, decayFrom: 1}), 1);
});

test('heads that cannot be are told by the names of the params', () => {
  assert.deepEqual(headMistakes({hiddenSize: 48, heads: 4, keyValueHeads: 2}), []);
  assert.deepEqual(headMistakes({hiddenSize: 48, heads: 5, keyValueHeads: 5}), [
    'heads is 5 and should divide hiddenSize, which is 48',
  ]);
  assert.deepEqual(headMistakes({hiddenSize: 12, heads: 4, keyValueHeads: 8}), [
    'hiddenSize is 12, so that each of 4 heads has 3 numbers; rotary positions need an even one',
    'keyValueHeads is 8 and should divide heads, which is 4',
  ]);
});

test('a start that is far from the gate is given up, one that is near it trains on, and the cap is the cap', () => {
  const params = {gate: 0.9, steps: 100, freshStarts: 2, freshBelow: 0.7, extraSteps: 20, maxSteps: 320};
  assert.equal(afterGate({passed: 0.9, step: 100, fresh: 0, begin: 0}, params), 'done');
  assert.equal(afterGate({passed: 0.8, step: 100, fresh: 0, begin: 0}, params), 'longer');
  assert.equal(afterGate({passed: 0.2, step: 100, fresh: 0, begin: 0}, params), 'fresh');
  assert.equal(afterGate({passed: 0.2, step: 220, fresh: 1, begin: 100}, params), 'longer', 'judged once');
  assert.equal(afterGate({passed: 0.2, step: 300, fresh: 2, begin: 200}, params), 'longer', 'no starts are left');
  assert.equal(afterGate({passed: 0.8, step: 320, fresh: 2, begin: 200}, params), 'fail');
  assert.equal(afterGate({passed: 0.2, step: 300, fresh: 1, begin: 200}, params), 'fail', 'no room for another start');
});

test('a gate without a problem to check is refused before any step', async (t) => {
  const folder = temporaryFolder(t);
  const at = (name: string): string => join(folder, name);
  await writeWordTokenizer(at('tokenizer'), vocabulary());
  await writeRows(at('documents'), [{id: 'd', from: [], prompt: '', response: 'left'}]);
  const checked: Prompt = {id: 'p', from: [], task: 'integer', key: 'p', question: '2', answer: '2'};
  const sets = {none: [], general: generalPrompts({seed: 0, split: 'train', count: 3}), checked: [checked]};
  for (const [name, rows] of Object.entries(sets)) {
    await writeRows(at(name), rows);
    const inputs = {documents: at('documents'), tokenizer: at('tokenizer'), validation: at(name)};
    await assert.rejects(runHere(t, pretrain, {inputs, params: {gateProblems: name === 'checked' ? 0 : 100}}), {
      name: 'StageFailure',
      message: /^the gate has no validation problem whose answer can be checked: wire prompts .*, or set gate: 0$/,
    });
  }
});
