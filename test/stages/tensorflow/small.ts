/** Models small enough that a test can train them, or draw from them, and compute the same again in float64. */
import {newConfig} from '../../../stages/model/config.js';

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
