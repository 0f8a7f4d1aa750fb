/**
 * Chat templates are written for Python's Jinja, in which transformers renders them; @huggingface/jinja is JavaScript in
 * places: what it does otherwise would silently make another prompt. It is put right here, or refused in a sentence.
 */
import {FILTERS, TESTS, contains, iterated, kind, refuse} from './jinja-filters.js';
import {Environment, Interpreter, floatOf, functionOf, listOf, valueOf} from './jinja-package.js';
import type {Node, Scope, Value} from './jinja-package.js';
import {asPartOfRange, asView, isSubscriptable, lazyOf, tuples} from './python-lists.js';
import {IGNORES_MARK, KEEPS_MARK, asMarkup, isMarkup, markupSum} from './python-markup.js';
import {methodOf} from './python-texts.js';
import {
  byCodePoint,
  entriesOf,
  isEqual,
  isList,
  isNumber,
  isRecord,
  isText,
  isUndefined,
  itemsOf,
  textOf,
} from './python-values.js';

/** Parts that write nothing, whatever their value. */
const SILENT: ReadonlySet<string> = new Set(['Set', 'Macro', 'Comment', 'Break', 'Continue']);

/** A part that has its value already: so that nothing is evaluated twice. */
const done = (value: Value): Node => ({type: 'Done', value});

/** What a loop knows of itself; the package lacks some of it. */
const loops = new WeakSet<Value>();

/** What a loop knows of the rounds that are to come. */
const AHEAD: ReadonlySet<string> = new Set(['last', 'length', 'nextitem', 'revindex', 'revindex0']);

export class PythonInterpreter extends Interpreter {
  /** For each loop that is going on and takes its entries as they come: how many rounds there were, and the entry before. */
  readonly #rounds: ({count: number; previous: Value} | undefined)[] = [];

  override evaluate(node: Node | undefined, scope: Scope): Value {
    switch (node?.type as string) {
      case 'Done':
        return node!['value'] as Value;
      case 'TupleLiteral': {
        const tuple = listOf((node!['value'] as readonly Node[]).map((one) => this.evaluate(one, scope)));
        tuples.add(tuple);
        return tuple;
      }
      case 'Set':
      case 'FilterStatement':
        // What is set within such a block does not get out of it.
        if ((node!.body?.length ?? 0) > 0) {
          const body = [done(this.evaluateBlock(node!.body!, new Environment(scope)))];
          return super.evaluate({...node!, body}, scope);
        }
    }
    return super.evaluate(node, scope);
  }

  override evaluateBlock(nodes: readonly Node[], scope: Scope): Value {
    const text = nodes.map((node) => {
      const value = this.evaluate(node, scope);
      return SILENT.has(node.type) ? '' : textOf(value);
    });
    return valueOf(text.join(''));
  }

  override evaluateFor(node: Node, scope: Scope): Value {
    const given = node['iterable'] as Node;
    const isFiltered = given.type === 'SelectExpression';
    const over = iterated(this.evaluate(isFiltered ? (given['lhs'] as Node) : given, scope));
    if (isFiltered && seesChanges(given['test'], scope)) return this.#asTheyCome(node, over, scope);
    this.#rounds.push(undefined);
    const iterable = isFiltered ? {...given, lhs: done(over)} : done(over);
    const made = super.evaluateFor({...node, iterable}, scope);
    this.#rounds.pop();
    return made;
  }

  /**
   * A loop of which the condition depends on what its own rounds change: Python asks it before each round, the package before
   * the first. So each entry gets a loop of its own, and what looks ahead (`loop.last`) is refused where it is asked.
   */
  #asTheyCome(node: Node, over: Value, scope: Scope): Value {
    const round = {count: 0, previous: valueOf(undefined)};
    this.#rounds.push(round);
    const entries = isRecord(over) ? [...entriesOf(over).keys()].map(valueOf) : itemsOf(over);
    const texts = entries.map((entry) => {
      const before = round.count;
      const iterable = {...(node['iterable'] as Node), lhs: done(listOf([entry]))};
      const text = super.evaluateFor({...node, iterable, defaultBlock: []}, scope).value as string;
      if (round.count > before) round.previous = entry;
      return text;
    });
    this.#rounds.pop();
    if (round.count > 0) return valueOf(texts.join(''));
    return this.evaluateBlock(node['defaultBlock'] as readonly Node[], scope);
  }

  /** The scope of one round of a loop, in which what is set ends with the round. */
  protected roundOf(scope: Scope): Scope {
    const loop = scope.variables.get('loop');
    if (loop?.type === 'ObjectValue' && !loops.has(loop)) {
      loops.add(loop);
      const parts = loop.value as Map<string, Value>;
      const index = parts.get('index0')!.value as number;
      parts.set('depth', valueOf(1)).set('depth0', valueOf(0));
      const round = this.#rounds.at(-1);
      if (round !== undefined) {
        const index = round.count++;
        parts
          .set('index0', valueOf(index))
          .set('index', valueOf(index + 1))
          .set('first', valueOf(index === 0));
        parts.set('previtem', round.previous);
        for (const name of AHEAD) parts.delete(name);
      }
      parts.set(
        'cycle',
        functionOf((args) => args[index % args.length] ?? refuse('loop.cycle() without an argument')),
      );
    }
    return new Environment(scope);
  }

  /** A macro sees what is around the place where it is written, not what is around its call. */
  override evaluateMacro(node: Node, scope: Scope): Value {
    const nothing = super.evaluateMacro(node, scope);
    const macro = this.evaluateIdentifier(node['name'] as Node, scope);
    const call = macro.value as (args: readonly Value[], scope: Scope) => Value;
    macro.value = (args: readonly Value[], from: Scope): Value => {
      const around = new Environment(scope);
      const caller = from.variables.get('caller');
      if (caller !== undefined) around.setVariable('caller', caller);
      return call(args, around);
    };
    return nothing;
  }

  /** The package takes every error for a variable that there is not, one that says that a macro calls itself, too. */
  override evaluateIdentifier(node: Node, scope: Scope): Value {
    const name = node['value'] as string;
    for (let at: Scope | undefined = scope; at !== undefined; at = at.parent) {
      const value = at.variables.get(name);
      if (value === undefined) continue;
      if (name === 'varargs' && isList(value)) tuples.add(value); // a macro's; nothing else has this name
      return value;
    }
    return name === 'self' ? refuse('“self” is not known here') : valueOf(undefined);
  }

  override evaluateMemberExpression(node: Node, scope: Scope): Value {
    const object = this.evaluate(node['object'] as Node, scope);
    const property = node['property'] as Node;
    if (isUndefined(object)) refuse(`“${written(node)}” is asked of what is not defined`);
    if (isList(object) && !isSubscriptable(object)) return valueOf(undefined);
    if (node['computed'] === true && property.type === 'SliceExpression') {
      if (this.#number(property['step'], scope) === 0) refuse('a slice in steps of 0');
      const slice = super.evaluateMemberExpression({...node, object: done(object)}, scope);
      if (tuples.has(object)) tuples.add(slice);
      if (lazyOf(object) !== undefined) asPartOfRange(slice);
      return slice;
    }
    const key = node['computed'] === true ? this.evaluate(property, scope) : keyOf(property);
    if (isText(object)) {
      if (isMarkup(object)) refuse('a part or a method of what “| safe” has marked');
      if (isText(key)) return methodOf(object.value as string, key.value as string) ?? valueOf(undefined);
      if (key.type === 'IntegerValue') return valueOf(Array.from(object.value as string).at(key.value as number));
      return refuse('a text has places by number only');
    }
    if (isList(object) && key.type !== 'IntegerValue') {
      return isText(key) ? valueOf(undefined) : refuse('a list has places by number only');
    }
    if (isRecord(object)) {
      if (!isText(key)) return key.type === 'NullValue' || isNumber(key) ? valueOf(undefined) : refuse('an odd key');
      const name = key.value as string;
      if (loops.has(object) && name === 'changed') refuse('loop.changed is not known here');
      if (loops.has(object) && AHEAD.has(name) && !entriesOf(object).has(name))
        refuse(`loop.${name} of a loop whose condition changes on the way is not known here`);
      const method = METHODS.has(name) ? object.builtins.get(name) : undefined;
      const entry = entriesOf(object).get(name);
      const found = node['computed'] === true ? (entry ?? method) : (method ?? entry);
      return found === method && method !== undefined ? withViews(method, name) : (found ?? valueOf(undefined));
    }
    return super.evaluateMemberExpression({...node, object: done(object), computed: true, property: done(key)}, scope);
  }

  #number(node: unknown, scope: Scope): unknown {
    return node === undefined || node === null ? undefined : this.evaluate(node as Node, scope).value;
  }

  override evaluateBinaryExpression(node: Node, scope: Scope): Value {
    const operator = (node['operator'] as {value: string}).value;
    if (operator === 'and' || operator === 'or') return super.evaluateBinaryExpression(node, scope);
    const left = this.evaluate(node['left'] as Node, scope);
    const right = this.evaluate(node['right'] as Node, scope);
    switch (operator) {
      case '==':
        return valueOf(isEqual(left, right));
      case '!=':
        return valueOf(!isEqual(left, right));
      case '~':
        return valueOf(textOf(left) + textOf(right));
      case 'in':
      case 'not in': {
        const isIn = contains(right, left);
        if (isIn !== undefined) return valueOf(isIn === (operator === 'in'));
        break;
      }
      case '<':
      case '>':
      case '<=':
      case '>=':
        if (isText(left) && isText(right)) {
          const order = byCodePoint(left.value as string, right.value as string);
          return valueOf({'<': order < 0, '>': order > 0, '<=': order <= 0, '>=': order >= 0}[operator]);
        }
        break;
      case '+':
        if (isText(left) && isText(right) && (isMarkup(left) || isMarkup(right))) return markupSum(left, right);
        if (isText(left) !== isText(right)) refuse(`“+” between ${kind(left)} and ${kind(right)}`);
        if (isList(left) && isList(right)) {
          const isOdd = lazyOf(left) !== undefined || lazyOf(right) !== undefined;
          if (isOdd || tuples.has(left) !== tuples.has(right)) refuse('“+” of what is no list');
        }
        break;
      case '/':
      case '//':
      case '%':
        if (isNumber(left) && isNumber(right)) {
          if (right.value === 0) refuse('a division by 0');
          if (operator === '%') {
            const [a, b] = [left.value as number, right.value as number];
            const rest = a - b * Math.floor(a / b);
            return left.type === 'FloatValue' || right.type === 'FloatValue' ? floatOf(rest) : valueOf(rest);
          }
        }
    }
    const made = super.evaluateBinaryExpression({...node, left: done(left), right: done(right)}, scope);
    if (tuples.has(left) && tuples.has(right) && isList(made)) tuples.add(made);
    return made;
  }

  override evaluateTestExpression(node: Node, scope: Scope): Value {
    const operand = this.evaluate(node['operand'] as Node, scope);
    const test = TESTS[(node['test'] as {value: string}).value];
    if (test === undefined) return super.evaluateTestExpression({...node, operand: done(operand)}, scope);
    return valueOf(test(operand) !== (node['negate'] === true));
  }

  override applyFilter(operand: Value, filter: Node, scope: Scope): Value {
    const isCall = filter.type === 'CallExpression';
    const name = ((isCall ? filter['callee'] : filter) as {value: string}).value;
    if (name === 'safe' && isText(operand)) return asMarkup(operand.value as string);
    if (!isMarkup(operand)) return this.#filtered(operand, filter, scope);
    if (!KEEPS_MARK.has(name) && !IGNORES_MARK.has(name)) refuse(`filter “${name}” for what “| safe” has marked`);
    const made = this.#filtered(operand, filter, scope);
    return KEEPS_MARK.has(name) ? asMarkup(made.value as string) : made;
  }

  #filtered(operand: Value, filter: Node, scope: Scope): Value {
    const isCall = filter.type === 'CallExpression';
    const name = ((isCall ? filter['callee'] : filter) as {value: string}).value;
    const known = Object.hasOwn(FILTERS, name) ? FILTERS[name] : undefined;
    if (known === undefined) {
      const made = super.applyFilter(operand, filter, scope);
      if (name === 'dictsort') for (const pair of itemsOf(made)) tuples.add(pair);
      return made;
    }
    const [parameters, apply] = known;
    const [given, named] = isCall ? this.evaluateArguments(filter['args'] as readonly Node[], scope) : [[], new Map()];
    const args = new Map<string, Value>(named as Map<string, Value>);
    const odd = [...args.keys()].find((key) => !parameters.includes(key));
    if (odd !== undefined) refuse(`filter “${name}” with “${odd}”`);
    if (given.length > parameters.length) refuse(`filter “${name}” with ${given.length} arguments`);
    given.forEach((value, i) => args.set(parameters[i]!, value));
    return apply(operand, (key) => args.get(key)) ?? super.applyFilter(operand, filter, scope);
  }
}

/** Whether a condition asks what a loop may change: a namespace, or a macro, which may ask one. */
function seesChanges(test: unknown, scope: Scope): boolean {
  if (typeof test !== 'object' || test === null) return false;
  const {type, value} = test as Node;
  if (type === 'Identifier') {
    for (let at: Scope | undefined = scope; at !== undefined; at = at.parent) {
      const found = at.variables.get(value as string);
      if (found !== undefined) return /^(Namespace|Function)Value$/.test(found.type);
    }
  }
  return Object.values(test).some((part) => seesChanges(part, scope));
}

const METHODS: ReadonlySet<string> = new Set(['get', 'items', 'keys', 'values']);

function keyOf(property: Node): Value {
  return valueOf(property['value']);
}

/** As the package cuts a template into pieces. */
interface Token {
  readonly type: string;
  readonly value: string;
}

const JOINING: ReadonlySet<string> = new Set(['and', 'or', 'not', 'if', 'else', 'elif', 'is', 'for', 'set']);

/**
 * What the package reads otherwise than Jinja, before anything is rendered.
 *
 * @returns what it is, if there is such a thing
 */
export function misread(source: string, tokens: readonly Token[]): string | undefined {
  // The package takes the line's end for that of a block.
  if (/(?<!\})-\}\n/.test(source)) return '“-}” at the end of a line is not known here';
  const compared = [0];
  for (const {type, value} of tokens) {
    const isIn = type === 'Identifier' && value === 'in';
    if (type === 'Identifier' && value === 'for' && compared.length > 1) return 'a “for” within brackets is no Jinja';
    if (/^Open(Paren|SquareBracket|CurlyBracket)$/.test(type)) compared.push(0);
    else if (/^Close(Paren|SquareBracket|CurlyBracket)$/.test(type) && compared.length > 1) compared.pop();
    else if (/^Open(Expression|Statement)$/.test(type)) compared.splice(0, Infinity, 0);
    else if (type === 'Comma' || type === 'Equals' || type === 'Colon') compared[compared.length - 1] = 0;
    else if (type === 'Identifier' && JOINING.has(value) && !(value === 'not' && compared.at(-1)! > 0))
      compared[compared.length - 1] = 0;
    else if (type === 'ComparisonBinaryOperator' || isIn) {
      // `for x in a == b` is the only place where an `in` is no comparison, and nobody writes that.
      if (++compared[compared.length - 1]! > 1) return `comparisons in a row (“${value}”) are not known here`;
    }
  }
  return undefined;
}

/** `a.b['c']` as it stands in a template, as far as it has names. */
function written(node: Node): string {
  if (node.type === 'Identifier' || node.type === 'IntegerLiteral') return String(node['value']);
  if (node.type === 'StringLiteral') return `'${String(node['value'])}'`;
  if (node.type !== 'MemberExpression') return '…';
  const [object, property] = [written(node['object'] as Node), written(node['property'] as Node)];
  return node['computed'] === true ? `${object}[${property}]` : `${object}.${property}`;
}

/** What `items()`, `keys()` and `values()` give are views; the pairs of a record are tuples. */
function withViews(method: Value, name: string): Value {
  if (name === 'get') return method;
  const call = method.value as (args: readonly Value[], scope: Scope) => Value;
  return functionOf((args, scope) => {
    const made = call(args, scope);
    if (name === 'items') for (const pair of itemsOf(made)) tuples.add(pair);
    return asView(made, `dict_${name}`);
  });
}
