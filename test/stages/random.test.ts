import assert from 'node:assert/strict';
import {test} from 'node:test';
import {philox, random, samplingUniforms} from '../../stages/random.js';

test('Philox gives the known answers of its authors', () => {
  const words = new Uint32Array(4);
  const answer = (...args: [Parameters<typeof philox>[0], Parameters<typeof philox>[1]]): string => {
    philox(...args, words);
    return Array.from(words, (word) => word.toString(16).padStart(8, '0')).join(' ');
  };
  // kat_vectors of the Random123 distribution, philox4x32 with 10 rounds
  assert.equal(answer([0, 0, 0, 0], [0, 0]), '6627e8d5 e169c58d bc57ac4c 9b00dbd8');
  const ones = 0xffffffff;
  assert.equal(answer([ones, ones, ones, ones], [ones, ones]), '408f276d 41c83b0e a20bc7c6 6d5451fd');
  assert.equal(
    answer([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0]),
    'd16cfe09 94fdcceb 5001e420 24126ea1',
  );
});

test('equal keys give equal draws, and any other key other draws', () => {
  const draws = (...key: Parameters<typeof random>): number[] => {
    const source = random(...key);
    return Array.from({length: 8}, () => source.uniform());
  };
  assert.deepEqual(draws(1, 'order', 3), draws(1, 'order', 3));
  for (const other of [draws(2, 'order', 3), draws(1, 'noise', 3), draws(1, 'order', 4), draws(1, 'order')]) {
    assert.notDeepEqual(other, draws(1, 'order', 3));
  }
});

test('draws have the moments of their distributions', () => {
  const source = random(7, 'moments');
  const n = 20000;
  const uniform = Array.from({length: n}, () => source.uniform());
  const normal = Array.from({length: n}, () => source.normal());
  const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / n;
  assert.ok(uniform.every((value) => value >= 0 && value < 1));
  assert.ok(Math.abs(mean(uniform) - 0.5) < 0.01); // 5 standard errors: 0.2887 / √20000 × 5
  assert.ok(Math.abs(mean(normal)) < 0.036);
  assert.ok(Math.abs(mean(normal.map((value) => value * value)) - 1) < 0.05);
  const counts = [0, 0, 0];
  for (let i = 0; i < 3000; i++) counts[source.int(3)]!++;
  assert.ok(
    counts.every((count) => Math.abs(count - 1000) < 150),
    String(counts),
  );
});

test('a shuffle keeps every item and leaves the original alone', () => {
  const items = Array.from({length: 50}, (_, i) => i);
  const shuffled = random(1, 'shuffle').shuffle(items);
  assert.notDeepEqual(shuffled, items);
  assert.deepEqual(
    [...shuffled].sort((a, b) => a - b),
    items,
  );
});

test('a sample keeps its uniforms whatever else is in the batch', () => {
  const key = {seed: 5, purpose: 'rollout', step: 2};
  const both = samplingUniforms(key, [11, 12], 10);
  assert.deepEqual(samplingUniforms(key, [12], 10), both.slice(10));
  assert.deepEqual(samplingUniforms(key, [12], 6), both.slice(10, 16)); // a shorter response uses the first of them
  assert.notDeepEqual(samplingUniforms({...key, step: 3}, [12], 10), both.slice(10));
  assert.ok(both.every((value) => value >= 0 && value < 1));
});

test('a key that is not a whole number is refused', () => {
  assert.throws(() => random(0.5, 'order'), /whole number/);
  assert.throws(() => samplingUniforms({seed: 1, purpose: 'x'}, [-1], 2), /sample number/);
  assert.throws(() => random(1, 'x').pick([]), /nothing/);
});
