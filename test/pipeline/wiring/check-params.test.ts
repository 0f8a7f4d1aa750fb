import assert from 'node:assert/strict';
import {test} from 'node:test';
import {runInNewContext} from 'node:vm';
import {checkParam, defaultMistakes} from '../../../pipeline/wiring/check-params.js';
import {defineStage, param} from '../../../pipeline/stage.js';
import type {Json} from '../../../pipeline/stage.js';

const stage = defineStage({
  module: import.meta.url,
  name: 'fine-tune',
  inputs: {},
  outputs: {},
  params: {steps: 400, ratio: param<'token' | 'sequence'>('token')},
  choices: {ratio: ['token', 'sequence']},
  run: async () => undefined,
});
const mistake = (name: string, value: unknown): string | undefined => {
  const checked = checkParam(stage, name, value, 'command line');
  return checked.ok ? undefined : checked.error;
};

test('a param of the default’s type is taken', () => {
  assert.equal(mistake('steps', 3), undefined);
  assert.equal(mistake('ratio', 'sequence'), undefined);
});

test('an unknown param names the nearest and lists the rest', () => {
  assert.match(mistake('stepz', 3)!, /has no param “stepz”; did you mean “steps”\? it has steps, ratio/);
});

test('many params are listed in order on lines that fit, below the nearest', () => {
  const names = Array.from({length: 30}, (_, index) => `param${String((index * 7) % 30).padStart(2, '0')}`);
  const many = {...stage, name: 'many', params: Object.fromEntries(names.map((name) => [name, 1]))};
  const checked = checkParam(many, 'parem01', 1, 'command line');
  const [first, ...lines] = checked.ok ? [] : checked.error.split('\n');
  assert.equal(first, 'stage “many” has no param “parem01”; did you mean “param01”? it has');
  assert.ok(lines.every((line) => line.startsWith('  param') && line.length <= 78));
  assert.deepEqual(
    lines
      .join('')
      .split(',')
      .map((name) => name.trim()),
    [...names].sort(),
  );
});

test('another type is refused with the default', () => {
  assert.match(mistake('steps', 'many')!, /“steps” is a number \(default 400\), not "many"/);
});

test('null is taken from a recipe, but never in the place of a record or a list', () => {
  const many = defineStage({
    module: import.meta.url,
    name: 'many',
    inputs: {},
    outputs: {},
    params: {steps: 400, weights: {a: 1}, names: ['a']},
    run: async () => undefined,
  });
  const from = (name: string) => checkParam(many, name, null, 'recipe').ok;
  assert.deepEqual([from('steps'), from('weights'), from('names')], [true, false, false]);
});

test('a word that is none of the choices is refused with the choices', () => {
  assert.equal(mistake('ratio', 'word'), 'param “ratio” is one of "token", "sequence", not "word"');
});

const anything = defineStage({
  module: import.meta.url,
  name: 'anything',
  inputs: {},
  outputs: {},
  params: {value: param<Json>(null)},
  run: async () => undefined,
});

const cycle: Record<string, unknown> = {};
cycle['self'] = [cycle];
let deep: unknown = 1;
for (let depth = 0; depth < 100_000; depth++) deep = [deep];
class Schedule {
  start = 1;
}

/** What JSON cannot carry → where it is and what it is. */
const REFUSED: readonly (readonly [unknown, RegExp])[] = [
  [new Map([['a', 1]]), /^params\.value is a Map; params hold what JSON can carry/],
  [new Set([1]), /^params\.value is a Set/],
  [/a/, /^params\.value is a RegExp/],
  [Promise.resolve(1), /^params\.value is a Promise/],
  [new Date(0), /^params\.value is a Date/],
  [new URL('file:///a'), /^params\.value is a URL/],
  [new Error('no'), /^params\.value is an Error/],
  [new Schedule(), /^params\.value is a Schedule/],
  [Object(1), /^params\.value is a Number/],
  [Object('a'), /^params\.value is a String/],
  [new Float32Array(2), /^params\.value is a Float32Array/],
  [new ArrayBuffer(2), /^params\.value is an ArrayBuffer/],
  [new WeakMap(), /^params\.value is a WeakMap/],
  [new (class extends Array<number> {})(), /^params\.value is a list of a class of its own/],
  [Object.create({a: 1}), /^params\.value is an object of a class of its own/],
  [() => 1, /^params\.value is a function/],
  [Symbol('s'), /^params\.value is a symbol/],
  [1n, /^params\.value is a BigInt/],
  [NaN, /^params\.value is NaN/],
  [-Infinity, /^params\.value is -Infinity/],
  [{a: [1, {b: new Map()}]}, /^params\.value\.a\[1\]\.b is a Map/],
  [{'two words': new Set()}, /^params\.value\["two words"\] is a Set/],
  [{a: undefined}, /^params\.value\.a is undefined/],
  [[1, undefined], /^params\.value\[1\] is undefined/],

  [[1, , 3], /^params\.value is a list with holes/],
  [new Array(3), /^params\.value is a list with holes/],
  [Object.assign([1], {extra: 2}), /^params\.value is a list with a key of its own \("extra"\)/],
  [cycle, /^params\.value\.self\[0\] is a record or list that contains itself/],
  [deep, /lies more than 200 lists and records deep/],
  [JSON.parse('{"__proto__": 1}'), /^params\.value has the key “__proto__”/],
  [{a: {constructor: 1}}, /^params\.value\.a has the key “constructor”/],
  [{toJSON: () => 1}, /^params\.value\.toJSON is a function/],
  [
    {
      get a() {
        return 1;
      },
    },
    /^params\.value\.a is computed by a getter/,
  ],
  [Object.defineProperty({}, 'a', {value: 1}), /^params\.value\.a is hidden/],
  [{[Symbol('key')]: 1}, /^params\.value has a key that is a symbol \(Symbol\(key\)\)/],
  ['a\ud800', /^params\.value holds half of a character/],
  [{'\udc00': 1}, /^params\.value has a key that holds half of a character/],
];

test('what JSON cannot carry is refused with the way to it', () => {
  for (const [value, wrong] of REFUSED) {
    const checked = checkParam(anything, 'value', value, 'recipe');
    assert.ok(!checked.ok, wrong.source);
    assert.match(checked.error, wrong);
    assert.ok(checked.error.length < 5000);
  }
});

test('a default that JSON cannot carry is one as well', () => {
  const broken = {...anything, params: {value: param<Json>({at: [new Date(0)]} as never)}};
  assert.match(defaultMistakes(broken)[0]!, /^the default params\.value\.at\[0\] is a Date/);
  assert.deepEqual(defaultMistakes(stage), []);
});

test('what JSON can carry is taken as a copy, which nobody changes afterwards', () => {
  const shared = {x: 1};
  const value = {
    list: [1, 'two', true, null, shared, shared],
    bare: Object.assign(Object.create(null) as object, {a: 1}),
  };
  const checked = checkParam(anything, 'value', value, 'recipe');
  assert.ok(checked.ok, !checked.ok ? checked.error : '');
  shared.x = 2;
  assert.deepEqual(checked.value, {list: [1, 'two', true, null, {x: 1}, {x: 1}], bare: {a: 1}});
  const zero = checkParam(anything, 'value', -0, 'recipe');
  assert.ok(zero.ok && Object.is(zero.value, 0), 'JSON has one zero');
  const foreign = runInNewContext('({a: [1]})') as unknown;
  assert.ok(checkParam(anything, 'value', foreign, 'recipe').ok, 'a plain record of another context is plain');
});

test('names that every object has are no params', () => {
  for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
    assert.match(mistake(name, 1)!, /has no param/, name);
  }
});
