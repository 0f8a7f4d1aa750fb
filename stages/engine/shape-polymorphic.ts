/**
 * One graph for all shapes of a function. The function is recorded for two shapes; what differs between the recordings
 * are constants that follow from the shape (sizes for Reshape, masks, tables), and those become inputs. A further shape
 * is recorded once, beside the graph, only to learn its values; TensorFlow compiles nothing for it.
 */
import type * as Tf from '@tensorflow/tfjs-node-gpu';
import type {BatchShape} from './objective.js';
import type {DataType} from '../tensorflow/backend.js';
import type {Attribute, Constant, GraphNode, Output} from '../tensorflow/graph.js';
import {Graph} from '../tensorflow/graph.js';
import type {Placeholders, ProgramContext, WeightSlot} from './program.js';
import {placeholders} from './program.js';
import {Recorder} from '../tensorflow/recorder.js';
import {addInPlace} from '../tensorflow/scatter-add.js';
import type {Feed} from '../tensorflow/session.js';

/** A function of weights and inputs whose shapes follow from rows and length. */
export interface ShapedFunction {
  readonly slot: WeightSlot;
  inputs(shape: BatchShape): Readonly<Record<string, {readonly dtype: DataType; readonly shape: readonly number[]}>>;
  compute(
    weights: Record<string, Tf.Tensor>,
    inputs: Record<string, Tf.Tensor>,
    shape: BatchShape,
  ): Readonly<Record<string, Tf.Tensor>>;
}

/** How a shape is fed. */
export interface ShapeFeeds {
  readonly inputs: Placeholders;
  /** The values that are constants for one shape and differ between shapes. */
  readonly constants: readonly Feed[];
}

/** A function in the graph that serves all shapes. */
export interface PolymorphicFunction {
  readonly outputs: Readonly<Record<string, Output>>;
  /**
   * How a shape is fed. One that was not asked for before is recorded first, once.
   * @throws {Error} for a shape under which the function has other operators
   */
  feedsFor(shape: BatchShape): ShapeFeeds;
}

interface Recording {
  readonly nodes: readonly GraphNode[];
  readonly inputs: Placeholders;
  readonly outputs: Readonly<Record<string, Output>>;
}

/**
 * Declares the function in the context's graph. The examples must differ in everything that later shapes differ in.
 * @returns `undefined` when the function has other operators for another shape, so that one graph cannot serve both
 */
export function declarePolymorphic(
  context: ProgramContext,
  shaped: ShapedFunction,
  examples: readonly [BatchShape, ...BatchShape[]],
): PolymorphicFunction | undefined {
  const [first, ...others] = examples.map((shape) => record(context, shaped, shape)) as [Recording, ...Recording[]];
  if (others.some((other) => !sameOperators(first, other))) return undefined;

  const constants = first.nodes.flatMap(({op}, index) => (op === 'Const' ? [index] : []));
  const varying = constants.filter((index) =>
    others.some((other) => !sameConstant(valueAt(first, index), valueAt(other, index))),
  );
  const replaced = new Map<string, Output>();
  const inputs: Record<string, Output> = {};
  for (const [name, input] of Object.entries(first.inputs)) {
    const shapes = [first, ...others].map((recording) => recording.inputs[name]!.shape);
    inputs[name] = context.graph.placeholder(name, input.dtype, commonShape(shapes));
    replaced.set(input.node, inputs[name]);
  }
  // Constants that are equal in every example share a placeholder.
  const shared = new Map<string, Output>();
  /** Constants that are fed together. */
  const alike = new Map<Output, number[]>();
  const constantInputs = varying.map((index) => {
    const values = [first, ...others].map((recording) => valueAt(recording, index));
    const key = values.map(textOf).join('|');
    const sharedInput = shared.get(key);
    const input =
      sharedInput ??
      context.graph.placeholder('of_shape', values[0]!.dtype, commonShape(values.map(({shape}) => shape)));
    shared.set(key, input);
    alike.set(input, [...(alike.get(input) ?? []), index]);
    replaced.set(first.nodes[index]!.name, input);
    return {index, input, isNew: sharedInput === undefined};
  });
  for (const index of constants) {
    if (!varying.includes(index)) replaced.set(first.nodes[index]!.name, context.graph.constant(valueAt(first, index)));
  }
  const names = context.graph.adopt(first.nodes, replaced);

  const known = new Map<string, ShapeFeeds>();
  const isVarying = new Set(varying);
  const feedsOf = (recording: Recording): ShapeFeeds => ({
    inputs: Object.fromEntries(
      Object.entries(inputs).map(([name, input]) => [name, {...input, shape: recording.inputs[name]!.shape}]),
    ),
    constants: constantInputs
      .filter(({isNew}) => isNew)
      .map(({index, input}) => {
        const {shape, values} = valueAt(recording, index);
        return {placeholder: {...input, shape}, values, constant: true};
      }),
  });
  examples.forEach((shape, i) => known.set(keyOf(shape), feedsOf([first, ...others][i]!)));
  return {
    outputs: Object.fromEntries(
      Object.entries(first.outputs).map(([name, output]) => [
        name,
        {...output, node: names.get(output.node) ?? output.node},
      ]),
    ),
    feedsFor(shape) {
      const feeds = known.get(keyOf(shape));
      if (feeds !== undefined) return feeds;
      const recording = record(context, shaped, shape);
      const fits =
        sameOperators(first, recording) &&
        constants.every(
          (index) => isVarying.has(index) || sameConstant(valueAt(first, index), valueAt(recording, index)),
        ) &&
        [...alike.values()].every(([one, ...others]) =>
          others.every((index) => sameConstant(valueAt(recording, one!), valueAt(recording, index))),
        );
      if (!fits) throw new Error(`Internal error: the graph does not serve ${keyOf(shape)}`);
      const made = feedsOf(recording);
      known.set(keyOf(shape), made);
      return made;
    },
  };
}

const keyOf = ({rows, length, targets = length}: BatchShape): string => `${rows}×${length}×${targets}`;

/** Records the function beside the graph; the weights it reads are named as in the graph. */
function record(context: ProgramContext, {slot, inputs, compute}: ShapedFunction, shape: BatchShape): Recording {
  const graph = new Graph(false);
  const recorder = new Recorder(graph, context.precision);
  const given = placeholders(graph, inputs(shape));
  const outputs: Record<string, Output> = {};
  recorder.record(() => {
    const weights = context.weights(slot).map(({name, read}) => [name, recorder.symbol(read)] as const);
    const symbols = Object.entries(given).map(([name, output]) => [name, recorder.symbol(output)] as const);
    const results = compute(Object.fromEntries(weights), Object.fromEntries(symbols), shape);
    for (const [name, tensor] of Object.entries(results)) outputs[name] = recorder.output(tensor);
  });
  return {nodes: addInPlace(graph.nodes, Object.values(outputs)), inputs: given, outputs};
}

/** The same operators on the same inputs, whatever the constants. */
function sameOperators(a: Recording, b: Recording): boolean {
  return (
    a.nodes.length === b.nodes.length &&
    a.nodes.every((node, index) => {
      const other = b.nodes[index]!;
      if (node.op !== other.op || node.name !== other.name || node.inputs.join() !== other.inputs.join()) return false;
      if (node.op === 'Const') return valueAt(a, index).shape.length === valueAt(b, index).shape.length;
      if (node.op === 'Placeholder') return true;
      return JSON.stringify(node.attributes) === JSON.stringify(other.attributes);
    })
  );
}

const valueAt = ({nodes}: Recording, index: number): Constant =>
  (nodes[index]!.attributes['value'] as Extract<Attribute, {kind: 'tensor'}>).value;

const bytesOf = ({values}: Constant): Buffer => Buffer.from(values.buffer, values.byteOffset, values.byteLength);

const sameConstant = (a: Constant, b: Constant): boolean =>
  a.dtype === b.dtype && a.shape.join() === b.shape.join() && bytesOf(a).equals(bytesOf(b));

const textOf = (constant: Constant): string =>
  `${constant.dtype}/${constant.shape.join()}/${bytesOf(constant).toString('latin1')}`;

/** −1 where the shapes differ. */
const commonShape = (shapes: readonly (readonly number[])[]): number[] =>
  shapes[0]!.map((size, axis) => (shapes.every((shape) => shape[axis] === size) ? size : -1));
