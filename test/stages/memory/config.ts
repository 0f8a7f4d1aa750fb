/** The model that memory is reckoned for. */
import {newConfig} from '../../../stages/model/config.js';

/** As large as SmolLM2-135M. */
export const config = newConfig({
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
