import assert from 'node:assert/strict';
import {test} from 'node:test';
import fc from 'fast-check';
import {buildGraph} from '../../../pipeline/wiring/graph.js';
import {err, ok} from '../../../pipeline/result.js';
import {schedule} from '../../../pipeline/run/scheduler.js';
import type {Capacity, OnFailure, Slot} from '../../../pipeline/run/scheduler.js';
import type {Resources} from '../../../pipeline/stage.js';

const ROOMY: Capacity = {cpu: 100, gpu: 100, memory: 1e6, jobs: 100};

/** Nodes that run until the test ends them. */
class Stagehand {
  readonly running: string[] = [];
  readonly log: string[] = [];
  readonly #enders = new Map<string, (failed: boolean) => void>();
  readonly #slots = new Map<string, Slot>();

  start(
    needs: Readonly<Record<string, readonly string[]>>,
    options: {
      readonly resources?: Readonly<Record<string, Partial<Resources>>>;
      readonly priority?: Readonly<Record<string, number>>;
      readonly capacity?: Partial<Capacity>;
      readonly onFailure?: OnFailure;
      /** What happens before a node asks for its slot. */
      readonly lookUp?: (node: string) => Promise<void> | undefined;
    } = {},
  ) {
    const graph = buildGraph(new Map(Object.entries(needs)));
    assert.ok(graph.ok);
    return schedule<string, {readonly reason: string}>({
      graph: graph.value,
      nodes: new Set(Object.keys(needs)),
      resources: (node) => ({cpu: 1, gpu: 0, memory: 0, ...options.resources?.[node]}),
      priority: (node) => options.priority?.[node] ?? 0,
      capacity: {...ROOMY, ...options.capacity},
      onFailure: options.onFailure ?? 'finish',
      noMore: new AbortController().signal,
      cancelled: (node, why) => this.log.push(`${node} ${why.reason}`),
      perform: async (node, turn) => {
        await options.lookUp?.(node);
        const slot: Slot | undefined = await turn.take();
        if (slot === undefined) return err({reason: 'not-started'});
        this.running.push(node);
        this.log.push(node);
        this.#slots.set(node, slot);
        const failed = await new Promise<boolean>((resolve) => this.#enders.set(node, resolve));
        this.running.splice(this.running.indexOf(node), 1);
        return failed ? err({reason: 'failed'}) : ok(node);
      },
    });
  }

  /** The node's process has ended; its results are being stored. */
  async store(node: string): Promise<void> {
    this.#slots.get(node)!.yield();
    await settled();
  }

  /** The node waits for something that is not the run's to give. */
  async lend(node: string): Promise<void> {
    this.#slots.get(node)!.lendCores();
    await settled();
  }

  takeBack(node: string): void {
    this.#slots.get(node)!.takeCoresBack();
  }

  async end(node: string, failed = false): Promise<void> {
    this.#enders.get(node)!(failed);
    await settled();
  }
}

/** Everything that can happen without the test's doing has happened. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('resources are never exceeded, and the freed ones are given on', async () => {
  const hand = new Stagehand();
  const run = hand.start({a: [], b: [], c: []}, {capacity: {cpu: 2}});
  await settled();
  assert.deepEqual(hand.running, ['a', 'b']);
  await hand.end('a');
  assert.deepEqual(hand.running, ['b', 'c']);
  await hand.end('b');
  await hand.end('c');
  assert.equal((await run).size, 3);
});

test('a node that waits for what the run cannot give lends its cores, and goes on at once when it has it', async () => {
  const hand = new Stagehand();
  const gpu = {gpu: 1};
  const run = hand.start(
    {a: [], b: [], c: [], d: []},
    {capacity: {cpu: 1, gpu: 1}, resources: {a: gpu, b: gpu}, priority: {a: 2, b: 1}},
  );
  await settled();
  assert.deepEqual(hand.running, ['a']);
  await hand.lend('a');
  // Not b, which needs the GPU that is set aside for a.
  assert.deepEqual(hand.running, ['a', 'c']);
  hand.takeBack('a');
  await hand.end('c');
  assert.deepEqual(hand.running, ['a'], 'there is no core left over');
  await hand.end('a');
  assert.deepEqual(hand.running, ['b']);
  await hand.lend('b');
  assert.deepEqual(hand.running, ['b', 'd']);
  await hand.end('b');
  await hand.end('d');
  await run;
});

test('a GPU is held by one node at a time while others use the cores', async () => {
  const hand = new Stagehand();
  const gpu = {gpu: 1};
  void hand.start({a: [], b: [], c: []}, {capacity: {gpu: 1}, resources: {a: gpu, b: gpu}});
  await settled();
  assert.deepEqual(hand.running, ['a', 'c']);
  await hand.end('a');
  assert.deepEqual(hand.running, ['c', 'b']);
});

test('a node that asks for more than the machine has runs alone', async () => {
  const hand = new Stagehand();
  void hand.start({big: [], small: []}, {capacity: {cpu: 2}, resources: {big: {cpu: 8}}, priority: {big: 1}});
  await settled();
  assert.deepEqual(hand.running, ['big']);
  await hand.end('big');
  assert.deepEqual(hand.running, ['small']);
});

test('the node that holds up the most goes first', async () => {
  const hand = new Stagehand();
  void hand.start({a: [], b: [], c: []}, {capacity: {jobs: 1}, priority: {c: 2, b: 1}});
  await settled();
  await hand.end('c');
  await hand.end('b');
  assert.deepEqual(hand.log, ['c', 'b', 'a']);
});

test('a small node fills a gap, but a big one is not passed over for ever', async () => {
  const hand = new Stagehand();
  const small = Object.fromEntries(Array.from({length: 9}, (_, i) => [`s${i}`, []]));
  void hand.start({...small, big: []}, {capacity: {cpu: 2}, resources: {big: {cpu: 2}}, priority: {s0: 2, big: 1}});
  await settled();
  for (let i = 0; i < 12 && !hand.running.includes('big'); i++) await hand.end(hand.running[0]!);
  assert.ok(hand.log.includes('big'));
  assert.ok(hand.log.indexOf('big') < 9, `big was passed over by ${hand.log.indexOf('big')} nodes`);
});

test('what a node frees is kept for a more urgent one that it opens the way for', async () => {
  const hand = new Stagehand();
  const priority = {first: 4, next: 3, side: 2, idle: 1};
  const lookUp = (node: string) => (node === 'next' ? settled().then(settled) : undefined);
  void hand.start({first: [], next: ['first'], side: [], idle: ['first']}, {capacity: {cpu: 1}, priority, lookUp});
  await settled();
  await hand.store('first');
  assert.deepEqual(hand.running, ['first'], 'not even while the results are stored');
  await hand.end('first');
  await settled();
  await settled();
  assert.deepEqual(hand.running, ['next']);
  await hand.end('next');
  assert.deepEqual(hand.running, ['side'], 'and nothing is kept for one that is less urgent');
});

test('what is stored frees its place for others where nothing urgent follows', async () => {
  const hand = new Stagehand();
  void hand.start(
    {first: [], second: [], side: [], join: ['first', 'second']},
    {capacity: {cpu: 2}, priority: {first: 3, second: 3, join: 2, side: 1}},
  );
  await settled();
  await hand.store('first');
  assert.deepEqual(hand.running, ['first', 'second', 'side']);
});

test('a node with very many behind it does not hold the run up', async () => {
  const many = Array.from({length: 150_000}, (_, i) => `n${i}`);
  const needs = {first: [], side: [], ...Object.fromEntries(many.map((node) => [node, ['first']]))};
  const graph = buildGraph(new Map(Object.entries(needs)));
  assert.ok(graph.ok);
  const ends = await schedule<string, {readonly reason: string}>({
    graph: graph.value,
    nodes: new Set(Object.keys(needs)),
    resources: () => ({cpu: 1, gpu: 0, memory: 0}),
    priority: (node) => (node === 'first' ? 2 : node === 'side' ? 0 : 1),
    capacity: {...ROOMY, cpu: 1},
    onFailure: 'finish',
    noMore: new AbortController().signal,
    cancelled: () => assert.fail('nothing is cancelled'),
    // Everything behind the first is there already.
    perform: async (node, turn) => {
      if (node === 'first' || node === 'side') await turn.take();
      return ok(node);
    },
  });
  assert.equal(ends.size, many.length + 2);
});

test('nothing is kept for a node that fails on the way, or for long', async (t) => {
  const failing = new Stagehand();
  void failing.start(
    {first: [], next: ['first'], side: []},
    {capacity: {cpu: 1}, priority: {first: 3, next: 2, side: 1}, onFailure: 'continue'},
  );
  await settled();
  await failing.store('first');
  await failing.end('first', true);
  assert.deepEqual(failing.running, ['side']);

  t.mock.timers.enable({apis: ['setTimeout']});
  const slow = new Stagehand();
  const never = new Promise<void>(() => undefined);
  void slow.start(
    {first: [], next: ['first'], side: []},
    {
      capacity: {cpu: 1},
      priority: {first: 3, next: 2, side: 1},
      lookUp: (node) => (node === 'next' ? never : undefined),
    },
  );
  await settled();
  await slow.end('first');
  assert.deepEqual(slow.running, []);
  t.mock.timers.tick(2_000);
  await settled();
  assert.deepEqual(slow.running, ['side']);
});

test('what ran for long may be stored for long before what it frees goes to something else', async (t) => {
  t.mock.timers.enable({apis: ['setTimeout', 'Date']});
  const hand = new Stagehand();
  void hand.start({first: [], next: ['first'], side: []}, {capacity: {cpu: 1}, priority: {first: 3, next: 2, side: 1}});
  await settled();
  t.mock.timers.tick(100_000);
  await hand.store('first');
  t.mock.timers.tick(9_999);
  await settled();
  assert.deepEqual(hand.running, ['first']);
  t.mock.timers.tick(1);
  await settled();
  assert.deepEqual(hand.running, ['first', 'side'], 'a tenth of its time, and no longer');
});

test('a failure is handed down to everything below, with the root as the reason', async () => {
  const hand = new Stagehand();
  const run = hand.start({a: [], b: ['a'], c: ['b'], d: ['c']});
  await settled();
  await hand.end('a', true);
  const results = await run;
  assert.deepEqual(results.get('d'), err({reason: 'cancelled', because: 'a', ended: 'failed'}));
  assert.deepEqual(hand.log, ['a', 'b cancelled', 'c cancelled', 'd cancelled']);
});

test('after a failure, waiting nodes are sent away unless the mode is continue', async () => {
  for (const onFailure of ['finish', 'stop', 'continue'] as const) {
    const hand = new Stagehand();
    const run = hand.start({a: [], b: []}, {capacity: {jobs: 1}, priority: {a: 1}, onFailure});
    await settled();
    await hand.end('a', true);
    if (onFailure === 'continue') await hand.end('b');
    assert.equal((await run).get('b')!.ok, onFailure === 'continue', onFailure);
  }
});

test('whatever the graph and the order of ends, each node runs once, after its needs, within capacity', async () => {
  const shapes = fc
    .integer({min: 1, max: 8})
    .chain((n) =>
      fc.tuple(...Array.from({length: n}, (_, i) => fc.subarray(Array.from({length: i}, (__, j) => `n${j}`)))),
    );
  await fc.assert(
    fc.asyncProperty(shapes, fc.integer({min: 1, max: 3}), fc.infiniteStream(fc.nat()), async (shape, cpu, picks) => {
      const needs = Object.fromEntries(shape.map((some, i) => [`n${i}`, some]));
      const hand = new Stagehand();
      const run = hand.start(needs, {capacity: {cpu}});
      await settled();
      const done: string[] = [];
      while (done.length < shape.length) {
        assert.ok(hand.running.length > 0 && hand.running.length <= cpu);
        const node = hand.running[picks.next().value! % hand.running.length]!;
        for (const need of needs[node]!) assert.ok(done.includes(need));
        await hand.end(node);
        done.push(node);
      }
      assert.equal((await run).size, shape.length);
      assert.equal(new Set(done).size, shape.length);
    }),
    {numRuns: 50},
  );
});
