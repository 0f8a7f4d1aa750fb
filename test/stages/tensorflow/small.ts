/** A model small enough that a test can train it and compute it again in float64. */
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
