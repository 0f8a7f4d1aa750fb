/**
 * What it costs to compile the functions that the recipe tiny uses, in engines as its stages open them: recording, building
 * and loading the graphs, and how much longer the first call of each function takes than the next.
 */
import {newConfig} from '../../../stages/model/config.js';
import {initialWeights, scoreWeights} from '../../../stages/model/parameters.js';
import {random, samplingUniforms} from '../../../stages/random.js';
import type {Engine, Programs} from '../../../stages/engine/engine.js';
import {
  crossEntropyTraining,
  grpoTraining,
  logProbabilities,
  pairwiseTraining,
  scoring,
} from '../../../stages/train/programs.js';
import {generation} from '../../../stages/engine/programs/generation.js';
import {openEngine} from '../../../stages/engine/engine.js';

/** The base of the recipe tiny, but for its vocabulary, whose size does not matter here. */
const config = newConfig({
  vocabSize: 128,
  hiddenSize: 48,
  intermediateSize: 144,
  layers: 3,
  heads: 4,
  maxPositions: 128,
  eosId: 1,
  padId: 0,
});
const NEW_TOKENS = 51;
const LENGTHS = [10, 19, 28, 37, 46, 55, 64, 73, 82, 91];
const TRAINING = {rows: 16, lengths: LENGTHS};
const source = random(1, 'bench compiling');
const tokensOf = (length: number): number[] => Array.from({length}, () => source.int(128));

/** One row of every length, so that a call goes through all buckets. */
const ROWS = LENGTHS.map((length) => ({
  tokens: tokensOf(length),
  mask: Array.from({length}, (_, i) => (i === 0 ? 0 : 1)),
  advantage: 1,
  oldLogProbs: Array.from({length}, () => -4),
  referenceLogProbs: Array.from({length}, () => -4),
  chosen: tokensOf(length),
  rejected: tokensOf(length),
}));

export interface CompilingCost {
  readonly functions: number;
  readonly ms: number;
}

/** Opens the engines one after the other and calls everything twice. */
export async function compilingCost(threads: number): Promise<CompilingCost> {
  const weights = initialWeights(config, 1);
  const common = {config, weights, threads, optimizer: {}};
  const sampling = {prompts: 8, group: 16, promptLengths: [24, 45], maxNewTokens: NEW_TOKENS};
  const sample = generation({...sampling, temperature: 1, topP: 1, topK: 0, stopIds: [1]});
  const costs: CompilingCost[] = [];

  const pretraining = await openEngine({...common, programs: {train: crossEntropyTraining(TRAINING), sample}});
  costs.push(
    costOf(pretraining, () => {
      pretraining.run.train(ROWS, {learningRate: 1e-4});
      generateBoth(pretraining.run.sample);
    }),
  );

  const options = {temperature: 1, ratio: 'token', aggregate: 'response-mean', clipLow: 0.2, clipHigh: 0.2} as const;
  const grpo = await openEngine({
    ...common,
    reference: true,
    programs: {
      update: grpoTraining({...TRAINING, ...options, klCoefficient: 0.001}),
      old: logProbabilities({...TRAINING, temperature: 1}),
      reference: logProbabilities({...TRAINING, temperature: 1, of: 'reference'}),
      sample,
    },
  });
  costs.push(
    costOf(grpo, () => {
      grpo.run.old(ROWS);
      grpo.run.reference(ROWS);
      grpo.run.update(ROWS, {learningRate: 1e-4});
      generateBoth(grpo.run.sample);
    }),
  );

  const judge = scoreWeights({config, weights}, 1);
  const preference = await openEngine({
    ...common,
    ...judge,
    programs: {train: pairwiseTraining(TRAINING), score: scoring({rows: 32, lengths: LENGTHS})},
  });
  costs.push(
    costOf(preference, () => {
      preference.run.train(ROWS, {learningRate: 1e-4});
      preference.run.score(ROWS);
    }),
  );
  return {
    functions: costs.reduce((sum, {functions}) => sum + functions, 0),
    ms: costs.reduce((sum, {ms}) => sum + ms, 0),
  };
}

type Generate = (chunk: {prompts: number[][]; uniforms: Float32Array}) => unknown;

/** Prompts of either bucket. */
function generateBoth(sample: Generate): void {
  const rows = Array.from({length: 8 * 16}, (_, i) => i);
  for (const length of [20, 40]) {
    const uniforms = samplingUniforms({seed: 1, purpose: 'bench'}, rows, NEW_TOKENS);
    sample({prompts: Array.from({length: 8}, () => tokensOf(length)), uniforms});
  }
}

/** Calls everything twice; what the first calls took longer than the second ones, and what it took to open. */
function costOf<P extends Programs>(engine: Engine<P>, callAll: () => void): CompilingCost {
  callAll();
  callAll();
  const {openMs, programs} = engine.stats();
  engine.dispose();
  const called = programs.filter(({calls}) => calls > 1);
  const extra = called.map(({calls, firstMs, laterMs}) => Math.max(0, firstMs - laterMs / (calls - 1)));
  return {functions: called.length, ms: extra.reduce((sum, ms) => sum + ms, openMs)};
}
