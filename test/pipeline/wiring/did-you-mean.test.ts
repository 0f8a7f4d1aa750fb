/** What a mistyped word most likely meant. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {nearest, suggestion} from '../../../pipeline/wiring/did-you-mean.js';

test('a word with a slip or two in it', () => {
  assert.equal(nearest('stf', ['sft', 'grpo']), 'sft', 'neighbours that are swapped are one slip');
  assert.equal(nearest('reasonng-rl', ['zero-rl', 'reasoning-rl']), 'reasoning-rl');
  assert.equal(nearest('ZERO-RL', ['zero-rl']), 'zero-rl');
  assert.equal(nearest('distillation', ['corpus', 'base']), undefined);
});

test('of equally near words the one that begins as typed', () => {
  assert.equal(nearest('step', ['stop', 'steps']), 'steps');
  assert.equal(nearest('step', ['steps', 'stop']), 'steps');
});

test('a word that was cut short is the shortest of those that begin with it, where enough of it was typed', () => {
  assert.equal(nearest('zero', ['base', 'zero-rl-step-5', 'zero-rl']), 'zero-rl');
  assert.equal(nearest('ze', ['zero-rl']), undefined);
  assert.equal(suggestion('zero', ['zero-rl']), ', did you mean “zero-rl”?');
  assert.equal(suggestion('pass', ['length']), '');
});
