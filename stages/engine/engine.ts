/**
 * One model in one TensorFlow session: its weights, a reference model's, the optimizer's moments, and the programs
 * that use them. Everything is declared before the session opens, because one session is what makes the variables
 * shared. A bucket of a program is compiled when it is first called.
 */
import type {AdamWOptions} from './adamw.js';
import {ADAMW_DEFAULTS} from './adamw.js';
import type {ModelConfig} from '../model/config.js';
import {packedLayout} from '../model/packing.js';
import type {Weights} from '../model/parameters.js';
import {loadTensorFlow} from '../tensorflow/backend.js';
import {computeSilently} from '../tensorflow/first-run.js';
import {Graph} from '../tensorflow/graph.js';
import {lanesFor} from './lanes.js';
import type {MappedWeights} from './mapped-weights.js';
import {declareMapped} from './mapped-weights.js';
import type {Precision} from '../tensorflow/matmul.js';
import type {Program, ProgramContext, WeightSlot} from './program.js';
import {Session} from '../tensorflow/session.js';
import {declareUpdates} from './optimizer.js';
import type {PackedPart, Run} from './variables.js';
import {assignAll, clearAll, declareSlots} from './variables.js';

/** Everything that the session keeps of each parameter, by name. */
export type Slot = WeightSlot | 'adam.m' | 'adam.v';

/** What an engine can do, by name. The type of a program's call is only known where it is used, so any program is accepted. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Programs = Readonly<Record<string, Program<any>>>;

/** What an engine holds, and how it computes. */
export interface EngineOptions<P extends Programs> {
  readonly config: ModelConfig;
  /** What the policy starts from; or where it lies mapped, for an engine that only samples and whose weights others write. */
  readonly weights: Weights | MappedWeights;
  /** Threads of the process; fixed by the first engine that it opens. */
  readonly threads: number;
  /** Keeps a second set of weights, at first a copy of the policy's. */
  readonly reference?: boolean;
  /** Needed by programs that train; what is left out is `ADAMW_DEFAULTS`. */
  readonly optimizer?: Partial<AdamWOptions>;
  /**
   * `bf16` rounds products of tokens with weights, outside of generation; all else, weights and attention too, stays
   * float32.
   */
  readonly precision?: Precision;
  /**
   * Only the inputs of each layer are kept for the backward pass, and the rest is computed once more: less memory, about a third
   * more time.
   */
  readonly activationCheckpointing?: boolean;
  /**
   * Keeps what TensorFlow prints at its first computation off stderr. For processes in which nothing opens files meanwhile;
   * see `computeSilently`.
   */
  readonly silentStart?: boolean;
  /** Called before each micro-batch of an update; what it throws ends the call, and nothing is updated. */
  readonly beforeMicroBatch?: () => void;
  /** Told the name of each program before its first call, which compiles it and takes much longer than those that follow. */
  readonly compiling?: (program: string) => void;
  /** All that will be called: none can be added later. */
  readonly programs: P;
}

type CallOf<P> = P extends Program<infer Call> ? Call : never;

/** A model in a session. */
export interface Engine<P extends Programs> {
  readonly config: ModelConfig;
  /** The programs, as functions. */
  readonly run: {readonly [name in keyof P]: CallOf<P[name]>};
  readonly slots: readonly Slot[];
  /** The values of a slot by Hugging Face name, exactly as they are. */
  read(slot: Slot): Map<string, Float32Array>;
  /** The same, some tensors at a time. */
  readInParts(slot: Slot): Iterable<Map<string, Float32Array>>;
  /** Packed, some consecutive tensors at a time. */
  readPacked(slot: Slot): Iterable<PackedPart>;
  /**
   * Replaces the values of a slot.
   * @param isChanged whether a tensor, by its Hugging Face name, differs from what the slot holds; those that do not need not be written
   * @throws {Error} for a slot that the engine does not have, or weights that lack a tensor
   */
  write(slot: Slot, weights: Weights, isChanged?: (name: string) => boolean): void;
  /**
   * Copies one set of weights to the other inside the session.
   * @throws {Error} where the engine has no reference
   */
  copy(from: WeightSlot, to: WeightSlot): void;
  /** Optimizer updates made so far; part of the state that a checkpoint keeps. */
  updates: number;
  /** Moments and update count back to zero. */
  resetOptimizer(): void;
  stats(): EngineStats;
  /** Frees everything. The engine cannot be used afterwards. */
  dispose(): void;
}

/** Times since the engine was opened, in milliseconds. */
export interface EngineStats {
  /** Recording, building and loading the graph; loading TensorFlow itself is not counted. */
  readonly openMs: number;
  /** Nodes of the graph. */
  readonly nodes: number;
  /** Of each shape that was called. The first call of a shape compiles it. */
  readonly programs: readonly ({readonly label: string} & CallStats)[];
}

interface CallStats {
  readonly calls: number;
  readonly firstMs: number;
  /** Of all calls but the first. */
  readonly laterMs: number;
}

/**
 * Builds the graph of all programs and opens a session with the weights in it. The moments are 0, and the reference is
 * a copy of the policy.
 *
 * @throws {Error} where a program cannot be declared: it trains without `optimizer`, or its shapes make no sense
 */
export async function openEngine<const P extends Programs>(options: EngineOptions<P>): Promise<Engine<P>> {
  const {config, weights, threads, precision = 'f32', activationCheckpointing = false, reference = false} = options;
  const batches = Object.values(options.programs).flatMap(({batch}) => batch ?? []);
  const optimizer = options.optimizer && {...ADAMW_DEFAULTS, ...options.optimizer};
  const {lanes} = await loadTensorFlow(threads, lanesFor(threads, config.hiddenSize, batches));
  if (options.silentStart === true) computeSilently();
  const started = performance.now();

  const mappedAt = 'path' in weights ? weights : undefined;
  if (mappedAt !== undefined && (reference || optimizer !== undefined))
    throw new Error('Internal error: mapped weights can only be computed with, not trained or copied');
  const slots: Slot[] = mappedAt === undefined ? ['policy'] : [];
  if (reference) slots.push('reference');
  if (optimizer) slots.push('adam.m', 'adam.v');
  const graph = new Graph();
  const layout = packedLayout(config);
  const {of, read, readInParts, readPacked, write} = declareSlots(graph, config, layout, slots);
  const mapped = mappedAt && declareMapped(graph, layout, mappedAt);
  const copyTo = (to: WeightSlot, from: WeightSlot) =>
    assignAll(
      graph,
      of(to),
      of(from).map((each) => each.read),
    );
  const copies = reference && {reference: copyTo('reference', 'policy'), policy: copyTo('policy', 'reference')};
  const clearMoments = optimizer && clearAll(graph, [...of('adam.m'), ...of('adam.v')]);

  let updatesMade = 0;
  const updates =
    optimizer &&
    declareUpdates(graph, layout, of('policy'), {m: of('adam.m'), v: of('adam.v')}, optimizer, {
      made: () => updatesMade,
      count: () => updatesMade++,
    });
  let session: Session | undefined;
  const calls = new Map<string, CallStats>();
  const run: Run = (label, feeds, outputs) => {
    if (session === undefined) throw new Error('Internal error: the engine is not open');
    const begun = performance.now();
    const fetched = session.run(mapped === undefined ? feeds : [...feeds, mapped.feed], outputs);
    const took = performance.now() - begun;
    const before = calls.get(label) ?? {calls: 0, firstMs: took, laterMs: -took};
    calls.set(label, {calls: before.calls + 1, firstMs: before.firstMs, laterMs: before.laterMs + took});
    return fetched;
  };
  const context: ProgramContext = {
    graph,
    config,
    precision,
    activationCheckpointing,
    lanes,
    weights: mapped === undefined ? of : () => mapped.variables,
    updates,
    run,
    beforeMicroBatch: options.beforeMicroBatch,
  };
  const {compiling} = options;
  const uncompiled = new Set(Object.keys(options.programs));
  const bound = Object.fromEntries(
    Object.entries<Program<unknown>>(options.programs).map(([name, program]) => {
      const noticed: Run = (label, feeds, outputs) => {
        if (uncompiled.delete(name)) compiling?.(name);
        return run(label, feeds, outputs);
      };
      return [name, program.declare({...context, run: noticed}, name)];
    }),
  ) as Engine<P>['run'];
  session = Session.open(graph);

  const engine: Engine<P> = {
    config,
    run: bound,
    slots,
    read: (slot) => read(run, slot),
    readInParts: (slot) => readInParts(run, slot),
    readPacked: (slot) => readPacked(run, slot),
    write: (slot, values, isChanged) => write(run, slot, values, isChanged),
    copy(from, to) {
      if (!copies) throw new Error('Internal error: the engine was opened without reference');
      if (from !== to) run('copy', [], [copies[to]]);
    },
    get updates() {
      return updatesMade;
    },
    set updates(made) {
      updatesMade = made;
    },
    resetOptimizer() {
      if (clearMoments) run('clear moments', [], [clearMoments]);
      updatesMade = 0;
    },
    stats: () => ({openMs, nodes: graph.nodes.length, programs: [...calls].map(([label, each]) => ({label, ...each}))}),
    dispose() {
      session?.close();
      session = undefined;
    },
  };
  if (!('path' in weights)) engine.write('policy', weights);
  if (reference) engine.copy('policy', 'reference');
  engine.resetOptimizer();
  calls.clear();
  const openMs = performance.now() - started;
  return engine;
}
