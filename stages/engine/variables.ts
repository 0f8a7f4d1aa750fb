/**
 * The sets of numbers that live in a session, one of each for every packed parameter: weights, moments, summed
 * gradients. They are written, read, copied and cleared here, exactly; large models some tensors at a time, so that
 * no more than a few copies of a part exist beside the session's own.
 */
import type {ModelConfig} from '../model/config.js';
import type {Packed} from '../model/packing.js';
import {pack, unpack} from '../model/packing.js';
import type {Weights} from '../model/parameters.js';
import {size} from '../model/parameters.js';
import {DataType} from '../tensorflow/backend.js';
import type {Attribute, Graph, Output} from '../tensorflow/graph.js';
import type {Feed, Fetched} from '../tensorflow/session.js';

/** A resource variable: its handle, and the node that reads it. */
export interface Variable {
  /** Of the packed parameter, without the slot. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly handle: Output;
  readonly read: Output;
}

/** Runs outputs in the session, under a name for the statistics. */
export type Run = (label: string, feeds: readonly Feed[], outputs: readonly Output[]) => Fetched[];

/** The most numbers that are passed to or from JavaScript in one call: 128 MiB of them. */
const MAX_PER_CALL = 2 ** 25;

/** The attribute of operators that compute float32. */
export const FLOAT: Attribute = {kind: 'type', value: DataType.float};

/** One variable for each packed parameter, under `slot/`. */
export function declareVariables(
  graph: Graph,
  slot: string,
  layout: readonly Pick<Packed, 'name' | 'shape'>[],
): Variable[] {
  return layout.map(({name, shape}) => {
    const shared = `${slot}/${name}`;
    const handle = graph.addOne({
      op: 'VarHandleOp',
      name: shared,
      inputs: [],
      attributes: {
        dtype: FLOAT,
        shape: {kind: 'shape', value: shape},
        container: {kind: 'string', value: ''},
        shared_name: {kind: 'string', value: shared},
      },
      outputs: [{dtype: DataType.float, shape: []}], // a resource; its element type is the variable's
    });
    const read = graph.addOne({
      op: 'ReadVariableOp',
      name: `${shared}/read`,
      inputs: [handle],
      attributes: {dtype: FLOAT},
      outputs: [{dtype: DataType.float, shape}],
    });
    return {name, shape, handle, read};
  });
}

/** Consecutive tensors of `packedLayout`. */
export interface PackedPart {
  /** The index of the first. */
  readonly first: number;
  readonly tensors: readonly Float32Array[];
}

/** The variables of some slots, and how they are read and written. */
export interface Slots<Slot extends string> {
  of(slot: Slot): readonly Variable[];
  /** Values by Hugging Face name. */
  read(run: Run, slot: Slot): Map<string, Float32Array>;
  /** The same, some tensors at a time. */
  readInParts(run: Run, slot: Slot): Iterable<Map<string, Float32Array>>;
  /** Packed, some consecutive tensors at a time. */
  readPacked(run: Run, slot: Slot): Iterable<PackedPart>;
  /**
   * Replaces the values.
   * @param isChanged whether a tensor has to be written; others may be
   * @throws {Error} for a slot that there is not, or weights that lack a tensor
   */
  write(run: Run, slot: Slot, weights: Weights, isChanged?: (name: string) => boolean): void;
}

/** Adds the variables of all slots, and what writes them. */
export function declareSlots<Slot extends string>(
  graph: Graph,
  config: ModelConfig,
  layout: readonly Packed[],
  slots: readonly Slot[],
): Slots<Slot> {
  const variables = new Map(slots.map((slot) => [slot, declareVariables(graph, slot, layout)]));
  const of = (slot: Slot): Variable[] => {
    const found = variables.get(slot);
    if (found === undefined) throw new Error(`Internal error: the engine was opened without ${slot}`);
    return found;
  };
  const groups = inGroups(layout);
  const inputs = graph.inScope('write', () =>
    layout.map(({name, shape}) => graph.placeholder(name, DataType.float, shape)),
  );
  const writers = new Map(
    slots.map((slot) => [slot, groups.map((group) => assignAll(graph, pick(of(slot), group), pick(inputs, group)))]),
  );
  function* readPacked(run: Run, slot: Slot): Generator<PackedPart> {
    for (const group of groups) {
      const reads = pick(of(slot), group).map(({read}) => read);
      yield {first: group[0]!, tensors: run('read', [], reads).map(({values}) => values as Float32Array)};
    }
  }
  function* readInParts(run: Run, slot: Slot): Generator<Map<string, Float32Array>> {
    for (const {first, tensors} of readPacked(run, slot)) {
      const values = new Map<string, Float32Array>();
      for (const [i, packed] of tensors.entries()) unpack(layout[first + i]!, packed, config, values);
      yield values;
    }
  }
  return {
    of,
    readPacked,
    readInParts,
    read: (run, slot) => new Map([...readInParts(run, slot)].flatMap((part) => [...part])),
    write(run, slot, weights, isChanged = () => true) {
      of(slot);
      groups.forEach((group, i) => {
        if (!group.some((at) => layout[at]!.parts.some(({name}) => isChanged(name)))) return;
        const feeds = group.map((at) => ({placeholder: inputs[at]!, values: pack(layout[at]!, weights, config)}));
        run('write', feeds, [writers.get(slot)![i]!]);
      });
    },
  };
}

/** Adds the nodes that assign these values to the variables; fetching the output runs them. */
export function assignAll(
  graph: Graph,
  variables: readonly Variable[],
  values: readonly Output[],
  before: readonly string[] = [],
): Output {
  const effects = variables.map(({handle}, i) =>
    addEffect(graph, 'AssignVariableOp', [handle, values[i]!], {dtype: FLOAT}, before),
  );
  return after(graph, zero(graph), effects);
}

/** Adds the nodes that set the variables to zero. */
export function clearAll(graph: Graph, variables: readonly Variable[], before: readonly string[] = []): Output {
  const zeros = variables.map(({shape}) =>
    graph.addOne({
      op: 'Fill',
      inputs: [
        graph.constant({dtype: DataType.int32, shape: [shape.length], values: Int32Array.from(shape)}),
        zero(graph),
      ],
      attributes: {T: FLOAT, index_type: {kind: 'type', value: DataType.int32}},
      outputs: [{dtype: DataType.float, shape}],
    }),
  );
  return assignAll(graph, variables, zeros, before);
}

/** Adds a node for its side effect, and returns its name. */
export function addEffect(
  graph: Graph,
  op: string,
  inputs: readonly Output[],
  attributes: Readonly<Record<string, Attribute>>,
  before: readonly string[] = [],
): string {
  graph.add({op, inputs, attributes, outputs: [], after: before});
  return graph.nodes.at(-1)!.name;
}

/** The same value, after all of these nodes ran. Fetching it makes them run. */
export function after(graph: Graph, output: Output, effects: readonly string[]): Output {
  return graph.addOne({
    op: 'Identity',
    inputs: [output],
    attributes: {T: {kind: 'type', value: output.dtype}},
    outputs: [output],
    after: effects,
  });
}

const zero = (graph: Graph): Output => graph.constant({dtype: DataType.float, shape: [], values: Float32Array.of(0)});

const pick = <T>(items: readonly T[], indices: readonly number[]): T[] => indices.map((i) => items[i]!);

/** Consecutive parameters in groups of at most `MAX_PER_CALL` numbers; a larger one is a group by itself. */
function inGroups(layout: readonly Packed[]): number[][] {
  const groups: number[][] = [];
  let filled = Infinity;
  layout.forEach(({shape}, index) => {
    filled += size(shape);
    if (filled > MAX_PER_CALL) {
      groups.push([]);
      filled = size(shape);
    }
    groups.at(-1)!.push(index);
  });
  return groups;
}
