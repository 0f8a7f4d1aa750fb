/** Training for any objective: a call makes one optimizer update from any number of rows. */
import type {Objective} from '../objective.js';
import {tensorflow} from '../../tensorflow/backend.js';
import {valueAndGradients} from '../../tensorflow/gradients.js';
import type {Output} from '../../tensorflow/graph.js';
import type {LargestBatch} from '../lanes.js';
import {inLanes, lanesOfTraining} from '../lanes.js';
import {raw} from '../../tensorflow/ops.js';
import type {Program, ProgramContext} from '../program.js';
import type {ShapedFunction} from '../shape-polymorphic.js';
import type {Updates} from '../optimizer.js';
import type {Bucketed, Buckets} from './batches.js';
import {declareBuckets, feedsOf, labelOf, rowsOf} from './batches.js';

/** What one update reports. */
export type Trained<Metrics> = Metrics & {
  /** The norm of the gradient before clipping. */
  readonly gradNorm: number;
};

/**
 * Makes one optimizer update from the rows.
 * @throws {Error} without rows, or for a row that is longer than the longest bucket
 */
export type Train<Row, Metrics> = (rows: readonly Row[], options: {readonly learningRate: number}) => Trained<Metrics>;

const largestBatch = ({rowsTogether}: {readonly rowsTogether: number}, {rows, lengths}: Buckets): LargestBatch => ({
  rows,
  together: rowsTogether,
  trained: rows * Math.max(...lengths),
});

/**
 * A program that makes one optimizer update a call. Rows are cut into micro-batches whose gradients are summed, so that the
 * update is the one of a single large batch.
 */
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
          context.beforeMicroBatch?.();
          const {attached, ...fitted} = bucketed.at(batch.shape);
          const feeds = feedsOf(fitted, objective.fill(rowsOf(batch, rows), batch.shape, rows));
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
  const {config, activationCheckpointing} = context;
  const together = objective.rowsTogether;
  const lanes = lanesOfTraining(context.lanes, largestBatch(objective, buckets), config.hiddenSize);
  let names: readonly string[] = [];
  const shaped: ShapedFunction = {
    slot: 'policy',
    inputs: (shape) => objective.inputs(shape),
    compute(weights, given, {rows, length}) {
      const shape = {rows: rows / lanes, length, activationCheckpointing};
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
      step: context.graph.inScope('update', () => updates.apply(gradients)),
      accumulate: context.graph.inScope('accumulate', () => updates.accumulate(gradients)),
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
