import assert from 'node:assert/strict';
import {test} from 'node:test';
import {recipe} from '../../../pipeline/recipe.js';
import type {Ref} from '../../../pipeline/recipe.js';
import {defineStage, many, optional, param} from '../../../pipeline/stage.js';
import type {Json, Resources} from '../../../pipeline/stage.js';
import {wire} from '../../../pipeline/wiring/wire.js';
import {resourcesOf} from '../../../pipeline/wiring/nodes.js';

const about = {module: import.meta.url, inputs: {}, outputs: {}, params: {}, run: async () => undefined};
const plain = defineStage({...about, name: 'plain'});
const trains = defineStage({...about, name: 'trains', tensor: true, threads: 2});
const shares = defineStage({...about, name: 'shares', tensor: true, resources: {gpu: 0, memory: 300}});

function resources(): Record<string, Resources> {
  const all = recipe('resources', (add) => {
    add('plain', plain, {});
    add('trains', trains, {});
    add('shares', shares, {});
    add('said', trains, {}, {}, {threads: 3, resources: {cpu: 4, gpu: 2}});
  });
  const wiring = wire(all, '.');
  assert.ok(wiring.ok);
  return Object.fromEntries(
    [...wiring.value.nodes].map(([id, node]) => {
      assert.ok(node.type === 'stage');
      return [id, resourcesOf(node)];
    }),
  );
}

test('a node occupies what its recipe says, else what its stage says, else its threads and, for tensors, one GPU', () => {
  assert.deepEqual(resources(), {
    plain: {cpu: 1, gpu: 0, memory: 0},
    trains: {cpu: 2, gpu: 1, memory: 0},
    shares: {cpu: 1, gpu: 0, memory: 300},
    said: {cpu: 4, gpu: 2, memory: 0},
  });
});

const reads = defineStage({...about, name: 'reads', inputs: {one: 'text', all: many('text')}, outputs: {out: 'text'}});
const long = 'n'.repeat(10_000);

type Wire = (add: (...words: unknown[]) => Record<string, Ref>, source: (...words: unknown[]) => Ref) => void;

/** What a recipe does that no compiler saw → the mistakes, one expression each. */
const WRONG: readonly (readonly [string, Wire, ...RegExp[]])[] = [
  [
    'an id of 10,000 letters',
    (add) => add(long, plain, {}),
    /^“n{40}…” is not a node id: it has 10,000 characters, 100 are allowed$/,
  ],
  ['an id that is no string', (add) => add(undefined, plain, {}), /is not a node id: it is undefined, not a string/],
  ['an id with a dot', (add) => add('..', plain, {}), /“\.\.” is not a node id: letters, digits/],
  ['params in a Map', (add) => add('a', plain, {}, new Map()), /node “a”: its params are a Map, not a record/],
  ['params that are null', (add) => add('a', plain, {}, null), /node “a”: its params are null, not a record/],
  ['inputs in a Map', (add) => add('a', plain, new Map()), /node “a”: its inputs are a Map, not a record of refs/],
  [
    'a Set deep in params',
    (add) => add('a', tuned, {}, {schedule: [1, 2, {start: new Set()}]}),
    /^node “a”: params\.schedule\[2\]\.start is a Set; params hold/,
  ],
  ['options that are a list', (add) => add('a', plain, {}, {}, []), /node “a”: its options are a list/],
  [
    'options with a promise',
    (add) => add('a', plain, {}, {}, {timeout: Promise.resolve(1)}),
    /options\.timeout is a Promise/,
  ],
  [
    'a timeout of a month',
    (add) => add('a', plain, {}, {}, {timeout: 3e6}),
    /options\.timeout is 3000000, not seconds, more than 0 and at most/,
  ],
  [
    'half a thread',
    (add) => add('a', plain, {}, {}, {threads: 0.5}),
    /options\.threads is 0\.5, not a whole number from 1 up/,
  ],
  ['negative memory', (add) => add('a', plain, {}, {}, {resources: {memory: -1}}), /options\.resources\.memory is -1/],
  [
    'a checkpoint every 0 steps',
    (add) => add('a', plain, {}, {}, {checkpointEvery: 0}),
    /options\.checkpointEvery is 0/,
  ],
  ['a source without a kind', (add, source) => source('s', undefined, 'a'), /source “s”: its kind is undefined/],
  ['a source at no path', (add, source) => source('s', 'text', undefined), /source “s”: its path is undefined/],
  ['a path with a NUL', (add, source) => source('s', 'text', 'a\0b'), /source “s”: its path "a\\u0000b" holds a NUL/],
  [
    'an output that is a path',
    (add) => add('a', {...plain, outputs: {'../up': 'text'}}, {}),
    /stage “plain”: “\.\.\/up” cannot name an output/,
  ],
  [
    'an output of 10,000 letters',
    (add) => add('a', {...plain, outputs: {[long]: 'text'}}, {}),
    /“n{40}…” cannot name an output: it has 10,000/,
  ],
  [
    'an input with a blank',
    (add) => add('a', {...plain, inputs: {'a b': optional('text')}}, {}),
    /“a b” cannot name an input/,
  ],
  [
    'outputs that differ in capitals',
    (add) => add('a', {...plain, outputs: {Out: 'text', out: 'text'}}, {}),
    /outputs “Out” and “out” are one folder/,
  ],
  [
    'a default that is a Date',
    (add) => add('a', {...plain, params: {at: new Date(0)}}, {}),
    /stage “plain”: the default params\.at is a Date/,
  ],
  [
    'threads of a stage that are text',
    (add) => add('a', {...plain, threads: 'two'}, {}),
    /stage “plain”: its threads is "two"/,
  ],
  [
    'names of artifacts',
    (add, source) => {
      const one = source('s', 'text', 'a');
      add('a', reads, {one, all: {'.': one, [long]: one, x: one, X: one}});
    },
    /“\.” cannot name an artifact of input “all”/,
    /“n{40}…” cannot name an artifact of input “all”: it has 10,000/,
    /input “all”: “x” and “X” are one folder/,
  ],
  [
    'a port that every object seems to have',
    (add) => add('a', {...plain, inputs: {constructor: 'text'}}, {}),
    /input “constructor” \(text\) of stage “plain” is not wired/,
  ],
  [
    'an input that no stage has',
    (add) => add('a', plain, {toString: {node: 'a', port: 'b', kind: 'c'}}),
    /has no input “toString”/,
  ],
  [
    'an output that no node has',
    (add) =>
      add('a', {...plain, inputs: {x: 'text'}, outputs: {o: 'text'}}, {x: {node: 'a', port: 'valueOf', kind: 'text'}}),
    /“a” has no output “valueOf”/,
  ],
];

const tuned = defineStage({...about, name: 'tuned', params: {schedule: param<Json>(null)}});

test('what a recipe without a compiler does wrong is told with the node and what is wrong', () => {
  for (const [name, wrong, ...said] of WRONG) {
    const all = recipe('wrong', (add) => wrong(add as never, add.source as never));
    const wired = wire(all, '.');
    assert.ok(!wired.ok, name);
    assert.equal(wired.error.length, said.length, `${name}: ${wired.error.map(({message}) => message).join('\n')}`);
    wired.error.forEach(({message, place}, index) => {
      assert.match(message, said[index]!, name);
      assert.ok(message.length < 500, name);
      assert.match(place!, /wire\.test\.[jt]s:\d+:\d+$/, name);
    });
  }
});

test('names that every object has, and what is left undefined, are taken where they are meant', () => {
  const odd = defineStage({
    ...about,
    name: 'odd',
    inputs: {toString: 'text'},
    outputs: {constructor: 'text'},
    params: {valueOf: 1},
  });
  const wired = wire(
    recipe('odd', (add) => {
      const first = add.source('hasOwnProperty', 'text', 'a');
      add('constructor', odd, {toString: first}, {valueOf: 2}, {timeout: undefined as never, threads: 2});
    }),
    '.',
  );
  assert.ok(wired.ok);
  const node = wired.value.nodes.get('constructor');
  assert.ok(node?.type === 'stage');
  assert.deepEqual(node.params, {valueOf: 2});
  assert.deepEqual(node.options, {threads: 2});
});

test('params are those of the moment in which a node was added', () => {
  const schedule = {start: 1};
  const wired = wire(
    recipe('changed', (add) => {
      add('one', tuned, {}, {schedule});
      schedule.start = 2;
      add('two', tuned, {}, {schedule});
    }),
    '.',
  );
  assert.ok(wired.ok);
  const params = [...wired.value.nodes.values()].map((node) => (node.type === 'stage' ? node.params : undefined));
  assert.deepEqual(params, [{schedule: {start: 1}}, {schedule: {start: 2}}]);
});
