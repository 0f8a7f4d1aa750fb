/** Programs that train: a call makes one optimizer update from any number of rows. */
import {crossEntropyObjective} from '../../train/cross-entropy.js';
import type {CrossEntropyMetrics, TargetRow} from '../../train/cross-entropy.js';
import type {GrpoMetrics, GrpoOptions, GrpoRow} from '../../train/grpo.js';
import {grpoObjective} from '../../train/grpo.js';
import type {Objective} from '../../train/objective.js';
import type {LabelledRow, Pair, RewardMetrics} from '../../train/reward-model.js';
import {pairwiseObjective, pointwiseObjective} from '../../train/reward-model.js';
import {tensorflow} from '../backend.js';
import {valueAndGradients} from '../gradients.js';
import type {Output} from '../graph.js';
import type {Placeholders, Program, ProgramContext} from '../program.js';
import {placeholders, recordInto} from '../program.js';
import type {Updates} from '../updates.js';
import {checkedLengths, microBatches} from './batches.js';

/** Rows of one micro-batch, and the lengths (positions) that rows are padded to. */
export interface Buckets {
  readonly rows: number;
  readonly lengths: readonly number[];
}

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
  declare(context, name) {
    const objective = crossEntropyObjective;
    const parts = perBucket(context, name, buckets, (length) => {
      const shape = {rows: buckets.rows, length};
      const inputs = placeholders(context.graph, objective.inputs(shape));
      const {loss} = recordInto(context, 'policy', inputs, (weights, given) => ({
        loss: objective.compute(weights, given, context.config, shape).loss,
      }));
      return {inputs, outputs: [loss], metricNames: ['loss']};
    });
    return (rows) => objective.report(runParts(context, name, objective, buckets, rows, parts), rows);
  },
});

interface Part {
  readonly inputs: Placeholders;
  readonly outputs: readonly Output[];
  readonly metricNames: readonly string[];
}

interface TrainingPart extends Part {
  /** Fetched beside the metrics: the gradient's norm, after the update; or a number, after the accumulation. */
  readonly step: Output;
  readonly accumulate: Output;
}

/** A program that trains for any objective. */
export function training<Row, Metrics extends Record<string, number>>(
  objective: Objective<Row, Metrics>,
  buckets: Buckets,
): Program<Train<Row, Metrics>> {
  return {
    declare(context, name) {
      const updates = updatesOf(context, name);
      if (buckets.rows % objective.rowsTogether !== 0) {
        throw new Error(
          `Internal error: ${name} needs a multiple of ${objective.rowsTogether} rows, not ${buckets.rows}`,
        );
      }
      const parts = perBucket(context, name, buckets, (length) =>
        declareStep(context, objective, {rows: buckets.rows, length}, updates),
      );
      return (rows, {learningRate}) => {
        if (rows.length === 0) throw new Error(`Internal error: ${name} is called without rows`);
        const batches = microBatches(
          rows.map((row) => objective.positions(row)),
          buckets.rows / objective.rowsTogether,
          buckets.lengths,
        );
        const single = batches.length === 1;
        if (!single) updates.prepare(context.run);
        let gradNorm = 0;
        const metrics = batches.map(({indices, length}) => {
          const part = parts.get(length)!;
          const arrays = objective.fill(
            indices.map((i) => rows[i]!),
            {rows: buckets.rows, length},
            rows,
          );
          const feeds = Object.entries(arrays).map(([key, values]) => ({placeholder: part.inputs[key]!, values}));
          const fetched = context.run(
            `${name}/${length}`,
            single ? [...feeds, ...updates.feeds(learningRate)] : feeds,
            [...part.outputs, single ? part.step : part.accumulate],
          );
          if (single) gradNorm = fetched.at(-1)!.values[0]!;
          return named(part, fetched[0]!.values);
        });
        if (!single)
          gradNorm = context.run(`${name}/update`, updates.feeds(learningRate), [updates.applySums])[0]!.values[0]!;
        updates.count();
        return {...objective.report(metrics, rows), gradNorm};
      };
    },
  };
}

function declareStep<Row, Metrics extends Record<string, number>>(
  context: ProgramContext,
  objective: Objective<Row, Metrics>,
  shape: {readonly rows: number; readonly length: number},
  updates: Updates,
): TrainingPart {
  const inputs = placeholders(context.graph, objective.inputs(shape));
  const metricNames = ['loss'];
  const recorded = recordInto(context, 'policy', inputs, (weights, given) => {
    const {tf} = tensorflow();
    const {value, gradients, metrics} = valueAndGradients(weights, (parameters) =>
      objective.compute(parameters, given, context.config, shape),
    );
    metricNames.push(...Object.keys(metrics));
    return {
      metrics: tf.stack([value, ...Object.values(metrics)]),
      ...Object.fromEntries(gradients.map((gradient, i) => [`gradient${i}`, gradient])),
    };
  });
  const outputs: Readonly<Record<string, Output>> = recorded;
  const gradients = context.weights('policy').map((_, i) => outputs[`gradient${i}`]!);
  return {
    inputs,
    outputs: [recorded.metrics],
    metricNames,
    step: context.graph.scoped('update', () => updates.apply(gradients)),
    accumulate: context.graph.scoped('accumulate', () => updates.accumulate(gradients)),
  };
}

function runParts<Row>(
  context: ProgramContext,
  name: string,
  objective: Objective<Row, Record<string, number>>,
  buckets: Buckets,
  rows: readonly Row[],
  parts: ReadonlyMap<number, Part>,
): Record<string, number>[] {
  return microBatches(
    rows.map((row) => objective.positions(row)),
    buckets.rows,
    buckets.lengths,
  ).map(({indices, length}) => {
    const part = parts.get(length)!;
    const arrays = objective.fill(
      indices.map((i) => rows[i]!),
      {rows: buckets.rows, length},
      rows,
    );
    const feeds = Object.entries(arrays).map(([key, values]) => ({placeholder: part.inputs[key]!, values}));
    return named(part, context.run(`${name}/${length}`, feeds, part.outputs)[0]!.values);
  });
}

const named = ({metricNames}: Part, values: ArrayLike<number>): Record<string, number> =>
  Object.fromEntries(metricNames.map((metric, i) => [metric, values[i]!]));

/** Builds something for each bucket, its nodes named after program and bucket. */
export function perBucket<T>(
  {graph}: ProgramContext,
  name: string,
  {lengths}: Buckets,
  build: (length: number) => T,
): ReadonlyMap<number, T> {
  return new Map(
    checkedLengths(name, lengths).map((length) => [length, graph.scoped(`${name}/${length}`, () => build(length))]),
  );
}

function updatesOf({updates}: ProgramContext, name: string): Updates {
  if (updates === undefined)
    throw new Error(`Internal error: ${name} trains, and the engine was opened without an optimizer`);
  return updates;
}
