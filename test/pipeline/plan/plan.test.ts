/** Plans, against a past that is a record of what was made. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import fc from 'fast-check';
import {digestOf} from '../../../artifacts/index.js';
import type {Digest} from '../../../artifacts/index.js';
import {fingerprintOf} from '../../../pipeline/fingerprint/fingerprint.js';
import type {Ingredients} from '../../../pipeline/fingerprint/fingerprint.js';
import {graphOf} from '../../../pipeline/plan/prepare.js';
import {makePlan, withInputs} from '../../../pipeline/plan/plan.js';
import type {History, Plan, PlanInput} from '../../../pipeline/plan/plan.js';
import type {AnyStage, Params} from '../../../pipeline/stage.js';
import type {StageNode, WiredNode, Wiring} from '../../../pipeline/wiring/nodes.js';

interface World {
  readonly needs: Readonly<Record<string, readonly string[]>>;
  readonly params?: Readonly<Record<string, Params>>;
  /** Version of the code of a node's stage. */
  readonly code?: Readonly<Record<string, number>>;
  readonly seed?: number;
  readonly force?: readonly string[];
  readonly seedless?: readonly string[];
  readonly threads?: number;
}

/** Remembers what was made; a node's bytes are a function of its ingredients, or of nothing if it is `constant`. */
class Memory implements History {
  readonly made = new Map<string, {attempt: number; outputs: Record<string, Digest>}>();
  readonly newest = new Map<string, Ingredients>();
  readonly collected = new Set<string>();

  find = (fingerprint: Digest) => (this.collected.has(fingerprint) ? undefined : this.made.get(fingerprint));
  gone = (fingerprint: Digest) => (this.collected.has(fingerprint) ? 'its bytes were collected' : undefined);
  last = (node: string) => this.newest.get(node);
  expected = (node: StageNode) => (this.newest.has(node.id) ? {wallMs: 1000} : undefined);
  codeParts = (digest: string) => ({files: {'stage.js': digest}, packages: {}});

  /** Carries out a plan the way the runner does; returns the nodes that ran. */
  carryOut(plan: Plan, constant: readonly string[] = []): string[] {
    const outputs = new Map<string, Digest>();
    const ran: string[] = [];
    for (const [id, planned] of plan.nodes) {
      if (planned.action === 'reuse') outputs.set(id, planned.outputs['out']!);
      if (planned.action !== 'run' && planned.action !== 'maybe') continue;
      const ingredients = withInputs(planned.node, planned.known, (node) => outputs.get(node))!;
      const fingerprint = fingerprintOf(ingredients);
      const hit = planned.because.includes('--force') ? undefined : this.find(fingerprint);
      if (hit === undefined) {
        const out = constant.includes(id) ? digestOf('bytes', id) : digestOf('bytes', [id, fingerprint]);
        this.collected.delete(fingerprint);
        this.made.set(fingerprint, {attempt: this.made.size + 1, outputs: {out}});
        ran.push(id);
      }
      this.newest.set(id, ingredients);
      outputs.set(id, this.made.get(fingerprint)!.outputs['out']!);
    }
    return ran;
  }
}

function planOf(
  {needs, params = {}, code = {}, seed = 0, force = [], seedless = [], threads = 1}: World,
  history: History,
): Plan {
  const nodes = new Map<string, WiredNode>(
    Object.entries(needs).map(([id, others]) => {
      const stage = {
        name: id,
        module: id,
        inputs: Object.fromEntries(others.map((other) => [other, 'data'])),
        outputs: {out: 'data'},
        params: {rate: 1},
        tensor: true,
        seedless: seedless.includes(id),
        run: () => Promise.resolve(),
      } satisfies AnyStage;
      const inputs = Object.fromEntries(others.map((other) => [other, {node: other, port: 'out', kind: 'data'}]));
      return [id, {type: 'stage', id, stage, inputs, params: {rate: 1, ...params[id]}, options: {}}];
    }),
  );
  const wiring: Wiring = {recipe: 'test', nodes};
  const graph = graphOf(wiring);
  const input: PlanInput = {
    wiring,
    graph,
    selected: new Set(graph.order),
    seed,
    force: new Set(force),
    sources: new Map(),
    codeOf: (id) => ({
      digest: digestOf('code', code[id] ?? 0),
      parts: {files: {}, packages: {}},
      urls: [],
      named: {},
      links: {},
      leads: {},
      computed: [],
    }),
    runtimeOf: () => ({threads}),
    history,
  };
  return makePlan(input);
}

const actions = (plan: Plan) => Object.fromEntries([...plan.nodes].map(([id, {action}]) => [id, action]));
const because = (plan: Plan, node: string) => plan.nodes.get(node)!.because;

//  corpus ─→ base ─→ zero ─→ cold
//               └──────────→ sft
const R1 = {corpus: [], base: ['corpus'], zero: ['base'], cold: ['zero'], sft: ['base', 'cold']};

test('nothing was ever made: everything runs', () => {
  const plan = planOf({needs: R1}, new Memory());
  assert.ok(Object.values(actions(plan)).every((action) => action === 'run'));
  assert.equal(because(plan, 'sft'), 'never made before');
});

test('a changed param runs its node; what is below runs if that changes', () => {
  const history = new Memory();
  history.carryOut(planOf({needs: R1}, history));
  const plan = planOf({needs: R1, params: {zero: {rate: 2}}}, history);
  assert.deepEqual(actions(plan), {corpus: 'reuse', base: 'reuse', zero: 'run', cold: 'maybe', sft: 'maybe'});
  assert.equal(because(plan, 'zero'), 'rate 1 → 2');
  assert.equal(because(plan, 'cold'), 'runs if zero changes');
  assert.deepEqual(plan.criticalPath, {nodes: ['zero', 'cold', 'sft'], wallMs: 3000});
});

test('a node below a miss that changed itself runs whatever comes out above', () => {
  const history = new Memory();
  history.carryOut(planOf({needs: R1}, history));
  const plan = planOf({needs: R1, code: {zero: 1, sft: 1}}, history);
  assert.deepEqual(actions(plan), {corpus: 'reuse', base: 'reuse', zero: 'run', cold: 'maybe', sft: 'run'});
  assert.equal(because(plan, 'sft'), 'code of stage.js');
});

test('the seed counts, except for stages without one', () => {
  const history = new Memory();
  history.carryOut(planOf({needs: R1, seedless: ['corpus']}, history));
  const plan = planOf({needs: R1, seedless: ['corpus'], seed: 1}, history);
  assert.deepEqual(actions(plan), {corpus: 'reuse', base: 'run', zero: 'run', cold: 'run', sft: 'run'});
  assert.equal(because(plan, 'base'), 'seed 0 → 1');
});

test('the runtime class of tensor stages counts', () => {
  const history = new Memory();
  history.carryOut(planOf({needs: {base: []}}, history));
  assert.equal(because(planOf({needs: {base: []}, threads: 2}, history), 'base'), 'runtime threads 1 → 2');
});

test('--force runs a node, and what is below only if that changes', () => {
  const history = new Memory();
  history.carryOut(planOf({needs: R1}, history));
  const plan = planOf({needs: R1, force: ['zero', 'sft']}, history);
  assert.deepEqual(actions(plan), {corpus: 'reuse', base: 'reuse', zero: 'run', cold: 'maybe', sft: 'run'});
});

test('bytes that were collected are a miss with that reason', () => {
  const history = new Memory();
  history.carryOut(planOf({needs: R1}, history));
  history.collected.add(fingerprintOf(history.newest.get('base')!));
  const plan = planOf({needs: R1}, history);
  assert.equal(because(plan, 'base'), 'its bytes were collected');
  assert.deepEqual(actions(plan), {corpus: 'reuse', base: 'run', zero: 'maybe', cold: 'maybe', sft: 'maybe'});
});

const dags = fc
  .integer({min: 1, max: 10})
  .chain((n) =>
    fc.tuple(...Array.from({length: n}, (_, i) => fc.subarray(Array.from({length: i}, (__, j) => `n${j}`)))),
  )
  .map((needs) => Object.fromEntries(needs.map((some, i) => [`n${i}`, some])));

test('after a plan is carried out, the same plan is nothing but hits', () => {
  fc.assert(
    fc.property(dags, fc.nat(3), (needs, seed) => {
      const history = new Memory();
      assert.equal(history.carryOut(planOf({needs, seed}, history)).length, Object.keys(needs).length);
      assert.ok(Object.values(actions(planOf({needs, seed}, history))).every((action) => action === 'reuse'));
    }),
  );
});

test('a change runs its node and at most what is below, and exactly that where bytes change', () => {
  fc.assert(
    fc.property(dags, fc.nat(), (needs, pick) => {
      const names = Object.keys(needs);
      const node = names[pick % names.length]!;
      const history = new Memory();
      history.carryOut(planOf({needs}, history));
      const plan = planOf({needs, params: {[node]: {rate: 7}}}, history);
      const below = new Set([node]);
      for (const name of names) if (needs[name]!.some((need) => below.has(need))) below.add(name);
      for (const [name, action] of Object.entries(actions(plan))) {
        assert.equal(action, name === node ? 'run' : below.has(name) ? 'maybe' : 'reuse', name);
      }
      assert.deepEqual(history.carryOut(plan).sort(), [...below].sort());
    }),
  );
});

test('where a changed node makes the same bytes as before, nothing below it runs', () => {
  fc.assert(
    fc.property(dags, fc.nat(), (needs, pick) => {
      const names = Object.keys(needs);
      const node = names[pick % names.length]!;
      const history = new Memory();
      history.carryOut(planOf({needs}, history), [node]);
      assert.deepEqual(history.carryOut(planOf({needs, params: {[node]: {rate: 7}}}, history), [node]), [node]);
    }),
  );
});

test('going back to earlier params is a hit', () => {
  fc.assert(
    fc.property(dags, fc.nat(), (needs, pick) => {
      const names = Object.keys(needs);
      const history = new Memory();
      history.carryOut(planOf({needs}, history));
      history.carryOut(planOf({needs, params: {[names[pick % names.length]!]: {rate: 7}}}, history));
      assert.ok(Object.values(actions(planOf({needs}, history))).every((action) => action === 'reuse'));
    }),
  );
});

test('no node of a plan is settled before all that it needs', () => {
  fc.assert(
    fc.property(dags, fc.array(fc.nat(), {maxLength: 3}), (needs, picks) => {
      const names = Object.keys(needs);
      const history = new Memory();
      history.carryOut(planOf({needs}, history));
      const code = Object.fromEntries(picks.map((pick) => [names[pick % names.length]!, 1]));
      const plan = planOf({needs, code}, history);
      for (const [id, {action}] of plan.nodes) {
        if (action === 'reuse') for (const need of needs[id]!) assert.equal(plan.nodes.get(need)!.action, 'reuse');
      }
    }),
  );
});

test('a reason stays a line, however much changed', () => {
  const all = (value: number) =>
    Object.fromEntries(Array.from({length: 1000}, (_, i) => [`p${1000 + i}${'x'.repeat(300)}`, value]));
  const history = new Memory();
  history.carryOut(planOf({needs: {base: []}, params: {base: all(1)}}, history));
  const planned = planOf({needs: {base: []}, params: {base: all(2)}}, history).nodes.get('base');
  assert.ok(planned?.action === 'run');
  assert.match(planned.because, /^p1000x+… \(311 characters in all\), p1001.* and 992 more$/);
  assert.ok(planned.because.length < 2000);
});
