import assert from 'node:assert/strict';
import {test} from 'node:test';
import {lazyExecutor} from '../../bin/executor.js';

test('R1_LAUNCHER takes three words, and says so of any other', () => {
  for (const word of ['quick', 'always', 'never']) assert.ok(lazyExecutor(word));
  for (const word of ['sometimes', 'toString']) {
    assert.throws(() => lazyExecutor(word), {
      name: 'UserError',
      message: `R1_LAUNCHER is “${word}”; it may be quick, always, never`,
    });
  }
});
