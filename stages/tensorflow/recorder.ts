/**
 * Records a tfjs function into a graph. While a function is recorded, the tensors it handles are symbols: kernels add
 * nodes instead of computing, and shapes come from `shapes.ts`. So no value of recording time can leak into the graph: a function
 * that reads one fails with an error that names the operator.
 *
 * A tensor from outside the function enters as a constant; a variable from outside is refused, because its value
 * would be frozen.
 */
import type * as Tf from '@tensorflow/tfjs-node-gpu';
import type {Binding, DataType, OpAttribute, TensorMetadata, TypedArray} from './backend.js';
import {tensorflow} from './backend.js';
import type {Constant, Graph, Output} from './graph.js';
import {attributesOf} from './graph.js';
import type {Precision} from './matmul.js';
import {addProduct} from './matmul.js';
import {scatterAdd} from './scatter-add.js';
import type {SegmentSum} from './scatter-add.js';
import {outputsOf} from './shapes.js';

/** Symbols have ids below −1, which the package neither reads nor deletes on the native side. */
type SymbolicTensor = {readonly output: Output} | {readonly constant: Constant};

/** The operator that tfjs's tape uses, and the newer one. */
const SUMS = new Set(['Add', 'AddV2']);

/** The recorder that is recording, if any. */
let active: Recorder | undefined;
const setActive = (recorder: Recorder | undefined): void => {
  active = recorder;
};

export class Recorder {
  readonly #symbols = new Map<number, SymbolicTensor>();
  readonly #captured = new WeakMap<object, number>();
  /** By node. */
  readonly #segmentSums = new Map<string, SegmentSum>();
  #nextId = -2;
  #kernel = '';

  constructor(
    readonly graph: Graph,
    private readonly precision: Precision = 'f32',
  ) {}

  /** Runs `fn` with kernels redirected into the graph. Tensors made on the way are dropped. */
  record<T>(fn: () => T): T {
    const {tf, backend} = tensorflow();
    if (active !== undefined) throw new Error('Internal error: a recording is already under way');
    const engine = tf.engine() as unknown as {runKernel(name: string, ...rest: unknown[]): unknown};
    const {binding, getInputTensorIds} = backend;
    // The kernel's name is only needed for messages; the package does not hand it down to its backend.
    const runKernel = engine.runKernel;
    engine.runKernel = (name, ...rest) => {
      const outer = this.#kernel;
      this.#kernel = name;
      try {
        return runKernel.call(engine, name, ...rest);
      } finally {
        this.#kernel = outer;
      }
    };
    backend.binding = this.#binding(binding);
    backend.getInputTensorIds = (tensors) => tensors.map((tensor) => this.#idOf(tensor));
    setActive(this);
    try {
      return tf.tidy(fn as () => Tf.TensorContainer) as T;
    } finally {
      setActive(undefined);
      backend.binding = binding;
      backend.getInputTensorIds = getInputTensorIds;
      engine.runKernel = runKernel;
    }
  }

  /** A tensor that stands for a graph output. */
  symbol(output: Output): Tf.Tensor {
    const id = this.#remember({output});
    return tensorflow().backend.createOutputTensor({id, shape: [...output.shape], dtype: output.dtype});
  }

  /** The graph output that a tensor stands for. */
  output(tensor: Tf.TensorInfo): Output {
    return this.#outputOf(this.#idOf(tensor));
  }

  #binding(real: Binding): Binding {
    const recorder: Partial<Binding> = {
      createTensor: (shape, dtype, values) =>
        this.#remember({constant: {shape: [...shape], dtype: dtype as DataType, values: values.slice()}}),
      deleteTensor: (id) => {
        if (id >= 0) real.deleteTensor(id); // a real tensor that the function drops
      },
      tensorDataSync: (id) => this.#valuesOf(id, real),
      executeOp: (op, attributes, inputs, outputs) => this.#execute(op, attributes, inputs, outputs),
    };
    return Object.setPrototypeOf(recorder, real) as Binding;
  }

  #execute(op: string, given: readonly OpAttribute[], ids: readonly number[], count: number): TensorMetadata[] {
    const attributes = attributesOf(given, tensorflow().binding);
    // The one kernel that leaves an element type to be inferred, which a graph does not do.
    if (op === 'ExpandDims') attributes['T'] = {kind: 'type', value: this.#dtypeOf(ids[0]!)};
    const symbols = ids.map((id) => this.#symbols.get(id)!);
    const inputs = symbols.map((symbol) =>
      'constant' in symbol
        ? {dtype: symbol.constant.dtype, shape: symbol.constant.shape, constant: symbol.constant.values}
        : {dtype: symbol.output.dtype, shape: symbol.output.shape},
    );
    const outputs = outputsOf({op, inputs, attributes});
    if (outputs === undefined)
      throw new Error(`${this.#where(op)} cannot be recorded: the shape rules do not know ${op}`);
    if (outputs.length !== count) throw new Error(`Internal error: ${op} has ${outputs.length} outputs, not ${count}`);
    const sources = ids.map((id) => this.#outputOf(id));
    if (op === 'InplaceAdd') this.graph.markOverwritten(sources[0]!.node);
    const {shape} = outputs[0]!;
    const made =
      op === 'MatMul'
        ? [
            addProduct(
              this.graph,
              {inputs: sources as [Output, Output], attributes, shape: shape as [number, number]},
              this.precision,
            ),
          ]
        : SUMS.has(op)
          ? [this.#sum(op, sources, attributes, shape)]
          : this.graph.add({op, inputs: sources, attributes, outputs});
    if (op === 'UnsortedSegmentSum') this.#segmentSums.set(made[0]!.node, {rows: sources[0]!, ids: sources[1]!});
    return made.map((output) => ({id: this.#remember({output}), shape: [...output.shape], dtype: output.dtype}));
  }

  #sum(
    op: string,
    inputs: readonly Output[],
    attributes: ReturnType<typeof attributesOf>,
    shape: readonly number[],
  ): Output {
    for (const [a, b] of [inputs, inputs.toReversed()] as [Output, Output][]) {
      const segments = this.#segmentSums.get(b.node);
      if (segments !== undefined && a.shape.join() === b.shape.join()) return scatterAdd(this.graph, a, segments);
    }
    return this.graph.addOne({op, inputs, attributes, outputs: [{dtype: inputs[0]!.dtype, shape}]});
  }

  #idOf(tensor: Tf.TensorInfo): number {
    const {tf, backend} = tensorflow();
    const entry = backend.tensorMap.get(tensor.dataId);
    if (this.#symbols.has(entry.id)) return entry.id;
    if (tensor instanceof tf.Variable) {
      throw new Error(
        `${this.#where()} uses the variable “${tensor.name}”, whose value a recorded function would freeze; hand it in as an input`,
      );
    }
    // Values that were not handed over yet, or a tensor computed outside: a constant of the recorded function.
    const known = this.#captured.get(tensor.dataId);
    if (known !== undefined) return known;
    const values = entry.values ?? this.#outside(entry.id);
    const id = this.#remember({
      constant: {dtype: entry.dtype as DataType, shape: [...entry.shape], values: values.slice()},
    });
    this.#captured.set(tensor.dataId, id);
    return id;
  }

  #outside(id: number): TypedArray {
    if (id < 0) throw new Error('Internal error: a symbol of another recording is used');
    return tensorflow().binding.tensorDataSync(id);
  }

  #outputOf(id: number): Output {
    const symbol = this.#symbols.get(id)!;
    return 'constant' in symbol ? this.graph.constant(symbol.constant) : symbol.output;
  }

  #dtypeOf(id: number): DataType {
    const symbol = this.#symbols.get(id)!;
    return 'constant' in symbol ? symbol.constant.dtype : symbol.output.dtype;
  }

  #valuesOf(id: number, real: Binding): TypedArray {
    const symbol = this.#symbols.get(id);
    if (symbol === undefined) return real.tensorDataSync(id);
    if ('constant' in symbol) return symbol.constant.values;
    throw new Error(
      `${this.#where()} reads the values of a tensor (a result of ${symbol.output.node}) while it is recorded; ` +
        'what a recorded function does cannot depend on data',
    );
  }

  #remember(symbol: SymbolicTensor): number {
    const id = this.#nextId--;
    this.#symbols.set(id, symbol);
    return id;
  }

  #where(op?: string): string {
    if (this.#kernel !== '') return `The operator ${this.#kernel}`;
    return op === undefined ? 'The function' : `The operator ${op}`;
  }
}

/** The active recorder, for code that adds nodes which tfjs has no function for (loops, order). */
export const recording = (): Recorder | undefined => active;
