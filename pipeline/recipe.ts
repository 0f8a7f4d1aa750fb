/**
 * Wires stages into a recipe. A ref must exist before it is used, so a recipe written in TypeScript cannot contain a
 * cycle; wiring that the compiler did not see (a recipe loaded type-stripped) is checked again here, with the place of
 * the faulty `add` call.
 */
import type {Definition} from './definition.js';
import type {AnyStage, InputPort, InputPorts, Kind, Many, Optional, OutputPorts, Params, Resources} from './stage.js';

/** One output of one node, typed by what lies behind it. */
export interface Ref<K extends Kind = Kind> {
  readonly node: string;
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

export type InputsOf<S extends AnyStage> = {
  readonly [port in RequiredPorts<S['inputs']>]: RefOf<S['inputs'][port]>;
} & {
  readonly [port in Exclude<keyof S['inputs'], RequiredPorts<S['inputs']>>]?: RefOf<S['inputs'][port]> | undefined;
};
export type OutputsOf<S extends {readonly outputs: OutputPorts}> = {
  readonly [port in keyof S['outputs']]: Ref<S['outputs'][port]>;
};
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
  readonly threads?: number;
  readonly resources?: Partial<Resources>;
  /** Seconds after which the attempt is stopped and recorded as timed out. */
  readonly timeout?: number;
  /** A checkpoint every so many steps; `due` also asks for one when a stop was requested. */
  readonly checkpointEvery?: number;
  /** Environment variables with their values, on top of those of the stage. */
  readonly env?: Readonly<Record<string, string>>;
  /**
   * Environment variables that are handed on as they are set where r1 is run, beside those that the stage asks for. Their
   * values are neither hashed nor written anywhere; where one is not set, nothing is run.
   */
  readonly passEnv?: readonly string[];
}

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
  readonly summary?: string;
  readonly wire: (add: Add) => T;
}

/** `export default recipe('tiny', (add) => { … })` */
export function recipe<T>(name: string, wire: (add: Add) => T, summary?: string): Recipe<T> {
  return {name, wire, ...(summary === undefined ? {} : {summary})};
}
