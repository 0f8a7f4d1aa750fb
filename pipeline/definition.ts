/**
 * A definition is something of a person's own that a stage is given beside its inputs and params: an object that a module
 * exports, as a reward or a task is one. The runner knows of it what it knows of a stage: the module, the name of the export and,
 * from the module, the digest of its code. What it is for is known to the stage that declares its kind.
 */

/** What a helper such as `defineReward` returns; what else is in it is between the helper and the stage. */
export interface Definition<K extends string = string> {
  /** What it is: `reward`, `task` … To the runner it is just a word that has to match. */
  readonly kind: K;
  /** By which params, messages and results call it. A node is given no two of one name in one option. */
  readonly name: string;
  /** `import.meta.url` of the module that exports it: the stage's process imports it from there. */
  readonly module: string;
}

/** Option of a node → kind of the definitions that it lists: `{rewards: 'reward', tasks: 'task'}`. */
export type DefinitionOptions = Readonly<Record<string, string>>;

/** Where a stage finds a definition that its node was wired with. Plain data, so that it can be handed to a thread. */
export interface DefinitionRef {
  readonly kind: string;
  readonly name: string;
  /** URL. */
  readonly module: string;
  /** The name under which the module exports it. */
  readonly export: string;
}

/** Whether a value has what the runner needs to know of a definition. */
export const isDefinition = (value: unknown): value is Definition =>
  typeof value === 'object' &&
  value !== null &&
  (['kind', 'name', 'module'] as const).every((key) => typeof (value as Partial<Definition>)[key] === 'string');
