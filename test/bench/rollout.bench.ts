/**
 * A rollout drawn by this process on its one thread, and by two rollout workers, which take new weights before each as they
 * do from a trainer. Both draw the same chunks; that they draw the same samples is checked. Milliseconds of a step, which is
 * one token of every sample of a chunk; `npm run bench -- engine` has what peers take for one.
 */
import assert from 'node:assert/strict';
import {initialWeights} from '../../stages/model/parameters.js';
import {random, samplingUniforms} from '../../stages/random.js';
import {openPool} from '../../stages/rollout/pool.js';
import {inProcess} from '../../stages/rollout/open-sampler.js';
import type {Sampler} from '../../stages/rollout/sampler.js';
import {generation} from '../../stages/engine/programs/generation.js';
import {openEngine} from '../../stages/engine/engine.js';
import type {Chunk, Sample} from '../../stages/engine/programs/generation.js';
import {inTurn, report} from './report.js';
import {SIZES, configOf} from './sizes.js';
import type {Size} from './sizes.js';

const WORKERS = 2;
const REPEATS = 7;
const PROMPTS = 8;
const PROMPT_LENGTH = 16;
/** Chunks of a rollout: many enough that the wait for the last one is a small part. */
const CHUNKS: Readonly<Record<'A' | 'B' | 'C', number>> = {A: 16, B: 16, C: 6};

function* chunksOf({rows, length, vocabSize}: Size, count: number): Generator<Chunk> {
  const source = random(1, 'bench prompts');
  for (let at = 0; at < count; at++) {
    const prompts = Array.from({length: PROMPTS}, () =>
      Array.from({length: PROMPT_LENGTH}, () => source.int(vocabSize)),
    );
    const samples = Array.from({length: rows}, (_, row) => at * rows + row);
    yield {prompts, uniforms: samplingUniforms({seed: 1, purpose: 'bench'}, samples, length)};
  }
}

for (const name of ['A', 'B', 'C'] as const) {
  const size: Size = SIZES[name];
  const config = configOf(size);
  const weights = initialWeights(config, 1);
  const sampling = {
    prompts: PROMPTS,
    group: size.rows / PROMPTS,
    promptLengths: [PROMPT_LENGTH],
    maxNewTokens: size.length,
    temperature: 1,
    topP: 1,
    topK: 0,
    stopIds: [size.vocabSize], // no such token, so nothing ends early
  };
  const engine = await openEngine({config, weights, threads: 1, programs: {sample: generation(sampling)}});
  const alone = inProcess(engine.run.sample);
  // Another map each time, as a trainer's weights are after an update.
  const pool = openPool({config, sampling, workers: WORKERS, weights: () => new Map(weights), note: () => undefined});
  const rollout = async (sampler: Sampler): Promise<Sample[][]> => {
    const drawn: Sample[][] = [];
    await sampler.generate(chunksOf(size, CHUNKS[name]), (at, samples) => (drawn[at] = [...samples]));
    return drawn;
  };
  // The first one compiles.
  const began = performance.now();
  const expected = await rollout(pool);
  const firstMs = performance.now() - began;
  assert.deepEqual(expected, await rollout(alone));
  const again = (sampler: Sampler) => async () => {
    await rollout(sampler);
  };
  const times = await inTurn({alone: again(alone), pool: again(pool)}, REPEATS);
  const steps = CHUNKS[name] * size.length;
  const rate = (ms: number): string => `${((1000 * size.rows * steps) / ms).toFixed(0)} tokens/s`;
  report({
    name: `${name}, one thread of this process`,
    value: times.alone / steps,
    unit: 'ms',
    note: rate(times.alone),
  });
  report({
    name: `${name}, ${WORKERS} rollout workers`,
    value: times.pool / steps,
    unit: 'ms',
    note: `${rate(times.pool)}; the first rollout, from starting the workers on, took ${(firstMs / 1000).toFixed(1)} s`,
  });
  report({name: `${name}, workers against one thread`, value: times.alone / times.pool, unit: '×', atLeast: 1.5});
  await pool.close();
  engine.dispose();
}
