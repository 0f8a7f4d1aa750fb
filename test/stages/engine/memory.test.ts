/** The arithmetic of memory: what makes it more or less, and what is said of too much of it. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {StageFailure} from '../../../pipeline/stage.js';
import {
  activationMemory,
  announceMemory,
  computesAgain,
  memoryOf,
  trainingMemory,
} from '../../../stages/engine/memory.js';
import {newConfig} from '../../../stages/model/config.js';
import {countParameters} from '../../../stages/model/parameters.js';
import {reinforcementMemory} from '../../../stages/rollout/memory.js';

/** As large as SmolLM2-135M. */
const config = newConfig({
  vocabSize: 49_152,
  hiddenSize: 576,
  intermediateSize: 1536,
  layers: 30,
  heads: 9,
  keyValueHeads: 3,
  maxPositions: 8192,
  eosId: 2,
  padId: 0,
});
const buckets = {rows: 8, lengths: [64, 128]};
const sizes = {config, buckets, activationCheckpointing: false, threads: 1, updateRows: 32};

test('a reference is one more set of numbers, longer batches and more workers take more', () => {
  const set = (4 * countParameters(config)) / 2 ** 20;
  const training = memoryOf(trainingMemory(sizes));
  assert.ok(Math.abs(memoryOf(trainingMemory({...sizes, reference: true})) - training - set) < 1);
  const longer = {...sizes, buckets: {rows: 8, lengths: [256]}};
  assert.ok(memoryOf(trainingMemory(longer)) > training + 500);
  const sampling = {prompts: 2, group: 4, promptLengths: [64], maxNewTokens: 64};
  const needed = (cores: number): number => memoryOf(reinforcementMemory({...sizes, sampling, cores}));
  // The weights are mapped by all workers, so the second one takes less than a set of numbers more.
  assert.ok(needed(2) > needed(1) + set && needed(3) - needed(2) < needed(2) - needed(1));
});

test('layers are computed again by themselves where a batch would take more than 4 GiB, whatever the machine has', () => {
  const large = {rows: 16, lengths: [512]};
  assert.equal(computesAgain('auto', config, buckets), false);
  assert.equal(computesAgain('auto', config, large), true);
  assert.equal(computesAgain('off', config, large), false);
  assert.equal(computesAgain('on', config, buckets), true);
  assert.ok(activationMemory(config, large, true).mib < activationMemory(config, large, false).mib / 4);
});

test('what is needed is said, with what it is for; too much is refused with what would need less', () => {
  const notes: string[] = [];
  const how = {note: (text: string) => notes.push(text), remedies: ['a smaller “microBatch”', 'fewer cores']};
  announceMemory(trainingMemory(sizes), how, 24_000);
  assert.match(
    notes[0]!,
    /^needs about [\d.]+ GiB of memory: 0\.4 for the process, .* 134\.5 million numbers, .* 8 × 128 positions$/,
  );
  assert.throws(
    () => announceMemory(trainingMemory(sizes), how, 2000),
    (error: unknown) =>
      error instanceof StageFailure &&
      /about [\d.]+ GiB of memory, and there are 2\.0: .* Less is needed with a smaller “microBatch”, or fewer cores$/.test(
        error.message,
      ),
  );
  announceMemory(
    trainingMemory({...sizes, config: {...config, layers: 1, vocabSize: 64}, buckets: {rows: 8, lengths: [8]}}),
    how,
  );
  assert.equal(notes.length, 1, 'a small need is not worth a line');
});
