/** Filters and tests of chat templates as Python's Jinja has them. */
import {Environment, floatOf, listOf, valueOf} from './jinja-package.js';
import type {Value} from './jinja-package.js';
import {generatorOf, isSubscriptable, lazyOf, tuples, useUp} from './python-lists.js';
import {capitalized, linesIn, methodOf, stripped} from './python-texts.js';
import {
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
} from './python-values.js';

export function refuse(what: string): never {
  throw new Error(what);
}

/** What a loop goes over: characters of a text, nothing of what is not defined. */
export function iterated(value: Value): Value {
  if (isText(value)) return listOf(Array.from(value.value as string, valueOf));
  if (isUndefined(value)) return listOf([]);
  if (isList(value)) useUp(value);
  if (isList(value) || isRecord(value)) return value;
  return refuse(`a loop over ${kind(value)}`);
}

/** Whether a value is in another; nothing where the package knows, or refuses. */
export function contains(whole: Value, part: Value): boolean | undefined {
  if (isList(whole)) return itemsOf(iterated(whole)).some((one) => isEqual(one, part));
  if (isUndefined(whole)) return false;
  if (isRecord(whole)) return isText(part) && entriesOf(whole).has(part.value as string);
  return undefined;
}

const KINDS: Readonly<Record<string, string>> = {
  ...{ArrayValue: 'a list', StringValue: 'a text', IntegerValue: 'a number', FloatValue: 'a number'},
  ...{ObjectValue: 'a record', BooleanValue: 'true or false', NullValue: 'none', UndefinedValue: 'what is not defined'},
  ...{TupleValue: 'a list', FunctionValue: 'a function', NamespaceValue: 'a namespace'},
};
export const kind = ({type}: Value): string => KINDS[type] ?? type;

const hasCase = (text: string): boolean => /[\p{Lu}\p{Ll}\p{Lt}]/u.test(text);

/** Tests that the package answers otherwise than Python. */
export const TESTS: Readonly<Record<string, ((value: Value) => boolean) | undefined>> = {
  number: (value) => isNumber(value) || value.type === 'BooleanValue',
  float: (value) => value.type === 'FloatValue',
  iterable: (value) => isList(value) || isText(value) || isRecord(value) || isUndefined(value),
  sequence: (value) =>
    (isList(value) && isSubscriptable(value)) || isText(value) || isRecord(value) || isUndefined(value),
  callable: (value) => value.type === 'FunctionValue' || isUndefined(value),
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
  if (lazyOf(value)?.kind === 'generator') refuse('the length of what a filter hands on; “| list” would keep it');
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

/** Filters that choose or change entries ask first whether there is anything: nothing comes of none, 0 and false. */
const listOrNothing = (value: Value, filter: string): readonly Value[] => (isTrue(value) ? listIn(value, filter) : []);

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
  (value, args) => generatorOf(listOrNothing(value, name).filter((one) => passes(one, args) === wanted)),
];
const selectingBy = (name: string, wanted: boolean): Filter => [
  ['attribute', 'test', 'value'],
  (value, args) => {
    const path = args('attribute') ?? refuse(`filter “${name}” without an attribute`);
    return generatorOf(listOrNothing(value, name).filter((one) => passes(under(one, path), args) === wanted));
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

export const FILTERS: Readonly<Record<string, Filter>> = {
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
  last: [
    [],
    (value) => {
      if (lazyOf(value)?.kind === 'generator') refuse('filter “last” for what a filter hands on');
      return listIn(value, 'last').at(-1) ?? valueOf(undefined);
    },
  ],
  list: [[], (value) => listOf(isRecord(value) ? [...entriesOf(value).keys()].map(valueOf) : listIn(value, 'list'))],
  reverse: [
    [],
    (value) => {
      const reversed = listIn(value, 'reverse').toReversed();
      if (isText(value)) return valueOf(reversed.map(textOf).join(''));
      return lazyOf(value)?.kind === 'generator' ? listOf(reversed) : generatorOf(reversed);
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
      return generatorOf(kept);
    },
  ],
  items: [
    [],
    (value) => {
      if (isUndefined(value)) return generatorOf([]);
      if (!isRecord(value)) return undefined;
      const pairs = [...entriesOf(value)].map(([key, one]) => listOf([valueOf(key), one]));
      for (const pair of pairs) tuples.add(pair);
      return generatorOf(pairs);
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
      return generatorOf(
        listOrNothing(value, 'map').map((one) => {
          const found = under(one, path);
          return isUndefined(found) && instead !== undefined ? instead : found;
        }),
      );
    },
  ],
};
