import assert from 'node:assert/strict';
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {StageFailure, Stopped} from '../../../pipeline/stage.js';
import {initialWeights} from '../../../stages/model/parameters.js';
import {random} from '../../../stages/random.js';
import {crossEntropyTraining} from '../../../stages/train/programs.js';
import {countTokens, withTraining} from '../../../stages/train/training-loop.js';
import type {StepOptions, StepResult, Training} from '../../../stages/train/training-loop.js';
import {config} from '../engine/small.js';
import {temporaryFolder} from '../../rig/temporary.js';

const programs = {train: crossEntropyTraining({rows: 2, lengths: [8]})};
const source = random(1, 'training loop test');
const rows = Array.from({length: 6}, () => {
  const tokens = Array.from({length: 5}, () => source.int(config.vocabSize));
  return {tokens, mask: tokens.map((_, i) => (i === 0 ? 0 : 1))};
});
type Small = Training<typeof programs, {readonly seen: number}>;

interface Options {
  /** The checkpoint to start from. */
  readonly latest?: string;
  /** A stop is asked for after this step; the checkpoint lands in `folder`. */
  readonly stopAt?: number;
  readonly folder?: string;
  readonly step?: StepOptions;
  readonly total?: number;
  /** This step gives way to a stop that was asked for while it was made. */
  readonly yieldAt?: number;
  /** What is done after the last step gives way to a stop. */
  readonly yieldAfter?: boolean;
  /** In the place of the loss of each step. */
  readonly loss?: number;
}

/** Trains a small model on two rows a step, and what came of it. */
async function train(
  {latest, stopAt, folder, step = {}, total = 6, loss, yieldAt, yieldAfter = false}: Options = {},
  use?: (small: Small) => void,
) {
  const told: string[] = [];
  const context = {
    checkpoints: {
      latest,
      due: (at: number) => at === stopAt,
      async save(at: number, write: (folder: string) => Promise<void> | void) {
        mkdirSync(folder!);
        await write(folder!);
        throw new Stopped(at);
      },
    },
    progress: ({step, total, tokens}: {step: number; total: number; tokens?: number}) =>
      void told.push(`${step} of ${total}, ${tokens ?? 0} tokens`),
    metric: (name: string, at: number) => void told.push(`${name} at ${at}`),
  };
  const engine = {config, weights: initialWeights(config, 1), threads: 1, optimizer: {}, programs};
  return withTraining({engine, context, learningRate: 1e-2, start: {seen: 0}}, async (training) => {
    use?.(training);
    await training.until(total, step, (at): StepResult => {
      if (at === yieldAt) throw new Stopped();
      const batch = [rows[(2 * at) % 6]!, rows[(2 * at + 1) % 6]!];
      const made = training.engine.run.train(batch, {learningRate: 1e-2});
      training.own = {seen: training.own.seen + batch.length};
      return {measured: {loss: loss ?? made.loss, nothing: null}, trainedTokens: countTokens(batch)};
    });
    if (yieldAfter) await training.keptOnStop(() => Promise.reject(new Stopped()));
    const {history, tokens, own} = training;
    return {told, history, tokens, own, weights: training.engine.read('policy'), summary: training.summary()};
  });
}

const stopped = async (t: TestContext, at: number, options: Options = {}): Promise<string> => {
  const folder = join(temporaryFolder(t), 'checkpoint');
  await assert.rejects(train({...options, stopAt: at, folder}), Stopped);
  return folder;
};

test('stopped and started again from the checkpoint, it ends as if it had run through', async (t) => {
  const {told, ...whole} = await train();
  const {told: toldAfter, ...resumed} = await train({latest: await stopped(t, 2)});
  assert.deepEqual(resumed, whole);
  assert.deepEqual(toldAfter, told.slice(4), 'it goes on with step 3');
  const latest = join(temporaryFolder(t), 'checkpoint');
  await assert.rejects(train({yieldAt: 2, folder: latest}), {name: 'Stopped', step: 2});
  const {told: _told, ...yielded} = await train({latest});
  assert.deepEqual(yielded, whole, 'also where a step gave way to a stop');
  const afterLast = join(temporaryFolder(t), 'checkpoint');
  await assert.rejects(train({yieldAfter: true, folder: afterLast}), {name: 'Stopped', step: 6});
  const {told: toldNothing, ...looked} = await train({latest: afterLast});
  assert.deepEqual([looked, toldNothing], [whole, []], 'or what comes after the last one did');
  assert.deepEqual(whole.own, {seen: 12});
  const {parameters: _, ...summary} = whole.summary;
  assert.deepEqual(summary, {trainedTokens: 60, generatedTokens: 0, scoredTokens: 0, steps: 6});
  assert.deepEqual(
    whole.history.map(({id, step, nothing}) => [id, step, nothing]),
    [1, 2, 3, 4, 5, 6].map((step) => [`step-${step}`, step, null]),
  );
});

test('it reports as often as it is asked to, and at the last step; a measure that does not apply is no point', async () => {
  const {told} = await train({step: {reportEvery: 4}});
  assert.deepEqual(told, ['4 of 6, 40 tokens', 'loss at 4', '6 of 6, 60 tokens', 'loss at 6']);
  assert.deepEqual((await train({total: 1, step: {metrics: []}})).told, ['1 of 1, 10 tokens']);
});

test('a checkpoint is due after the last step only where more than saving comes after it', async (t) => {
  await train({total: 2, stopAt: 2});
  await stopped(t, 2, {total: 2, step: {checkpointAtEnd: true}});
});

test('a checkpoint of another format is refused by name', async (t) => {
  const folder = await stopped(t, 2);
  const file = join(folder, 'state.json');
  const state = JSON.parse(readFileSync(file, 'utf8')) as {format?: number};
  const {format} = state;
  for (const [written, named] of [
    [undefined, 1], // version 0.1 wrote no number
    [format! + 1, format! + 1],
  ] as const) {
    writeFileSync(file, JSON.stringify({...state, format: written}));
    await assert.rejects(train({latest: folder}), (error) => {
      assert.ok(error instanceof StageFailure);
      assert.match(
        error.message,
        new RegExp(`checkpoint at step 2 holds training state of format ${named}\\b.* ${format} only`),
      );
      return true;
    });
  }
});

test('a loss that is not finite ends it; what was opened is closed, last in, first out, and the engine freed', async () => {
  const closed: string[] = [];
  let small: Small | undefined;
  const diverged = train({loss: NaN}, (training) => {
    small = training;
    for (const name of ['first', 'second']) training.closeAtEnd({close: async () => void closed.push(name)});
  });
  await assert.rejects(diverged, /the loss is NaN at step 1; a lower learningRate than 0.01 may help/);
  assert.deepEqual(closed, ['second', 'first']);
  assert.throws(() => small!.engine.run.train(rows, {learningRate: 1e-2}), /the engine is not open/);
});

test('what cannot be closed hides no stop, and keeps nothing else open', async () => {
  const closed: string[] = [];
  let small: Small | undefined;
  const open = (training: Small): void => {
    small = training;
    training.closeAtEnd({close: () => void closed.push('first')});
    for (const name of ['second', 'third'])
      training.closeAtEnd({
        close() {
          closed.push(name);
          throw new Error(`${name} does not close`);
        },
      });
  };
  await assert.rejects(train({yieldAt: 0}, open), Stopped);
  assert.deepEqual(closed, ['third', 'second', 'first']);
  assert.throws(() => small!.engine.run.train(rows, {learningRate: 1e-2}), /the engine is not open/);
  await assert.rejects(train({}, open), /third does not close/, 'the first of them is told');
});
