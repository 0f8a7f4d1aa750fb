/**
 * AdamW (Loshchilov & Hutter, arXiv 1711.05101) with clipping to a global norm, as nodes of the graph: the moments are
 * variables of the session, and the learning rate is fed. Matches PyTorch's AdamW, ε beside the corrected √v included.
 * Weight decay spares vectors (gains and biases).
 */
import {DataType} from '../tensorflow/backend.js';
import type {Graph, Output} from '../tensorflow/graph.js';
import type {Feed} from '../tensorflow/session.js';
import type {Variable} from './variables.js';
import {addEffect} from './variables.js';

/** Constants of the optimizer; the learning rate is given with each update. */
export interface AdamWOptions {
  /** Decay of the mean of gradients per update, as `beta2` of their squares. */
  readonly beta1: number;
  readonly beta2: number;
  /** Added to √v̂, which is bias-corrected. */
  readonly epsilon: number;
  /** Decoupled: each update takes learningRate × weightDecay of the weight away. */
  readonly weightDecay: number;
  /** Gradients are scaled down to this L2 norm, taken over all of them; 0 leaves them alone. */
  readonly maxNorm: number;
}

/** What is used where an engine is asked for nothing else. */
export const ADAMW_DEFAULTS: AdamWOptions = {beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0, maxNorm: 1};

/** The fed scalars, shared by all updates of a graph. */
export interface AdamWInputs {
  readonly learningRate: Output;
  /** learningRate × weightDecay. */
  readonly decay: Output;
  /** beta1 to the number of the update, as `beta2Power`. */
  readonly beta1Power: Output;
  readonly beta2Power: Output;
  readonly epsilon: Output;
}

/** Adds the placeholders, all scalars, under `adamw/`. */
export function adamWInputs(graph: Graph): AdamWInputs {
  const scalar = (name: string): Output => graph.placeholder(name, DataType.float, []);
  return graph.inScope('adamw', () => ({
    learningRate: scalar('learning_rate'),
    decay: scalar('decay'),
    beta1Power: scalar('beta1_power'),
    beta2Power: scalar('beta2_power'),
    epsilon: scalar('epsilon'),
  }));
}

/** What to feed for update number `update`, counted from 1. */
export function adamWFeeds(inputs: AdamWInputs, options: AdamWOptions, learningRate: number, update: number): Feed[] {
  const beta2Power = options.beta2 ** update;
  const values: Record<keyof AdamWInputs, number> = {
    learningRate,
    decay: learningRate * options.weightDecay,
    beta1Power: options.beta1 ** update,
    beta2Power,
    // TensorFlow adds ε to √v before the correction; scaled like this it stands beside the corrected √v.
    epsilon: options.epsilon * Math.sqrt(1 - beta2Power),
  };
  return (Object.keys(values) as (keyof AdamWInputs)[]).map((name) => ({
    placeholder: inputs[name],
    values: Float32Array.of(values[name]),
  }));
}

/**
 * Adds the nodes of one update: algorithm 2 of arXiv 1711.05101, after clipping by the global norm (arXiv 1211.5063,
 * algorithm 1).
 *
 * @param gradients in the order of `weights`, as are the moments
 * @returns the norm of the gradients before clipping, a scalar that is computed after all weights are updated, and the
 * names of the nodes that update them
 */
export function adamW(
  graph: Graph,
  weights: readonly Variable[],
  moments: {readonly m: readonly Variable[]; readonly v: readonly Variable[]},
  gradients: readonly Output[],
  inputs: AdamWInputs,
  options: AdamWOptions,
): {readonly norm: Output; readonly effects: readonly string[]} {
  const T = {kind: 'type', value: DataType.float} as const;
  const scalar = {dtype: DataType.float, shape: []};
  const one = (op: string, operands: readonly Output[], extra = {}): Output =>
    graph.addOne({
      op,
      inputs: operands,
      attributes: {T, ...extra},
      outputs: [operands[0]!.shape.length === 0 ? scalar : operands[0]!],
    });
  const constant = (value: number): Output =>
    graph.constant({dtype: DataType.float, shape: [], values: Float32Array.of(value)});

  const halves = gradients.map((gradient) =>
    graph.addOne({op: 'L2Loss', inputs: [gradient], attributes: {T}, outputs: [scalar]}),
  );
  const half = one('AddN', halves, {N: {kind: 'int', value: halves.length}});
  const norm = one('Sqrt', [one('Mul', [half, constant(2)])]);
  const scale =
    options.maxNorm === 0
      ? undefined
      : one('Minimum', [
          one('RealDiv', [constant(options.maxNorm), one('AddV2', [norm, constant(1e-6)])]),
          constant(1),
        ]);

  const effects = weights.map((weight, i) => {
    const gradient = gradients[i]!;
    const scaled = scale === undefined ? gradient : one('Mul', [gradient, scale]);
    // No weight may change before every gradient is there: they were computed from the weights as they are. The norm
    // waits for all of them.
    const before = [norm.node];
    if (options.weightDecay !== 0 && weight.shape.length > 1) {
      const loss = one('Mul', [weight.read, inputs.decay]);
      const node = addEffect(graph, 'AssignSubVariableOp', [weight.handle, loss], {dtype: T}, before);
      before.push(node);
    }
    const node = addEffect(
      graph,
      'ResourceApplyAdam',
      [
        weight.handle,
        moments.m[i]!.handle,
        moments.v[i]!.handle,
        inputs.beta1Power,
        inputs.beta2Power,
        inputs.learningRate,
        constant(options.beta1),
        constant(options.beta2),
        inputs.epsilon,
        scaled,
      ],
      {T, use_locking: {kind: 'bool', value: false}, use_nesterov: {kind: 'bool', value: false}},
      before,
    );
    return node;
  });
  const done = graph.addOne({op: 'Identity', inputs: [norm], attributes: {T}, outputs: [scalar], after: effects});
  return {norm: done, effects};
}
