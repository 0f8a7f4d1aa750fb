/**
 * Chat templates are written for Python's Jinja, in which transformers renders them; @huggingface/jinja is JavaScript in
 * places: what it does otherwise would silently make another prompt. It is put right here, or refused in a sentence.
 */
import {Environment, Interpreter, floatOf, functionOf, listOf, valueOf} from './jinja-package.js';
import type {Node, Scope, Value} from './jinja-package.js';
import {capitalized, linesIn, methodOf, stripped} from './python-texts.js';
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
  jsonOf,
  textOf,
  tuples,
} from './python-values.js';

/** Parts that write nothing, whatever their value. */
const SILENT: ReadonlySet<string> = new Set(['Set', 'Macro', 'Comment', 'Break', 'Continue']);

/** A part that has its value already: so that nothing is evaluated twice. */
const done = (value: Value): Node => ({type: 'Done', value});

/** What a loop knows of itself; the package lacks some of it. */
const loops = new WeakSet<Value>();

export class PythonInterpreter extends Interpreter {
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
    const iterable = isFiltered ? {...given, lhs: done(over)} : done(over);
    return super.evaluateFor({...node, iterable}, scope);
  }

  /** The scope of one round of a loop, in which what is set ends with the round. */
  protected roundOf(scope: Scope): Scope {
    const loop = scope.variables.get('loop');
    if (loop?.type === 'ObjectValue' && !loops.has(loop)) {
      loops.add(loop);
      const parts = loop.value as Map<string, Value>;
      const index = parts.get('index0')!.value as number;
      parts.set('depth', valueOf(1)).set('depth0', valueOf(0));
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
      if (value !== undefined) return value;
    }
    return valueOf(undefined);
  }

  override evaluateMemberExpression(node: Node, scope: Scope): Value {
    const object = this.evaluate(node['object'] as Node, scope);
    const property = node['property'] as Node;
    if (isUndefined(object)) refuse(`“${written(node)}” is asked of what is not defined`);
    if (node['computed'] === true && property.type === 'SliceExpression') {
      if (this.#number(property['step'], scope) === 0) refuse('a slice in steps of 0');
      const slice = super.evaluateMemberExpression({...node, object: done(object)}, scope);
      if (tuples.has(object)) tuples.add(slice);
      return slice;
    }
    const key = node['computed'] === true ? this.evaluate(property, scope) : keyOf(property);
    if (isText(object)) {
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
      const method = METHODS.has(name) ? object.builtins.get(name) : undefined;
      const entry = entriesOf(object).get(name);
      const found = node['computed'] === true ? (entry ?? method) : (method ?? entry);
      return found === method && method !== undefined ? pairsAsTuples(method, name) : (found ?? valueOf(undefined));
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
        if (isText(left) !== isText(right)) refuse(`“+” between ${kind(left)} and ${kind(right)}`);
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

function refuse(what: string): never {
  throw new Error(what);
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

/** The pairs of a record are tuples; `get()` has no other default than None. */
function pairsAsTuples(method: Value, name: string): Value {
  if (name !== 'items') return method;
  const call = method.value as (args: readonly Value[], scope: Scope) => Value;
  return functionOf((args, scope) => {
    const made = call(args, scope);
    for (const pair of itemsOf(made)) tuples.add(pair);
    return made;
  });
}

/** What a loop goes over: characters of a text, nothing of what is not defined. */
function iterated(value: Value): Value {
  if (isText(value)) return listOf(Array.from(value.value as string, valueOf));
  if (isUndefined(value)) return listOf([]);
  if (isList(value) || isRecord(value)) return value;
  return refuse(`a loop over ${kind(value)}`);
}

/** Whether a value is in another; nothing where the package knows, or refuses. */
function contains(whole: Value, part: Value): boolean | undefined {
  if (isList(whole)) return itemsOf(whole).some((one) => isEqual(one, part));
  if (isUndefined(whole)) return false;
  if (isRecord(whole)) return isText(part) && entriesOf(whole).has(part.value as string);
  return undefined;
}

const KINDS: Readonly<Record<string, string>> = {
  ...{ArrayValue: 'a list', StringValue: 'a text', IntegerValue: 'a number', FloatValue: 'a number'},
  ...{ObjectValue: 'a record', BooleanValue: 'true or false', NullValue: 'none', UndefinedValue: 'what is not defined'},
  ...{TupleValue: 'a list', FunctionValue: 'a function', NamespaceValue: 'a namespace'},
};
const kind = ({type}: Value): string => KINDS[type] ?? type;

const hasCase = (text: string): boolean => /[\p{Lu}\p{Ll}\p{Lt}]/u.test(text);

/** Tests that the package answers otherwise than Python. */
const TESTS: Readonly<Record<string, ((value: Value) => boolean) | undefined>> = {
  number: (value) => isNumber(value) || value.type === 'BooleanValue',
  float: (value) => value.type === 'FloatValue',
  iterable: (value) => isList(value) || isText(value) || isRecord(value) || isUndefined(value),
  sequence: (value) => isList(value) || isText(value) || isRecord(value) || isUndefined(value),
  lower: (value) => hasCase(textOf(value)) && textOf(value) === textOf(value).toLowerCase(),
  upper: (value) => hasCase(textOf(value)) && textOf(value) === textOf(value).toUpperCase(),
};

type Argument = (name: string) => Value | undefined;
/** Parameters in their order, and what is made; nothing where the package does it. */
type Filter = readonly [parameters: readonly string[], apply: (value: Value, args: Argument) => Value | undefined];

const isTrue = (value: Value | undefined): boolean => value?.__bool__().value === true;

function textIn(value: Value | undefined): string | undefined {
  if (value === undefined || value.type === 'NullValue') return undefined;
  return isText(value) ? (value.value as string) : refuse(`${kind(value)} where a text should be`);
}

function numberIn(value: Value | undefined): number | undefined {
  if (value === undefined || value.type === 'NullValue') return undefined;
  return value.type === 'IntegerValue' ? (value.value as number) : refuse(`${kind(value)} where a number should be`);
}

function length(value: Value): Value | undefined {
  if (isText(value)) return valueOf(Array.from(value.value as string).length);
  if (isList(value)) return valueOf(itemsOf(value).length);
  if (isRecord(value)) return valueOf(entriesOf(value).size);
  return isUndefined(value) ? valueOf(0) : undefined;
}

/** What stands under `a.b.0` in a value. */
function under(value: Value, path: Value): Value {
  if (path.type === 'IntegerValue' && isList(value)) return itemsOf(value)[path.value as number] ?? valueOf(undefined);
  if (!isText(path)) return refuse(`${kind(path)} as an attribute`);
  return (path.value as string).split('.').reduce((at, part) => {
    if (isRecord(at)) return entriesOf(at).get(part) ?? valueOf(undefined);
    if (isList(at) && /^\d+$/.test(part)) return itemsOf(at)[Number(part)] ?? valueOf(undefined);
    return isUndefined(at) ? refuse(`“${part}” is asked of what is not defined`) : valueOf(undefined);
  }, value);
}

const listIn = (value: Value, filter: string): readonly Value[] => {
  const over = iterated(value);
  if (isRecord(over)) return refuse(`filter “${filter}” for a record`);
  return itemsOf(over);
};

/** Upper and lower case are one thing to some filters. */
const folded = (value: Value): Value => (isText(value) ? valueOf((value.value as string).toLowerCase()) : value);

const hasTest: Readonly<Record<string, ((a: Value, b: Value) => boolean) | undefined>> = {
  equalto: isEqual,
  eq: isEqual,
  ne: (a, b) => !isEqual(a, b),
  in: (a, b) => contains(b, a) ?? refuse('a test “in” of what is no list'),
};

function passes(value: Value, args: Argument): boolean {
  const name = textIn(args('test'));
  if (name === undefined) return isTrue(value);
  const test = hasTest[name];
  if (test !== undefined) return test(value, args('value') ?? refuse(`the test “${name}” without a value`));
  const plain = TESTS[name] ?? new Environment().tests.get(name);
  if (plain === undefined || args('value') !== undefined) return refuse(`unknown test “${name}”`);
  return plain(value);
}

const selecting = (name: string, wanted: boolean): Filter => [
  ['test', 'value'],
  (value, args) => listOf(listIn(value, name).filter((one) => passes(one, args) === wanted)),
];
const selectingBy = (name: string, wanted: boolean): Filter => [
  ['attribute', 'test', 'value'],
  (value, args) => {
    const path = args('attribute') ?? refuse(`filter “${name}” without an attribute`);
    return listOf(listIn(value, name).filter((one) => passes(under(one, path), args) === wanted));
  },
];

function sum(values: readonly Value[]): Value {
  if (!values.every(isNumber)) refuse('filter “sum” for what are no numbers');
  const all = values.reduce((total, {value}) => total + (value as number), 0);
  return values.some(({type}) => type === 'FloatValue') ? floatOf(all) : valueOf(all);
}

function integer(value: Value, otherwise: Value): Value {
  if (value.type === 'IntegerValue') return value;
  if (value.type === 'FloatValue') return valueOf(Math.trunc(value.value as number));
  if (value.type === 'BooleanValue') return valueOf(Number(value.value));
  if (!isText(value)) return otherwise;
  const text = stripped(value.value as string, undefined, 'both');
  if (/^[-+]?\d+$/.test(text)) return valueOf(Number(text));
  const number = float(text);
  return number === undefined ? otherwise : valueOf(Math.trunc(number));
}

const float = (text: string): number | undefined =>
  /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) ? Number(text) : undefined;

const plainText = (change: (text: string) => string): Filter => [
  [],
  (value) => (isRecord(value) || isList(value) ? undefined : valueOf(change(textOf(value)))),
];

const otherwise: Filter = [
  ['default_value', 'boolean'],
  (value, args) => {
    const isMissing = isUndefined(value) || (isTrue(args('boolean')) && !isTrue(value));
    return isMissing ? (args('default_value') ?? valueOf('')) : value;
  },
];

/** `do_title`: also behind a dash, and behind brackets. */
const titleFilter = (text: string): string =>
  text
    .split(/([-\s({[<]+)/u)
    .map((part) => {
      const [first = ''] = part;
      return first.toUpperCase() + part.slice(first.length).toLowerCase();
    })
    .join('');

function indented(text: string, {indent, first, blank}: {indent: string; first: boolean; blank: boolean}): string {
  const [head = '', ...lines] = linesIn(`${text}\n`);
  const rest = lines.map((line) => (line === '' && !blank ? line : indent + line));
  return (first ? indent : '') + [head, ...rest].join('\n');
}

const FILTERS: Readonly<Record<string, Filter>> = {
  length: [[], length],
  count: [[], length],
  string: [[], (value) => valueOf(textOf(value))],
  title: plainText(titleFilter),
  capitalize: plainText(capitalized),
  upper: plainText((text) => text.toUpperCase()),
  lower: plainText((text) => text.toLowerCase()),
  trim: [['chars'], (value, args) => valueOf(stripped(textOf(value), textIn(args('chars')), 'both'))],
  default: otherwise,
  d: otherwise,
  first: [[], (value) => listIn(value, 'first')[0] ?? valueOf(undefined)],
  last: [[], (value) => listIn(value, 'last').at(-1) ?? valueOf(undefined)],
  list: [[], (value) => listOf(isRecord(value) ? [...entriesOf(value).keys()].map(valueOf) : listIn(value, 'list'))],
  reverse: [
    [],
    (value) => {
      const reversed = listIn(value, 'reverse').toReversed();
      return isText(value) ? valueOf(reversed.map(textOf).join('')) : listOf(reversed);
    },
  ],
  join: [
    ['d', 'attribute'],
    (value, args) => {
      const path = args('attribute');
      const parts = listIn(value, 'join').map((one) => textOf(path === undefined ? one : under(one, path)));
      return valueOf(parts.join(args('d') === undefined ? '' : textOf(args('d')!)));
    },
  ],
  replace: [
    ['old', 'new', 'count'],
    (value, args) => {
      const method = methodOf(textOf(value), 'replace')!.value as (args: readonly Value[]) => Value;
      const none = valueOf(null);
      return method([args('old') ?? none, args('new') ?? none, args('count') ?? none]);
    },
  ],
  indent: [
    ['width', 'first', 'blank'],
    (value, args) => {
      const width = args('width') ?? valueOf(4);
      const indent = isText(width) ? (width.value as string) : ' '.repeat(numberIn(width) ?? 4);
      const [first, blank] = [isTrue(args('first')), isTrue(args('blank'))];
      return valueOf(indented(textOf(value), {indent, first, blank}));
    },
  ],
  tojson: [
    ['ensure_ascii', 'indent', 'separators', 'sort_keys'],
    (value, args) => {
      const indent = numberIn(args('indent'));
      const given = args('separators');
      const [between = indent === undefined ? ', ' : ',', behind = ': '] =
        given === undefined || given.type === 'NullValue' ? [] : itemsOf(given).map((one) => textIn(one)!);
      const [ascii, sortKeys] = [isTrue(args('ensure_ascii')), isTrue(args('sort_keys'))];
      return valueOf(jsonOf(value, {ascii, indent, separators: [between, behind], sortKeys}));
    },
  ],
  int: [['default'], (value, args) => integer(value, args('default') ?? valueOf(0))],
  float: [
    ['default'],
    (value, args) => {
      if (isNumber(value) || value.type === 'BooleanValue') return floatOf(Number(value.value));
      const number = isText(value) ? float(stripped(value.value as string, undefined, 'both')) : undefined;
      return number === undefined ? (args('default') ?? floatOf(0)) : floatOf(number);
    },
  ],
  sum: [[], (value) => sum(listIn(value, 'sum'))],
  unique: [
    ['case_sensitive'],
    (value, args) => {
      const key = (one: Value): Value => (isTrue(args('case_sensitive')) ? one : folded(one));
      const kept: Value[] = [];
      for (const one of listIn(value, 'unique')) {
        if (!kept.some((other) => isEqual(key(other), key(one)))) kept.push(one);
      }
      return listOf(kept);
    },
  ],
  items: [
    [],
    (value) => {
      if (isUndefined(value)) return listOf([]);
      if (!isRecord(value)) return undefined;
      const pairs = [...entriesOf(value)].map(([key, one]) => listOf([valueOf(key), one]));
      for (const pair of pairs) tuples.add(pair);
      return listOf(pairs);
    },
  ],
  select: selecting('select', true),
  reject: selecting('reject', false),
  selectattr: selectingBy('selectattr', true),
  rejectattr: selectingBy('rejectattr', false),
  map: [
    ['filter', 'attribute', 'default'],
    (value, args) => {
      if (args('filter') !== undefined) refuse('filter “map” with another filter');
      const path = args('attribute') ?? refuse('filter “map” without an attribute');
      const instead = args('default');
      return listOf(
        listIn(value, 'map').map((one) => {
          const found = under(one, path);
          return isUndefined(found) && instead !== undefined ? instead : found;
        }),
      );
    },
  ],
};
