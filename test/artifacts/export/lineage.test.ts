import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import {existsSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'node:test';
import type {TestContext} from 'node:test';
import {fileURLToPath} from 'node:url';
import {toOpenLineage} from '../../../artifacts/export/openlineage.js';
import {toProv} from '../../../artifacts/export/prov.js';
import type {ProvDocument} from '../../../artifacts/export/prov.js';
import {scopeOf} from '../../../artifacts/export/scope.js';
import {digestOf} from '../../../artifacts/index.js';
import {exportLineageCommand} from '../../../bin/commands/export-lineage.js';
import {spoken} from '../../bin/spoken.js';
import {assertOpenLineage} from '../../rig/openlineage.js';
import {provMistakes} from '../../rig/prov.js';
import {Bench, edge, fill, temporaryFolder} from '../temporary.js';
import type {Made} from '../temporary.js';

/** Longer than anybody would show on a line. */
const MESSAGE = `the loss is no number after ${'many steps, '.repeat(40)}at the end`;

/** prompts (from outside) ─→ data ─→ sft, and `rl`, which failed. `data` is reused from an earlier run. */
async function finishedRun(t: TestContext): Promise<Bench> {
  const bench = new Bench(t);
  const {store} = bench;
  const artifact = await store.ingest(fill(temporaryFolder(t), {'prompts.jsonl': '{}\n'}), 'prompts');
  const source = {node: 'prompts', artifact, path: './prompts', because: 'given'};
  const prompts: Made = {attempt: store.recordSource({run: bench.run, ...source}), outputs: {output: artifact}};
  const data = await bench.make({
    node: 'data',
    inputs: [edge(prompts, 'output', 'prompts')],
    outputs: {rows: {kind: 'dataset', files: {'rows.jsonl': '{}\n', 'card.json': '{}'}}},
  });
  const run = bench.next('tiny');
  store.recordSource({run, ...source});
  store.recordDecisions([{run, node: 'data', action: 'reuse', attempt: data.attempt, because: 'same fingerprint'}]);
  const sft = await bench.make({
    node: 'sft',
    params: {rate: 0.1, name: 'x'},
    inputs: [edge(data, 'rows', 'data', 'a')],
    outputs: {model: {kind: 'model', files: {w: '1'}}},
  });
  const begun = store.beginAttempt({
    run,
    node: 'rl',
    stage: 'grpo',
    fingerprint: digestOf('f', 1),
    ingredients: {},
    params: {},
    seed: 0,
    because: '',
    inputs: [edge(sft, 'model', 'policy')],
  });
  assert.ok(begun.state === 'claimed');
  const detail = {reason: 'stage-threw', message: MESSAGE, stack: `Error: ${MESSAGE}\n    at run (stages.ts:3:5)`};
  store.finishAttempt({...begun, outcome: {ok: false, reason: 'stage-threw', detail}});
  store.endRun(run, 'failed');
  return bench;
}

test('PROV names every artifact, attempt, use and generation, and nothing that it does not declare', async (t) => {
  const bench = await finishedRun(t);
  const prov = toProv(scopeOf(bench.store, bench.store.latestRun()!));
  assert.deepEqual(
    Object.values(prov.activity).map((activity) => activity['prov:label']),
    ['data', 'sft', 'rl'],
  );
  const members = Object.keys(prov.hadMember).length;
  assert.deepEqual(
    [Object.keys(prov.entity).length, members],
    [3 + 4 + 3, 4],
    'three artifacts of four files, two of which have equal bytes, and what three attempts made',
  );
  assert.deepEqual(
    Object.values(prov.entity).flatMap((entity) => entity['prov:location'] ?? []),
    ['./prompts'],
  );
  for (const use of Object.values(prov.used))
    assert.ok((use['prov:activity'] as string) in prov.activity && (use['prov:entity'] as string) in prov.entity);
  for (const made of Object.values(prov.wasGeneratedBy))
    assert.ok((made['prov:activity'] as string) in prov.activity && (made['prov:entity'] as string) in prov.entity);
  assert.deepEqual(Object.keys(prov.wasGeneratedBy).length, 2);
  assert.deepEqual(
    Object.values(prov.used).map((use) => use['prov:role']),
    ['prompts', 'data.a', 'policy'],
  );
  assert.deepEqual(provMistakes(prov), []);
  assert.deepEqual(
    Object.values(prov.entity).flatMap((entity) => entity['r1:path'] ?? []),
    ['prompts.jsonl', 'card.json', 'rows.jsonl', 'w'],
  );
  assert.deepEqual(
    Object.values(prov.activity).map((activity) => [activity['r1:recipe'], activity['r1:error']]),
    [
      ['test', undefined],
      ['tiny', undefined],
      ['tiny', `stage-threw: ${MESSAGE}`],
    ],
  );
});

/** base ─→ copy ─→ copy again, which change nothing; the bytes of `base` are made once more, by another attempt and from themselves. */
async function copies(t: TestContext): Promise<Bench> {
  const bench = new Bench(t);
  const files = {'rows.jsonl': '{}\n'};
  const outputs = {out: {kind: 'dataset', files}, twin: {kind: 'dataset', files}};
  const base = await bench.make({node: 'base', outputs});
  const copy = await bench.make({node: 'copy', outputs, inputs: [edge(base, 'out', 'd')]});
  const again = await bench.make({node: 'again', outputs, inputs: [edge(copy, 'out', 'd'), edge(base, 'out', 'e')]});
  await bench.make({node: 'base', outputs, inputs: [edge(again, 'out', 'd')], fingerprint: digestOf('f', 2)});
  await bench.make({node: 'empty', outputs: {none: {kind: 'dataset', files: {}}}});
  return bench;
}

test('PROV: what a stage hands on unchanged is not derived from itself, and comes into being once', async (t) => {
  const bench = await copies(t);
  const prov = toProv(scopeOf(bench.store, bench.store.latestRun()!));
  assert.deepEqual(provMistakes(prov), []);
  assert.equal(Object.keys(prov.wasGeneratedBy).length, 9);
  const general = Object.values(prov.specializationOf).map((row) => row['prov:generalEntity']);
  assert.deepEqual([general.length, new Set(general).size], [9, 2], 'nine outputs of two contents');
  for (const event of toOpenLineage(scopeOf(bench.store, bench.store.latestRun()!))) assertOpenLineage(event);
});

test('PROV that breaks a constraint is seen', async (t) => {
  const bench = await copies(t);
  const good = toProv(scopeOf(bench.store, bench.store.latestRun()!));
  const [made, other] = Object.keys(good.wasGeneratedBy) as [string, string];
  const [from] = Object.keys(good.wasDerivedFrom) as [string];
  const broken = (change: Partial<Record<keyof ProvDocument, object>>): string =>
    provMistakes({...good, ...change} as ProvDocument).join('; ');
  assert.match(broken({entity: {}}), /prov:entity is no entity/);
  assert.match(
    broken({wasGeneratedBy: {...good.wasGeneratedBy, [other]: good.wasGeneratedBy[made]!}}),
    /generated twice/,
  );
  assert.match(broken({activity: {...good.activity, ...good.entity}}), /is an entity and an activity/);
  assert.match(broken({used: {...good.used, [made]: Object.values(good.used)[0]!}}), /is stated twice/);
  const derived = good.wasDerivedFrom[from]!;
  const itself = {...derived, 'prov:usedEntity': derived['prov:generatedEntity']!};
  assert.match(broken({wasDerivedFrom: {[from]: itself}}), /before .* and after it/);
  const use = Object.entries(good.used)[0]!;
  const late = {...use[1], 'prov:entity': derived['prov:generatedEntity']!};
  assert.match(broken({used: {...good.used, [use[0]]: late}}), /before .* and after it|its usage is another/);
  const [id, activity] = Object.entries(good.activity)[0]!;
  assert.match(
    broken({activity: {...good.activity, [id]: {...activity, 'prov:endTime': '1990-01-01T00:00:00.000Z'}}}),
    /is later than/,
  );
});

test('OpenLineage has a start and an end for each attempt, under its run, with what the core model asks for', async (t) => {
  const bench = await finishedRun(t);
  const events = toOpenLineage(scopeOf(bench.store, bench.store.latestRun()!));
  assert.deepEqual(events.map(({job, eventType}) => `${job.name} ${eventType}`).sort(), [
    'test.data COMPLETE',
    'test.data START',
    'tiny FAIL',
    'tiny START',
    'tiny.rl FAIL',
    'tiny.rl START',
    'tiny.sft COMPLETE',
    'tiny.sft START',
  ]);
  for (const event of events) assertOpenLineage(event);
  const [first] = events;
  assert.throws(() => assertOpenLineage({...first, run: {runId: 'the first'}}), /runId must match format "uuid"/);
  assert.throws(() => assertOpenLineage({...first, schemaURL: undefined}), /schemaURL/);
  const sft = events.find(({job, eventType}) => job.name === 'tiny.sft' && eventType === 'COMPLETE')!;
  assert.deepEqual(
    sft.inputs.map(({name}) => name),
    ['test.data.rows'],
  );
  assert.deepEqual(
    sft.outputs.map(({name, facets}) => [name, facets['version']!['datasetVersion']]),
    [['tiny.sft.model', bench.store.attempt(3 as never)!.outputs[0]!.artifact]],
  );
  const failed = events.find(({eventType, job}) => eventType === 'FAIL' && job.name === 'tiny.rl')!;
  assert.deepEqual(
    [failed.run.facets['errorMessage']!['message'], failed.run.facets['errorMessage']!['stackTrace']],
    [`stage-threw: ${MESSAGE}`, `Error: ${MESSAGE}\n    at run (stages.ts:3:5)`],
  );
  const data = events.find(({job, eventType}) => job.name === 'test.data' && eventType === 'COMPLETE')!;
  assert.equal(data.inputs[0]!.facets['r1_source']!['path'], './prompts');
  assert.deepEqual(
    (data.outputs[0]!.facets['r1_artifact']!['files'] as {path: string}[]).map(({path}) => path),
    ['card.json', 'rows.jsonl'],
  );
  const parent = sft.run.facets['parent']! as unknown as {run: {runId: string}};
  assert.equal(parent.run.runId, events.find(({job}) => job.name === 'tiny')!.run.runId);
  const again = toOpenLineage(scopeOf(bench.store, bench.store.latestRun()!));
  assert.deepEqual(again, events, 'the same ids every time');
});

test('r1 export-lineage writes each format', async (t) => {
  const bench = await finishedRun(t);
  const prov = JSON.parse((await spoken(exportLineageCommand, bench.folder, ['--format', 'prov'])).out) as {
    prefix: object;
  };
  assert.ok('r1' in prov.prefix);
  const lines = (await spoken(exportLineageCommand, bench.folder, ['--format', 'openlineage'])).out.split('\n');
  assert.equal(lines.length, 8);
  for (const line of lines) assert.ok('eventType' in (JSON.parse(line) as object));
  assert.match((await spoken(exportLineageCommand, bench.folder, ['--format', 'dot'])).out, /a3 -> a4 \[label="policy/);
  const json = JSON.parse((await spoken(exportLineageCommand, bench.folder, ['1'])).out) as {
    attempts: unknown[];
    run: {id: number};
  };
  assert.deepEqual([json.run.id, json.attempts.length], [1, 2]);
  assert.equal((await spoken(exportLineageCommand, bench.folder, ['--format', 'xml'])).code, 2);
  assert.equal((await spoken(exportLineageCommand, bench.folder, ['9'])).code, 2);
});

/** A Python with the packages that lineage.py names: `R1_TEST_PYTHON`, which its first comment says how to make. */
const PYTHON = process.env['R1_TEST_PYTHON'];

test(
  'Python’s prov and the OpenLineage client read what we write',
  {skip: PYTHON === undefined ? 'R1_TEST_PYTHON is not set' : false},
  async (t) => {
    const bench = await finishedRun(t);
    const folder = temporaryFolder(t);
    const scope = scopeOf(bench.store, bench.store.latestRun()!);
    writeFileSync(join(folder, 'prov.json'), JSON.stringify(toProv(scope)));
    writeFileSync(
      join(folder, 'events.jsonl'),
      toOpenLineage(scope)
        .map((event) => JSON.stringify(event))
        .join('\n'),
    );
    const script = fileURLToPath(new URL('../../../../test/artifacts/export/lineage.py', import.meta.url));
    assert.ok(existsSync(script));
    const {status, stderr, stdout} = spawnSync(
      PYTHON!,
      [script, join(folder, 'prov.json'), join(folder, 'events.jsonl')],
      {encoding: 'utf8'},
    );
    assert.equal(status, 0, stderr);
    assert.deepEqual(JSON.parse(stdout), {
      entities: 10,
      activities: 3,
      used: 3,
      generated: 2,
      derived: 2,
      members: 4,
      events: 8,
    });
  },
);
