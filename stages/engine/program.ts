/**
 * What a program is to the engine: something that adds nodes to the one graph while it is being built, and becomes a
 * function once the graph runs. The variables that programs share are reached through the context.
 */
import type * as Tf from '@tensorflow/tfjs-node-gpu';
import type {ModelConfig} from '../model/config.js';
import type {DataType} from '../tensorflow/backend.js';
import type {Graph, Output} from '../tensorflow/graph.js';
import type {LargestBatch} from './lanes.js';
import type {Precision} from '../tensorflow/matmul.js';
import {Recorder} from '../tensorflow/recorder.js';
import type {Updates} from './optimizer.js';
import type {Run, Variable} from './variables.js';

/** A set of model weights in the session. */
export type WeightSlot = 'policy' | 'reference';

/** Named values of one call, as placeholders. */
export type Placeholders = Readonly<Record<string, Output>>;

/** What a program is declared with. */
export interface ProgramContext {
  readonly graph: Graph;
  readonly config: ModelConfig;
  readonly precision: Precision;
  readonly activationCheckpointing: boolean;
  /** Into how many parts a batch is best cut to be computed (`lanes.ts`). */
  readonly lanes: number;
  /** The packed weights of a slot. */
  weights(slot: WeightSlot): readonly Omit<Variable, 'handle'>[];
  /** The optimizer, where the engine has one. */
  readonly updates: Updates | undefined;
  /** Works once the session is open. */
  readonly run: Run;
  /**
   * To be called before each micro-batch of an update: throws where the update is to be given up. Weights and moments are as
   * they were then, and the next update begins its sums anew.
   */
  readonly beforeMicroBatch?: (() => void) | undefined;
}

/** A function of the engine, made by the factories in `programs/`. */
export interface Program<Call> {
  /** Its largest batch; left out by what computes no batches. */
  readonly batch?: LargestBatch;
  /**
   * Adds its nodes, under a scope of this name, and returns how it is called once the session is open.
   * @throws {Error} where it does not fit the engine
   */
  declare(context: ProgramContext, name: string): Call;
}

/**
 * Records a function of weights and placeholders into the graph, in the scope that the graph is in.
 *
 * @param precision of products with weights; the engine's unless given
 */
export function recordInto<T extends Record<string, Tf.Tensor>>(
  context: ProgramContext,
  slot: WeightSlot,
  placeholders: Placeholders,
  fn: (weights: Record<string, Tf.Tensor>, inputs: Record<string, Tf.Tensor>) => T,
  precision = context.precision,
): {readonly [K in keyof T]: Output} {
  const recorder = new Recorder(context.graph, precision);
  const outputs = {} as {[K in keyof T]: Output};
  recorder.record(() => {
    const weights = Object.fromEntries(context.weights(slot).map(({name, read}) => [name, recorder.symbol(read)]));
    const inputs = Object.fromEntries(
      Object.entries(placeholders).map(([name, output]) => [name, recorder.symbol(output)]),
    );
    for (const [name, tensor] of Object.entries(fn(weights, inputs))) {
      outputs[name as keyof T] = recorder.output(tensor);
    }
  });
  return outputs;
}

/** Placeholders for the inputs of one shape of a program. */
export function placeholders(
  graph: Graph,
  inputs: Readonly<Record<string, {readonly dtype: DataType; readonly shape: readonly number[]}>>,
): Placeholders {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, {dtype, shape}]) => [name, graph.placeholder(name, dtype, shape)]),
  );
}
