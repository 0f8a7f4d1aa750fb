/** The door to @huggingface/jinja: what is used of the package, and values of its kind. */
import * as package_ from '@huggingface/jinja';

export interface Node {
  readonly type: string;
  readonly body?: readonly Node[];
  readonly [part: string]: unknown;
}

/** A value as the package has it; what `value` holds depends on `type`. */
export interface Value {
  readonly type: string;
  value: unknown;
  readonly builtins: ReadonlyMap<string, Value>;
  __bool__: () => {readonly value: boolean};
}

/** The variables of a scope. */
export interface Scope {
  readonly variables: Map<string, Value>;
  readonly parent?: Scope;
  readonly tests: ReadonlyMap<string, (...values: readonly Value[]) => boolean>;
  set(name: string, value: unknown): Value;
  setVariable(name: string, value: Value): Value;
}

/** The methods of the package's interpreter that are built upon. */
interface Internals {
  run(program: unknown): Value;
  evaluate(node: Node | undefined, scope: Scope): Value;
  evaluateBlock(nodes: readonly Node[], scope: Scope): Value;
  evaluateFor(node: Node, scope: Scope): Value;
  evaluateMacro(node: Node, scope: Scope): Value;
  evaluateIdentifier(node: Node, scope: Scope): Value;
  evaluateMemberExpression(node: Node, scope: Scope): Value;
  evaluateBinaryExpression(node: Node, scope: Scope): Value;
  evaluateTestExpression(node: Node, scope: Scope): Value;
  evaluateArguments(nodes: readonly Node[], scope: Scope): [Value[], Map<string, Value>];
  applyFilter(operand: Value, filter: Node, scope: Scope): Value;
}

/** What is used of the package. Its own declarations leave out file extensions, so that TypeScript cannot follow them. */
interface Package {
  tokenize(source: string, options: {lstrip_blocks: boolean; trim_blocks: boolean}): unknown;
  parse(tokens: unknown): Node;
  readonly Environment: new (parent?: Scope) => Scope;
  readonly Interpreter: new (scope: Scope) => Internals;
}

export const {tokenize, parse, Environment, Interpreter} = package_ as unknown as Package;

/** A value of the package, whose classes are not exported. */
export const valueOf = (value: unknown): Value => new Environment().set('value', value);

export function listOf(values: readonly Value[]): Value {
  const list = valueOf([]);
  list.value = [...values];
  return list;
}

export function functionOf(call: (args: readonly Value[], scope: Scope) => Value): Value {
  const made = valueOf(() => null);
  made.value = call;
  return made;
}

/** A number with a fraction, be it 0. */
export function floatOf(value: number): Value {
  const made = valueOf(0.5);
  made.value = value;
  return made;
}
