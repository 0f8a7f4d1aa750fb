/**
 * Compiles and renders chat templates, which come with models from anywhere, as Python's Jinja does. Whatever is
 * wrong with one is reported in a sentence that names its file; what it makes is bounded; and what a loop has written before
 * `{% break %}` or `{% continue %}` stays, as in Python's Jinja, where the package forgets it. How long it takes is not
 * bounded here: that is for whoever can end the thread or process that renders.
 */
import {StageFailure} from '../../pipeline/stage.js';
import {Environment, parse, tokenize, valueOf} from './jinja-package.js';
import type {Node, Scope, Value} from './jinja-package.js';
import {PythonInterpreter, misread} from './jinja-python.js';
import {dateText} from './python-dates.js';
import {range} from './python-lists.js';

/**
 * A template that has been read. Without `steps`, about the most parts of it that are evaluated, it may be rendered without end.
 *
 * @throws {StageFailure} for what goes wrong while it is rendered
 */
export type Render = (variables: Readonly<Record<string, unknown>>, limits?: {readonly steps: number}) => string;

/** Far beyond any model's positions, and far below what would end the process that renders. */
const MAX_TEXT = 10_000_000;
const MAX_LIST = 1_000_000;

/**
 * @param where what to call the template: its file
 * @throws {StageFailure} when it cannot be read
 */
export function compileTemplate(given: string, where: string): Render {
  const source = given.replaceAll(/\r\n?/g, '\n'); // as Jinja does when it loads one
  let program: unknown;
  let odd: string | undefined;
  try {
    const tokens = tokenize(source, {lstrip_blocks: true, trim_blocks: true});
    odd = misread(source, tokens as Parameters<typeof misread>[1]);
    program = parse(tokens);
  } catch (error) {
    throw new StageFailure(`the chat template of ${where} cannot be read: ${unreadable(source, error)}`);
  }
  if (odd !== undefined) throw new StageFailure(`the chat template of ${where} cannot be read: ${odd}`);
  return (variables, {steps} = {steps: Infinity}) => {
    const environment = new Environment();
    environment.setVariable('range', range);
    for (const [name, value] of Object.entries({...GLOBALS, ...variables})) environment.set(name, value);
    const interpreter = new Bounded(environment);
    interpreter.stepsLeft = steps;
    try {
      return String(interpreter.run(program).value);
    } catch (error) {
      if (error instanceof Refusal) {
        throw new StageFailure(`the chat template of ${where} refuses this conversation: ${error.message}`);
      }
      throw new StageFailure(`chat template of ${where}: ${faultText(error, interpreter.failedAt, source)}`);
    }
  };
}

/** Thrown by a template itself, with `raise_exception`. */
class Refusal extends Error {}

/** Beyond a bound of ours. */
class TooMuch extends Error {}

const GLOBALS: Readonly<Record<string, unknown>> = {
  ...{true: true, false: false, none: null, True: true, False: false, None: null},
  raise_exception(message: unknown) {
    throw new Refusal(String(message));
  },
  strftime_now(format: unknown) {
    if (typeof format !== 'string') throw new Error('strftime_now() without a format');
    return dateText(new Date(), format);
  },
};

/** A loop that is going on. */
interface Loop {
  readonly body: readonly Node[] | undefined;
  isLeft: boolean;
  /** Characters that it has written. */
  length: number;
}

function limitText(isWithin: boolean): void {
  if (!isWithin) throw new TooMuch(`it makes a text of more than ${MAX_TEXT} characters`);
}

class Bounded extends PythonInterpreter {
  /** The innermost part that could not be evaluated. */
  failedAt: Node | undefined;
  stepsLeft = Infinity;
  readonly #loops: Loop[] = [];
  /** What the package throws for `break` and `continue`, and what had been written by then. */
  readonly #leaps = new Map<unknown, {readonly isBreak: boolean; text: string}>();

  /** Takes from what may still be done: of each part, entry, round of a loop and hundred characters. */
  #step(cost: number): void {
    this.stepsLeft -= cost;
    if (this.stepsLeft < 0) throw new TooMuch('it takes too long');
  }

  override evaluate(node: Node, environment: Scope): Value {
    this.#step(1);
    let value: Value;
    try {
      value = super.evaluate(node, environment);
    } catch (error) {
      if (node.type === 'Break' || node.type === 'Continue') {
        this.#leaps.set(error, {isBreak: node.type === 'Break', text: ''});
      } else if (!this.#leaps.has(error)) this.failedAt ??= node;
      throw error;
    }
    if (typeof value.value === 'string') {
      limitText(value.value.length <= MAX_TEXT);
      this.#step(value.value.length / 100);
    }
    if (Array.isArray(value.value)) this.#step(value.value.length);
    if (Array.isArray(value.value) && value.value.length > MAX_LIST) {
      throw new TooMuch(`it makes a list of more than ${MAX_LIST} entries`);
    }
    return value;
  }

  override evaluateBlock(nodes: readonly Node[], environment: Scope): Value {
    const loop = this.#loops.at(-1);
    const isBody = loop !== undefined && loop.body === nodes;
    // The package asks for the rest of the rounds, since it has not seen the `break`.
    if (isBody && loop.isLeft) return valueOf('');
    this.#step(1);
    const scope = isBody ? this.roundOf(environment) : environment;
    const written: Value[] = [];
    const text = (): string => written.map(({value}) => value as string).join('');
    let length = 0;
    for (const node of nodes) {
      let piece: Value;
      try {
        piece = super.evaluateBlock([node], scope);
      } catch (error) {
        const leap = this.#leaps.get(error);
        if (leap === undefined) throw error;
        leap.text = text() + leap.text;
        if (!isBody) throw error;
        this.#leaps.delete(error);
        loop.isLeft = leap.isBreak;
        return valueOf(leap.text);
      }
      written.push(piece);
      length += (piece.value as string).length;
      limitText(length <= MAX_TEXT);
    }
    if (isBody) limitText((loop.length += length) <= MAX_TEXT);
    return valueOf(text());
  }

  override evaluateFor(node: Node, environment: Scope): Value {
    this.#loops.push({body: node.body, isLeft: false, length: 0});
    try {
      return super.evaluateFor(node, environment);
    } finally {
      this.#loops.pop();
    }
  }
}

/** Why a template could not be read, with the line where that is known. */
function unreadable(source: string, error: unknown): string {
  const {message} = error as Error;
  const statement = /^Unknown statement type: (\w+)$/.exec(message)?.[1];
  if (statement !== undefined) {
    return `unknown statement “${statement}”${linesOf(source, `\\{%[-+]?\\s*${statement}\\b`)}`;
  }
  if (error instanceof RangeError) return 'it is nested too deep';
  // That its parser crashes is how the package says that something is missing at the end.
  if (error instanceof TypeError) return 'it ends too early: a block or a bracket is not closed';
  return `${message}${lineOfToken(source, message)}`;
}

/** The line at which the tokens end that can be made: the first that gives the same error when nothing comes behind it. */
function lineOfToken(source: string, message: string): string {
  const lines = source.split('\n');
  const fails = (count: number): boolean => {
    try {
      tokenize(lines.slice(0, count).join('\n'), {lstrip_blocks: true, trim_blocks: true});
      return false;
    } catch (error) {
      return (error as Error).message === message;
    }
  };
  const first = lines.findIndex((_, index) => index < 2000 && fails(index + 1));
  return first === -1 ? '' : ` (line ${first + 1})`;
}

/** What went wrong while a template was rendered. */
function faultText(error: unknown, at: Node | undefined, source: string): string {
  const {message} = error as Error;
  if (error instanceof TooMuch) return `${message}${at === undefined ? '' : linesOf(source, patternOf(at))}`;
  if (error instanceof RangeError) {
    return /call stack/.test(message) ? 'it calls itself without end' : `it makes more than can be held (${message})`;
  }
  if (error instanceof TypeError) return `it cannot be rendered here (${message})`;
  const filter = /^Unknown (\w+)Value filter: (\w+)$/.exec(message);
  if (filter !== null) {
    const [, type = '', name = ''] = filter;
    return `unknown filter “${name}” for ${kindText(type)}${linesOf(source, filterPattern(name))}`;
  }
  const misfit = /^Cannot apply filter "(\w+)" to type: (\w+?)(?:Value)?$/.exec(message);
  if (misfit !== null) {
    const [, name = '', type = ''] = misfit;
    return `filter “${name}” cannot be applied to ${kindText(type)}${linesOf(source, filterPattern(name))}`;
  }
  const test = /^Unknown test: (\w+)$/.exec(message)?.[1];
  if (test !== undefined) return `unknown test “${test}”${linesOf(source, `\\bis\\s+(?:not\\s+)?${test}\\b`)}`;
  const called = at?.type === 'CallExpression' && message.startsWith('Cannot call') ? nameOf(at['callee']) : undefined;
  if (called !== undefined) return `unknown function “${called}”${linesOf(source, `\\b${called}\\s*\\(`)}`;
  return `${message}${at === undefined ? '' : linesOf(source, patternOf(at))}`;
}

const KINDS: Readonly<Record<string, string>> = {
  Array: 'a list',
  String: 'a text',
  Numeric: 'a number',
  Integer: 'a number',
  Float: 'a number',
  Object: 'a record',
  Boolean: 'true or false',
  Null: 'none',
  Undefined: 'what is not defined',
};
const kindText = (type: string): string => KINDS[type] ?? type;

const filterPattern = (name: string): string => `\\|\\s*${name}\\b`;

/** The name of a variable, or the last of `a.b.c`. */
function nameOf(node: unknown): string | undefined {
  const {type, value, property} = (node ?? {}) as Node;
  if (type === 'Identifier') return /^\w+$/.test(String(value)) ? String(value) : undefined;
  return type === 'MemberExpression' ? nameOf(property) : undefined;
}

/** How a part looks in the source, as far as it has a name. */
function patternOf(node: Node): string | undefined {
  const name = nameOf(node) ?? nameOf(node['callee']) ?? nameOf(node['filter']) ?? nameOf(node['left']);
  return name === undefined ? undefined : `\\b${name}\\b`;
}

/** The lines on which a pattern is found: nodes do not say where they came from. Nothing where there are many. */
function linesOf(source: string, pattern: string | undefined): string {
  if (pattern === undefined) return '';
  const found = new Set<number>();
  for (const {index} of source.matchAll(new RegExp(pattern, 'g'))) found.add(source.slice(0, index).split('\n').length);
  const lines = [...found];
  if (lines.length === 0 || lines.length > 3) return '';
  return lines.length === 1 ? ` (line ${lines[0]})` : ` (line ${lines.slice(0, -1).join(', ')} or ${lines.at(-1)})`;
}
