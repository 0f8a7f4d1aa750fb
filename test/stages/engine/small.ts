/** Models small enough that a test can train them, or draw from them, and compute the same again in float64. */
import type {ModelConfig} from '../../../stages/model/config.js';
import {newConfig} from '../../../stages/model/config.js';
import {initialWeights} from '../../../stages/model/parameters.js';
import {random} from '../../../stages/random.js';

export const config = newConfig({
  vocabSize: 23,
  hiddenSize: 16,
  intermediateSize: 24,
  layers: 2,
  heads: 2,
  maxPositions: 64,
  initializerRange: 0.2,
  eosId: 2,
  padId: 0,
});

/** One with grouped keys and few tokens, for generation. Token 2 stops; 3 and above are what prompts are made of. */
export const drawn = newConfig({
  vocabSize: 12,
  hiddenSize: 16,
  intermediateSize: 24,
  layers: 2,
  heads: 4,
  keyValueHeads: 2,
  maxPositions: 64,
  initializerRange: 0.4,
  eosId: 2,
  padId: 0,
});

/** A chunk of prompts for it, with what they are drawn with. */
export const chunk = {
  prompts: 4,
  group: 3,
  promptLengths: [4, 8],
  maxNewTokens: 14,
  temperature: 1,
  topP: 1,
  topK: 0,
  stopIds: [2],
  padId: 0,
} as const;

/** The same model with all that a family may have besides: normalized heads, and biases everywhere. */
export const withAll = (config: ModelConfig): ModelConfig => ({
  ...config,
  headNorms: true,
  attentionBias: {qkv: true, output: true},
  mlpBias: true,
});

/** Fresh weights with gains and biases spread, so that it shows where one is left out. */
export function spreadWeights(config: ModelConfig, seed: number): Map<string, Float32Array> {
  const source = random(seed, 'gains and biases');
  return new Map(
    [...initialWeights(config, seed)].map(([name, values]) => [
      name,
      /norm|bias/.test(name) ? values.map((value) => value + 0.3 * source.normal()) : values,
    ]),
  );
}
