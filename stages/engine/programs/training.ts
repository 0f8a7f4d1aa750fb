/** Training for any objective: a call makes one optimizer update from any number of rows. */
import type {ComputeShape, Measures, Objective} from '../objective.js';
import {tensorflow} from '../../tensorflow/backend.js';
import {valueAndGradients} from '../../tensorflow/gradients.js';
import type {Output} from '../../tensorflow/graph.js';
import type {LargestBatch} from '../lanes.js';
import {inLanes, lanesOfTraining, ofLane} from '../lanes.js';
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
  /** Of each row what its objective calls `values`, if it has such; of one that was not computed nothing. */
  readonly values?: readonly (Float32Array | undefined)[];
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
export function training<Row, Metrics extends Measures>(
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
        const counting = rows.flatMap((row, index) => (objective.counts?.(row) === false ? [] : [index]));
        // Without any row that counts there is no batch: the update is made from gradients of 0.
        const batches = bucketed
          .cut(counting.map((index) => objective.positions(rows[index]!)))
          .map(({indices, shape}) => ({indices: indices.map((at) => counting[at]!), shape}));
        const single = batches.length === 1;
        if (!single) updates.prepare(context.run);
        let gradNorm = 0;
        const values = new Array<Float32Array | undefined>(rows.length).fill(undefined);
        const metrics = batches.flatMap((batch) => {
          context.beforeMicroBatch?.();
          const {attached, ...fitted} = bucketed.at(batch.shape);
          const feeds = feedsOf(fitted, objective.fill(rowsOf(batch, rows), batch.shape, rows));
          const [measured, effect, each] = context.run(
            labelOf(name, batch),
            single ? [...feeds, ...updates.feeds(learningRate)] : feeds,
            [
              attached.metrics,
              single ? attached.step : attached.accumulate,
              ...(attached.values === undefined ? [] : [attached.values]),
            ],
          );
          if (single) gradNorm = effect!.values[0]!;
          if (each !== undefined) {
            batch.indices.forEach((row, at) => {
              values[row] = objective.valuesOf?.(rows[row]!, batch.shape, each.values as Float32Array, at);
            });
          }
          return byLane(attached.names, measured!.values);
        });
        if (!single) {
          const [norm] = context.run(`${name}/update`, updates.feeds(learningRate), [updates.applySums]);
          gradNorm = norm!.values[0]!;
        }
        updates.count();
        return {...objective.report(metrics, rows), gradNorm, ...(objective.valuesOf !== undefined && {values})};
      };
    },
  };
}

/** The name of what an objective hands on of each row. */
const VALUES = 'values';

interface Step {
  /** The loss and what else is reported of each lane, as one vector. */
  readonly metrics: Output;
  /** Of one lane. */
  readonly names: readonly string[];
  /** Updates the policy; the gradient's norm. */
  readonly step: Output;
  readonly accumulate: Output;
  /** Of the rows, one after the other, where the objective has such. */
  readonly values: Output | undefined;
}

function declareTraining<Row, Metrics extends Measures>(
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
    compute(weights, given, whole) {
      const shape: ComputeShape = {...ofLane(whole, lanes), activationCheckpointing};
      const each = inLanes(lanes, given, (inputs) => {
        const {metrics, ...rest} = valueAndGradients(weights, (parameters) => {
          const {loss, metrics, values} = objective.compute(parameters, inputs, config, shape);
          return {loss, metrics: {...metrics, ...(values !== undefined && {[VALUES]: values})}};
        });
        const {[VALUES]: values, ...measured} = metrics;
        return {...rest, measured, values};
      });
      names = ['loss', ...Object.keys(each[0]!.measured)];
      const summed = Object.keys(weights).map((_, i) => raw.addN(each.map(({gradients}) => gradients[i]!)));
      const values = each.flatMap(({values}) => values ?? []);
      return {
        metrics: tensorflow().tf.stack(each.flatMap(({value, measured}) => [value, ...Object.values(measured)])),
        ...(values.length > 0 && {[VALUES]: values.length === 1 ? values[0]! : raw.concat(values, 0)}),
        ...Object.fromEntries(summed.map((gradient, i) => [`gradient${i}`, gradient])),
      };
    },
  };
  const attach = (outputs: Readonly<Record<string, Output>>): Step => {
    const gradients = context.weights('policy').map((_, i) => outputs[`gradient${i}`]!);
    return {
      metrics: outputs['metrics']!,
      values: outputs[VALUES],
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
