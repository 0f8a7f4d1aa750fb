import assert from 'node:assert/strict';
import {test} from 'node:test';
import fc from 'fast-check';
import {buildGraph, criticalPaths} from '../../../pipeline/wiring/graph.js';
import type {Graph} from '../../../pipeline/wiring/graph.js';
import {select} from '../../../pipeline/wiring/selection.js';

const graphOf = (needs: Readonly<Record<string, readonly string[]>>): Graph => {
  const graph = buildGraph(new Map(Object.entries(needs)));
  assert.ok(graph.ok);
  return graph.value;
};

/** A DAG of n nodes: node i needs some of those before it. */
const dags = fc
  .integer({min: 1, max: 12})
  .chain((n) =>
    fc.tuple(...Array.from({length: n}, (_, i) => fc.subarray(Array.from({length: i}, (__, j) => `n${j}`)))),
  )
  .map((needs) => Object.fromEntries(needs.map((some, i) => [`n${i}`, some])));

test('every node comes after all that it needs', () => {
  fc.assert(
    fc.property(dags, (needs) => {
      const {order} = graphOf(needs);
      assert.deepEqual([...order].sort(), Object.keys(needs).sort());
      for (const [node, others] of Object.entries(needs)) {
        for (const other of others) assert.ok(order.indexOf(other) < order.indexOf(node));
      }
    }),
  );
});

test('a recipe in which every node stands behind what it needs keeps its order', () => {
  //  a ─→ b ─→ e
  //  c ─→ d ─┘
  const order = ['a', 'b', 'c', 'd', 'e'];
  assert.deepEqual(graphOf({a: [], b: ['a'], c: [], d: ['c'], e: ['b', 'd']}).order, order);
  const other = graphOf({b: ['a'], a: [], c: []}).order;
  assert.ok(other.indexOf('a') < other.indexOf('b'));
});

test('a cycle is an error that holds its path', () => {
  //  a ─→ b ─→ c ─→ d
  //       ↑_________/
  const graph = buildGraph(
    new Map([
      ['a', []],
      ['b', ['a', 'd']],
      ['c', ['b']],
      ['d', ['c']],
    ]),
  );
  assert.ok(!graph.ok);
  assert.deepEqual(graph.error.path, ['b', 'd', 'c', 'b']);
});

test('a node that needs itself is a cycle', () => {
  const graph = buildGraph(new Map([['a', ['a']]]));
  assert.ok(!graph.ok);
  assert.deepEqual(graph.error.path, ['a', 'a']);
});

test('a back edge anywhere in a DAG is found, and the path is one', () => {
  fc.assert(
    fc.property(dags, fc.nat(), fc.nat(), (needs, a, b) => {
      const names = Object.keys(needs);
      const [from, to] = [names[a % names.length]!, names[b % names.length]!];
      const before = graphOf(needs).withNeeds([to]);
      if (!before.has(from)) return; // not a back edge
      const graph = buildGraph(new Map(Object.entries({...needs, [from]: [...needs[from]!, to]})));
      assert.ok(!graph.ok);
      const {path} = graph.error;
      assert.equal(path[0], path.at(-1));
      for (const [i, node] of path.slice(0, -1).entries()) {
        assert.ok([...needs[node]!, ...(node === from ? [to] : [])].includes(path[i + 1]!));
      }
    }),
  );
});

test('a chain of 100,000 nodes overflows no stack', () => {
  const needs = new Map(Array.from({length: 100_000}, (_, i) => [`n${i}`, i === 0 ? [] : [`n${i - 1}`]] as const));
  const graph = buildGraph(needs);
  assert.ok(graph.ok);
  assert.equal(graph.value.order.at(-1), 'n99999');
});

test('the critical path counts a node and the longest chain behind it', () => {
  //  a(1) ─→ b(10) ─→ d(1)
  //     └──→ c(2) ────↗
  const graph = graphOf({a: [], b: ['a'], c: ['a'], d: ['b', 'c']});
  const cost: Record<string, number> = {a: 1, b: 10, c: 2, d: 1};
  assert.deepEqual(Object.fromEntries(criticalPaths(graph, (node) => cost[node]!)), {d: 1, c: 3, b: 11, a: 12});
});

const SHAPE = {corpus: [], base: ['corpus'], zero: ['base'], cold: ['zero'], sft: ['base', 'cold'], rm: ['base']};

test('--only takes nodes and what they need', () => {
  assert.deepEqual([...select(graphOf(SHAPE), {only: ['zero']})].sort(), ['base', 'corpus', 'zero']);
});

test('--from takes nodes, what depends on them, and what that needs', () => {
  assert.deepEqual([...select(graphOf(SHAPE), {from: ['cold']})].sort(), ['base', 'cold', 'corpus', 'sft', 'zero']);
});

test('--until takes everything up to nodes', () => {
  assert.deepEqual([...select(graphOf(SHAPE), {until: ['base', 'rm']})].sort(), ['base', 'corpus', 'rm']);
});

test('--from and --until together take what lies between', () => {
  assert.deepEqual([...select(graphOf(SHAPE), {from: ['zero'], until: ['cold']})].sort(), [
    'base',
    'cold',
    'corpus',
    'zero',
  ]);
});

test('without a wish, everything is selected', () => {
  assert.deepEqual([...select(graphOf(SHAPE), {})].sort(), Object.keys(SHAPE).sort());
});

test('a selection never lacks what it needs', () => {
  fc.assert(
    fc.property(dags, fc.array(fc.nat(), {maxLength: 3}), fc.array(fc.nat(), {maxLength: 3}), (needs, a, b) => {
      const names = Object.keys(needs);
      const pick = (numbers: number[]) => numbers.map((n) => names[n % names.length]!);
      const selected = select(graphOf(needs), {from: pick(a), until: pick(b)});
      for (const node of selected) for (const other of needs[node]!) assert.ok(selected.has(other));
    }),
  );
});
