/** How programs reach the optimizer: an update from one batch's gradients, or from those of several micro-batches. */
import type {Packed} from '../model/packing.js';
import type {AdamWOptions} from './adamw.js';
import {adamW, adamWFeeds, adamWInputs} from './adamw.js';
import {DataType} from '../tensorflow/backend.js';
import type {Graph, Output} from '../tensorflow/graph.js';
import type {Feed} from '../tensorflow/session.js';
import type {Run, Variable} from './variables.js';
import {addEffect, after, clearAll, declareVariables, FLOAT} from './variables.js';

/** The optimizer as a program sees it. Gradients come in the order of the policy's weights. */
export interface Updates {
  /** Updates the policy from these gradients when the output is fetched, which is their norm before clipping. */
  apply(gradients: readonly Output[]): Output;
  /** Adds these gradients to the sums when the output is fetched. */
  accumulate(gradients: readonly Output[]): Output;
  /** To be called before the first accumulation of a call. */
  prepare(run: Run): void;
  /** Updates the policy from the sums and clears them. Fetches the norm. */
  readonly applySums: Output;
  /** What must be fed with every update. */
  feeds(learningRate: number): Feed[];
  /** To be called after every update: it counts them. */
  count(): void;
}

/** Adam's running means of gradients and of their squares, in the order of the weights. */
export interface Moments {
  readonly m: readonly Variable[];
  readonly v: readonly Variable[];
}

/**
 * Adds the sums of gradients, and what applies them.
 *
 * @param counter how many updates were made, which decides the bias correction of the next
 */
export function declareUpdates(
  graph: Graph,
  layout: readonly Packed[],
  weights: readonly Variable[],
  moments: Moments,
  options: AdamWOptions,
  counter: {made(): number; count(): void},
): Updates {
  const inputs = adamWInputs(graph);
  const sums = declareVariables(graph, 'gradient', layout);
  const zero = graph.constant({dtype: DataType.float, shape: [], values: Float32Array.of(0)});
  const clear = clearAll(graph, sums);
  const applySums = graph.inScope('update', () => {
    const gradients = sums.map(({read}) => read);
    const {norm, effects} = adamW(graph, weights, moments, gradients, inputs, options);
    return after(graph, norm, [clearAll(graph, sums, effects).node]);
  });
  /** Whether the sums are to be cleared first: they were never made yet, or are those of an update that was given up. */
  let isUnclear = true;
  let isSumming = false;
  return {
    apply: (gradients) => adamW(graph, weights, moments, gradients, inputs, options).norm,
    accumulate(gradients) {
      const effects = gradients.map((gradient, i) =>
        addEffect(graph, 'AssignAddVariableOp', [sums[i]!.handle, gradient], {dtype: FLOAT}),
      );
      return after(graph, zero, effects);
    },
    // The sums take memory from the first call on that has more than one micro-batch, and not before.
    prepare(run) {
      if (isUnclear) run('clear sums', [], [clear]);
      isUnclear = isSumming = true;
    },
    applySums,
    feeds: (learningRate) => adamWFeeds(inputs, options, learningRate, counter.made() + 1),
    count() {
      if (isSumming) isUnclear = isSumming = false;
      counter.count();
    },
  };
}
