/**
 * What a stage is: typed ports, default params and a `run`. This is the contract between the runner, which knows
 * nothing of tensors, and the stages, which know nothing of schedulers. Wiring is checked here by the compiler only;
 * `wiring/wire.ts` repeats the check for recipes that were loaded without one.
 */
import type {Definition, DefinitionOptions, DefinitionRef} from './definition.js';
import type {Json, ParamAbout, Params} from './params.js';
import type {StageEnvironment} from './stage-environment.js';

export {param} from './params.js';
export type {Json, ParamAbout, Params} from './params.js';
export type {EnvironmentIdentity, EnvironmentState, EnvironmentWords, StageEnvironment} from './stage-environment.js';

/** What lies behind a port: `model`, `dataset`, `scores` … To the runner it is just a word that has to match. */
export type Kind = string;

/** An input that takes any number of artifacts of one kind, each under a name. */
export interface Many<K extends Kind = Kind> {
  readonly kind: K;
  /** Tells it from other ports. */
  readonly many: true;
}

/** An input that may be left unwired. */
export interface Optional<K extends Kind = Kind> {
  readonly kind: K;
  /** Tells it from other ports. */
  readonly optional: true;
}

/** One input of a stage: exactly one artifact of a kind, any number of them, or one that may be missing. */
export type InputPort = Kind | Many | Optional;
/** Input port → what it takes. A name has letters, digits, “-” and “_”, at most 100 of them. */
export type InputPorts = Readonly<Record<string, InputPort>>;
/** Output port → kind of the artifact that the stage leaves there. */
export type OutputPorts = Readonly<Record<string, Kind>>;

/** `inputs: {scores: many('scores')}`: wired with a record of refs, seen by `run` as a record of paths. */
export const many = <const K extends Kind>(kind: K): Many<K> => ({kind, many: true});

/** `inputs: {policy: optional('model')}`: may be left out; `run` then sees `undefined`. */
export const optional = <const K extends Kind>(kind: K): Optional<K> => ({kind, optional: true});

/** What one attempt occupies while it runs. The scheduler never lets the sum exceed what the machine has. */
export interface Resources {
  /** Cores kept busy. */
  readonly cpu: number;
  /**
   * GPUs held, at most those of the machine: no other job uses them meanwhile. A stage that computes with tensors holds one,
   * where its set-up found one, unless it says otherwise.
   */
  readonly gpu: number;
  /** Peak resident memory, MiB. */
  readonly memory: number;
}

/** The mid-stage state of a training stage; see ARCHITECTURE.md, Contracts. */
export interface Checkpoints {
  /** The folder of the newest whole checkpoint to start from, or `undefined` on a fresh start. Read only. */
  readonly latest: string | undefined;
  /** True when a checkpoint should be written after `step` (counted from 1): the interval is up, or a stop was asked for. */
  due(step: number): boolean;
  /**
   * Whether a stop was asked for. Looks at the job folder, too, so that it is true as soon as somebody has asked, where
   * `signal` waits until the stage lets go of the thread. Costs microseconds: look before whatever takes long.
   */
  isStopAsked(): boolean;
  /**
   * Writes a checkpoint: `write` fills an empty folder; it becomes visible whole (fsync, rename) or not at all.
   * When a stop was asked for, throws `Stopped` after the checkpoint is safe, so that the stage ends there.
   */
  save(step: number, write: (folder: string) => Promise<void> | void): Promise<void>;
}

/** Thrown by `checkpoints.save` once a requested stop can be obeyed without losing work. Not an error. */
export class Stopped extends Error {
  override readonly name = 'Stopped';
  /** @param step the last step whose work is in the checkpoint, counted from 1 */
  constructor(readonly step?: number) {
    super(step === undefined ? 'stopped' : `stopped after step ${step}, checkpoint written`);
  }
}

/**
 * An expected end of a stage with a plain sentence for the person who runs it ("the base solves 0.43 of the
 * validation problems in 16 samples, below 0.90"). Recorded as the outcome's reason, printed without a stack.
 */
export class StageFailure extends Error {
  override readonly name = 'StageFailure';
  /** The file whose code has to be corrected, where no param helps; whoever reads of the failure is told so. */
  readonly file: string | undefined;
  constructor(message: string, {file}: {readonly file?: string | undefined} = {}) {
    super(message);
    this.file = file;
  }
}

type PathOf<P extends InputPort> = P extends Many
  ? Readonly<Record<string, string>>
  : P extends Optional
    ? string | undefined
    : string;

/** What `run` is handed. Paths are absolute; inputs are read-only; every output path must exist (file or folder) at the end. */
export interface StageContext<
  I extends InputPorts,
  O extends OutputPorts,
  P extends Params,
  D extends DefinitionOptions = DefinitionOptions,
> {
  /**
   * Input port → path of a file or folder: a record of paths for `many`, `undefined` for an `optional` one that is not
   * wired.
   */
  readonly inputs: {readonly [port in keyof I]: PathOf<I[port]>};
  /** Output port → path at which the stage is to make a file or a folder; nothing is there at first. */
  readonly outputs: {readonly [port in keyof O]: string};
  /** Defaults with what the recipe and the command line have set. */
  readonly params: P;
  /**
   * Option → the definitions that the node was wired with, sorted by name and none twice; empty where it was given none.
   * `importDefinition` loads one, here or in a thread.
   */
  readonly definitions: {readonly [option in keyof D]: readonly DefinitionRef[]};
  /** The run's seed; 0 for a stage that is `seedless`. Key every draw by (seed, purpose, step, sample); equal seeds give equal bytes. */
  readonly seed: number;
  /** Threads to compute with, as the node declares them; part of the fingerprint of tensor stages. */
  readonly threads: number;
  /** Cores that the node may keep busy, as its resources say. In no fingerprint, so no byte of a result may depend on it. */
  readonly cores: number;
  /** For stages that can be stopped and resumed; one that never asks is run from its beginning again. */
  readonly checkpoints: Checkpoints;
  /** Aborted when a stop was asked for. Training stages need not look: `checkpoints.due` and `save` do. */
  readonly signal: AbortSignal;
  /**
   * For a stage that `canFinishEarly`: true when a person has asked it to end after `step` of `total` steps with what it has.
   * The stage then makes its outputs of that and resolves, and the attempt is recorded as finished early. To be asked between
   * two steps (counted from 1), where what is made depends on the number of steps alone; before the first one it is false.
   */
  finishEarly(at: {readonly step: number; readonly total: number}): boolean;
  /** Path of an empty folder that is gone after the attempt. */
  readonly scratch: string;
  /** Step 20 of 50. `tokens` counts all tokens processed so far and yields tokens per second. */
  progress(at: {readonly step: number; readonly total: number; readonly tokens?: number}): void;
  /** One point of a curve. Repeating (name, step) after a resume replaces the earlier point. */
  metric(name: string, step: number, value: number): void;
  /** One line for the log that a person should see. */
  note(text: string): void;
}

/** Who waits for what is declared, not found: a stage names its ports, its params' defaults and how to run. */
export interface StageDefinition<
  I extends InputPorts,
  O extends OutputPorts,
  P extends Params,
  D extends DefinitionOptions = DefinitionOptions,
> {
  /** `import.meta.url` of the module that exports the stage: the child process imports it from there. */
  readonly module: string;
  /** What runs, logs and fingerprints call it. Two stages of one package should not share a name. */
  readonly name: string;
  /** One sentence for `r1 show` and the help. */
  readonly summary?: string;
  /** What it is made from; wired by the recipe, and in the fingerprint by content. */
  readonly inputs: I;
  /** What it makes. */
  readonly outputs: O;
  /** Defaults; their widened types are the params' types. */
  readonly params: P;
  /**
   * What a person should know of each param: a sentence on what it does, or that with the range that it may be in. `r1 params`
   * shows it, and a value outside of its range is refused before anything runs.
   */
  readonly about?: {readonly [name in keyof P]?: string | ParamAbout};
  /** For params that are one of a few words: what they may be. Checked before anything runs. */
  readonly choices?: {readonly [name in keyof P]?: readonly P[name][]};
  /**
   * Options in which a node of this stage lists definitions, each with their kind: `definitions: {rewards: 'reward'}` lets a
   * recipe write `add('zero', grpo, inputs, params, {rewards: [brevity]})`. The code of those that a node lists is part of its
   * fingerprint; a node that lists none has the fingerprint that it would have without.
   */
  readonly definitions?: D;
  /**
   * What is wrong with params, definitions and inputs that go together, each mistake a sentence; empty when nothing is. Called whenever a
   * node is wired or its params are set, before anything runs, so it looks at what it is given and at nothing else.
   */
  check?(wired: WiredWith<P, D>): readonly string[];
  /** What a person should know of a node's params before it runs with them, each a sentence: a plan has it as a warning. */
  caution?(params: NoInfer<P>): readonly string[];
  /** Metrics that a person watches while it runs, the most telling first; the live view shows these. Without them, the newest. */
  readonly headline?: readonly string[];
  /** Changes the weights of a model by optimizer steps; `r1 stages` says so. */
  readonly trains?: boolean;
  /**
   * Computes with tensors: TensorFlow version, device, threads and CPU kind are then part of the fingerprint; or, in an
   * `environment`, what that says of the machine.
   */
  readonly tensor?: boolean;
  /** The result does not depend on the seed, so runs of every seed share it. */
  readonly seedless?: boolean;
  /**
   * For a stage that is a program: it keeps checkpoints in the folder that `R1_CHECKPOINTS` names, and resumes from what lies in
   * `latest` there, if anything does.
   */
  readonly checkpoints?: boolean;
  /** The stage whose place it can take at a node, and by whose trainer: `r1 run --trainer`. Ports and params are those of the other. */
  readonly replaces?: StandIn;
  /** A person may end it early and keep what it has by then (`r1 finish`): its `run` asks `finishEarly`. */
  readonly canFinishEarly?: boolean;
  /**
   * What is set aside for an attempt. What is left out: as many cores as it has threads, a GPU for `tensor` stages
   * where there is one, no memory.
   */
  readonly resources?: Partial<Resources>;
  /**
   * What an attempt is going to take of memory, where that follows from params and inputs: it stands in the place of
   * `resources.memory`. Called by the runner once the inputs are there, before the attempt gets its turn; it looks at the inputs and
   * at nothing else, and is soon done. What it throws is noted, and `resources.memory` counts.
   */
  memory?(context: MemoryContext<I, P>): MemoryNeed | Promise<MemoryNeed>;
  /** Threads to compute with unless the node says otherwise. Default 1. */
  readonly threads?: number;
  /**
   * Environment variables with their values, which are part of the fingerprint; a node can set others. Beside these, those
   * in `passEnv` and those of the platform (`wiring/environment.ts`) a stage sees nothing of the environment that r1 is run in.
   */
  readonly env?: Readonly<Record<string, string>>;
  /** Environment variables that are handed on as they are set where r1 is run, and are neither hashed nor written anywhere. */
  readonly passEnv?: readonly string[];
  /**
   * What the program of a stage with `argv` runs in, beside the machine: an installation of Python with its packages. It is part of
   * the fingerprint, and is made ready before an attempt; what it adds is in the context of `argv`.
   */
  readonly environment?: StageEnvironment;
  /**
   * Makes the outputs. Resolves when they are complete; throws `StageFailure` for what a person can fix, anything else
   * for a bug.
   */
  run(context: StageContext<I, O, P, D>): Promise<void>;
  /**
   * The program and its arguments, for a stage that is a program (`stages/command.ts`): it is then started without a
   * Node process around it, and `run` is for whoever calls the stage as a function.
   */
  argv?(context: CommandContext<I, O, P>): readonly (string | number | URL)[];
}

/** What a stage stands in for. */
export interface StandIn {
  /** The name of the other stage. */
  readonly stage: string;
  /** What people call what trains in it: `trl`. */
  readonly trainer: string;
  /** Params of the other that say how it computes and have no meaning here: a node that sets them goes without. */
  readonly without?: readonly string[];
}

/** What an attempt is going to take of memory. */
export interface MemoryNeed {
  /** MiB, at the most. */
  readonly mib: number;
  /**
   * What takes it, and which params would need no more than there is, as sentences: said where `mib` is more than that.
   * @param there MiB
   */
  explain?(there: number): string;
}

/** What memory is reckoned from. */
export type MemoryContext<I extends InputPorts, P extends Params> = Pick<
  StageContext<I, OutputPorts, P>,
  'inputs' | 'params' | 'threads' | 'cores'
>;

/** What `check` is handed: all params, defaults filled in, definitions as the recipe wired them, sorted by name, and ports. */
export interface WiredWith<P extends Params, D extends DefinitionOptions> {
  /** All of them, defaults filled in. */
  readonly params: P;
  /** Option → what the recipe lists there, sorted by name. */
  readonly definitions: {readonly [option in keyof D]: readonly Definition<D[option]>[]};
  /** The input ports that are wired. */
  readonly inputs: readonly string[];
  /**
   * Where what is wired to them comes from, as far as it is another node's stage that makes it. Nothing is known of sources, nor
   * where a frozen plan is resumed: a check that finds no origin has nothing to complain about.
   */
  readonly origins: readonly Origin[];
}

/** The node that makes what an input is wired to. */
export interface Origin {
  /** Input port of the node that is checked; a port of `many` may have several origins. */
  readonly input: string;
  readonly node: string;
  /** Its output port. */
  readonly output: string;
  readonly stage: {readonly name: string; readonly module: string};
  /** Option → the definitions that it is wired with; each option that its stage declares. */
  readonly definitions: Readonly<Record<string, readonly Definition[]>>;
}

/** What a command line can be made of. */
export type CommandContext<I extends InputPorts, O extends OutputPorts, P extends Params> = Pick<
  StageContext<I, O, P>,
  'inputs' | 'outputs' | 'params' | 'seed' | 'threads' | 'scratch'
>;

/** A stage as `defineStage` returns it, with its ports, params and definitions as types. */
export type Stage<
  I extends InputPorts = InputPorts,
  O extends OutputPorts = OutputPorts,
  P extends Params = Params,
  D extends DefinitionOptions = DefinitionOptions,
> = StageDefinition<I, O, P, D>;

/** Any stage, for code that only carries stages around. `run` is contravariant in its context, hence `never`. */
export interface AnyStage extends Omit<
  Stage,
  'run' | 'argv' | 'about' | 'choices' | 'definitions' | 'check' | 'caution' | 'memory'
> {
  readonly about?: Readonly<Record<string, string | ParamAbout | undefined>>;
  readonly choices?: Readonly<Record<string, readonly Json[] | undefined>>;
  readonly definitions?: DefinitionOptions;
  check?(wired: never): readonly string[];
  caution?(params: never): readonly string[];
  memory?(context: never): MemoryNeed | Promise<MemoryNeed>;
  run(context: never): Promise<void>;
  argv?(context: never): readonly (string | number | URL)[];
}

/** Whether a value has what the runner needs to know of a stage. */
export const isStage = (value: unknown): value is AnyStage =>
  isObject(value) &&
  typeof value['name'] === 'string' &&
  typeof value['module'] === 'string' &&
  typeof value['run'] === 'function' &&
  isObject(value['inputs']) &&
  isObject(value['outputs']) &&
  isObject(value['params']);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Declares a stage. Ports are literal types, so a recipe that feeds a dataset into a model port does not compile.
 *
 *     export const sft = defineStage({
 *       module: import.meta.url, name: 'sft',
 *       inputs: {base: 'model', data: 'dataset'}, outputs: {model: 'model'},
 *       params: {epochs: 2, learningRate: 3e-4},
 *       async run({inputs, outputs, params, seed}) { … },
 *     });
 */
export function defineStage<
  const I extends InputPorts,
  const O extends OutputPorts,
  P extends Params,
  const D extends DefinitionOptions = DefinitionOptions,
>(definition: StageDefinition<I, O, P, D>): Stage<I, O, P, D> {
  return definition;
}
