/**
 * The whole recipe as a person runs it: the real command line, real processes, every stage, with numbers so small that it
 * takes seconds. Run, run again, change, kill and resume, damage and verify.
 */
import assert from 'node:assert/strict';
import {chmodSync, existsSync, readFileSync, readdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {parseEvent} from '../../pipeline/job/event-lines.js';
import {jobFiles, readJob} from '../../pipeline/job/folder.js';
import {r1, until} from '../rig/command.js';
import {assertOpenLineage} from '../rig/openlineage.js';
import {application, artifactsOf, killStages} from './application.js';
import {assertSidesKept} from './sides.js';

const RECIPE = 'dist/test/fixtures/recipes/whole.js';
const STAGES = 'dist/stages';

interface PlannedNode {
  readonly node: string;
  readonly action: string;
  readonly because: string;
}

test('the whole recipe', async (t) => {
  const app = application(t, [RECIPE]);

  /** Nodes that a run would not reuse, with the reason. */
  const toDo = async (words: readonly string[] = []): Promise<Record<string, string>> => {
    const plan = await app.r1(t, ['plan', RECIPE, '--json', ...words]);
    assert.equal(plan.code, 0, plan.err);
    const {nodes} = JSON.parse(plan.out) as {nodes: PlannedNode[]};
    assert.equal(nodes.length, 23);
    return Object.fromEntries(nodes.filter(({action}) => action !== 'reuse').map(({node, because}) => [node, because]));
  };

  await t.test('runs every node and ends with scores and claims', async () => {
    const run = await app.r1(t, ['run', RECIPE]);
    assert.equal(run.code, 0, run.err);
    assert.match(run.err, /run 1 succeeded in .*: 23 ran, 0 reused/);
    assert.match(run.out, /pass@1/);
    assert.match(run.out, /^\nrun 1: whole, seed 0\n\n\d+ of \d+ claims hold/);
    assert.match(run.out, /\nbase [^]*\nzero-rl [^]*\nall-scenario-rl [^]*\nwhere to look next\n/);
    const claims = await app.r1(t, ['claims']);
    assert.match(claims.out, /r1-accuracy/);
  });

  await t.test('trains on no problem that it is measured on', () => {
    app.reading((store) => assertSidesKept(store, store.latestRun()!.id));
  });

  await t.test('run again, it reuses everything at once', async () => {
    const run = await app.r1(t, ['run', RECIPE]);
    assert.match(run.err, /all 23 nodes are up to date/);
    app.reading((store) => assert.deepEqual(artifactsOf(store), artifactsOf(store, store.run(1 as never)!.id)));
  });

  await t.test('a changed comment runs nothing again, changed code runs what it made and what follows', async () => {
    const comment = (source: string): string =>
      `/* another word */\n${source.replace('async run(', 'async /* and more */ run(')}`;
    for (const stage of ['pretrain.js', 'sft.js', 'grpo.js']) app.edit(join(STAGES, stage), comment);
    app.edit(RECIPE, (source) => `// another word\n${source}`);
    assert.deepEqual(await toDo(), {});
    const before = readFileSync(join(app.folder, STAGES, 'report.js'), 'utf8');
    app.edit(join(STAGES, 'report.js'), (source) => source.replace('total: 2', 'total: 3'));
    assert.deepEqual(await toDo(), {report: 'code of stages/report.ts'});
    writeFileSync(join(app.folder, STAGES, 'report.js'), before);
  });

  await t.test(
    'a changed learning rate of the last training stage runs it again and what follows, nothing else',
    async () => {
      const run = await app.r1(t, ['run', RECIPE, '--set', 'all-scenario-rl.learningRate=2e-3']);
      assert.equal(run.code, 0, run.err);
      assert.match(run.err, /3 ran, 20 reused/);
      for (const node of ['all-scenario-rl', 'evaluate-all-scenario-rl', 'report'])
        assert.match(run.err, new RegExp(`${node} +done`));
      const diff = await app.r1(t, ['diff', '1', '3']);
      assert.match(diff.out, /first difference: all-scenario-rl, param learningRate {2}0\.001 → 0\.002/);
      assert.match(diff.out, /\d+ of \d+ tensors differ/);
    },
  );

  await t.test('answers where a model came from, and exports it whole', async () => {
    const lineage = await app.r1(t, ['lineage', '1/all-scenario-rl:model']);
    for (const node of [
      'corpus',
      'prompts',
      'base',
      'zero-rl',
      'cold-start-data',
      'cold-start-sft',
      'reasoning-rl',
      'rejection-sampling',
      'full-sft',
      'helpful-rm',
      'safety-rm',
    ]) {
      assert.match(lineage.out, new RegExp(`← ${node}\\b`), `${node} is among the ancestors`);
    }
    assert.doesNotMatch(lineage.out, /student|distill/);
    const show = await app.r1(t, ['show', '1/all-scenario-rl:model']);
    assert.match(show.out, /model\.safetensors/);
    assert.match(show.out, /policy ← full-sft:model/);
    const exported = await app.r1(t, ['export', '1/all-scenario-rl:model', 'r1-model']);
    assert.equal(exported.code, 0, exported.err);
    assert.deepEqual(readdirSync(join(app.folder, 'r1-model')).sort(), [
      'README.md',
      'config.json',
      'generation_config.json',
      'model.safetensors',
      'special_tokens_map.json',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
    const reply = await r1(t, ['chat', './r1-model', 'hello', '--json'], {cwd: app.folder});
    assert.equal(reply.code, 0, reply.err);
    assert.equal((JSON.parse(reply.out) as {question: string}).question, 'hello');
  });

  await t.test('its lineage leaves in standard form', async () => {
    const events = await app.r1(t, ['export-lineage', '1', '--format', 'openlineage']);
    assert.equal(events.code, 0, events.err);
    const lines = events.out.trimEnd().split('\n');
    assert.equal(lines.length, 2 * (1 + 23), 'a start and an end of the run and of each node');
    for (const line of lines) assertOpenLineage(JSON.parse(line));
    const prov = await app.r1(t, ['export-lineage', '1', '--format', 'prov']);
    const {activity, entity, used, wasGeneratedBy} = JSON.parse(prov.out) as Record<string, Record<string, object>>;
    assert.equal(Object.keys(activity!).length, 23);
    const known = new Set([...Object.keys(activity!), ...Object.keys(entity!)]);
    for (const relation of [...Object.values(used!), ...Object.values(wasGeneratedBy!)] as Record<string, string>[])
      assert.ok(known.has(relation['prov:activity']!) && known.has(relation['prov:entity']!), JSON.stringify(relation));
  });

  await t.test('killed twice with its stages and resumed, it ends with the same artifacts', async () => {
    const store = 'killed';
    /** Waits until `node` has written a checkpoint at `step` or later, then kills the runner and every stage. */
    const killAt = async (node: string, step: number, words: readonly string[]): Promise<void> => {
      const runner = app.start(t, words, store);
      const folder = await until(`“${node}” has started`, () => jobOf(join(app.folder, store), node), 300_000);
      await until(`“${node}” is at step ${step}`, () => checkpointOf(folder) >= step, 300_000);
      runner.child.kill('SIGKILL');
      await runner.ended;
      assert.ok(app.reading(killStages, store) > 0, 'a stage was still running');
    };
    await killAt('base', 40, ['run', RECIPE]);
    await killAt('all-scenario-rl', 2, ['resume']);
    const resumed = await app.r1(t, ['resume'], store);
    assert.equal(resumed.code, 0, resumed.err);
    const whole = app.reading((opened) => artifactsOf(opened, opened.run(1 as never)!.id));
    assert.deepEqual(app.reading(artifactsOf, store), whole);
    const continued = app.reading(
      (opened) =>
        ['base', 'all-scenario-rl'].map(
          (node) => opened.attemptsOf(opened.latestRun()!.id, node).at(-1)!.continues?.step ?? 0,
        ),
      store,
    );
    assert.ok(continued[0]! >= 40 && continued[1]! >= 2, `went on from steps ${continued.join(' and ')}`);
    assert.equal(
      app.reading((opened) => opened.runs().length, store),
      1,
    );
    const verified = await app.r1(t, ['verify'], store);
    assert.equal(verified.code, 0, verified.out);
  });

  await t.test('one flipped byte is found and named, and only what it spoiled is made again', async () => {
    const blob = app.reading((store) => {
      const {attempt} = store.nodesOf(store.latestRun()!.id).find(({node}) => node === 'full-sft')!;
      const {artifact} = store.attempt(attempt!)!.outputs.find(({port}) => port === 'model')!;
      const {sha256} = store.artifact(artifact)!.files.find(({path}) => path === 'model.safetensors')!;
      return store.parts.blobs.path(sha256);
    });
    const bytes = readFileSync(blob);
    bytes[bytes.length >> 1]! ^= 1;
    chmodSync(blob, 0o644);
    writeFileSync(blob, bytes);
    const verified = await app.r1(t, ['verify']);
    assert.equal(verified.code, 1, verified.out);
    assert.match(verified.out, /is model\.safetensors in model @[0-9a-f]{8}, made by full-sft \(attempt/);
    for (const node of ['preference-data', 'helpful-rm', 'all-scenario-rl', 'evaluate-all-scenario-rl', 'report']) {
      assert.match(verified.out, new RegExp(`made from it: .*\\b${node} \\(attempt`, 's'));
    }
    assert.doesNotMatch(verified.out, /made from it: .*\bdistill-small \(attempt/s);
    // The bytes come back equal, so what was made from them stands.
    const mended = await app.r1(t, ['run', RECIPE]);
    assert.equal(mended.code, 0, mended.err);
    assert.match(mended.err, /1 ran, 22 reused/);
    assert.equal((await app.r1(t, ['verify'])).code, 0);
  });
});

/** The folder of the newest job of `node`, once there is one. */
function jobOf(store: string, node: string): string | undefined {
  const jobs = join(store, 'jobs');
  if (!existsSync(jobs)) return undefined;
  const newestFirst = readdirSync(jobs).sort((a, b) => Number(b) - Number(a));
  return newestFirst
    .map((name) => join(jobs, name))
    .find((folder) => {
      const read = readJob(folder);
      return read.ok && read.value.node === node;
    });
}

/** Step of the last checkpoint that a job spoke of. */
function checkpointOf(folder: string): number {
  const {events: file} = jobFiles(folder);
  if (!existsSync(file)) return -1;
  const events = readFileSync(file, 'utf8').split('\n').map(parseEvent);
  return events.reduce((step, event) => (event?.type === 'checkpoint' ? event.step : step), -1);
}
