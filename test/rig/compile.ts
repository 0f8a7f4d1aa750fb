/**
 * A plain tfjs function, compiled: recorded once for fixed shapes, then one native call each time. For functions that
 * stand alone; what shares weights is a program of the engine.
 */
import type * as Tf from '@tensorflow/tfjs-node-gpu';
import {DataType, tensorflow} from '../../stages/tensorflow/backend.js';
import type {TypedArray} from '../../stages/tensorflow/backend.js';
import {Graph} from '../../stages/tensorflow/graph.js';
import type {Precision} from '../../stages/tensorflow/matmul.js';
import {Recorder} from '../../stages/tensorflow/recorder.js';
import type {Fetched} from '../../stages/tensorflow/session.js';
import {Session} from '../../stages/tensorflow/session.js';

export type Signature = Readonly<
  Record<string, {readonly dtype: 'float32' | 'int32' | 'bool'; readonly shape: readonly number[]}>
>;

export interface Compiled<I extends Signature, O extends string> {
  (inputs: {readonly [name in keyof I]: TypedArray}): {readonly [name in O]: Fetched};
  /** Operators in the graph. */
  readonly nodes: number;
  dispose(): void;
}

const TYPES = {float32: DataType.float, int32: DataType.int32, bool: DataType.bool} as const;

/**
 * Compiles `fn` for inputs of this signature. TensorFlow must have been loaded.
 * @throws when what `fn` does depends on data: the message names the operator
 */
export function compile<const I extends Signature, O extends string>(
  fn: (inputs: {readonly [name in keyof I]: Tf.Tensor}) => Readonly<Record<O, Tf.Tensor>>,
  signature: I,
  precision: Precision = 'f32',
): Compiled<I, O> {
  const graph = new Graph();
  const recorder = new Recorder(graph, precision);
  const placeholders = Object.entries(signature).map(([name, {dtype, shape}]) => ({
    name,
    output: graph.placeholder(`input/${name}`, TYPES[dtype], shape),
  }));
  const {names, outputs} = recorder.record(() => {
    const inputs = Object.fromEntries(placeholders.map(({name, output}) => [name, recorder.symbol(output)]));
    const results = Object.entries<Tf.Tensor>(fn(inputs as {[name in keyof I]: Tf.Tensor}));
    return {names: results.map(([name]) => name as O), outputs: results.map(([, tensor]) => recorder.output(tensor))};
  });
  const session = Session.open(graph);
  const call = (values: {readonly [name in keyof I]: TypedArray}): {readonly [name in O]: Fetched} => {
    const feeds = placeholders.map(({name, output}) => ({placeholder: output, values: values[name]!}));
    const fetched = session.run(feeds, outputs);
    return Object.fromEntries(names.map((name, i) => [name, fetched[i]!])) as {[name in O]: Fetched};
  };
  return Object.assign(call, {nodes: graph.nodes.length, dispose: () => session.close()});
}

/** Runs the same function operator by operator, as tfjs does. What tests compare with. */
export function runEagerly<const I extends Signature, O extends string>(
  fn: (inputs: {readonly [name in keyof I]: Tf.Tensor}) => Readonly<Record<O, Tf.Tensor>>,
  signature: I,
  values: {readonly [name in keyof I]: TypedArray},
): {readonly [name in O]: Fetched} {
  const {tf} = tensorflow();
  let read: [string, Fetched][] = [];
  tf.tidy(() => {
    const inputs = Object.entries(signature).map(([name, {dtype, shape}]) => [
      name,
      tf.tensor(values[name]!, [...shape], dtype),
    ]);
    const results = fn(Object.fromEntries(inputs) as {[name in keyof I]: Tf.Tensor});
    read = Object.entries<Tf.Tensor>(results).map(([name, tensor]) => [
      name,
      {values: tensor.dataSync(), shape: tensor.shape},
    ]);
  });
  return Object.fromEntries(read) as {readonly [name in O]: Fetched};
}
