/** The arithmetic of memory: what makes it more or less. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {newConfig, withScoreHead} from '../../../stages/model/config.js';
import {countParameters} from '../../../stages/model/parameters.js';
import {
  activationMemory,
  computesAgain,
  memoryOf,
  samplingMemory,
  trainingMemory,
} from '../../../stages/memory/parts.js';
import {reinforcementNeed, samplerNeed} from '../../../stages/memory/sampling.js';
import {config} from './config.js';

const buckets = {rows: 8, lengths: [64, 128]};
const sizes = {config, buckets, activationCheckpointing: false, threads: 1, updateRows: 8};
/** MiB of the model's numbers, once. */
const set = (4 * countParameters(config)) / 2 ** 20;
const near = (a: number, b: number): boolean => Math.abs(a - b) < 1;

test('a reference, sums of gradients and each lane are one more set of numbers; longer batches take more', () => {
  const training = memoryOf(trainingMemory(sizes));
  assert.ok(near(memoryOf(trainingMemory({...sizes, reference: true})) - training, set));
  assert.ok(near(memoryOf(trainingMemory({...sizes, updateRows: 32})) - training, set));
  // Two lanes have gradients of their own, and these are added up.
  const inLanes = {...sizes, buckets: {rows: 64, lengths: [128]}};
  assert.ok(near(memoryOf(trainingMemory({...inLanes, threads: 2})) - memoryOf(trainingMemory(inLanes)), 4 * set));
  assert.ok(memoryOf(trainingMemory({...sizes, buckets: {rows: 8, lengths: [256]}})) > training + 500);
  assert.ok(memoryOf(trainingMemory(sizes, {mib: 1e5, of: 'sampling'})) > 1e5, 'the larger use of a session counts');
  assert.equal(memoryOf(trainingMemory(sizes, {mib: 1, of: 'sampling'})), training);
});

test('layers are computed again by themselves where a batch would take more than 4 GiB, whatever the machine has', () => {
  const large = {rows: 16, lengths: [512]};
  assert.equal(computesAgain('auto', config, buckets), false);
  assert.equal(computesAgain('auto', config, large), true);
  assert.equal(computesAgain('off', config, large), false);
  assert.equal(computesAgain('on', config, buckets), true);
  assert.ok(activationMemory(config, large, true).mib < activationMemory(config, large, false).mib / 2);
});

test('a reward model has no logits', () => {
  const layers = activationMemory(withScoreHead(config), buckets, false).mib;
  const logits = activationMemory(config, buckets, false).mib - layers;
  // 8 × 128 positions of 49,152 logits are more than a part: three parts, one at a time four times over, and two gradients of the matrix.
  assert.ok(near(logits, (4 * ((4 * 8 * 128 * 49_152) / 3 + 2 * 49_152 * 576)) / 2 ** 20), String(logits));
});

test('the cache of a chunk is reckoned as long as its longest sample has got, sixteen tokens at a time', () => {
  const sampling = {prompts: 2, group: 8, promptLengths: [64], maxNewTokens: 4096};
  const at = (reached: number): number => samplingMemory(config, sampling, {reached}).mib;
  assert.equal(at(3), at(17), 'the first slots are there from the start');
  assert.ok(at(18) > at(17));
  // Keys and values: 2 × 30 layers × 3 heads × 64 numbers of 4 bytes in each of 16 rows, half as much again while rows grow.
  const step = (1.5 * 2 * 30 * 3 * 64 * 4 * 16 * 16) / 2 ** 20;
  assert.ok(at(4096) - at(2048) > 0.98 * 128 * step && at(4096) - at(2048) < 1.1 * 128 * step);
  assert.ok(samplingMemory(config, {...sampling, precision: 'bf16'}).mib > at(4096) + 0.45 * set, 'rounded matrices');
});

test('workers map one copy of a large model, and have their own of a small one', () => {
  const sampling = {prompts: 2, group: 8, promptLengths: [64], maxNewTokens: 64};
  const needed = (of: typeof config, cores: number): number => {
    const {values, parts} = samplerNeed({config: of, sampling, groups: 8, threads: 1, cores});
    return memoryOf(parts(values));
  };
  assert.ok(needed(config, 3) - needed(config, 2) < set / 2);
  const small = newConfig({...smallModel, eosId: 2, padId: 0});
  const ofSmall = (4 * countParameters(small)) / 2 ** 20;
  assert.ok(needed(small, 3) - needed(small, 2) > 2 * ofSmall);
});

const smallModel = {vocabSize: 512, hiddenSize: 512, intermediateSize: 1536, layers: 4, heads: 8, maxPositions: 512};

test('reinforcement learning: a worker more, a reward model more, longer samples', () => {
  const params = {
    ...{chunk: 2, microBatch: 8, maxNewTokens: 64, questions: 2, minibatches: 3, klCoefficient: 0},
    activationCheckpointing: 'auto' as const,
    ratio: 'token' as const,
  };
  const sampling = {group: 8, promptLengths: [64]};
  const needed = (
    others: {cores?: number; judges?: [typeof config]; maxNewTokens?: number},
    reached?: number,
  ): number => {
    const {cores = 1, judges = [], maxNewTokens = 64} = others;
    const given = {config, sampling, params: {...params, maxNewTokens}, threads: 1, cores, judges};
    const {values, parts} = reinforcementNeed(given);
    return memoryOf(parts(values, reached));
  };
  assert.ok(needed({cores: 2}) > needed({}) + set && needed({cores: 3}) - needed({cores: 2}) < set);
  assert.ok(needed({judges: [config]}) > needed({}) + set);
  assert.ok(needed({maxNewTokens: 4096}) > 10 * needed({maxNewTokens: 4096}, 16) - 5 * needed({}));
});

test('responses that share their prompt make longer rows, of which fewer are computed together', () => {
  const large = newConfig({...config, vocabSize: 8_192, eosId: 1, padId: 0});
  const needOf = (ratio: 'token' | 'sequence') => {
    const params = {
      ...{chunk: 2, microBatch: 8, maxNewTokens: 64, questions: 4, minibatches: 1, klCoefficient: 0, ratio},
      activationCheckpointing: 'off' as const,
    };
    const sampling = {group: 8, promptLengths: [96]};
    const {values, parts} = reinforcementNeed({config: large, sampling, params, judges: [], threads: 1, cores: 1});
    return parts(values).map(({of}) => of);
  };
  assert.ok(needOf('sequence').includes('a batch of 8 × 160 positions'), needOf('sequence').join('; '));
  assert.ok(needOf('token').includes('a batch of 2 × 608 positions'), needOf('token').join('; '));
});
