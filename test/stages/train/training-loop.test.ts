import assert from 'node:assert/strict';
import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
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
interface Own {
  readonly seen: number;
  /** Draws so far, and the rows of the newest one that have not been trained on. */
  readonly draws: number;
  readonly pending: readonly number[];
}
const START: Own = {seen: 0, draws: 0, pending: []};
type Small = Training<typeof programs, Own>;

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
  /** A stop is asked for when so many looks for one have found nothing. */
  readonly looks?: number;
  /** It is asked to finish early, after this step. */
  readonly finishAt?: number;
  /** What is done after the last step gives way to a stop. */
  readonly yieldAfter?: boolean;
  /** In the place of the loss of each step. */
  readonly loss?: number;
}

/** Trains a small model on three rows a step, in two micro-batches, and what came of it. */
async function train(
  {latest, stopAt, folder, step = {}, total = 6, loss, yieldAt, yieldAfter = false, ...asked}: Options = {},
  use?: (small: Small) => void,
) {
  const told: string[] = [];
  let {looks = Infinity} = asked;
  const context = {
    checkpoints: {
      latest,
      due: (at: number) => at === stopAt,
      isStopAsked: () => looks-- <= 0,
      async save(at: number, write: (folder: string) => Promise<void> | void) {
        mkdirSync(folder!);
        await write(folder!);
        throw new Stopped(at);
      },
    },
    progress: ({step, total, tokens}: {step: number; total: number; tokens?: number}) =>
      void told.push(`${step} of ${total}, ${tokens ?? 0} tokens`),
    metric: (name: string, at: number) => void told.push(`${name} at ${at}`),
    note: (text: string) => void told.push(text),
    finishEarly: ({step: at}: {step: number}) => at > 0 && at >= (asked.finishAt ?? Infinity),
  };
  const engine = {config, weights: initialWeights(config, 1), threads: 1, optimizer: {}, programs};
  return withTraining({engine, context, learningRate: 1e-2, start: START}, async (training) => {
    use?.(training);
    await training.until(total, step, (at): StepResult => {
      if (at === yieldAt) throw new Stopped();
      const {draws, pending} = training.own;
      if (pending.length === 0)
        training.own = {...training.own, draws: draws + 1, pending: [0, 1, 2].map((i) => (2 * at + i) % 6)};
      const batch = training.own.pending.map((index) => rows[index]!);
      const made = training.engine.run.train(batch, {learningRate: 1e-2});
      training.own = {...training.own, seen: training.own.seen + batch.length, pending: []};
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
  assert.deepEqual(whole.own, {seen: 18, draws: 6, pending: []});
  const {parameters: _, ...summary} = whole.summary;
  assert.deepEqual(summary, {trainedTokens: 90, generatedTokens: 0, scoredTokens: 0, steps: 6});
  assert.deepEqual(
    whole.history.map(({id, step, nothing}) => [id, step, nothing]),
    [1, 2, 3, 4, 5, 6].map((step) => [`step-${step}`, step, null]),
  );
});

test('a stop is obeyed before a step and between its micro-batches, and what was drawn for it is kept', async (t) => {
  const {told: _, ...whole} = await train();
  /** Before a step, and before each of its two micro-batches. */
  const eachStep = 3;
  for (let looks = 0; looks < 3 * eachStep; looks++) {
    const latest = join(temporaryFolder(t), 'checkpoint');
    await assert.rejects(train({looks, folder: latest}), Stopped);
    const stopped = Math.floor(looks / eachStep);
    if (looks === 0) {
      assert.ok(!existsSync(latest), 'before the first step there is nothing to keep');
      continue;
    }
    const state = JSON.parse(readFileSync(join(latest, 'state.json'), 'utf8')) as {step: number; own: Own};
    const isWithin = looks % eachStep > 0;
    assert.equal(state.step, stopped, `after ${looks} looks`);
    assert.deepEqual([state.own.draws, state.own.pending.length], isWithin ? [stopped + 1, 3] : [stopped, 0]);
    const {told: _told, ...resumed} = await train({latest});
    assert.deepEqual(resumed, whole, `after ${looks} looks`);
  }
  const latest = await stopped(t, 2);
  await assert.rejects(train({latest, looks: 0, folder: join(latest, 'unused')}), Stopped);
  assert.ok(!existsSync(join(latest, 'unused')), 'what is kept already is not written again');
});

test('it can be finished early: after the step that it is in, with what it has by then, whenever it was stopped before', async (t) => {
  const {told, ...early} = await train({finishAt: 2});
  assert.equal(told.at(-1), 'finished early, after step 2 of 6, as asked');
  const {parameters: _, ...summary} = early.summary;
  assert.deepEqual(summary, {trainedTokens: 30, generatedTokens: 0, scoredTokens: 0, steps: 2, plannedSteps: 6});
  assert.equal(early.history.length, 2);
  const {told: _told, ...again} = await train({latest: await stopped(t, 2), finishAt: 1});
  assert.deepEqual(again, early, 'from a checkpoint it is the same');

  const within = join(temporaryFolder(t), 'checkpoint');
  await assert.rejects(train({looks: 4, folder: within}), Stopped);
  const {told: _toldToo, ...next} = await train({latest: within, finishAt: 1});
  assert.equal(next.summary.steps, 2, 'a step that was interrupted is made first');
  assert.deepEqual(next, early);

  const {told: _toldNone, ...late} = await train({finishAt: 6});
  assert.equal(late.summary.plannedSteps, undefined, 'at its end there is nothing to cut off');
});

test('it reports as often as it is asked to, and at the last step; a measure that does not apply is no point', async () => {
  const {told} = await train({step: {reportEvery: 4}});
  assert.deepEqual(told, ['4 of 6, 60 tokens', 'loss at 4', '6 of 6, 90 tokens', 'loss at 6']);
  assert.deepEqual((await train({total: 1, step: {metrics: []}})).told, ['1 of 1, 15 tokens']);
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
