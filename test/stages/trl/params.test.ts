/** What can be told of a training by TRL before anything runs. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {configMistakes, microBatchOf, spreadMistakes} from '../../../stages/trl/params.js';

test('ranks and micro-batches share the rows of an update evenly, or it is said what would', () => {
  const mistakes = (rows: number, ranks: number, microBatch: number) =>
    spreadMistakes({rows, named: 'batch'}, {ranks, microBatch});
  assert.deepEqual(mistakes(128, 2, 0), []);
  assert.deepEqual(mistakes(128, 2, 16), []);
  assert.deepEqual(mistakes(12, 5, 0), [
    '5 ranks cannot share the 12 rows of an update (batch) evenly; 1, 2, 3, 4, 6 or 12 can',
  ]);
  assert.deepEqual(mistakes(12, 2, 4), [
    'microBatch 4 does not divide the 6 rows that a rank has of an update (batch)',
  ]);
  assert.equal(microBatchOf(12, {ranks: 2, microBatch: 0}), 6);
  assert.equal(microBatchOf(12, {ranks: 2, microBatch: 3}), 3);
});

test('settings that the stage makes itself are refused with the param that they are, and so is what was never tried', () => {
  assert.deepEqual(configMistakes({top_entropy_quantile: 0.2}), []);
  assert.deepEqual(configMistakes({learning_rate: 1, seed: 3, fsdp: 'full_shard', use_vllm: true}), [
    'config.learning_rate is set by the stage itself: it is the param learningRate',
    'config.seed is set by the stage itself',
    'config.fsdp: ranks hold whole copies of the model here, and sharding it has not been tried',
    'config.use_vllm: completions are drawn by transformers; vLLM has not been tried',
  ]);
});
