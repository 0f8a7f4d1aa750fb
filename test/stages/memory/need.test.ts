/** What is said of a need, and of one that is too large: which param makes it fit, and with which value. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {StageFailure} from '../../../pipeline/stage.js';
import {announceMemory, told} from '../../../stages/memory/need.js';
import type {Need} from '../../../stages/memory/need.js';

/** 1 GiB for the model, 512 MiB a row, and 1 GiB for each thousand tokens that samples have come to. */
const need = (microBatch: number, maxNewTokens = 1000, checkpointing: 'auto' | 'on' = 'on'): Need => ({
  values: {microBatch, activationCheckpointing: checkpointing, maxNewTokens},
  parts: ({microBatch, activationCheckpointing, maxNewTokens}, reached = Number(maxNewTokens)) => [
    {mib: 1024, of: 'the model'},
    {mib: Number(microBatch) * (activationCheckpointing === 'on' ? 512 : 1024), of: `${microBatch} rows`},
    {mib: 1.024 * Math.min(reached, Number(maxNewTokens)), of: 'samples'},
  ],
});

function announced(of: Need, there: number): string[] {
  const notes: string[] = [];
  announceMemory(of, (text) => void notes.push(text), there);
  return notes;
}

test('what is needed is said with what it is for, and a small need is not worth a line', () => {
  assert.deepEqual(announced(need(4), 24_000), [
    'needs about 4.0 GiB of memory: 1.0 for the model, 2.0 for 4 rows, 1.0 for samples',
  ]);
  assert.deepEqual(announced({values: {}, parts: () => [{mib: 1000, of: 'the process'}]}, 24_000), []);
});

test('too much from the start is refused, with each param that would do alone and a value that fits', () => {
  assert.throws(
    () => announced(need(16, 100), 4096),
    (error: unknown) =>
      error instanceof StageFailure &&
      error.message ===
        'this needs about 9.0 GiB of memory, and there are 4.0: 1.0 for the model, 8.0 for 16 rows, 0.0 for samples. ' +
          'It would fit with “microBatch” 4 instead of 16',
  );
  assert.throws(
    () => announced(need(4, 16, 'auto'), 4096),
    /It would fit with “microBatch” 2 instead of 4, or “activationCheckpointing” on instead of auto$/,
  );
});

test('where no param does alone, all that would do together are named; where nothing would, that is said', () => {
  assert.throws(
    () => announced(need(8, 4000, 'auto'), 1900),
    /It would fit with “microBatch” 1 instead of 8 and “activationCheckpointing” on instead of auto and “maxNewTokens” 250 instead of 4000$/,
  );
  assert.throws(
    () => announced(need(8, 100), 1100),
    /“microBatch”, “activationCheckpointing”, “maxNewTokens” would have to be lower than they can be/,
  );
});

test('a need that grows with the samples is no reason to refuse: it is said how long they may get', () => {
  assert.deepEqual(announced(need(2, 32_000), 4096), [
    'needs about 2.0 GiB of memory at first, and 34.0 once a sample has “maxNewTokens” 32000; the 4.0 GiB that there are last for ' +
      'samples of about 2000 tokens. It would fit with “maxNewTokens” 2000 instead of 32000',
  ]);
});

test('the runner is told the most that may be needed, and what would need less than there is', () => {
  const {mib, explain} = told(need(2, 32_000));
  assert.equal(mib, 1024 + 1024 + 1.024 * 32_000);
  assert.match(explain!(4096), /^1\.0 for the model, .* It would fit with “maxNewTokens” 2000 instead of 32000$/);
});
