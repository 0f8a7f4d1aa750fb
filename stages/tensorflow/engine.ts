/**
 * One model in one TensorFlow session: its weights, a reference model's, the optimizer's moments, and the programs
 * that use them. Everything is declared before the session opens, because one session is what makes the variables
 * shared. A bucket of a program is compiled when it is first called.
 */
import type {AdamWOptions} from '../train/adamw.js';
import {addEffect, adamW, adamWFeeds, adamWInputs, ADAMW_DEFAULTS} from '../train/adamw.js';
import type {ModelConfig} from '../model/config.js';
import {pack, packedLayout, unpack} from '../model/layout.js';
import type {Weights} from '../model/parameters.js';
import {size} from '../model/parameters.js';
import {DataType, loadTensorFlow} from './backend.js';
import type {Output} from './graph.js';
import {Graph} from './graph.js';
import type {Program, ProgramContext, Updates, Variable} from './program.js';
import {after} from './program.js';
import type {Feed, Fetched} from './session.js';
import {Session} from './session.js';

/** Everything that the session holds per parameter. */
export type Slot = 'policy' | 'reference' | 'adam.m' | 'adam.v';

export interface EngineOptions<P extends Readonly<Record<string, Program<never>>>> {
  readonly config: ModelConfig;
  /** What the policy starts from. */
  readonly weights: Weights;
  /** Threads of the process; fixed by the first engine that it opens. */
  readonly threads: number;
  /** Keeps a second set of weights, at first a copy of the policy's. */
  readonly reference?: boolean;
  /** Needed by programs that train; what is left out is `ADAMW_DEFAULTS`. */
  readonly optimizer?: Partial<AdamWOptions>;
  /** `bf16` rounds the operands of matrix products; weights and everything else stay float32. */
  readonly precision?: 'f32' | 'bf16';
  readonly programs: P;
}

type CallOf<P> = P extends Program<infer Call> ? Call : never;

export interface Engine<P> {
  readonly config: ModelConfig;
  readonly run: {readonly [name in keyof P]: CallOf<P[name]>};
  /** The values of a slot by Hugging Face name, exactly as they are. */
  read(slot: Slot): Map<string, Float32Array>;
  write(slot: Slot, weights: Weights): void;
  /** Copies one slot to another inside the session. */
  copy(from: Slot, to: Slot): void;
  readonly slots: readonly Slot[];
  /** Optimizer updates made so far; part of the state that a checkpoint keeps. */
  updates: number;
  /** Moments and update count back to zero. */
  resetOptimizer(): void;
  stats(): EngineStats;
  /** Frees everything. The engine is of no use afterwards. */
  dispose(): void;
}

export interface EngineStats {
  /** Loading TensorFlow aside: recording, building and loading the graph. */
  readonly openMs: number;
  readonly nodes: number;
  /** Each shape that was called; the first call compiles. */
  readonly programs: readonly {
    readonly label: string;
    readonly calls: number;
    readonly firstMs: number;
    readonly laterMs: number;
  }[];
}

// The type of a program's call is only known where it is used, so any program is accepted here.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Programs = Readonly<Record<string, Program<any>>>;

export async function openEngine<const P extends Programs>(
  options: Omit<EngineOptions<never>, 'programs'> & {readonly programs: P},
): Promise<Engine<P>> {
  const {config, weights, threads, precision = 'f32'} = options;
  await loadTensorFlow(threads);
  const started = performance.now();

  const graph = new Graph();
  const layout = packedLayout(config);
  const slots: Slot[] = [
    'policy',
    ...(options.reference ? (['reference'] as const) : []),
    ...(options.optimizer ? (['adam.m', 'adam.v'] as const) : []),
  ];
  const variables = new Map<Slot, Variable[]>(
    slots.map((slot) => [slot, layout.map(({name, shape}) => variable(graph, slot, name, shape))]),
  );
  const of = (slot: Slot): Variable[] => {
    const found = variables.get(slot);
    if (found === undefined) throw new Error(`Internal error: the engine was opened without ${slot}`);
    return found;
  };

  const writes = graph.scoped('write', () =>
    layout.map(({name, shape}) => graph.placeholder(name, DataType.float, shape)),
  );
  const zero = graph.constant({dtype: DataType.float, shape: [], values: Float32Array.of(0)});
  const assign = (slot: Slot, values: readonly Output[]): Output =>
    after(
      graph,
      zero,
      of(slot).map(({handle}, i) => addEffect(graph, 'AssignVariableOp', [handle, values[i]!], {dtype: FLOAT})[0]),
    );
  const writers = new Map(slots.map((slot) => [slot, assign(slot, writes)]));
  const copiers = new Map(
    slots.flatMap((from) =>
      slots
        .filter((to) => to !== from)
        .map((to) => [
          `${from}→${to}`,
          assign(
            to,
            of(from).map(({read}) => read),
          ),
        ]),
    ),
  );

  let updatesMade = 0;
  let session: Session | undefined;
  const calls = new Map<string, {calls: number; firstMs: number; laterMs: number}>();
  const run = (label: string, feeds: readonly Feed[], outputs: readonly Output[]): Fetched[] => {
    if (session === undefined) throw new Error('Internal error: the engine is not open');
    const begun = performance.now();
    const fetched = session.run(feeds, outputs);
    const took = performance.now() - begun;
    const call = calls.get(label);
    if (call === undefined) calls.set(label, {calls: 1, firstMs: took, laterMs: 0});
    else {
      call.calls++;
      call.laterMs += took;
    }
    return fetched;
  };

  const optimizer = options.optimizer && {...ADAMW_DEFAULTS, ...options.optimizer};
  const updates =
    optimizer &&
    updatesFor(graph, of('policy'), {m: of('adam.m'), v: of('adam.v')}, optimizer, {
      made: () => updatesMade,
      count: () => updatesMade++,
    });
  const context: ProgramContext = {
    graph,
    config,
    precision,
    weights: (slot) => of(slot),
    updates: updates?.updates,
    run,
  };
  const bound = Object.fromEntries(
    Object.entries(options.programs).map(([name, program]) => [
      name,
      (program as Program<unknown>).declare(context, name),
    ]),
  ) as Engine<P>['run'];

  session = Session.open(graph);
  const engine: Engine<P> = {
    config,
    run: bound,
    slots,
    read(slot) {
      const values = new Map<string, Float32Array>();
      const fetched = run(
        'read',
        [],
        of(slot).map(({read}) => read),
      );
      layout.forEach((packed, i) => unpack(packed, fetched[i]!.values as Float32Array, config, values));
      return values;
    },
    write(slot, values) {
      const feeds = layout.map((packed, i) => ({placeholder: writes[i]!, values: pack(packed, values, config)}));
      of(slot);
      run('write', feeds, [writers.get(slot)!]);
    },
    copy(from, to) {
      of(from);
      of(to);
      if (from !== to) run('copy', [], [copiers.get(`${from}→${to}`)!]);
    },
    get updates() {
      return updatesMade;
    },
    set updates(made) {
      updatesMade = made;
    },
    resetOptimizer() {
      if (!options.optimizer) return;
      const feeds = layout.map(({shape}, i) => ({placeholder: writes[i]!, values: new Float32Array(size(shape))}));
      for (const slot of ['adam.m', 'adam.v'] as const) run('write', feeds, [writers.get(slot)!]);
      updatesMade = 0;
    },
    stats: () => ({openMs, nodes: graph.nodes.length, programs: [...calls].map(([label, call]) => ({label, ...call}))}),
    dispose() {
      session?.close();
      session = undefined;
    },
  };
  engine.write('policy', weights);
  if (options.reference) engine.copy('policy', 'reference');
  engine.resetOptimizer();
  if (updates) run('write', [], [updates.clear]);
  calls.clear();
  const openMs = performance.now() - started;
  return engine;
}

const FLOAT = {kind: 'type', value: DataType.float} as const;

function variable(graph: Graph, slot: string, name: string, shape: readonly number[]): Variable {
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
}

function updatesFor(
  graph: Graph,
  weights: readonly Variable[],
  moments: {readonly m: readonly Variable[]; readonly v: readonly Variable[]},
  optimizer: AdamWOptions,
  counter: {made(): number; count(): void},
): {updates: Updates; clear: Output} {
  const inputs = adamWInputs(graph);
  const sums = weights.map(({name, shape}) => variable(graph, 'gradient', name, shape));
  const zero = graph.constant({dtype: DataType.float, shape: [], values: Float32Array.of(0)});
  const cleared = (before: readonly string[]): string[] =>
    sums.map(({handle, shape}) => {
      const dims = graph.constant({dtype: DataType.int32, shape: [shape.length], values: Int32Array.from(shape)});
      const zeros = graph.addOne({
        op: 'Fill',
        inputs: [dims, zero],
        attributes: {T: FLOAT, index_type: {kind: 'type', value: DataType.int32}},
        outputs: [{dtype: DataType.float, shape}],
      });
      return addEffect(graph, 'AssignVariableOp', [handle, zeros], {dtype: FLOAT}, before)[0];
    });
  const accumulated = graph.scoped('update', () => {
    const {norm, effects} = adamW(
      graph,
      weights,
      moments,
      sums.map(({read}) => read),
      inputs,
      optimizer,
    );
    return after(graph, norm, cleared(effects));
  });
  const updates: Updates = {
    apply: (gradients) => adamW(graph, weights, moments, gradients, inputs, optimizer).norm,
    accumulate: (gradients) =>
      after(
        graph,
        zero,
        gradients.map(
          (gradient, i) => addEffect(graph, 'AssignAddVariableOp', [sums[i]!.handle, gradient], {dtype: FLOAT})[0],
        ),
      ),
    applyAccumulated: accumulated,
    feeds: (learningRate) => adamWFeeds(inputs, optimizer, learningRate, counter.made() + 1),
    count: () => counter.count(),
  };
  return {updates, clear: after(graph, zero, cleared([]))};
}

export {
  crossEntropyTraining,
  grpoTraining,
  pairwiseTraining,
  pointwiseTraining,
  crossEntropyLoss,
} from './programs/training.js';
export {logProbabilities, logits, scoring} from './programs/forward.js';
export {generation} from './programs/generation.js';
