/** The callback for Hugging Face trainers, driven as a trainer drives it, with as little of transformers and torch as it asks for. */
import assert from 'node:assert/strict';
import {existsSync, readFileSync, readdirSync} from 'node:fs';
import {delimiter, dirname, join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {newestCheckpoint} from '../../../../pipeline/job/checkpoints.js';
import {jobFiles} from '../../../../pipeline/job/folder.js';
import {temporaryFolder} from '../../../rig/temporary.js';
import {PACKAGE, inJob, jobFolder, saidIn, skip} from './python-job.js';
import type {PythonEnd} from './python-job.js';

/** A trainer's loop, as far as callbacks see it. `before(step)` is what happens while a step is made. */
const TRAINER = `
from types import SimpleNamespace
from r1job.transformers import callback
def train(callback, steps, before=lambda step: None):
    args = SimpleNamespace(output_dir='trainer', device='cpu')
    state = SimpleNamespace(global_step=0, max_steps=steps, num_input_tokens_seen=0)
    while state.global_step < steps:
        state.global_step += 1
        state.num_input_tokens_seen += 64
        before(state.global_step)
        control = SimpleNamespace(should_save=False, should_training_stop=False)
        control = callback.on_step_end(args, state, control)
        callback.on_log(args, state, control, logs={'loss': 0.5, 'grad_norm': float('nan'), 'epoch': 0.1, 'note': 'x', 'kl': 1})
        if control.should_save:
            folder = 'trainer/checkpoint-%d' % state.global_step
            os.makedirs(folder)
            with open(folder + '/state', 'w') as file: file.write(str(state.global_step))
            callback.on_save(args, state, control)
        if control.should_training_stop: break
    callback.on_log(args, state, control, logs={'train_runtime': 1.0, 'total_flos': 1e9})
    return state.global_step
`;

/** What it imports, and a second process that wants to stop at step 5. */
const PYTHON = {
  'transformers.py': 'class TrainerCallback: pass',
  'torch/__init__.py': `
class Told(list):
    def tolist(self): return list(self)
def tensor(values, device): return Told(values)`,
  'torch/distributed.py': `
calls = []
class ReduceOp: MAX = 'max'
def is_available(): return True
def is_initialized(): return True
def get_world_size(): return 2
def barrier(): calls.append('barrier')
def all_reduce(told, op):
    calls.append(op)
    if calls.count('max') == 5: told[0] = told[1] = 1`,
};

function train(
  t: TestContext,
  folder: string,
  lines: string,
  env: Readonly<Record<string, string>> = {},
): Promise<PythonEnd> {
  const python = temporaryFolder(t, PYTHON);
  const PYTHONPATH = [dirname(PACKAGE), python].join(delimiter);
  return inJob(t, folder, `os.chdir(job.folder)\n${TRAINER}\n${lines}`, {PYTHONPATH, ...env});
}

test(
  'progress and metrics under r1’s names; checkpoints are moved, at a boundary, and a stop waits for one',
  {skip},
  async (t) => {
    const folder = jobFolder(t);
    const {code, out, err} = await train(
      t,
      folder,
      `
def before(step):
    if step == 7: open('stop.json', 'w').close()
print(train(callback(job, boundary=3), 20, before))`,
      {R1_CHECKPOINT_EVERY: '4'},
    );
    assert.equal(code, 0, err);
    assert.equal(out, '9\n');
    assert.deepEqual(readdirSync(join(folder, 'trainer')), []);
    const found = newestCheckpoint(jobFiles(folder).checkpoints);
    assert.equal(found?.step, 9);
    assert.equal(readFileSync(join(found.folder, 'files', 'state'), 'utf8'), '9');
    const said = saidIn(folder) as {type: string; step: number; name?: string}[];
    assert.deepEqual(said.slice(0, 4), [
      {type: 'progress', step: 1, total: 20, tokens: 64},
      {type: 'metric', name: 'loss', step: 1, value: 0.5},
      {type: 'metric', name: 'gradNorm', step: 1, value: NaN},
      {type: 'metric', name: 'kl', step: 1, value: 1},
    ]);
    const saved = said.flatMap(({type, step}) => (type === 'checkpoint' ? [step] : []));
    assert.deepEqual(saved, [6, 9]);
    assert.ok(!said.some(({name}) => name !== undefined && /epoch|train_|flos|note/.test(name)));
  },
);

test('only the metrics that are asked for, and copies where the trainer needs its own', {skip}, async (t) => {
  const folder = jobFolder(t);
  const {code, err} = await train(t, folder, "train(callback(job, {'kl': 'divergence'}, move=False), 2)", {
    R1_CHECKPOINT_EVERY: '2',
  });
  assert.equal(code, 0, err);
  assert.ok(existsSync(join(folder, 'trainer', 'checkpoint-2', 'state')));
  const names = (saidIn(folder) as {name?: string}[]).flatMap(({name}) => name ?? []);
  assert.deepEqual(names, ['divergence', 'divergence']);
});

test('processes that train together stop after the same step, with all that they have saved', {skip}, async (t) => {
  const folder = jobFolder(t);
  const {code, out, err} = await train(
    t,
    folder,
    `
import torch.distributed
print(train(callback(job), 20), torch.distributed.calls)`,
  );
  assert.equal(code, 0, err);
  assert.equal(out, "5 ['max', 'max', 'max', 'max', 'max', 'barrier']\n");
  assert.equal(newestCheckpoint(jobFiles(folder).checkpoints)?.step, 5);
});
