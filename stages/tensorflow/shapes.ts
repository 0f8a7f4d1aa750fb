/**
 * What each operator gives: element type and shape of its outputs, from its inputs and attributes. With this a
 * function is recorded without computing anything. An operator that is not in the table cannot be recorded; one whose
 * output shape depends on values is left out on purpose, and so is one that draws random numbers on its own.
 * A dimension of −1 is not known until the graph runs.
 */
import {DataType} from './backend.js';
import type {TypedArray} from './backend.js';
import type {Attribute} from './graph.js';

export interface TypedShape {
  readonly dtype: DataType;
  readonly shape: readonly number[];
}

/** A call of an operator; `constant` holds the values of an input where they are known. */
export interface Call {
  readonly op: string;
  readonly inputs: readonly (TypedShape & {readonly constant?: TypedArray | undefined})[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

type Rule = (call: Call) => readonly TypedShape[];

/** The outputs of a call, or `undefined` for an operator that cannot be recorded. */
export function outputsOf(call: Call): readonly TypedShape[] | undefined {
  const rule = RULES.get(call.op);
  return rule?.(call);
}

const first: Rule = ({inputs}) => [inputs[0]!];
const broadcastFirst: Rule = (call) => [{dtype: call.inputs[0]!.dtype, shape: broadcastAll(call)}];
const comparison: Rule = (call) => [{dtype: DataType.bool, shape: broadcastAll(call)}];

const reduction: Rule = ({op, inputs: [x, axes], attributes}) => {
  const drop = new Set(Array.from(known(op, axes), (axis) => (axis < 0 ? axis + x!.shape.length : axis)));
  const keep = attributes['keep_dims']?.value === true;
  const shape = x!.shape.flatMap((size, axis) => (drop.has(axis) ? (keep ? [1] : []) : [size]));
  return [{dtype: x!.dtype, shape}];
};

const RULES = new Map<string, Rule>([
  ...[
    'Abs Ceil Conj Cos Cumsum Elu Erf Exp Expm1 Floor Identity Log Log1p LogSoftmax LogicalNot MatrixBandPart Neg',
    'OnesLike Reciprocal Relu ReverseV2 Roll Round Rsqrt Selu Sigmoid Sign Sin Snapshot Softmax Softplus Sqrt Square',
    'StopGradient Tan Tanh TensorScatterAdd InplaceAdd InplaceUpdate ZerosLike EluGrad ReluGrad SigmoidGrad TanhGrad',
    'RsqrtGrad SqrtGrad InvGrad AddN',
  ]
    .join(' ')
    .split(' ')
    .map((op): [string, Rule] => [op, first]),
  ...[
    'Add AddV2 Atan2 BitwiseAnd Div DivNoNan FloorDiv FloorMod LogicalAnd LogicalOr Maximum Minimum Mod Mul Pow',
    'RealDiv SquaredDifference Sub',
  ]
    .join(' ')
    .split(' ')
    .map((op): [string, Rule] => [op, broadcastFirst]),
  ...'Equal Greater GreaterEqual Less LessEqual NotEqual'.split(' ').map((op): [string, Rule] => [op, comparison]),
  ...'All Any EuclideanNorm Max Mean Min Prod Sum'.split(' ').map((op): [string, Rule] => [op, reduction]),
  ['ArgMax', arg],
  ['ArgMin', arg],
  ['BatchMatMul', batchMatMul],
  ['BatchMatMulV2', batchMatMul],
  ['BatchMatMulV3', batchMatMul],
  ['Bitcast', bitcast],
  ['BroadcastTo', ({op, inputs: [x, shape]}) => [{dtype: x!.dtype, shape: Array.from(known(op, shape))}]],
  ['Cast', ({inputs, attributes}) => [{dtype: type(attributes['DstT']), shape: inputs[0]!.shape}]],
  ['ConcatV2', concat],
  ['ExpandDims', expandDims],
  ['Fill', ({op, inputs: [dims, value]}) => [{dtype: value!.dtype, shape: Array.from(known(op, dims))}]],
  ['GatherV2', gather],
  ['IsFinite', ({inputs}) => [{dtype: DataType.bool, shape: inputs[0]!.shape}]],
  ['IsNan', ({inputs}) => [{dtype: DataType.bool, shape: inputs[0]!.shape}]],
  ['L2Loss', ({inputs}) => [{dtype: inputs[0]!.dtype, shape: []}]],
  ['MatMul', matMul],
  ['OneHot', oneHot],
  ['Pack', pack],
  ['Pad', pad],
  ['PadV2', pad],
  ['Range', range],
  ['Reshape', reshape],
  ['Select', (call) => [{dtype: call.inputs[1]!.dtype, shape: broadcastAll(call)}]],
  ['SelectV2', (call) => [{dtype: call.inputs[1]!.dtype, shape: broadcastAll(call)}]],
  ['Slice', slice],
  ['SparseSoftmaxCrossEntropyWithLogits', ({inputs: [x]}) => [{dtype: x!.dtype, shape: x!.shape.slice(0, 1)}, x!]],
  ['Split', split],
  ['SplitV', splitV],
  ['Squeeze', squeeze],
  ['Tile', ({op, inputs: [x, times]}) => [{dtype: x!.dtype, shape: tiled(x!.shape, known(op, times))}]],
  ['TopKV2', topK],
  [
    'Transpose',
    ({op, inputs: [x, order]}) => [{dtype: x!.dtype, shape: Array.from(known(op, order), (axis) => x!.shape[axis]!)}],
  ],
  ['Unpack', unpack],
  ['UnsortedSegmentSum', segmentSum],
]);

/** The shape of an elementwise result, as NumPy broadcasts. */
export function broadcast(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({length: rank}, (_, axis) => {
    const left = a[axis - rank + a.length] ?? 1;
    const right = b[axis - rank + b.length] ?? 1;
    if (left === 1) return right;
    if (right === 1 || right === left) return left;
    if (left === -1 || right === -1) return Math.max(left, right);
    throw new Error(`shapes [${a.join(', ')}] and [${b.join(', ')}] do not go together`);
  });
}

const broadcastAll = ({inputs}: Call): number[] =>
  inputs.map(({shape}) => [...shape]).reduce((a, b) => broadcast(a, b));

/** The values of an input that decides a shape: they must be there when the function is recorded. */
function known(op: string, input: Call['inputs'][number] | undefined): TypedArray {
  if (input?.constant === undefined) throw new Error(`${op} takes a shape or an axis that depends on data`);
  return input.constant;
}

const type = (attribute: Attribute | undefined): DataType => attribute!.value as DataType;
const flag = (attribute: Attribute | undefined): boolean => attribute?.value === true;
const positive = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);
const tiled = (shape: readonly number[], times: TypedArray): number[] =>
  shape.map((size, axis) => (size === -1 ? -1 : size * times[axis]!));

function arg({op, inputs: [x, axis], attributes}: Call): TypedShape[] {
  const drop = positive(known(op, axis)[0]!, x!.shape.length);
  return [{dtype: type(attributes['output_type']), shape: x!.shape.filter((_, at) => at !== drop)}];
}

function inner(op: string, left: number, right: number): void {
  if (left !== right && left !== -1 && right !== -1) throw new Error(`${op} cannot multiply over ${left} and ${right}`);
}

function matMul({op, inputs: [a, b], attributes}: Call): TypedShape[] {
  const [rows, left] = flag(attributes['transpose_a']) ? [a!.shape[1]!, a!.shape[0]!] : [a!.shape[0]!, a!.shape[1]!];
  const [right, columns] = flag(attributes['transpose_b'])
    ? [b!.shape[1]!, b!.shape[0]!]
    : [b!.shape[0]!, b!.shape[1]!];
  inner(op, left, right);
  return [{dtype: a!.dtype, shape: [rows, columns]}];
}

function batchMatMul({op, inputs: [a, b], attributes}: Call): TypedShape[] {
  const ends = (shape: readonly number[], adjoint: boolean): [number, number] => {
    const [rows, columns] = shape.slice(-2) as [number, number];
    return adjoint ? [columns, rows] : [rows, columns];
  };
  const [rows, left] = ends(a!.shape, flag(attributes['adj_x']));
  const [right, columns] = ends(b!.shape, flag(attributes['adj_y']));
  inner(op, left, right);
  return [{dtype: a!.dtype, shape: [...broadcast(a!.shape.slice(0, -2), b!.shape.slice(0, -2)), rows, columns]}];
}

const WIDTH: Readonly<Record<DataType, number>> = {1: 4, 3: 4, 8: 8, 9: 8, 10: 1, 14: 2};

function bitcast({inputs: [x], attributes}: Call): TypedShape[] {
  const dtype = type(attributes['type']);
  const ratio = WIDTH[dtype] / WIDTH[x!.dtype];
  const {shape} = x!;
  return [{dtype, shape: ratio === 1 ? shape : ratio > 1 ? shape.slice(0, -1) : [...shape, 1 / ratio]}];
}

function concat({op, inputs}: Call): TypedShape[] {
  const parts = inputs.slice(0, -1);
  const {dtype, shape} = parts[0]!;
  const axis = positive(known(op, inputs.at(-1))[0]!, shape.length);
  const sizes = parts.map((part) => part.shape[axis]!);
  const total = sizes.includes(-1) ? -1 : sizes.reduce((sum, size) => sum + size, 0);
  return [{dtype, shape: shape.with(axis, total)}];
}

function expandDims({op, inputs: [x, axis]}: Call): TypedShape[] {
  return [{dtype: x!.dtype, shape: x!.shape.toSpliced(positive(known(op, axis)[0]!, x!.shape.length + 1), 0, 1)}];
}

function gather({op, inputs: [x, indices, axis], attributes}: Call): TypedShape[] {
  const at = positive(known(op, axis)[0]!, x!.shape.length);
  const batch = (attributes['batch_dims']?.value as number | undefined) ?? 0;
  return [
    {dtype: x!.dtype, shape: [...x!.shape.slice(0, at), ...indices!.shape.slice(batch), ...x!.shape.slice(at + 1)]},
  ];
}

function oneHot({op, inputs: [indices, depth, on], attributes}: Call): TypedShape[] {
  const axis = (attributes['axis']?.value as number | undefined) ?? -1;
  const at = axis < 0 ? indices!.shape.length : axis;
  return [{dtype: on!.dtype, shape: indices!.shape.toSpliced(at, 0, known(op, depth)[0]!)}];
}

function pack({inputs, attributes}: Call): TypedShape[] {
  const {dtype, shape} = inputs[0]!;
  const axis = (attributes['axis']?.value as number | undefined) ?? 0;
  return [{dtype, shape: shape.toSpliced(positive(axis, shape.length + 1), 0, inputs.length)}];
}

function unpack({inputs: [x], attributes}: Call): TypedShape[] {
  const axis = positive((attributes['axis']?.value as number | undefined) ?? 0, x!.shape.length);
  return Array.from({length: x!.shape[axis]!}, () => ({dtype: x!.dtype, shape: x!.shape.toSpliced(axis, 1)}));
}

function pad({op, inputs: [x, paddings]}: Call): TypedShape[] {
  const by = known(op, paddings);
  return [
    {
      dtype: x!.dtype,
      shape: x!.shape.map((size, axis) => (size === -1 ? -1 : size + by[2 * axis]! + by[2 * axis + 1]!)),
    },
  ];
}

function range({op, inputs}: Call): TypedShape[] {
  const [start, limit, delta] = inputs.map((input) => known(op, input)[0]!) as [number, number, number];
  return [{dtype: inputs[0]!.dtype, shape: [Math.max(0, Math.ceil((limit - start) / delta))]}];
}

function reshape({op, inputs: [x, wanted]}: Call): TypedShape[] {
  const shape = Array.from(known(op, wanted));
  const free = shape.indexOf(-1);
  const size = (dimensions: readonly number[]): number =>
    dimensions.reduce((product, dimension) => product * dimension, 1);
  if (x!.shape.includes(-1)) return [{dtype: x!.dtype, shape}];
  if (free !== -1) shape[free] = size(x!.shape) / size(shape.toSpliced(free, 1));
  if (size(shape) !== size(x!.shape))
    throw new Error(`${op} cannot turn [${x!.shape.join(', ')}] into [${shape.join(', ')}]`);
  return [{dtype: x!.dtype, shape}];
}

function slice({op, inputs: [x, begin, size]}: Call): TypedShape[] {
  const starts = begin!.constant; // the start may depend on data, the size may not
  const shape = Array.from(known(op, size), (length, axis) => {
    if (length !== -1) return length;
    if (starts === undefined) throw new Error(`${op} takes a size that depends on data`);
    return x!.shape[axis] === -1 ? -1 : x!.shape[axis]! - starts[axis]!;
  });
  return [{dtype: x!.dtype, shape}];
}

function split({op, inputs: [axis, x], attributes}: Call): TypedShape[] {
  const parts = attributes['num_split']!.value as number;
  const at = positive(known(op, axis)[0]!, x!.shape.length);
  return Array.from({length: parts}, () => ({dtype: x!.dtype, shape: x!.shape.with(at, x!.shape[at]! / parts)}));
}

function splitV({op, inputs: [x, sizes, axis]}: Call): TypedShape[] {
  const at = positive(known(op, axis)[0]!, x!.shape.length);
  const parts = sizes!.constant ?? new Array<number>(sizes!.shape[0]!).fill(-1); // unknown ones are known once the graph runs
  return Array.from(parts, (size) => ({dtype: x!.dtype, shape: x!.shape.with(at, size)}));
}

function squeeze({inputs: [x], attributes}: Call): TypedShape[] {
  const given = (attributes['squeeze_dims']?.value as readonly number[] | undefined) ?? [];
  const drop = new Set(given.map((axis) => positive(axis, x!.shape.length)));
  return [{dtype: x!.dtype, shape: x!.shape.filter((size, axis) => (drop.size === 0 ? size !== 1 : !drop.has(axis)))}];
}

function topK({op, inputs: [x, k]}: Call): TypedShape[] {
  const shape = x!.shape.with(-1, known(op, k)[0]!);
  return [
    {dtype: x!.dtype, shape},
    {dtype: DataType.int32, shape},
  ];
}

function segmentSum({op, inputs: [x, ids, segments]}: Call): TypedShape[] {
  return [{dtype: x!.dtype, shape: [known(op, segments)[0]!, ...x!.shape.slice(ids!.shape.length)]}];
}
