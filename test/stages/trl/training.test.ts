/** A training in another process: what is kept of it, where it is resumed, how it ends. The trainer is a script without a library. */
import assert from 'node:assert/strict';
import {createHash} from 'node:crypto';
import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {fileURLToPath, pathToFileURL} from 'node:url';
import {openCheckpoints} from '../../../pipeline/job/checkpoints.js';
import {StageFailure, Stopped} from '../../../pipeline/stage.js';
import {findPython} from '../../../stages/python/interpreter.js';
import {trainOutside} from '../../../stages/trl/training.js';
import type {OutsideTraining, Trained} from '../../../stages/trl/training.js';
import {noPython as skip} from '../../rig/python.js';
import {temporaryFolder} from '../../rig/temporary.js';

const SOURCES = fileURLToPath(new URL('../../../../', import.meta.url));
const PUPPET = pathToFileURL(path.join(SOURCES, 'test/stages/trl/puppet.py'));
process.env['R1_TEST_TRL_CODE'] = path.join(SOURCES, 'stages/trl');
const found = await findPython([3, 10]);
const python = 'tooOld' in found ? '' : found.command;

interface Told {
  readonly metrics: (readonly [string, number, number])[];
  readonly notes: string[];
  readonly steps: number[];
}

interface Attempt {
  /** The folder of the attempt; its checkpoints are what it is resumed from. */
  readonly folder: string;
  readonly spec?: object;
  readonly every?: number;
  readonly boundary?: number;
  readonly stopAfter?: number;
  readonly finishAfter?: number;
  readonly steps?: number;
}

let attempts = 0;

async function attempt(
  {folder, spec = {}, every, boundary = 1, stopAfter, finishAfter, steps = 10}: Attempt,
  told: Told = {metrics: [], notes: [], steps: []},
): Promise<Trained<{sum: number}>> {
  const scratch = path.join(folder, `scratch-${attempts++}`);
  mkdirSync(path.join(folder, 'checkpoints'), {recursive: true});
  mkdirSync(scratch);
  const isPast = (step: number | undefined): boolean => step !== undefined && (told.steps.at(-1) ?? 0) >= step;
  const options: OutsideTraining<{sum: number}> = {
    context: {
      checkpoints: openCheckpoints({
        folder: () => path.join(folder, 'checkpoints'),
        every,
        stopping: () => isPast(stopAfter),
        onSaved: () => undefined,
      }),
      progress: ({step}) => void told.steps.push(step),
      metric: (name, step, value) => void told.metrics.push([name, step, value]),
      note: (text) => void told.notes.push(text),
      finishEarly: ({step}) => finishAfter !== undefined && step >= finishAfter,
      scratch,
      threads: 1,
      seed: 3,
    },
    ...{python, program: PUPPET, spec, ranks: 1, steps, boundary, learningRate: 0.1, parameters: 1},
    start: {sum: 0},
    measure(step, logged, training) {
      training.own = {sum: training.own.sum + step};
      training.tokens.trained += 10;
      return {loss: logged['loss'] ?? NaN, own: logged['own'] ?? null};
    },
    isHistoryOnly: (measure) => measure === 'own',
  };
  return trainOutside(options);
}

const weightOf = ({model}: {readonly model: string}): string => readFileSync(path.join(model, 'weight'), 'utf8');

/** What must be equal however often a training was interrupted. */
const facts = (trained: Trained<{sum: number}>) => {
  const {history, step, own, summary} = trained;
  return {weight: weightOf(trained), history, step, own, summary};
};

const folderFor = (t: TestContext): string => path.join(temporaryFolder(t), 'attempt');

test('a training that was killed and resumed is what one is that ran through', {skip}, async (t) => {
  const whole = facts(await attempt({folder: folderFor(t)}));
  assert.deepEqual(
    {steps: whole.step, sum: whole.own.sum, tokens: whole.summary.trainedTokens, rows: whole.history.length},
    {steps: 10, sum: 55, tokens: 100, rows: 10},
  );
  const folder = folderFor(t);
  const killed = {folder, every: 3};
  await assert.rejects(attempt({...killed, spec: {killedAt: 5}}), /the trainer was killed by SIGKILL/);
  await assert.rejects(attempt({...killed, spec: {exitsAt: 9}}), /the trainer exited with 3; its log says why/);
  const told: Told = {metrics: [], notes: [], steps: []};
  assert.deepEqual(facts(await attempt(killed, told)), whole);
  assert.deepEqual(told.steps, [7, 8, 9, 10], 'from the newest checkpoint on');
  assert.deepEqual(told.metrics[0], ['loss', 7, 1 / 7], 'what is for the history alone is no metric');
});

test('a stop is obeyed at a boundary, with a checkpoint there', {skip}, async (t) => {
  const folder = folderFor(t);
  const told: Told = {metrics: [], notes: [], steps: []};
  await assert.rejects(attempt({folder, stopAfter: 3, boundary: 4}, told), Stopped);
  assert.deepEqual(told.steps, [1, 2, 3, 4]);
  assert.ok(existsSync(path.join(folder, 'checkpoints', 'step-4', 'files', 'trainer', 'state.json')));
  assert.equal(weightOf(await attempt({folder, boundary: 4})), weightOf(await attempt({folder: folderFor(t)})));
});

test('finished early, it keeps the model of the step at which it was asked', {skip}, async (t) => {
  const told: Told = {metrics: [], notes: [], steps: []};
  const early = await attempt({folder: folderFor(t), finishAfter: 4}, told);
  assert.deepEqual({step: early.step, planned: early.summary.plannedSteps}, {step: 4, planned: 10});
  assert.deepEqual(told.notes, ['finished early, after step 4 of 10, as asked']);
  assert.equal(weightOf(early), weightOf(await attempt({folder: folderFor(t), steps: 4})));
});

test('each way to fail is named', {skip}, async (t) => {
  const fails = (spec: object, message: RegExp) =>
    assert.rejects(attempt({folder: folderFor(t), spec}), (error) => {
      assert.ok(error instanceof StageFailure, String(error));
      assert.match(error.message, message);
      return true;
    });
  await fails({nanAt: 2}, /^the loss is NaN at step 2; a lower learningRate than 0\.1 may help$/);
  await fails({fails: 'before'}, /^RuntimeError: nothing works$/);
  await fails({silentAt: 4}, /^the trainer has told of 9 of the 10 steps that it has made$/);
  await fails({fails: 'model'}, /^the trainer has ended without a model$/);
});

test('a checkpoint of another format is refused', {skip}, async (t) => {
  const folder = folderFor(t);
  await assert.rejects(attempt({folder, stopAfter: 1}), Stopped);
  const state = path.join(folder, 'checkpoints', 'step-2', 'files', 'training.json');
  const text = readFileSync(state, 'utf8').replace('"format":1', '"format":9');
  writeFileSync(state, text);
  const manifest = path.join(folder, 'checkpoints', 'step-2', 'manifest.json');
  const list = JSON.parse(readFileSync(manifest, 'utf8')) as {files: {path: string; sha256: string}[]};
  for (const file of list.files)
    if (file.path === 'training.json') file.sha256 = createHash('sha256').update(text).digest('hex');
  writeFileSync(manifest, JSON.stringify(list));
  await assert.rejects(attempt({folder}), /holds training state of format 9/);
});
