/** The value of a function and its gradient with respect to named tensors, by tfjs's tape, with what else it reports. */
import type * as Tf from '@tensorflow/tfjs-node-gpu';
import {tensorflow} from './backend.js';

export interface ValueAndGradients {
  /** Scalar. */
  readonly value: Tf.Tensor;
  /** In the order of `names`; zeros where the value does not depend on the tensor. */
  readonly gradients: readonly Tf.Tensor[];
  readonly metrics: Readonly<Record<string, Tf.Tensor>>;
}

/** @param fn computes a scalar `loss` to differentiate, and `metrics` that are only looked at */
export function valueAndGradients(
  tensors: Readonly<Record<string, Tf.Tensor>>,
  fn: (tensors: Record<string, Tf.Tensor>) => {loss: Tf.Tensor; metrics: Record<string, Tf.Tensor>},
): ValueAndGradients {
  const {tf} = tensorflow();
  const names = Object.keys(tensors);
  let metrics: Record<string, Tf.Tensor> = {};
  const differentiate = tf.valueAndGrads((...values: Tf.Tensor[]) => {
    const result = fn(Object.fromEntries(names.map((name, i) => [name, values[i]!])));
    // The tape's own scope would drop them.
    metrics = Object.fromEntries(Object.entries(result.metrics).map(([name, tensor]) => [name, tf.keep(tensor)]));
    return result.loss as Tf.Scalar;
  });
  const {value, grads} = differentiate(names.map((name) => tensors[name]!));
  // From here on the caller's scope owns them.
  const owned = Object.fromEntries(
    Object.entries(metrics).map(([name, tensor]) => {
      const copy = tf.clone(tensor);
      tensor.dispose();
      return [name, copy];
    }),
  );
  return {value, gradients: grads, metrics: owned};
}
