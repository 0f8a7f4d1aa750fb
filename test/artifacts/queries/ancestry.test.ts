import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import {ancestorsOf, descendantsOf, lineageOf} from '../../../artifacts/queries/ancestry.js';
import type {AttemptId} from '../../../artifacts/index.js';
import {Bench, edge} from '../temporary.js';
import type {Made} from '../temporary.js';

const out = (content: string) => ({out: {kind: 'dataset', files: {rows: content}}});

/** Makes a DAG: `{b: ['a']}` says that b uses a. Names come in an order in which what is used comes first. */
async function dag(bench: Bench, uses: Readonly<Record<string, readonly string[]>>): Promise<Record<string, Made>> {
  const made: Record<string, Made> = {};
  for (const [node, inputs] of Object.entries(uses)) {
    made[node] = await bench.make({
      node,
      outputs: out(node),
      inputs: inputs.map((input) => edge(made[input]!, 'out', 'in', input)),
    });
  }
  return made;
}

test('a diamond is walked once, nearest first', async (t) => {
  //        ┌─ b ─┐
  //  a ────┤     ├─ d ─ e
  //        └─ c ─┘
  const bench = new Bench(t);
  const {a, b, c, d, e} = (await dag(bench, {a: [], b: ['a'], c: ['a'], d: ['b', 'c'], e: ['d']})) as Record<
    'a' | 'b' | 'c' | 'd' | 'e',
    Made
  >;
  const up = lineageOf(bench.store, d.attempt, {direction: 'up'});
  assert.deepEqual([...up.nodes.keys()], [d.attempt, b.attempt, c.attempt, a.attempt]);
  assert.deepEqual(
    up.edges.map(({from, to, name}) => [from, to, name]),
    [
      [b.attempt, d.attempt, 'b'],
      [c.attempt, d.attempt, 'c'],
      [a.attempt, b.attempt, 'a'],
      [a.attempt, c.attempt, 'a'],
    ],
  );
  const down = lineageOf(bench.store, b.attempt, {direction: 'down'});
  assert.deepEqual(
    [...down.nodes.values()].map(({node}) => node),
    ['b', 'd', 'e'],
  );
  assert.deepEqual(ancestorsOf(bench.store, [d.attempt]), [a.attempt, b.attempt, c.attempt]);
  assert.deepEqual(descendantsOf(bench.store, [b.attempt, d.attempt]), [e.attempt]);
  assert.equal(up.cut.size, 0);
});

test('depth and limit say where they cut', async (t) => {
  const bench = new Bench(t);
  const made = await dag(bench, {a: [], b: ['a'], c: ['b'], d: ['c']});
  const shallow = lineageOf(bench.store, made.d!.attempt, {direction: 'up', depth: 1});
  assert.deepEqual(
    [...shallow.nodes.values()].map(({node}) => node),
    ['d', 'c'],
  );
  assert.deepEqual([...shallow.cut], [made.c!.attempt]);
  const few = lineageOf(bench.store, made.a!.attempt, {direction: 'down', limit: 2});
  assert.deepEqual(
    [...few.nodes.values()].map(({node}) => node),
    ['a', 'b'],
  );
  assert.deepEqual([...few.cut], [made.b!.attempt]);
  assert.equal(
    lineageOf(bench.store, made.a!.attempt, {direction: 'up', depth: 0}).cut.size,
    0,
    'nothing is cut at a leaf',
  );
});

test('a stage that hands its input on unchanged does not make the walk go in circles', async (t) => {
  //  a ─→ same ─→ same ─→ …   (all the same bytes)
  const bench = new Bench(t);
  let last = await bench.make({node: 'a', outputs: out('x')});
  for (let index = 0; index < 5; index++) {
    last = await bench.make({node: `same${index}`, outputs: out('x'), inputs: [edge(last, 'out', 'in')]});
  }
  assert.equal(lineageOf(bench.store, last.attempt, {direction: 'up'}).nodes.size, 6);
  assert.equal(ancestorsOf(bench.store, [last.attempt]).length, 5);
});

test('what is above and below in any DAG is what a plain search finds', async (t) => {
  const shape = fc.array(fc.array(fc.nat(100), {maxLength: 3}), {minLength: 1, maxLength: 9});
  const bench = new Bench(t);
  let round = 0;
  await fc.assert(
    fc.asyncProperty(shape, async (rows) => {
      const prefix = `r${round++}-`;
      const uses = rows.map((inputs, index) => (index === 0 ? [] : [...new Set(inputs.map((input) => input % index))]));
      const made = await dag(
        bench,
        Object.fromEntries(
          uses.map((inputs, index) => [`${prefix}${index}`, inputs.map((input) => `${prefix}${input}`)]),
        ),
      );
      const idOf = (index: number): AttemptId => made[`${prefix}${index}`]!.attempt;
      const above = (index: number, found = new Set<number>()): Set<number> => {
        for (const input of uses[index]!) if (!found.has(input)) above(input, found.add(input));
        return found;
      };
      for (const [index] of uses.entries()) {
        const expected = [...above(index)].map(idOf).sort((a, b) => a - b);
        assert.deepEqual(ancestorsOf(bench.store, [idOf(index)]), expected);
        const walked = [...lineageOf(bench.store, idOf(index), {direction: 'up'}).nodes.keys()];
        assert.deepEqual(
          walked.sort((a, b) => a - b),
          [...expected, idOf(index)],
        );
        const below = uses.flatMap((_, other) => (above(other).has(index) ? [idOf(other)] : []));
        assert.deepEqual(descendantsOf(bench.store, [idOf(index)]), below);
      }
    }),
    {numRuns: 15},
  );
});
