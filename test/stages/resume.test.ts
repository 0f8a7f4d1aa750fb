/**
 * A training stage that is killed at any moment and resumed ends with the same bytes as one that was never interrupted,
 * though each attempt has another number of rollout workers and the whole one has none.
 * Every training stage, in real processes, on a model of a few thousand parameters and made-up data that it learns quickly.
 */
import assert from 'node:assert/strict';
import {existsSync, mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {after, before, describe, test} from 'node:test';
import {newestCheckpoint} from '../../pipeline/job/checkpoints.js';
import {jobFiles} from '../../pipeline/job/folder.js';
import {grpo, helpfulRewardModel, pretrain, safetyRewardModel, sft} from '../../stages/index.js';
import type {Sabotage} from './saboteur.js';
import type {StageJob} from './stagejob.js';
import {cardIn} from './here.js';
import {TINY_BASE, writeTrainingData} from './training-data.js';
import {continueFrom, make, outputPath, outputsOf, runStage, stepsOf, writeJob} from './stagejob.js';

const root = mkdtempSync(join(tmpdir(), 'r1-resume-'));
const at = (name: string): string => join(root, name);
const out = (job: string, port: string): string => outputPath(at(job), port);

const rl = {
  questions: 2,
  group: 4,
  minibatches: 3,
  maxNewTokens: 24,
  chunk: 2,
  microBatch: 8,
  learningRate: 1e-3,
  referenceEvery: 4,
  clipLow: 0.2,
  clipHigh: 0.2,
  patience: 1000,
};

before(() => writeTrainingData(at));
after(() => rmSync(root, {recursive: true, force: true}));

/** So low that some of the weights of rollouts in bf16 reach it, which are off by some thousandths. */
const CAP = 1.0005;

/** Jobs by name, in an order in which a later one may use what an earlier one made. */
const jobs: Readonly<Record<string, StageJob>> = {
  pretrain: {
    stage: pretrain,
    exported: 'pretrain',
    inputs: {documents: at('documents'), tokenizer: at('tokenizer'), validation: at('questions')},
    // After four steps nothing is solved, so it starts afresh, and then the gate asks for more, more than once: 28 steps in all. With
    // fewer, the stop that comes after 0.7 of them would leave nothing to kill, since steps are reported ten at a time.
    params: {
      ...TINY_BASE,
      steps: 4,
      freshStarts: 1,
      extraSteps: 10,
      maxSteps: 100,
      gate: 0.75,
      gateProblems: 8,
      gateSamples: 4,
      gateTemplate: 'tiny-zero',
      maxNewTokens: 24,
    },
  },
  sft: {
    stage: sft,
    exported: 'sft',
    inputs: {base: at('base/outputs/model'), data: {general: at('samples')}},
    params: {batch: 8, epochs: 2},
  },
  // Long batches, so that each thread computes a lane of them.
  'sft on two threads': {
    stage: sft,
    exported: 'sft',
    inputs: {base: at('base/outputs/model'), data: {general: at('samples')}},
    params: {batch: 32, microBatch: 32, epochs: 6},
    threads: 2,
  },
  'helpful reward model': {
    stage: helpfulRewardModel,
    exported: 'helpfulRewardModel',
    inputs: {base: out('base', 'model'), data: at('pairs')},
    params: {batch: 8, microBatch: 8, epochs: 2, learningRate: 1e-3},
  },
  'safety reward model': {
    stage: safetyRewardModel,
    exported: 'safetyRewardModel',
    inputs: {base: out('base', 'model'), data: at('labels')},
    params: {batch: 8, microBatch: 8, epochs: 2, learningRate: 1e-3},
  },
  grpo: {
    stage: grpo,
    exported: 'grpo',
    inputs: {policy: out('base', 'model'), prompts: at('questions')},
    params: {...rl, template: 'tiny-zero', steps: 16, snapshots: [4, 7, 16]},
  },
  'grpo with bf16 rollouts': {
    stage: grpo,
    exported: 'grpo',
    inputs: {policy: out('base', 'model'), prompts: at('questions')},
    params: {...rl, template: 'tiny-zero', steps: 9, rolloutPrecision: 'bf16', importanceCap: CAP},
  },
  'grpo with reward models': {
    stage: grpo,
    exported: 'grpo',
    inputs: {
      policy: out('base', 'model'),
      prompts: at('questions'),
      general: at('general-questions'),
      helpful: out('helpful reward model, whole', 'model'),
      safety: out('safety reward model, whole', 'model'),
    },
    params: {
      ...rl,
      template: 'chat',
      steps: 14,
      rewards: {accuracy: 1, format: 1, language: 1, helpful: 1, safe: 1},
      generalFrom: 0.3,
      dynamicSampling: 1,
    },
  },
};

/** How an attempt is ended, at which share of the stage's steps, with which interval between checkpoints. */
const ENDS: readonly (Omit<Sabotage, 'step'> & {readonly share: number; readonly every: number})[] = [
  {signal: 'SIGKILL', moment: 'computing', share: 0.2, after: 3, every: 2},
  {signal: 'SIGKILL', moment: 'writing', share: 0.4, every: 2},
  // No checkpoint is due by itself: the one that is found was written because of the signal.
  {signal: 'SIGTERM', moment: 'computing', share: 0.6, every: 1000},
  // In the middle of a rollout or of an update, wherever it is then.
  {signal: 'SIGTERM', moment: 'computing', share: 0.7, after: 4, every: 1000},
  {signal: 'SIGKILL', moment: 'written', share: 0.8, every: 1},
];

describe('killed again and again, then resumed, gives the bytes of a run without interruption', () => {
  for (const [name, job] of Object.entries(jobs)) {
    test(name, async () => {
      const whole = at(`${name}, whole`);
      await make(whole, job);
      const total = stepsOf(whole).at(-1)!;
      const steps: number[] = [];
      let last: string | undefined;
      const next = (checkpointEvery: number): string => {
        const folder = at(`${name}, ${steps.length}`);
        writeJob(folder, {...job, checkpointEvery, cores: 1 + (steps.length % 3)});
        const from = last === undefined ? 0 : (continueFrom(last, folder) ?? 0);
        assert.ok(from >= (steps.at(-1) ?? 0), `nothing is lost: ${[...steps, from].join(', ')}`);
        steps.push(from);
        return (last = folder);
      };
      for (const {share, every, ...sabotage} of ENDS) {
        const folder = next(every);
        const step = Math.floor(share * total);
        const end = await runStage(folder, {...sabotage, step});
        if (sabotage.signal === 'SIGKILL') assert.equal(end.signal, 'SIGKILL', `it was killed; ${JSON.stringify(end)}`);
        else {
          assert.equal(end.result?.end, 'stopped', JSON.stringify(end));
          const saved = newestCheckpoint(jobFiles(folder).checkpoints)?.step;
          const asked = stepsOf(folder).find((reported) => reported >= step)!;
          // Where it was asked after a moment, a step or more may have been made by then.
          const isAtOnce = sabotage.after === undefined ? saved === asked : (saved ?? 0) >= asked;
          assert.ok(isAtOnce, `stops at once: asked at ${asked}, saved at ${saved}`);
        }
      }
      const end = await runStage(next(2));
      assert.equal(end.result?.end, 'succeeded', JSON.stringify(end));
      assert.ok(new Set(steps).size >= 3, `there was something to go on from: ${steps.join(', ')}`);
      assert.deepEqual(outputsOf(last!), outputsOf(whole));
      assert.ok(Object.keys(outputsOf(whole)).includes('model/model.safetensors'));
    });
  }
});

test('the reinforcement learning that was interrupted had something to learn', () => {
  for (const name of ['grpo', 'grpo with reward models']) {
    const rows = historyOf(name);
    const unlike = rows.filter(({groupsWithoutSpread}) => groupsWithoutSpread! < 1);
    assert.ok(
      unlike.length > rows.length / 2,
      `${name}: ${unlike.length} of ${rows.length} steps had a spread of rewards`,
    );
  }
});

test('snapshots survive a training that is killed, and each is the model of a training of so many steps', async () => {
  const digests = outputsOf(at('grpo, whole'));
  const weights = (folder: string): string | undefined => digests[`${folder}/model.safetensors`];
  const kept = ['snapshots/step-4', 'snapshots/step-7', 'snapshots/step-16'].map(weights);
  assert.ok(kept.every((digest) => digest !== undefined) && new Set(kept).size === 3, 'there are three, each another');
  assert.equal(kept[2], weights('model'), 'after the last step it is the model at the end');
  const files = (folder: string): string[] =>
    Object.keys(digests).flatMap((file) => (file.startsWith(`${folder}/`) ? [file.slice(folder.length + 1)] : []));
  assert.deepEqual(files('snapshots/step-4'), files('model'), 'each is a whole model');
  const {params, ...job} = jobs['grpo']!;
  await make(at('grpo, 7 steps'), {...job, params: {...params, steps: 7, snapshots: [7, 12]}});
  const shorter = outputsOf(at('grpo, 7 steps'));
  assert.equal(shorter['model/model.safetensors'], kept[1], 'what is kept is what would have been the end');
  // What the killed ones end with is compared above; here that there was something to lose when they were killed.
  const checkpoint = newestCheckpoint(jobFiles(at('grpo, 5')).checkpoints)!;
  assert.ok(existsSync(join(checkpoint.folder, 'files', 'side-outputs', 'step-7', 'model.safetensors')));
  const list = (job: string): unknown =>
    JSON.parse(readFileSync(join(out(job, 'snapshots'), 'snapshots.json'), 'utf8'));
  assert.deepEqual(list('grpo, 7 steps'), {
    format: 'r1-snapshots-1',
    snapshots: [
      {asked: 7, step: 7, folder: 'step-7'},
      {asked: 12, step: 7, folder: 'step-7'},
    ],
  });
  assert.deepEqual(list('grpo with bf16 rollouts, whole'), {format: 'r1-snapshots-1', snapshots: []});
});

test('the history has the two parts of the length, and how sure its means are', () => {
  const rows = historyOf('grpo');
  for (const row of rows) {
    assert.ok(Math.abs(row['length/thinking']! + row['length/answer']! - row['length']!) < 1e-9, JSON.stringify(row));
    assert.ok(row['error/length']! >= 0 && row['error/accuracy']! >= 0, JSON.stringify(row));
  }
  assert.ok(rows.some((row) => row['length/thinking']! > 0 && row['error/length/thinking']! > 0));
});

test('the card of the history says how the completions were drawn, and when general prompts came in', () => {
  const drawn = (name: string): readonly unknown[] => {
    const {temperature, generalFrom} = cardIn(outputPath(at(`${name}, whole`), 'history'));
    return [temperature, generalFrom];
  };
  assert.deepEqual(drawn('grpo'), [1, undefined]);
  assert.deepEqual(drawn('grpo with reward models'), [1, 0.3]);
});

test('rollouts in bf16 are another policy: their tokens have weights near 1, some of them capped, and the loop stays finite', () => {
  const rows = historyOf('grpo with bf16 rollouts');
  assert.equal(rows.length, 9);
  for (const {loss, gradNorm, importanceMean, importanceCapped} of rows) {
    assert.ok(Number.isFinite(loss) && Number.isFinite(gradNorm), `loss ${loss}, norm of the gradient ${gradNorm}`);
    assert.ok(importanceMean! > 0.95 && importanceMean! <= CAP, `mean weight ${importanceMean}`);
    assert.ok(importanceCapped! >= 0 && importanceCapped! < 1, `share of capped weights ${importanceCapped}`);
  }
  assert.ok(rows.some(({importanceCapped}) => importanceCapped! > 0));
  assert.ok(rows.some(({importanceMean}) => importanceMean !== 1));
  assert.ok(!('importanceMean' in historyOf('grpo')[0]!), 'with rollouts in float32 there is nothing to weigh');
});

/** What the whole training of a name has measured, step by step. */
const historyOf = (name: string): Readonly<Record<string, number>>[] =>
  readFileSync(join(out(`${name}, whole`, 'history'), 'rows.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((row) => JSON.parse(row) as Readonly<Record<string, number>>);
