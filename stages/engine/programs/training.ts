/** Programs that train: a call makes one optimizer update from any number of rows. */
import {crossEntropyObjective} from '../../train/cross-entropy.js';
import type {CrossEntropyMetrics, TargetRow} from '../../train/cross-entropy.js';
import type {GrpoMetrics, GrpoOptions, GrpoRow} from '../../train/grpo.js';
import {grpoObjective} from '../../train/grpo.js';
import type {Objective} from '../objective.js';
import type {LabelledRow, Pair, RewardMetrics} from '../../train/reward-model.js';
import {pairwiseObjective, pointwiseObjective} from '../../train/reward-model.js';
import type {TypedArray} from '../../tensorflow/backend.js';
import {tensorflow} from '../../tensorflow/backend.js';
import {valueAndGradients} from '../../tensorflow/gradients.js';
import type {Output} from '../../tensorflow/graph.js';
import type {LargestBatch} from '../lanes.js';
import {inLanes, lanesOf, lanesOfTraining} from '../lanes.js';
import {raw} from '../../tensorflow/ops.js';
import type {Program, ProgramContext} from '../program.js';
import type {Feed} from '../../tensorflow/session.js';
import type {Fitted, Shaped} from '../shape-polymorphic.js';
import type {Updates} from '../optimizer.js';
import type {Bucketed, Buckets, MicroBatch} from './batches.js';
import {declareBuckets} from './batches.js';

export type Trained<Metrics> = Metrics & {
  /** The norm of the gradient before clipping. */
  readonly gradNorm: number;
};

export type Train<Row, Metrics> = (rows: readonly Row[], options: {readonly learningRate: number}) => Trained<Metrics>;

export const crossEntropyTraining = (buckets: Buckets): Program<Train<TargetRow, CrossEntropyMetrics>> =>
  training(crossEntropyObjective, buckets);

export const grpoTraining = ({
  rows,
  lengths,
  ...options
}: Buckets & GrpoOptions): Program<Train<GrpoRow, GrpoMetrics>> => training(grpoObjective(options), {rows, lengths});

export const pairwiseTraining = (buckets: Buckets): Program<Train<Pair, RewardMetrics>> =>
  training(pairwiseObjective, buckets);

export const pointwiseTraining = (buckets: Buckets): Program<Train<LabelledRow, RewardMetrics>> =>
  training(pointwiseObjective, buckets);

/** The mean loss of rows under the policy; nothing is updated. */
export const crossEntropyLoss = (buckets: Buckets): Program<(rows: readonly TargetRow[]) => CrossEntropyMetrics> => ({
  batch: {rows: buckets.rows},
  declare(context, name) {
    const objective = crossEntropyObjective;
    const lanes = lanesOf(context.lanes, buckets.rows);
    const shaped: Shaped = {
      slot: 'policy',
      inputs: (shape) => objective.inputs(shape),
      compute(weights, given, {rows, length}) {
        const shape = {rows: rows / lanes, length};
        const losses = inLanes(
          lanes,
          given,
          (inputs) => objective.compute(weights, inputs, context.config, shape).loss,
        );
        return {loss: raw.addN(losses)};
      },
    };
    const bucketed = declareBuckets(context, name, buckets, shaped, ({loss}) => loss!, {lanes});
    return (rows) => {
      const parts = bucketed.cut(rows.map((row) => objective.positions(row))).map((batch) => {
        const {attached, ...fitted} = bucketed.at(batch.shape);
        const feeds = feedsOf(fitted, objective.fill(pick(rows, batch), batch.shape, rows));
        return {loss: context.run(labelOf(name, batch), feeds, [attached])[0]!.values[0]!};
      });
      return objective.report(parts, rows);
    };
  },
});

const largestBatch = ({rowsTogether}: {readonly rowsTogether: number}, {rows, lengths}: Buckets): LargestBatch => ({
  rows,
  together: rowsTogether,
  trained: rows * Math.max(...lengths),
});

/** A program that trains for any objective. */
export function training<Row, Metrics extends Record<string, number>>(
  objective: Objective<Row, Metrics>,
  buckets: Buckets,
): Program<Train<Row, Metrics>> {
  return {
    batch: largestBatch(objective, buckets),
    declare(context, name) {
      const {updates} = context;
      if (updates === undefined) {
        throw new Error(`Internal error: ${name} trains, and the engine was opened without an optimizer`);
      }
      const bucketed = declareTraining(context, name, objective, buckets, updates);
      return (rows, {learningRate}) => {
        if (rows.length === 0) throw new Error(`Internal error: ${name} is called without rows`);
        const batches = bucketed.cut(rows.map((row) => objective.positions(row)));
        const single = batches.length === 1;
        if (!single) updates.prepare(context.run);
        let gradNorm = 0;
        const metrics = batches.flatMap((batch) => {
          const {attached, ...fitted} = bucketed.at(batch.shape);
          const feeds = feedsOf(fitted, objective.fill(pick(rows, batch), batch.shape, rows));
          const [values, effect] = context.run(
            labelOf(name, batch),
            single ? [...feeds, ...updates.feeds(learningRate)] : feeds,
            [attached.metrics, single ? attached.step : attached.accumulate],
          );
          if (single) gradNorm = effect!.values[0]!;
          return byLane(attached.names, values!.values);
        });
        if (!single) {
          const [norm] = context.run(`${name}/update`, updates.feeds(learningRate), [updates.applySums]);
          gradNorm = norm!.values[0]!;
        }
        updates.count();
        return {...objective.report(metrics, rows), gradNorm};
      };
    },
  };
}

interface Step {
  /** The loss and what else is reported of each lane, as one vector. */
  readonly metrics: Output;
  /** Of one lane. */
  readonly names: readonly string[];
  /** Updates the policy; the gradient's norm. */
  readonly step: Output;
  readonly accumulate: Output;
}

function declareTraining<Row, Metrics extends Record<string, number>>(
  context: ProgramContext,
  name: string,
  objective: Objective<Row, Metrics>,
  buckets: Buckets,
  updates: Updates,
): Bucketed<Step> {
  const {config, recompute} = context;
  const together = objective.rowsTogether;
  const lanes = lanesOfTraining(context.lanes, largestBatch(objective, buckets), config.hiddenSize);
  let names: readonly string[] = [];
  const shaped: Shaped = {
    slot: 'policy',
    inputs: (shape) => objective.inputs(shape),
    compute(weights, given, {rows, length}) {
      const shape = {rows: rows / lanes, length, recompute};
      const each = inLanes(lanes, given, (inputs) =>
        valueAndGradients(weights, (parameters) => objective.compute(parameters, inputs, config, shape)),
      );
      names = ['loss', ...Object.keys(each[0]!.metrics)];
      const summed = Object.keys(weights).map((_, i) => raw.addN(each.map(({gradients}) => gradients[i]!)));
      return {
        metrics: tensorflow().tf.stack(each.flatMap(({value, metrics}) => [value, ...Object.values(metrics)])),
        ...Object.fromEntries(summed.map((gradient, i) => [`gradient${i}`, gradient])),
      };
    },
  };
  const attach = (outputs: Readonly<Record<string, Output>>): Step => {
    const gradients = context.weights('policy').map((_, i) => outputs[`gradient${i}`]!);
    return {
      metrics: outputs['metrics']!,
      names,
      step: context.graph.scoped('update', () => updates.apply(gradients)),
      accumulate: context.graph.scoped('accumulate', () => updates.accumulate(gradients)),
    };
  };
  return declareBuckets(context, name, buckets, shaped, attach, {together, lanes});
}

/** The metrics of each lane by name, as `Objective.report` takes them. */
function byLane(names: readonly string[], values: ArrayLike<number>): Record<string, number>[] {
  return Array.from({length: values.length / names.length}, (_, lane) =>
    Object.fromEntries(names.map((name, i) => [name, values[lane * names.length + i]!])),
  );
}

/** What a call feeds: the arrays of its rows, and the constants of their shape. */
export const feedsOf = ({inputs, constants}: Fitted, arrays: Readonly<Record<string, TypedArray>>): Feed[] => [
  ...Object.entries(arrays).map(([key, values]) => ({placeholder: inputs[key]!, values})),
  ...constants,
];

export const pick = <T>(rows: readonly T[], {indices}: MicroBatch): T[] => indices.map((i) => rows[i]!);

export const labelOf = (name: string, {shape}: MicroBatch): string => `${name}/${shape.rows}×${shape.length}`;
