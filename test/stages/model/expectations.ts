/** Compares a checkpoint that `test/scripts/checkpoints.py` wrote with what transformers computed with it. */
import assert from 'node:assert/strict';
import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {openEngine} from '../../../stages/engine/engine.js';
import type {Sample} from '../../../stages/engine/programs/generation.js';
import {generation} from '../../../stages/engine/programs/generation.js';
import {openModel} from '../../../stages/model/hf-folder/index.js';
import type {Model} from '../../../stages/model/hf-folder/index.js';
import {crossEntropyTraining, pairwiseTraining, scoring} from '../../../stages/train/programs.js';
import {logits} from '../engine/programs.js';

/** What transformers computed. */
interface Expected {
  readonly input_ids: readonly (readonly number[])[];
  readonly logits?: readonly (readonly (readonly number[])[])[];
  readonly scores?: readonly number[];
  readonly greedy_prompt: readonly (readonly number[])[];
  readonly greedy_tokens: readonly (readonly number[])[];
  readonly loss: number;
  readonly grad_norms: Readonly<Record<string, number>>;
}

/** The largest differences; those of the loss and of norms are relative. */
export interface Gaps {
  /** Of logits, or of scores. */
  logit: number;
  loss: number;
  norm: number;
}

/** Norms below this share of the largest one are compared with that share of it: they are sums of what cancels out. */
const SMALL_SHARE = 1e-3;

/**
 * The largest differences between this program and transformers on a checkpoint.
 *
 * @throws {AssertionError} where greedy tokens differ, in either layout of the KV cache
 */
export async function gapsOf(folder: string): Promise<Gaps> {
  const model = await openModel(folder);
  const expected = JSON.parse(await readFile(join(folder, 'expected.json'), 'utf8')) as Expected;
  return expected.scores === undefined ? gapsOfLanguage(model, expected) : gapsOfScores(model, expected);
}

async function gapsOfLanguage({config, weights}: Model, expected: Expected): Promise<Gaps> {
  const ids = expected.input_ids;
  const [rows, length] = [ids.length, ids[0]!.length];
  const promptLength = expected.greedy_prompt[0]!.length;
  // Once for a whole group, or copied into the rows of a sample: `cached-attention.ts` chooses by these numbers.
  const shared = Math.max(promptLength, Math.floor(1536 / (4 * config.headDim)) + 1);
  const drawing = {
    prompts: 2,
    maxNewTokens: expected.greedy_tokens[0]!.length,
    temperature: 0,
    topP: 1,
    topK: 0,
    stopIds: [config.vocabSize], // never made
  };
  const engine = await openEngine({
    config,
    weights,
    threads: 1,
    // β1 = 0 leaves the gradient of the last update in the first moment.
    optimizer: {beta1: 0, maxNorm: 0},
    programs: {
      logits: logits({rows, lengths: [length]}),
      train: crossEntropyTraining({rows, lengths: [length]}),
      alone: generation({...drawing, group: 1, promptLengths: [promptLength + 2]}),
      grouped: generation({...drawing, group: 5, promptLengths: [shared]}),
    },
  });
  try {
    const computed = engine.run.logits(ids.map((tokens) => ({tokens})));
    const logit = Math.max(...computed.map((row, i) => largestGap(row, expected.logits![i]!.flat())));

    for (const [run, group] of [
      [engine.run.alone, 1],
      [engine.run.grouped, 5],
    ] as const) {
      const uniforms = new Float32Array(2 * group * drawing.maxNewTokens);
      const samples: Sample[] = run({prompts: expected.greedy_prompt, uniforms});
      assert.deepEqual(
        samples.map(({tokens}) => tokens),
        expected.greedy_tokens.flatMap((tokens) => Array.from({length: group}, () => tokens)),
      );
    }

    const {loss} = engine.run.train(
      ids.map((tokens) => ({tokens, mask: tokens.map((_, i) => (i === 0 ? 0 : 1))})),
      {learningRate: 0},
    );
    return {logit, loss: relativeGap(loss, expected.loss), norm: normGap(engine.read('adam.m'), expected)};
  } finally {
    engine.dispose();
  }
}

async function gapsOfScores({config, weights}: Model, expected: Expected): Promise<Gaps> {
  const rows = expected.input_ids;
  const lengths = [rows[0]!.length + 1];
  const engine = await openEngine({
    config,
    weights,
    threads: 1,
    optimizer: {beta1: 0, maxNorm: 0},
    programs: {
      score: scoring({rows: rows.length, lengths}),
      train: pairwiseTraining({rows: rows.length, lengths}),
    },
  });
  try {
    const logit = largestGap(engine.run.score(rows.map((tokens) => ({tokens}))), expected.scores!);
    const pairs = Array.from({length: rows.length / 2}, (_, i) => ({chosen: rows[2 * i]!, rejected: rows[2 * i + 1]!}));
    const {loss} = engine.run.train(pairs, {learningRate: 0});
    return {logit, loss: relativeGap(loss, expected.loss), norm: normGap(engine.read('adam.m'), expected)};
  } finally {
    engine.dispose();
  }
}

function normGap(gradients: ReadonlyMap<string, Float32Array>, {grad_norms: norms}: Expected): number {
  assert.deepEqual([...gradients.keys()].sort(), Object.keys(norms).sort());
  const least = SMALL_SHARE * Math.max(...Object.values(norms));
  return Math.max(
    ...[...gradients].map(([name, gradient]) => {
      const norm = Math.sqrt(gradient.reduce((sum, value) => sum + value * value, 0));
      return Math.abs(norm - norms[name]!) / Math.max(norms[name]!, least);
    }),
  );
}

const relativeGap = (ours: number, theirs: number): number => Math.abs(ours / theirs - 1);

function largestGap(ours: ArrayLike<number>, theirs: ArrayLike<number>): number {
  assert.equal(ours.length, theirs.length);
  // A NaN is a gap, too, and no maximum would show it.
  return Array.from(ours).reduce((gap, value, i) => {
    const here = Math.abs(value - theirs[i]!);
    return here <= gap ? gap : Number.isNaN(here) ? Infinity : here;
  }, 0);
}
