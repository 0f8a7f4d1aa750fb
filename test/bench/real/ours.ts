/**
 * Our contender: `ours.js FOLDER generate|update f32|bf16`, on two cores as a stage has them: two rollout workers share the
 * chunks of a generation, an update computes on two threads.
 */
import path from 'node:path';
import {openModel} from '../../../stages/model/hf-folder/index.js';
import {handOver} from '../../../stages/model/parameters.js';
import {samplingUniforms} from '../../../stages/random.js';
import {openSampler} from '../../../stages/rollout/open-sampler.js';
import {openEngine} from '../../../stages/engine/engine.js';
import {planUpdates} from '../../../stages/train/grpo-updates.js';
import type {Precision} from '../../../stages/train/compute.js';
import {answer} from './answering.js';
import {readTask} from './task.js';

const [folder, kind, precision] = process.argv.slice(2) as [string, 'generate' | 'update', Precision];
const {prompts, completions, advantages, group, newTokens, update} = readTask(folder);
const {config, weights} = await openModel(path.join(folder, 'model'));
const CORES = 2;
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** Mean log-probability of what was drawn. */
async function generating(): Promise<() => Promise<number>> {
  const chunk = prompts.length / CORES;
  const sampling = {
    prompts: chunk,
    group,
    promptLengths: [prompts[0]!.length],
    maxNewTokens: newTokens,
    temperature: 1,
    topP: 1,
    topK: 0,
    precision,
    stopIds: [config.vocabSize], // no such token, so nothing ends early
  };
  const note = (text: string): void => console.error(text);
  const sampler = await openSampler({config, sampling, threads: 1, cores: CORES, weights: new Map(weights), note});
  const chunks = Array.from({length: CORES}, (_, at) => ({
    prompts: prompts.slice(at * chunk, (at + 1) * chunk),
    uniforms: samplingUniforms(
      {seed: 1, purpose: 'bench'},
      Array.from({length: chunk * group}, (_, i) => at * chunk * group + i),
      newTokens,
    ),
  }));
  return async () => {
    const drawn: number[] = [];
    await sampler.generate(chunks, (_, samples) => drawn.push(...samples.flatMap(({logProbs}) => logProbs)));
    if (drawn.length !== prompts.length * group * newTokens) throw new Error(`${drawn.length} tokens were drawn`);
    return sum(drawn) / drawn.length;
  };
}

/** One update of all rows, whose log-probabilities before it are known. The norm of its gradient. */
async function updating(): Promise<() => number> {
  const {rows, clip, learningRate, ...optimizer} = update;
  const length = prompts[0]!.length;
  const {programs} = planUpdates(
    config,
    {
      ...{temperature: 1, ratio: 'token', aggregate: 'response-mean', clipLow: clip, clipHigh: clip, klCoefficient: 0},
      // One of several updates of a rollout: the policy before it is another one.
      minibatches: 2,
      ...{maxNewTokens: newTokens, group, microBatch: rows, rolloutPrecision: 'f32', importanceCap: 0},
    },
    {shortest: length, longest: length},
  );
  const engine = await openEngine({
    config,
    weights: handOver(weights),
    threads: CORES,
    precision,
    optimizer: {...optimizer, weightDecay: 0},
    programs,
  });
  const all = completions.map((completion, i) => {
    const prompt = prompts[Math.floor(i / group)]!;
    const tokens = [...prompt, ...completion];
    return {tokens, mask: tokens.map((_, at) => (at < prompt.length ? 0 : 1)), advantage: advantages[i]!};
  });
  const old = engine.run.old!(all);
  const known = all.map((row, i) => ({...row, oldLogProbs: old[i]!}));
  return () => engine.run.update(known, {learningRate}).gradNorm;
}

await answer(process.versions.node, await (kind === 'generate' ? generating() : updating()));
