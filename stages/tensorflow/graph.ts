/**
 * A TensorFlow graph while it is being built: nodes by name, and the typed outputs that connect them. Knows how
 * `while` frames get their inputs (through Enter nodes) and constants (tied to the iteration); knows nothing of
 * protobuf, of tfjs, or of what the nodes compute.
 */
import type {DataType, OpAttribute, TypedArray} from './backend.js';

/** One output of a node. A dimension of −1 is not known until the graph runs. */
export interface Output {
  readonly node: string;
  readonly index: number;
  readonly dtype: DataType;
  readonly shape: readonly number[];
  /** The loop it lives in, or '' outside any. */
  readonly frame: string;
}

export interface Constant {
  readonly dtype: DataType;
  readonly shape: readonly number[];
  readonly values: TypedArray;
}

/** An attribute's value under its protobuf field. */
export type Attribute =
  | {readonly kind: 'type'; readonly value: number | readonly number[]}
  | {readonly kind: 'int'; readonly value: number | readonly number[]}
  | {readonly kind: 'float'; readonly value: number | readonly number[]}
  | {readonly kind: 'bool'; readonly value: boolean | readonly boolean[]}
  | {readonly kind: 'string'; readonly value: string}
  | {readonly kind: 'shape'; readonly value: readonly number[]}
  | {readonly kind: 'tensor'; readonly value: Constant};

export interface GraphNode {
  readonly name: string;
  readonly op: string;
  /** `name:index`, or `^name` for one that must only have run before. Mutable because a loop closes on itself. */
  readonly inputs: string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** Where in a loop nodes are added: constants there hang on `pivot`, so that each iteration has them. */
interface Frame {
  readonly name: string;
  pivot: string;
  readonly entered: Map<string, Output>;
  readonly constants: Map<string, Output>;
}

export interface NodeSpec {
  readonly op: string;
  readonly inputs: readonly Output[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** Element type and shape of each output. */
  readonly outputs: readonly {readonly dtype: DataType; readonly shape: readonly number[]}[];
  readonly name?: string;
  /** Nodes that must have run before. */
  readonly after?: readonly string[];
}

export class Graph {
  readonly nodes: GraphNode[] = [];
  readonly #names = new Set<string>();
  readonly #root: Frame = {name: '', pivot: '', entered: new Map(), constants: new Map()};
  readonly #large = new WeakMap<Constant, Output>();
  #frame = this.#root;
  #scope = '';
  #after: readonly string[] = [];
  #next = 0;

  /** @param shareConstants false where equal constants must stay apart, because they may differ in another recording */
  constructor(private readonly shareConstants = true) {}

  /** Adds a node in the current frame and returns its outputs. */
  add({op, inputs, attributes, outputs, name, after = []}: NodeSpec): Output[] {
    const node: GraphNode = {
      name: this.#unique(name ?? op),
      op,
      inputs: [
        ...inputs.map((input) => reference(this.#here(input))),
        ...[...after, ...this.#after].map((other) => `^${other}`),
      ],
      attributes,
    };
    this.nodes.push(node);
    return outputs.map(({dtype, shape}, index) => ({node: node.name, index, dtype, shape, frame: this.#frame.name}));
  }

  /** Like `add`, for a node with one output. */
  addOne(spec: NodeSpec): Output {
    return this.add(spec)[0]!;
  }

  /** Copies nodes of another graph into this one, except those that `replaced` stands in for. Old name → new name. */
  adopt(nodes: readonly GraphNode[], replaced: ReadonlyMap<string, Output>): ReadonlyMap<string, string> {
    const names = new Map<string, string>();
    for (const {name, op, inputs, attributes} of nodes) {
      const substitute = replaced.get(name);
      if (substitute !== undefined) {
        names.set(name, substitute.node);
        continue;
      }
      const renamed = inputs.map((input) => {
        const [, mark, node, index] = /^(\^?)(.*?)((?::\d+)?)$/.exec(input)!;
        return `${mark!}${names.get(node!) ?? node!}${index!}`;
      });
      const copy = {name: this.#unique(op), op, inputs: renamed, attributes};
      this.nodes.push(OWN in attributes ? withOwnMemory(copy) : copy);
      names.set(name, copy.name);
    }
    return names;
  }

  /**
   * Marks the node whose value is about to be overwritten in place, so that TensorFlow never merges it with an equal one. A
   * reshaped tensor shares the memory of the original, which is marked too.
   *
   * @throws for values that are there before the graph runs
   */
  markOverwritten(name: string): void {
    const at = this.nodes.findLastIndex((node) => node.name === name);
    const node = this.nodes[at]!;
    if (LASTING.has(node.op))
      throw new Error(`Internal error: ${name} is a ${node.op}, which no operator may write into`);
    this.nodes[at] = withOwnMemory(node);
    if (node.op === 'Reshape') this.markOverwritten(node.inputs[0]!.replace(/:\d+$/, ''));
  }

  /** A constant; equal small ones share a node within their frame. */
  constant(value: Constant): Output {
    const bytes = Buffer.from(value.values.buffer, value.values.byteOffset, value.values.byteLength);
    const key =
      this.shareConstants && bytes.length <= 64
        ? `${value.dtype}|${value.shape.join()}|${bytes.toString('latin1')}`
        : undefined;
    const known = key === undefined ? this.#large.get(value) : this.#frame.constants.get(key);
    if (known !== undefined) return known;
    const inLoop = this.#frame !== this.#root;
    // A large constant stays outside the loop; `add` lets it in once.
    if (key === undefined && inLoop) return this.inFrame(undefined, () => this.constant(value));
    const output = this.addOne({
      op: 'Const',
      inputs: [],
      attributes: {dtype: {kind: 'type', value: value.dtype}, value: {kind: 'tensor', value}},
      outputs: [value],
      ...(inLoop && {after: [this.#frame.pivot]}),
    });
    if (key === undefined) this.#large.set(value, output);
    else this.#frame.constants.set(key, output);
    return output;
  }

  /** A value that the caller feeds under this name. */
  placeholder(name: string, dtype: DataType, shape: readonly number[]): Output {
    return this.addOne({
      op: 'Placeholder',
      name,
      inputs: [],
      attributes: {dtype: {kind: 'type', value: dtype}, shape: {kind: 'shape', value: shape}},
      outputs: [{dtype, shape}],
    });
  }

  /** Runs `build` with nodes named under `scope/`. */
  inScope<T>(scope: string, build: () => T): T {
    const outer = this.#scope;
    this.#scope = outer === '' ? scope : `${outer}/${scope}`;
    try {
      return build();
    } finally {
      this.#scope = outer;
    }
  }

  /** Runs `build` so that each node it adds runs after these nodes. */
  runAfter<T>(after: readonly Output[], build: () => T): T {
    const outer = this.#after;
    this.#after = after.map(({node}) => node);
    try {
      return build();
    } finally {
      this.#after = outer;
    }
  }

  /** Whether what is added now is a part of a loop's body. */
  get isInLoop(): boolean {
    return this.#frame !== this.#root;
  }

  /** Runs `build` inside a loop's frame (or outside all of them); its constants hang on the frame's pivot. */
  inFrame<T>(frame: LoopFrame | undefined, build: () => T): T {
    const [outer, outerAfter] = [this.#frame, this.#after];
    this.#frame = frame === undefined ? this.#root : frame.inner;
    this.#after = [];
    try {
      return build();
    } finally {
      this.#frame = outer;
      this.#after = outerAfter;
    }
  }

  /** A new loop, named uniquely. Loops do not nest here. */
  newFrame(): LoopFrame {
    const name = this.#unique('while');
    return {name, inner: {name, pivot: '', entered: new Map(), constants: new Map()}};
  }

  /** The same value in the current frame: a value from outside a loop comes in through an Enter node. */
  #here(output: Output): Output {
    if (output.frame === this.#frame.name) return output;
    if (output.frame !== '') throw new Error(`Internal error: ${output.node} is used outside its loop`);
    const key = reference(output);
    const known = this.#frame.entered.get(key);
    if (known !== undefined) return known;
    const entered = enter(this, output, this.#frame.name, true);
    this.#frame.entered.set(key, entered);
    return entered;
  }

  #unique(wish: string): string {
    const name = this.#scope === '' ? wish : `${this.#scope}/${wish}`;
    const unique = this.#names.has(name) ? `${name}_${this.#next++}` : name;
    if (this.#names.has(unique)) return this.#unique(`${wish}_${this.#next++}`);
    this.#names.add(unique);
    return unique;
  }
}

/** A loop's frame, made by `newFrame` and handed back to `inFrame`. */
export interface LoopFrame {
  readonly name: string;
  readonly inner: Frame;
}

const LASTING = new Set(['Const', 'Placeholder', 'ReadVariableOp']);

/** An attribute of ours. TensorFlow merges only nodes whose attributes are equal, and no two nodes have this one in common. */
const OWN = '_own';
export const withOwnMemory = (node: GraphNode): GraphNode => ({
  ...node,
  attributes: {...node.attributes, [OWN]: {kind: 'string', value: node.name}},
});

export const reference = ({node, index}: Output): string => `${node}:${index}`;

/** Adds the Enter node that carries `value` from outside into the frame that is open. */
export function enter(graph: Graph, value: Output, frame: string, constant: boolean): Output {
  const {dtype, shape} = value;
  const node: GraphNode = {
    name: `${frame}/enter_${graph.nodes.length}`,
    op: 'Enter',
    inputs: [reference(value)],
    attributes: {
      T: {kind: 'type', value: dtype},
      frame_name: {kind: 'string', value: frame},
      is_constant: {kind: 'bool', value: constant},
      parallel_iterations: {kind: 'int', value: 1},
    },
  };
  graph.nodes.push(node);
  return {node: node.name, index: 0, dtype, shape, frame};
}

/** The attributes of a recorded call, by name. Those without a value are left to TensorFlow's defaults. */
export function attributesOf(
  given: readonly OpAttribute[],
  kinds: {
    readonly TF_ATTR_STRING: number;
    readonly TF_ATTR_INT: number;
    readonly TF_ATTR_FLOAT: number;
    readonly TF_ATTR_BOOL: number;
    readonly TF_ATTR_TYPE: number;
    readonly TF_ATTR_SHAPE: number;
  },
): Record<string, Attribute> {
  const attributes: Record<string, Attribute> = {};
  for (const {name, type, value} of given) {
    if (value === undefined || value === null) continue;
    const kind =
      type === kinds.TF_ATTR_TYPE
        ? 'type'
        : type === kinds.TF_ATTR_INT
          ? 'int'
          : type === kinds.TF_ATTR_FLOAT
            ? 'float'
            : type === kinds.TF_ATTR_BOOL
              ? 'bool'
              : type === kinds.TF_ATTR_SHAPE
                ? 'shape'
                : type === kinds.TF_ATTR_STRING
                  ? 'string'
                  : undefined;
    if (kind === undefined) throw new Error(`Internal error: attribute ${name} has the unknown type ${type}`);
    attributes[name] = {kind, value} as Attribute;
  }
  return attributes;
}
