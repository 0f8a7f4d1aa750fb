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
import {inPlace} from '../tensorflow/scatter-add.js';
import type {Feed} from '../tensorflow/session.js';

/** A function of weights and inputs whose shapes follow from rows and length. */
export interface Shaped {
  readonly slot: WeightSlot;
  inputs(shape: BatchShape): Readonly<Record<string, {readonly dtype: DataType; readonly shape: readonly number[]}>>;
  compute(
    weights: Record<string, Tf.Tensor>,
    inputs: Record<string, Tf.Tensor>,
    shape: BatchShape,
  ): Readonly<Record<string, Tf.Tensor>>;
}

/** How a shape is fed. */
export interface Fitted {
  readonly inputs: Placeholders;
  /** The constants of this shape. */
  readonly constants: readonly Feed[];
}

export interface Template {
  readonly outputs: Readonly<Record<string, Output>>;
  fit(shape: BatchShape): Fitted;
}

interface Recording {
  readonly nodes: readonly GraphNode[];
  readonly inputs: Placeholders;
  readonly outputs: Readonly<Record<string, Output>>;
}

/**
 * Declares the function in the context's graph. The examples must differ in everything that later shapes differ in.
 * @returns `undefined` when the function takes another course for another shape, so that one graph cannot serve both
 */
export function declareTemplate(
  context: ProgramContext,
  shaped: Shaped,
  examples: readonly [BatchShape, ...BatchShape[]],
): Template | undefined {
  const [first, ...others] = examples.map((shape) => record(context, shaped, shape)) as [Recording, ...Recording[]];
  if (others.some((other) => !sameCourse(first, other))) return undefined;

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
  const places = varying.map((index) => {
    const values = [first, ...others].map((recording) => valueAt(recording, index));
    const key = values.map(textOf).join('|');
    const known = shared.get(key);
    const place =
      known ?? context.graph.placeholder('of_shape', values[0]!.dtype, commonShape(values.map(({shape}) => shape)));
    shared.set(key, place);
    replaced.set(first.nodes[index]!.name, place);
    return {index, place, isNew: known === undefined};
  });
  for (const index of constants) {
    if (!varying.includes(index)) replaced.set(first.nodes[index]!.name, context.graph.constant(valueAt(first, index)));
  }
  const names = context.graph.adopt(first.nodes, replaced);

  const fitted = new Map<string, Fitted>();
  const isVarying = new Set(varying);
  const fit = (recording: Recording): Fitted => ({
    inputs: Object.fromEntries(
      Object.entries(inputs).map(([name, input]) => [name, {...input, shape: recording.inputs[name]!.shape}]),
    ),
    constants: places
      .filter(({isNew}) => isNew)
      .map(({index, place}) => {
        const {shape, values} = valueAt(recording, index);
        return {placeholder: {...place, shape}, values, constant: true};
      }),
  });
  examples.forEach((shape, i) => fitted.set(keyOf(shape), fit([first, ...others][i]!)));
  return {
    outputs: Object.fromEntries(
      Object.entries(first.outputs).map(([name, output]) => [
        name,
        {...output, node: names.get(output.node) ?? output.node},
      ]),
    ),
    fit(shape) {
      const known = fitted.get(keyOf(shape));
      if (known !== undefined) return known;
      const recording = record(context, shaped, shape);
      const fits =
        sameCourse(first, recording) &&
        constants.every(
          (index) => isVarying.has(index) || sameConstant(valueAt(first, index), valueAt(recording, index)),
        );
      if (!fits) throw new Error(`Internal error: the graph does not serve ${keyOf(shape)}`);
      const made = fit(recording);
      fitted.set(keyOf(shape), made);
      return made;
    },
  };
}

const keyOf = ({rows, length}: BatchShape): string => `${rows}×${length}`;

/** Records the function beside the graph; the weights it reads are named as in the graph. */
function record(context: ProgramContext, {slot, inputs, compute}: Shaped, shape: BatchShape): Recording {
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
  return {nodes: inPlace(graph.nodes, Object.values(outputs)), inputs: given, outputs};
}

/** The same operators on the same inputs, whatever the constants. */
function sameCourse(a: Recording, b: Recording): boolean {
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
