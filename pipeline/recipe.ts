/**
 * Wires stages into a recipe. A ref must exist before it is used, so a recipe written in TypeScript cannot contain a
 * cycle; wiring that the compiler did not see (a recipe loaded type-stripped) is checked again in `wiring/wire.ts`, with
 * the place of the faulty `add` call.
 */
import type {Definition} from './definition.js';
import type {AnyStage, InputPort, InputPorts, Kind, Many, Optional, OutputPorts, Params, Resources} from './stage.js';

/** One output of one node, typed by what lies behind it. */
export interface Ref<K extends Kind = Kind> {
  /** Id of the node that makes it. */
  readonly node: string;
  /** One of the stage's output ports; `output` for a source. */
  readonly port: string;
  readonly kind: K;
}

type RefOf<P extends InputPort> =
  P extends Many<infer K>
    ? Readonly<Record<string, Ref<K>>>
    : P extends Optional<infer K>
      ? Ref<K>
      : P extends Kind
        ? Ref<P>
        : never;
type RequiredPorts<I extends InputPorts> = {
  [port in keyof I]: I[port] extends Optional ? never : port;
}[keyof I];

/** What `add` takes for a stage: a ref for each of its input ports, a record of refs for `many`. */
export type InputsOf<S extends AnyStage> = {
  readonly [port in RequiredPorts<S['inputs']>]: RefOf<S['inputs'][port]>;
} & {
  readonly [port in Exclude<keyof S['inputs'], RequiredPorts<S['inputs']>>]?: RefOf<S['inputs'][port]> | undefined;
};
/** What `add` returns for a stage: a ref for each of its output ports. */
export type OutputsOf<S extends {readonly outputs: OutputPorts}> = {
  readonly [port in keyof S['outputs']]: Ref<S['outputs'][port]>;
};
/** What a recipe may set of a stage's params; the rest keep their defaults. */
export type ParamsOf<S extends {readonly params: Params}> = Partial<S['params']>;

/** What a node of the stage may be given beside its options: lists of definitions, each of the kind that the stage declares. */
export type DefinitionsOf<S extends AnyStage> =
  NonNullable<S['definitions']> extends infer D
    ? string extends keyof D
      ? unknown // It declares none, or nothing is known of the stage but that it is one.
      : {readonly [option in keyof D]?: readonly Definition<D[option] & string>[]}
    : never;

/** Operational settings of one node. Only `threads` (of tensor stages) and `env` are part of the fingerprint. */
export interface NodeOptions {
  /** Threads to compute with; the stage's own number unless given. */
  readonly threads?: number;
  /** What is set aside while it runs, where that is not what the stage declares: cores, GPUs, MiB of memory. */
  readonly resources?: Partial<Resources>;
  /** Seconds after which the attempt is stopped and recorded as timed out. */
  readonly timeout?: number;
  /**
   * Seconds that it has, once it is asked to stop, to write a checkpoint and end; then it is killed. Unless given, they follow from what
   * its steps and checkpoints took.
   */
  readonly grace?: number;
  /**
   * So many times in a row it is tried again after an end that says nothing against it: it was lost with whoever ran it, or a program
   * asked for another try by the exit code 75. A newer checkpoint in between starts the count anew. Default 2.
   */
  readonly retries?: number;
  /** Steps between two checkpoints; `due` also asks for one when a stop was requested. */
  readonly checkpointEvery?: number;
  /** Environment variables with their values, on top of those of the stage. */
  readonly env?: Readonly<Record<string, string>>;
  /**
   * Environment variables that are handed on as they are set where r1 is run, beside those that the stage asks for. Their
   * values are neither hashed nor written anywhere; where one is not set, nothing is run.
   */
  readonly passEnv?: readonly string[];
}

/** What a recipe wires its nodes with. */
export interface Add {
  /** Places `stage` in the recipe under `id` and returns its outputs as refs. */
  <S extends AnyStage>(
    id: string,
    stage: S,
    inputs: InputsOf<S>,
    params?: ParamsOf<S>,
    options?: NodeOptions & DefinitionsOf<S>,
  ): OutputsOf<S>;
  /** A file or folder from outside, hashed when the plan is made. Relative paths start at the recipe's own file. */
  source<const K extends Kind>(id: string, kind: K, path: string): Ref<K>;
}

/** A recipe is the function that wires it; `wire` lets another recipe build on top of it and use what it returns. */
export interface Recipe<T = unknown> {
  readonly name: string;
  /** One sentence for lists of recipes. */
  readonly summary?: string;
  /** Profiles that it can be wired in, by name, with a sentence on each. */
  readonly profiles?: Readonly<Record<string, string>>;
  /**
   * Adds the nodes, the ones that are used first. Called anew for every plan, so it must add the same nodes each time.
   */
  readonly wire: (add: Add, settings?: RecipeSettings) => T;
}

/** What a person asks of a recipe as a whole. */
export interface RecipeSettings {
  /** One of its profiles: other numbers for the same nodes, as for a larger machine. */
  readonly profile?: string;
}

/**
 * Declares a recipe, as the default export of a module: `export default recipe('tiny', (add) => { … })`. Nothing is
 * wired yet.
 *
 * @param name what runs are listed by; nodes of equal recipes share their history
 * @param wire returns refs for recipes that build on this one, if anything
 * @param profiles names that `settings.profile` may have (`--profile`), each with a sentence; without one it is absent
 */
export function recipe<T>(
  name: string,
  wire: (add: Add, settings: RecipeSettings) => T,
  summary?: string,
  profiles?: Readonly<Record<string, string>>,
): Recipe<T> {
  return {
    name,
    // As it is where it takes no settings: a mistake of the function is told with the place where it stands.
    wire: wire.length < 2 ? (wire as (add: Add) => T) : (add, settings = {}) => wire(add, settings),
    ...(summary === undefined ? {} : {summary}),
    ...(profiles === undefined ? {} : {profiles}),
  };
}
