import assert from 'node:assert/strict';
import test from 'node:test';
import {diffRuns} from '../../../artifacts/queries/diff-runs.js';
import {digestOf} from '../../../artifacts/index.js';
import type {InputEdge, Json} from '../../../artifacts/index.js';
import {Bench, edge, fill, temporaryFolder} from '../temporary.js';
import type {Made} from '../temporary.js';

interface Node {
  readonly node: string;
  readonly content: string;
  readonly inputs?: readonly InputEdge[];
  readonly params?: Record<string, Json>;
  readonly seed?: number;
  readonly code?: Record<string, string>;
  /** `option/name` → file → digest. */
  readonly definitions?: Record<string, Record<string, string>>;
  readonly runtime?: Record<string, Json>;
  readonly force?: boolean;
}

/** An attempt with the ingredients that the runner writes. */
function make(
  bench: Bench,
  {
    node,
    content,
    inputs = [],
    params = {steps: 1},
    seed = 0,
    code = {'stages/a.js': 'x'},
    definitions = {},
    runtime = {node: 20},
    force = false,
  }: Node,
): Promise<Made> {
  const mapValues = <T>(map: (files: Record<string, string>) => T): Record<string, T> =>
    Object.fromEntries(Object.entries(definitions).map(([name, files]) => [name, map(files)]));
  const ingredients = {
    stage: 'stage',
    code: digestOf('code', code),
    definitions: mapValues((files) => digestOf('code', files)),
    params,
    inputs: inputs.map(({artifact}) => artifact),
    seed,
    runtime,
  };
  const codeParts = {files: code, packages: {}, definitions: mapValues((files) => ({files, packages: {}}))};
  return bench.make({
    node,
    params,
    inputs,
    outputs: {out: {kind: 'model', files: {w: content}}},
    fingerprint: digestOf('attempt', ingredients),
    more: {ingredients, seed, codeParts, force},
  });
}

test('the first param that differs is named, and what follows from it is told apart', async (t) => {
  //  base ─→ sft* (learningRate) ─→ rl
  const bench = new Bench(t);
  const a = bench.run;
  const base = await make(bench, {node: 'base', content: 'base'});
  const sftA = await make(bench, {
    node: 'sft',
    content: 'sft a',
    inputs: [edge(base, 'out', 'in')],
    params: {learningRate: 0.1, deep: {er: [1]}},
  });
  await make(bench, {node: 'rl', content: 'rl a', inputs: [edge(sftA, 'out', 'in')]});
  const b = bench.begin();
  bench.store.recordDecisions([{run: b, node: 'base', action: 'reuse', attempt: base.attempt, because: ''}]);
  const sftB = await make(bench, {
    node: 'sft',
    content: 'sft b',
    inputs: [edge(base, 'out', 'in')],
    params: {learningRate: 0.2, deep: {er: [2]}},
  });
  await make(bench, {node: 'rl', content: 'rl b', inputs: [edge(sftB, 'out', 'in')]});
  bench.store.addMetrics(
    sftA.attempt,
    [
      {name: 'loss', step: 1, value: 3},
      {name: 'same', step: 1, value: 1},
    ],
    0,
  );
  bench.store.addMetrics(
    sftB.attempt,
    [
      {name: 'loss', step: 1, value: 2},
      {name: 'same', step: 1, value: 1},
    ],
    0,
  );

  const {nodes, first} = diffRuns(bench.store, a, b);
  assert.deepEqual(
    nodes.map(({node, status}) => [node, status]),
    [
      ['base', 'same'],
      ['sft', 'differs'],
      ['rl', 'differs'],
    ],
  );
  assert.equal(first?.node, 'sft');
  assert.deepEqual(first.causes, [
    {what: 'param', name: 'deep.er', a: [1], b: [2]},
    {what: 'param', name: 'learningRate', a: 0.1, b: 0.2},
  ]);
  assert.deepEqual(first.metrics, [{name: 'loss', a: 3, b: 2}]);
  assert.deepEqual(nodes[2]!.causes, [
    {what: 'input', name: 'in', a: sftA.outputs.out!.digest, b: sftB.outputs.out!.digest},
  ]);
  assert.deepEqual(nodes[1]!.outputs, [
    {port: 'out', kind: 'model', a: sftA.outputs.out!.digest, b: sftB.outputs.out!.digest},
  ]);
});

test('equal ingredients with other bytes are a divergence, and the first thing to be told', async (t) => {
  //  base ─→ sft* (not reproducible) ─→ rl (also another param)
  const bench = new Bench(t);
  const a = bench.run;
  const base = await make(bench, {node: 'base', content: 'base'});
  const sftA = await make(bench, {node: 'sft', content: 'one', inputs: [edge(base, 'out', 'in')]});
  await make(bench, {node: 'rl', content: 'rl', inputs: [edge(sftA, 'out', 'in')]});
  const b = bench.begin();
  const again = await make(bench, {node: 'base', content: 'base', force: true});
  const sftB = await make(bench, {node: 'sft', content: 'two', inputs: [edge(again, 'out', 'in')], force: true});
  await make(bench, {node: 'rl', content: 'rl 2', inputs: [edge(sftB, 'out', 'in')], params: {steps: 9}});
  const {nodes, first} = diffRuns(bench.store, a, b);
  assert.deepEqual(
    nodes.map(({node, status}) => [node, status]),
    [
      ['base', 'same-bytes'],
      ['sft', 'diverged'],
      ['rl', 'differs'],
    ],
  );
  assert.equal(first?.node, 'sft');
  assert.deepEqual(first.causes, []);
});

test('code files, packages, runtime and seed are named', async (t) => {
  const bench = new Bench(t);
  const a = bench.run;
  await make(bench, {
    node: 'n',
    content: '1',
    code: {'stages/sft.js': 'x', 'stages/old.js': 'y', 'stages/gone.js': 'v'},
    runtime: {tensorflow: '2.19.0', node: 20},
  });
  const b = bench.begin();
  await make(bench, {
    node: 'n',
    content: '2',
    code: {'stages/sft.js': 'z', 'stages/moved.js': 'y', 'stages/new.js': 'w'},
    runtime: {tensorflow: '2.19.1', node: 20},
    seed: 1,
  });
  const {first} = diffRuns(bench.store, a, b);
  assert.deepEqual(first?.causes, [
    {what: 'seed', name: '', a: 0, b: 1},
    {what: 'code', name: 'stages/gone.js', a: 'v', b: undefined},
    {what: 'code', name: 'stages/new.js', a: undefined, b: 'w'},
    {what: 'code', name: 'stages/sft.js', a: 'x', b: 'z'},
    {what: 'code', name: 'moved', a: 'stages/old.js', b: 'stages/moved.js'},
    {what: 'runtime', name: 'tensorflow', a: '2.19.0', b: '2.19.1'},
  ]);
});

test('a source with other bytes is where it began; its path does not count', async (t) => {
  const bench = new Bench(t);
  const given = async (content: string, path: string) => {
    const artifact = await bench.store.ingest(fill(temporaryFolder(t), {'rows.jsonl': content}), 'prompts');
    return bench.store.recordSource({run: bench.run, node: 'prompts', artifact, path, because: ''});
  };
  const a = bench.run;
  await given('one', './here');
  const b = bench.begin();
  await given('one', './there');
  const c = bench.begin();
  await given('two', './here');
  assert.equal(diffRuns(bench.store, a, b).first, undefined);
  assert.deepEqual(
    diffRuns(bench.store, a, b).nodes.map(({status}) => status),
    ['same-bytes'],
  );
  assert.equal(diffRuns(bench.store, b, c).first?.causes[0]?.what, 'source');
});

test('nodes of one run only and unfinished nodes are told as such', async (t) => {
  const bench = new Bench(t);
  const a = bench.run;
  await make(bench, {node: 'x', content: '1'});
  await make(bench, {node: 'y', content: '1', params: {k: 1}});
  const b = bench.begin();
  await make(bench, {node: 'z', content: '1', params: {k: 2}});
  const begun = bench.claim('y');
  bench.store.finishAttempt({...begun, outcome: {ok: false, reason: 'stage-failed', detail: null}});
  assert.deepEqual(
    diffRuns(bench.store, a, b).nodes.map(({node, status}) => [node, status]),
    [
      ['x', 'only-a'],
      ['y', 'unfinished'],
      ['z', 'only-b'],
    ],
  );
});

test('the file of a definition is named with what it is wired as', async (t) => {
  const bench = new Bench(t);
  const a = bench.run;
  const wired = (brevity: string, others: object) => ({
    node: 'zero',
    content: brevity,
    definitions: {'rewards/brevity': {'brevity.ts': brevity}, ...others},
  });
  await make(bench, wired('x', {'rewards/old': {'old.ts': 'v'}}));
  const b = bench.begin();
  await make(bench, wired('y', {'rewards/new': {'new.ts': 'w'}}));
  assert.deepEqual(diffRuns(bench.store, a, b).nodes[0]!.causes, [
    {what: 'definition', name: 'rewards/brevity: brevity.ts', a: 'x', b: 'y'},
    {what: 'definition', name: 'rewards/new', a: undefined, b: digestOf('code', {'new.ts': 'w'})},
    {what: 'definition', name: 'rewards/old', a: digestOf('code', {'old.ts': 'v'}), b: undefined},
  ]);
});
