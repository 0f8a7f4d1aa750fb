/** Recipes whose nodes hold GPUs, through the runner; of the devices there are only the names. */
import assert from 'node:assert/strict';
import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {recipe, runRecipe, stopSwitch} from '../../../pipeline/index.js';
import type {RunEvent, RunProgram, RunSummary} from '../../../pipeline/index.js';
import {readGpus} from '../../../pipeline/executors/gpu-record.js';
import {programIn} from '../../../pipeline/executors/gpus.js';
import {localExecutor} from '../../../pipeline/executors/local.js';
import {hasProc} from '../../../pipeline/executors/process-table.js';
import {stageEntry} from '../../../pipeline/modules/own-package.js';
import {computing, holding} from '../../fixtures/stages/holding.js';
import {until} from '../../rig/command.js';
import {nvidiaSmi, setVariables} from '../../rig/gpus.js';
import {temporaryFolder} from '../../rig/temporary.js';

const skip =
  hasProc && programIn(process.env['PATH'], 'flock') !== undefined ? false : 'GPUs are locked with flock, on Linux';

interface RunnerOptions {
  /** The same for all runners of a user. */
  readonly locks: string;
  /** What set-up has found. */
  readonly gpusOfTensors?: number;
}

class Runner {
  readonly folder: string;
  readonly events: RunEvent[] = [];
  readonly #executor;

  constructor(t: TestContext, {locks, gpusOfTensors = 0}: RunnerOptions) {
    // A test that fails leaves nothing running. It is done before the folder goes.
    t.after(() => this.letGo('a', 'b', 'c', 'd'));
    this.folder = temporaryFolder(t);
    this.#executor = localExecutor(stageEntry(), {gpuLocks: locks, gpus: () => gpusOfTensors});
    t.after(() => this.#executor.close?.());
  }

  place(node: string): string {
    return join(this.folder, node);
  }

  /** @param nodes node → GPUs that it asks for */
  run(nodes: Readonly<Record<string, number>>, program: Partial<RunProgram> = {}): Promise<RunSummary> {
    const some = recipe('some', (add) => {
      for (const [id, gpu] of Object.entries(nodes)) add(id, holding, {}, {place: this.place(id)}, {resources: {gpu}});
    });
    return this.runRecipe({recipe: some, ...program});
  }

  runRecipe(program: RunProgram): Promise<RunSummary> {
    return runRecipe({
      store: join(this.folder, 'store'),
      executor: this.#executor,
      runtimeOf: (threads) => ({tensorflow: 'none', device: 'cpu', threads, node: 0, instructions: 'none'}),
      onEvent: (event) => this.events.push(event),
      capacity: {cpu: 8},
      ...program,
    });
  }

  seen(node: string): string | undefined {
    const file = `${this.place(node)}.seen`;
    return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined;
  }

  started(node: string): Promise<string> {
    return until(`“${node}” has started`, () => this.seen(node));
  }

  letGo(...nodes: readonly string[]): void {
    for (const node of nodes) writeFileSync(`${this.place(node)}.go`, '');
  }

  notes(node: string): string[] {
    return this.events.flatMap((event) => (event.type === 'node-note' && event.node === node ? [event.text] : []));
  }
}

test(
  'two nodes with one GPU each get different ones, a third has its turn after them, and none counts in a fingerprint',
  {skip},
  async (t) => {
    setVariables(t, {CUDA_VISIBLE_DEVICES: '2,5'});
    const runner = new Runner(t, {locks: temporaryFolder(t)});
    const run = runner.run({a: 1, b: 1, c: 1, d: 0});
    assert.equal((await runner.started('d')).split(' ')[0], '0');
    const held = await until('two have started', () => {
      const seen = ['a', 'b', 'c'].map((node) => runner.seen(node)).filter((words) => words !== undefined);
      return seen.length === 2 && seen;
    });
    assert.deepEqual(held.sort(), ['1 2', '1 5']);
    runner.letGo('a', 'b', 'c', 'd');
    assert.equal((await run).outcome, 'succeeded');
    const [third] = runner.events.flatMap((event) =>
      event.type === 'node-started' && event.node === 'c' ? [event.log] : [],
    );
    const record = readGpus(join(third!, '..'))!;
    assert.equal(`1 ${record.gpus[0]!.visible}`, runner.seen('c'));
    setVariables(t, {CUDA_VISIBLE_DEVICES: '7'});
    const again = await runner.run({a: 1, b: 1, c: 1, d: 0});
    assert.ok([...again.ends.values()].every((end) => end.ok && end.value.reused));
  },
);

test(
  'a node waits for a GPU that another runner holds and says so, while others go on on its cores',
  {skip},
  async (t) => {
    setVariables(t, {CUDA_VISIBLE_DEVICES: '0'});
    const locks = temporaryFolder(t);
    const [first, second] = [new Runner(t, {locks}), new Runner(t, {locks})];
    const before = first.run({a: 1});
    await first.started('a');
    // There is one core, and the node that waits was the first to have it.
    const waits = recipe('waits', (add) => {
      add('b', holding, {}, {place: second.place('b')}, {resources: {cpu: 1, gpu: 1}});
      add('c', holding, {}, {place: second.place('c')}, {resources: {cpu: 1, gpu: 0}});
    });
    const run = second.runRecipe({recipe: waits, capacity: {cpu: 1}});
    await second.started('c');
    assert.equal(second.seen('b'), undefined);
    assert.match(
      second.notes('b').join('\n'),
      /^waiting for a GPU: 0 is held by the job in .*store\/jobs\/\S+ \(process \d+\)$/,
    );
    second.letGo('b', 'c');
    const waited = performance.now();
    first.letGo('a');
    assert.equal((await before).outcome, 'succeeded');
    assert.equal((await run).outcome, 'succeeded');
    assert.equal(second.seen('b'), '1 0');
    const cost = second.events.flatMap((event) =>
      event.type === 'node-finished' && event.node === 'b' ? [event.cost.wallMs] : [],
    );
    assert.ok(cost[0]! < performance.now() - waited + 100, 'what it waited is not what it took');
  },
);

test('a run that is stopped while a node waits for a GPU starts nothing', {skip}, async (t) => {
  setVariables(t, {CUDA_VISIBLE_DEVICES: '0'});
  const locks = temporaryFolder(t);
  const [first, second] = [new Runner(t, {locks}), new Runner(t, {locks})];
  const before = first.run({a: 1});
  await first.started('a');
  const stop = stopSwitch();
  const run = second.run({b: 1}, {stop});
  await until('it waits', () => second.notes('b').length > 0);
  stop.press();
  const {outcome, ends} = await run;
  assert.equal(outcome, 'stopped');
  const end = ends.get('b')!;
  assert.deepEqual(!end.ok && [end.error.reason, 'by' in end.error && end.error.by], ['stopped', 'person']);
  assert.equal(second.seen('b'), undefined);
  first.letGo('a');
  assert.equal((await before).outcome, 'succeeded');
});

test(
  'a stage that computes with tensors holds a GPU where its set-up found one, and only then are there any looked for',
  {skip},
  async (t) => {
    const asked = join(temporaryFolder(t), 'asked');
    const says = `echo asked >>'${asked}'; echo "GPU 0: X (UUID: GPU-a)"; echo "GPU 1: X (UUID: GPU-b)"`;
    setVariables(t, {PATH: `${nvidiaSmi(t, says)}:${process.env['PATH']}`, CUDA_VISIBLE_DEVICES: undefined});
    const tensors = (runner: Runner) =>
      recipe('tensors', (add) => {
        for (const id of ['a', 'b']) add(id, computing, {}, {place: runner.place(id)});
        add('c', computing, {}, {place: runner.place('c')}, {resources: {gpu: 0}});
      });
    const onProcessor = new Runner(t, {locks: temporaryFolder(t)});
    onProcessor.letGo('a', 'b', 'c');
    assert.equal((await onProcessor.runRecipe({recipe: tensors(onProcessor)})).outcome, 'succeeded');
    assert.deepEqual(
      ['a', 'b', 'c'].map((node) => onProcessor.seen(node)),
      Array(3).fill('0 undefined'),
    );
    assert.equal(existsSync(asked), false);
    const onCard = new Runner(t, {locks: temporaryFolder(t), gpusOfTensors: 1});
    const run = onCard.runRecipe({recipe: tensors(onCard)});
    const seen = await Promise.all(['a', 'b', 'c'].map((node) => onCard.started(node)));
    assert.deepEqual(seen.sort(), ['0 undefined', '1 0', '1 1']);
    assert.equal(readFileSync(asked, 'utf8'), 'asked\n', 'once a runner');
    onCard.letGo('a', 'b', 'c');
    assert.equal((await run).outcome, 'succeeded');
  },
);
