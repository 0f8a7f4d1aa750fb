/** The engine's programs for this recipe's objectives: what trains, and what computes log-probabilities and scores. */
import type {BatchShape} from '../engine/objective.js';
import type {Program, WeightSlot} from '../engine/program.js';
import type {Buckets} from '../engine/programs/batches.js';
import type {TokenRow} from '../engine/programs/forward.js';
import {forward} from '../engine/programs/forward.js';
import type {Train} from '../engine/programs/training.js';
import {training} from '../engine/programs/training.js';
import type {ShapedFunction} from '../engine/shape-polymorphic.js';
import type {TypedArray} from '../tensorflow/backend.js';
import type {CrossEntropyMetrics, TargetRow} from './cross-entropy.js';
import {alignedWith, crossEntropyObjective, tokenArrays, tokenInputs, tokenLogProbabilities} from './cross-entropy.js';
import type {GrpoMetrics, GrpoOptions, GrpoRow} from './grpo.js';
import {grpoObjective} from './grpo.js';
import type {LabelledRow, Pair, RewardMetrics} from './reward-model.js';
import {pairwiseObjective, pointwiseObjective, scoreArrays, scoreInputs, scores} from './reward-model.js';

/** A call makes one optimizer update by `crossEntropyObjective`. */
export const crossEntropyTraining = (buckets: Buckets): Program<Train<TargetRow, CrossEntropyMetrics>> =>
  training(crossEntropyObjective, buckets);

/** A call makes one optimizer update by `grpoObjective`. */
export const grpoTraining = ({
  rows,
  lengths,
  targets,
  ...options
}: Buckets & GrpoOptions): Program<Train<GrpoRow, GrpoMetrics>> =>
  training(grpoObjective(options), {rows, lengths, ...(targets !== undefined && {targets})});

/** A call makes one optimizer update by `pairwiseObjective`. `rows` of the buckets counts both rows of a pair. */
export const pairwiseTraining = (buckets: Buckets): Program<Train<Pair, RewardMetrics>> =>
  training(pairwiseObjective, buckets);

/** A call makes one optimizer update by `pointwiseObjective`. */
export const pointwiseTraining = (buckets: Buckets): Program<Train<LabelledRow, RewardMetrics>> =>
  training(pointwiseObjective, buckets);

/**
 * log p of each token given those before it, logits divided by the temperature. One array a row, aligned with its
 * tokens; the first token has nothing before it and gets 0, as do those that are no targets where the buckets have `targets`.
 */
export const logProbabilities = ({
  temperature,
  of = 'policy',
  ...buckets
}: Buckets & {readonly temperature: number; readonly of?: WeightSlot}): Program<
  (rows: readonly TokenRow[]) => Float32Array[]
> => ({
  batch: {rows: buckets.rows},
  declare(context, name) {
    const shaped: ShapedFunction = {
      slot: of,
      inputs: tokenInputs,
      compute: (weights, given, shape) => ({
        values: tokenLogProbabilities(weights, given, context.config, shape, temperature),
      }),
    };
    const call = forward(context, name, buckets, shaped, tokenArrays);
    return (rows) =>
      call(
        rows,
        ({tokens}) => tokens.length - 1,
        (values, at, row, shape) => alignedWith(row, shape, values, at),
      );
  },
});

/** The scalar of each row, read at its last token: one number a row, not squashed. The model must have a score head. */
export const scoring = (buckets: Buckets): Program<(rows: readonly TokenRow[]) => Float32Array> => ({
  batch: {rows: buckets.rows},
  declare(context, name) {
    const shaped: ShapedFunction = {
      slot: 'policy',
      inputs: scoreInputs,
      compute: (weights, given, shape) => ({values: scores(weights, given, context.config, shape)}),
    };
    const arrays = (rows: readonly TokenRow[], shape: BatchShape): Record<string, TypedArray> =>
      scoreArrays(
        rows.map(({tokens}) => tokens),
        shape,
      );
    const call = forward(context, name, buckets, shaped, arrays);
    return (rows) =>
      Float32Array.from(
        call(
          rows,
          ({tokens}) => tokens.length,
          (values, at) => values[at]!,
        ),
      );
  },
});
