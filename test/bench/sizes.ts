/** The models that are measured, small enough for two cores and large enough to tell kernels from overhead. */
import type {ModelConfig} from '../../stages/model/config.js';
import {newConfig} from '../../stages/model/config.js';

export interface Size {
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly intermediateSize: number;
  readonly vocabSize: number;
  /** Rows of a training step, and samples of a generation. */
  readonly rows: number;
  /** Positions of a row, and tokens of a generation. */
  readonly length: number;
}

/** SwiGLU has three matrices where a plain feed-forward has two, so 8/3 of the width costs what 4 does there. */
const size = (
  hiddenSize: number,
  layers: number,
  heads: number,
  rows: number,
  length: number,
  vocabSize: number,
): Size => ({
  hiddenSize,
  layers,
  heads,
  keyValueHeads: heads,
  intermediateSize: Math.round((hiddenSize * 8) / 3 / 8) * 8,
  vocabSize,
  rows,
  length,
});

export const SIZES = {
  A: size(64, 2, 4, 128, 67, 40),
  B: size(128, 4, 4, 32, 64, 256),
  C: size(512, 6, 8, 8, 128, 4096),
  /** The shape of SmolLM2-135M. */
  D: {...size(576, 30, 9, 2, 128, 49152), keyValueHeads: 3, intermediateSize: 1536},
} as const;

export const configOf = (of: Size): ModelConfig => newConfig({...of, maxPositions: 4 * of.length, eosId: 1, padId: 0});

/** Multiplications and additions of one training step: 6 for each weight and token, and 12 for each pair of tokens and channel. */
export function trainingOperations({
  hiddenSize: d,
  layers,
  heads,
  keyValueHeads,
  intermediateSize: f,
  vocabSize,
  rows,
  length,
}: Size): number {
  const attention = d * d * (2 + (2 * keyValueHeads) / heads);
  const perToken = layers * (attention + 3 * d * f) + d * vocabSize;
  return 6 * rows * length * perToken + 12 * layers * rows * length * length * d;
}
