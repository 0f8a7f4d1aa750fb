/** Rollout workers as they are used: real processes, killed while they draw, beside the engine of the test's own process. */
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {existsSync, readFileSync} from 'node:fs';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {hasProc, isRunning, processRecord, signal, usageOf} from '../../../pipeline/executors/process-table.js';
import {StageFailure} from '../../../pipeline/stage.js';
import {newConfig} from '../../../stages/model/config.js';
import {initialWeights} from '../../../stages/model/parameters.js';
import type {Weights} from '../../../stages/model/parameters.js';
import {random, samplingUniforms} from '../../../stages/random.js';
import {openPool} from '../../../stages/rollout/pool.js';
import type {Pool, PoolOptions} from '../../../stages/rollout/pool.js';
import {workerEnvironment} from '../../../stages/rollout/process.js';
import {inProcess, noteIdleWorkers, planRollouts} from '../../../stages/rollout/open-sampler.js';
import type {Sampler} from '../../../stages/rollout/sampler.js';
import {crossEntropyTraining} from '../../../stages/train/programs.js';
import {generation} from '../../../stages/engine/programs/generation.js';
import {openEngine} from '../../../stages/engine/engine.js';
import {workersFor} from '../../../stages/engine/lanes.js';
import {openWeightFile} from '../../../stages/engine/mapped-weights.js';
import type {Chunk, Sample} from '../../../stages/engine/programs/generation.js';
import {until} from '../../rig/command.js';

const config = newConfig({
  vocabSize: 40,
  hiddenSize: 32,
  intermediateSize: 64,
  layers: 2,
  heads: 4,
  maxPositions: 128,
  initializerRange: 0.3,
  eosId: 2,
  padId: 0,
});
const weights = initialWeights(config, 5);
const sampling = {
  prompts: 3,
  group: 4,
  promptLengths: [8, 16],
  maxNewTokens: 40,
  temperature: 1,
  topP: 1,
  topK: 0,
  stopIds: [2],
  padId: 0,
} as const;

/** Seven chunks of both buckets, the last one not full. */
const source = random(1, 'pool test');
const prompts = Array.from({length: 20}, (_, i) => Array.from({length: 3 + (i % 12)}, () => 3 + source.int(37)));
const chunks: Chunk[] = Array.from({length: 7}, (_, at) => {
  const some = prompts.slice(at * 3, at * 3 + 3);
  const samples = some.flatMap((_, place) => [0, 1, 2, 3].map((sample) => (at * 3 + place) * 4 + sample));
  return {prompts: some, uniforms: samplingUniforms({seed: 1, purpose: 'pool'}, samples, sampling.maxNewTokens)};
});

async function drawnBy(sampler: Sampler, from: Iterable<Chunk> = chunks): Promise<Sample[][]> {
  const drawn: Sample[][] = [];
  await sampler.generate(from, (index, samples) => {
    assert.equal(drawn[index], undefined, 'every chunk comes once');
    drawn[index] = [...samples];
  });
  return drawn;
}

const programs = {sample: generation(sampling), train: crossEntropyTraining({rows: 8, lengths: [24]})};
const engine = await openEngine({config, weights, threads: 1, optimizer: {}, programs});
const expected = await drawnBy(inProcess(engine.run.sample));

/** Closed when the test is over, however it ends: workers that are left keep the process of the test alive. */
function pool(t: TestContext, options: Partial<PoolOptions> = {}): Pool {
  const opened = openPool({config, sampling, workers: 2, weights: () => weights, note: () => undefined, ...options});
  t.after(() => opened.close());
  return opened;
}

test('a chunk has the same bytes in this process and with one, two or three workers', async (t) => {
  assert.ok(expected.flat().some(({finished}) => finished) && expected.flat().some(({finished}) => !finished));
  for (const workers of [1, 2, 3]) {
    const sampler = pool(t, {workers});
    assert.deepEqual(await drawnBy(sampler), expected, `${workers} workers`);
    assert.equal(sampler.pids().length, workers);
    await sampler.close();
  }
});

test('a chunk has the same bytes alone, in another order, and after other chunks', async (t) => {
  const sampler = pool(t);
  assert.deepEqual(await drawnBy(sampler, [chunks[4]!]), [expected[4]]);
  assert.equal(sampler.pids().length, 1, 'a worker is started when there is a chunk for it');
  assert.deepEqual(await drawnBy(sampler, chunks.toReversed()), expected.toReversed());
});

test('workers draw with the weights that the trainer has by then', async (t) => {
  const rollouts = planRollouts({config, sampling, threads: 1, cores: 2, note: () => undefined});
  assert.deepEqual(Object.keys(rollouts.programs), [], 'a trainer with workers compiles no generation');
  const sampler = rollouts.open(engine);
  t.after(() => sampler.close());
  assert.deepEqual(await drawnBy(sampler), expected);
  const rows = prompts.slice(0, 8).map((tokens) => ({tokens, mask: tokens.map((_, i) => (i === 0 ? 0 : 1))}));
  for (let step = 0; step < 3; step++) {
    engine.run.train(rows, {learningRate: 1e-2});
    const own = await drawnBy(inProcess(engine.run.sample));
    assert.notDeepEqual(own, expected);
    assert.deepEqual(await drawnBy(sampler), own);
  }
  engine.write('policy', weights);
});

test('fewer chunks than workers are told of, with the chunk that keeps more of them busy', () => {
  const saidOf = (prompts: number, chunk: number, workers: number): string[] => {
    const said: string[] = [];
    noteIdleWorkers({prompts, chunk, workers}, (text) => said.push(text));
    return said;
  };
  assert.deepEqual(saidOf(4, 4, 2), [
    '4 prompts in chunks of 4 keep 1 of 2 rollout workers busy; chunk=2 keeps 2 busy',
  ]);
  // Five chunks of 2 on four workers would take as long as four prompts, three of 3 as long as three.
  assert.deepEqual(saidOf(9, 8, 4), [
    '9 prompts in chunks of 8 keep 2 of 4 rollout workers busy; chunk=3 keeps 3 busy',
  ]);
  assert.deepEqual(saidOf(1, 1, 2), [
    '1 prompt in chunks of 1 keep 1 of 2 rollout workers busy, and no other chunk keeps more busy',
  ]);
  assert.deepEqual(saidOf(4, 2, 2), []);
  assert.deepEqual(saidOf(16, 8, 2), []);
});

test('weights that are mapped give the samples of weights that are sent, the newest each time, to every worker', async (t) => {
  const file = openWeightFile(config);
  let released = false;
  const sampler = pool(t, {
    weights: () => {
      for (const {first, tensors} of engine.readPacked('policy')) file.write(first, tensors);
      return file;
    },
    release: () => {
      released = true;
      file.close();
    },
  });
  assert.deepEqual(await drawnBy(sampler), expected);
  engine.run.train([{tokens: prompts[0]!, mask: prompts[0]!.map((_, i) => (i === 0 ? 0 : 1))}], {learningRate: 0.05});
  assert.ok(existsSync(file.path));
  const trained = await drawnBy(sampler);
  assert.deepEqual(trained, await drawnBy(inProcess(engine.run.sample)));
  assert.notDeepEqual(trained, expected);
  for (const pid of sampler.pids()) signal(pid, 'SIGKILL');
  assert.deepEqual(await drawnBy(sampler), trained, 'new workers find them where they are');
  await sampler.close();
  assert.ok(released);
  engine.write('policy', weights);
  engine.resetOptimizer();
});

test('a worker that is killed in the middle of a chunk is replaced, and its samples are the same', async (t) => {
  const notes: string[] = [];
  const sampler = pool(t, {note: (text) => notes.push(text)});
  await drawnBy(sampler, chunks.slice(0, 2)); // both are there and have compiled
  const before = sampler.pids();
  assert.equal(before.length, 2);
  let given = 0;
  function* killing(): Generator<Chunk> {
    for (const chunk of chunks) {
      yield chunk;
      // The first worker holds its first chunk by now and has not answered: nothing ran between.
      if (given++ === 0) signal(before[0]!, 'SIGKILL');
    }
  }
  assert.deepEqual(await drawnBy(sampler, killing()), expected);
  assert.deepEqual(notes, ['a rollout worker was killed by SIGKILL; its samples are drawn again by a new one']);
  assert.equal(sampler.pids().length, 2);
  assert.ok(!sampler.pids().includes(before[0]!));
});

test('workers that keep dying end the rollout with a sentence, and none is left', async (t) => {
  const started: number[] = [];
  const sampler: Pool = pool(t, {workers: 1, note: () => undefined});
  const killer = setInterval(() => {
    for (const pid of sampler.pids()) {
      started.push(pid);
      signal(pid, 'SIGKILL');
    }
  }, 20);
  t.after(() => clearInterval(killer));
  await assert.rejects(drawnBy(sampler), (error) => {
    assert.ok(error instanceof StageFailure);
    assert.match(
      error.message,
      /^3 rollout workers in a row were lost over the same prompts; .* killed by SIGKILL\. .*resources\.cpu/,
    );
    return true;
  });
  assert.equal(new Set(started).size, 3);
  assert.deepEqual(sampler.pids(), []);
});

test('an error of the program is told at once, with the stack of the worker', async (t) => {
  const notes: string[] = [];
  const sampler = pool(t, {sampling: {...sampling, topP: 0}, note: (text) => notes.push(text)});
  await assert.rejects(drawnBy(sampler), /a rollout worker failed: Error: .*top-p 0[^]*generation\.[jt]s/);
  assert.deepEqual(sampler.pids(), []);
  assert.deepEqual(notes, []);
});

test('a message that cannot be serialized is told at once: no worker hears of it, so none would answer', async (t) => {
  const sampler = pool(t, {workers: 1});
  await drawnBy(sampler, chunks.slice(0, 1));
  const odd = {...chunks[0]!, prompts: [() => 0]} as unknown as Chunk;
  await assert.rejects(drawnBy(sampler, [odd]), /a message “draw” cannot be serialized: .*could not be cloned/);
  assert.deepEqual(sampler.pids(), []);
});

test('what fails in the process itself ends the workers', async (t) => {
  const sampler = pool(t);
  await assert.rejects(
    sampler.generate(chunks, () => {
      throw new Error('stopped by a person');
    }),
    /stopped by a person/,
  );
  assert.deepEqual(sampler.pids(), []);
});

test('one core and one thread need no worker; more threads never generate with more than one', () => {
  assert.equal(workersFor({threads: 1, cores: 1}), 0);
  assert.equal(workersFor({threads: 1, cores: 3}), 3);
  assert.equal(workersFor({threads: 2, cores: 1}), 1);
});

test('a worker is asked for huge pages, beside what else its user asks of malloc', async (t) => {
  const ours = 'glibc.malloc.hugetlb=1';
  assert.deepEqual(workerEnvironment(''), {GLIBC_TUNABLES: ours});
  const others = 'glibc.malloc.check=1:glibc.malloc.arena_max=1';
  assert.deepEqual(workerEnvironment(others), {GLIBC_TUNABLES: `${others}:${ours}`});
  const refused = 'glibc.malloc.hugetlb=0:glibc.malloc.check=1';
  assert.deepEqual(workerEnvironment(refused), {GLIBC_TUNABLES: refused});

  if (!hasProc) return;
  const workers = pool(t, {workers: 1});
  await drawnBy(workers, chunks.slice(0, 1));
  const environment = readFileSync(`/proc/${workers.pids()[0]!}/environ`, 'utf8').split('\0');
  assert.ok(environment.includes(`GLIBC_TUNABLES=${workerEnvironment().GLIBC_TUNABLES}`));
  assert.ok(environment.includes(`PATH=${process.env['PATH']}`), 'and has all else of this process');
});

test('weights cross the socket whole, however large, and a worker needs no more than it was given', async (t) => {
  // 4 MiB in one tensor: many times what the socket holds.
  const wide = newConfig({...config, vocabSize: 32_768, eosId: 2, padId: 0});
  const large: Weights = initialWeights(wide, 1);
  const alone = await openEngine({config: wide, weights: large, threads: 1, programs: {sample: generation(sampling)}});
  const own = await drawnBy(inProcess(alone.run.sample), chunks.slice(0, 3));
  alone.dispose();
  const sampler = pool(t, {config: wide, weights: () => large});
  assert.deepEqual(await drawnBy(sampler, chunks.slice(0, 3)), own);
});

test('workers end with a parent that is killed, in the middle of a native call too', async () => {
  const script = `
    const [{openPool}, {newConfig}, {initialWeights}] = await Promise.all([
      import('${new URL('../../../stages/rollout/pool.js', import.meta.url).href}'),
      import('${new URL('../../../stages/model/config.js', import.meta.url).href}'),
      import('${new URL('../../../stages/model/parameters.js', import.meta.url).href}'),
    ]);
    const config = newConfig({vocabSize: 40, hiddenSize: 32, intermediateSize: 64, layers: 2, heads: 4, maxPositions: 60_000, eosId: 2, padId: 0});
    const weights = initialWeights(config, 1);
    // Hours of work in one call: nothing stops a sample before its room runs out.
    const sampling = {prompts: 1, group: 1, promptLengths: [8], maxNewTokens: 50_000, temperature: 1, topP: 1, topK: 0, stopIds: [40]};
    const sampler = openPool({config, sampling, workers: 2, weights: () => weights, note: () => undefined});
    const chunk = {prompts: [[1, 2, 3]], uniforms: new Float32Array(50_000)};
    const drawing = sampler.generate([chunk, chunk], () => undefined);
    process.stdout.write(JSON.stringify(sampler.pids()) + '\\n');
    await drawing;
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  const line = await new Promise<string>((resolve) =>
    child.stdout.once('data', (data: Buffer) => resolve(data.toString())),
  );
  const records = (JSON.parse(line) as number[]).map((pid) => processRecord(pid));
  assert.equal(records.length, 2);
  // To start takes about a second of the processor; what comes then is the one call.
  const isDrawing = (pid: number): boolean => !hasProc || (usageOf(pid)?.user ?? 0) > 3;
  await until('both draw', () => records.every(({pid}) => isDrawing(pid)));
  assert.ok(records.every(isRunning));
  child.kill('SIGKILL');
  await until('both have ended with their parent', () => !records.some(isRunning));
});
