/** How failures read: in words, with the place and the last lines. */
import assert from 'node:assert/strict';
import {join} from 'node:path';
import {test} from 'node:test';
import {openStore} from '../../../artifacts/index.js';
import type {LackOfMemory} from '../../../pipeline/outcome.js';
import {nextStep, outcomeText} from '../../../bin/render/outcome.js';
import {r1, recipeFile} from '../../rig/command.js';
import {temporaryFolder} from '../../rig/temporary.js';

test('exit codes that no program chose are said in words', () => {
  const words: readonly (readonly [number, RegExp])[] = [
    [3, /^exited with 3 before it was done$/],
    [7, /is the disk full\?/],
    [13, /a promise that never settled/],
    [74, /could not be written; is the disk full\?/],
    [126, /cannot be executed/],
    [127, /its program was not found/],
    [134, /^was killed by SIGABRT \(.*out of memory for Node.*\), exit code 134$/],
    [137, /^was killed by SIGKILL \(out of memory, or by hand\), exit code 137$/],
    [139, /^was killed by SIGSEGV \(a crash in native code.*\), exit code 139$/],
    [255, /^exited with 255 before it was done$/],
  ];
  for (const [exitCode, expected] of words) assert.match(outcomeText({reason: 'stage-exited', exitCode}), expected);
  assert.match(outcomeText({reason: 'killed-by-signal', signal: 'SIGSEGV'}), /^was killed by SIGSEGV \(a crash/);
});

test('who killed it is said as far as the kernel tells', () => {
  const [bytes, peak] = [512e6, 490e6];
  const of137 = (memory: LackOfMemory) => outcomeText({reason: 'stage-exited', exitCode: 137, memory});
  const own = {ended: 'own', bytes, of: 'group'} as const;
  assert.deepEqual(
    [
      of137({...own, peak}),
      of137({ended: 'some', bytes: 64e9, of: 'machine'}),
      of137({ended: 'none'}),
      outcomeText({reason: 'killed-by-signal', signal: 'SIGKILL', memory: own, step: 20, reached: 40}),
      outcomeText({reason: 'stage-exited', exitCode: 1, memory: own, said: 'RuntimeError: a worker is gone'}),
      outcomeText({reason: 'lost', memory: own, step: 20}),
    ],
    [
      'was killed by SIGKILL (by the kernel, out of memory: its main process had 490 MB when last seen, its control group has 512 MB), exit code 137',
      'was killed by SIGKILL (probably by the kernel, which killed something for lack of memory: the machine has 64.0 GB), exit code 137',
      'was killed by SIGKILL (by hand or by another program: the kernel killed nothing for lack of memory), exit code 137',
      'was killed by SIGKILL (by the kernel, out of memory: its control group has 512 MB) after step 40; the newest checkpoint is of step 20, 20 steps will be made again',
      'exited with 1 before it was done (a process was killed by the kernel, out of memory: its control group has 512 MB): RuntimeError: a worker is gone',
      'was killed (by the kernel, out of memory: its control group has 512 MB), checkpoint of step 20 kept',
    ],
  );
});

test('of what was cut short it is said what is kept, and how much will be made again', () => {
  const texts = [
    outcomeText({reason: 'stopped', by: 'person', step: 40}),
    outcomeText({reason: 'stopped', by: 'failure', step: 40}),
    outcomeText({reason: 'stopped', by: 'unwanted', step: null}),
    outcomeText({reason: 'stopped', by: 'earlier-runner', step: 40}),
    outcomeText({reason: 'stopped', step: null}),
    outcomeText({reason: 'stopped', by: 'person', isForced: true, step: 20, reached: 40}),
    outcomeText({reason: 'timed-out', seconds: 60, step: 39, reached: 40}),
    outcomeText({reason: 'lost', step: null, reached: 40}),
    // As version 0.1 recorded it.
    outcomeText({reason: 'stopped'}),
  ];
  assert.deepEqual(texts, [
    'was stopped by you, checkpoint of step 40 kept',
    'was stopped because another node failed, checkpoint of step 40 kept',
    'was stopped because no run wanted it any more, without a checkpoint',
    'was stopped, checkpoint of step 40 kept (an earlier run had asked for it)',
    'was stopped, without a checkpoint',
    'was ended by force after step 40; the newest checkpoint is of step 20, 20 steps will be made again',
    'was stopped: its time limit of 60 s was up after step 40; the newest checkpoint is of step 39, one step will be made again',
    'was killed with its runner, or by a power cut after step 40, without a checkpoint: it will begin again',
    'was stopped',
  ]);
  assert.equal(
    outcomeText({reason: 'finished-early', step: 40, total: 100}),
    'finished early, after step 40 of 100, as asked',
  );
});

test('where a stage threw is said at once, and by status and why', async (t) => {
  const cwd = temporaryFolder(t);
  const {err} = await r1(t, ['run', recipeFile('misbehaving'), '--set', 'bad.how=throw'], {cwd});
  const at = /^ +at .*fixtures\/stages\/misbehave\.ts:\d+:\d+$/m;
  assert.match(err, at);
  assert.match((await r1(t, ['status'], {cwd})).out, at);
  assert.match((await r1(t, ['why', 'bad'], {cwd})).out, at);
});

test('before set-up a command says what to type, and not where it fell', async (t) => {
  const cwd = temporaryFolder(t, {
    'broken.mjs': `process.dlopen = (module, file) => {
      throw Object.assign(new Error(file + ': cannot open shared object file'), {code: 'ERR_DLOPEN_FAILED'});
    };`,
  });
  openStore(join(cwd, '.r1')).close();
  const model = temporaryFolder(t, {'config.json': '{}'});
  for (const words of [
    ['runs'],
    ['run'],
    ['plan'],
    ['status'],
    ['log', 'base'],
    ['chat', 'base'],
    ['gc'],
    ['verify'],
  ]) {
    const {code, err} = await r1(t, words, {cwd, preload: join(cwd, 'broken.mjs')});
    assert.equal(code, 2, err);
    assert.match(
      err,
      /^r1 is not set up here: the native part of SQLite does not load: .*\nnpm run setup makes it/,
      words[0],
    );
  }
  const chat = await r1(t, ['chat', `${model}/`, 'hi'], {cwd, preload: join(cwd, 'broken.mjs')});
  assert.equal(chat.code, 2, chat.err);
  assert.doesNotMatch(chat.err, /\n +at /);
  const missing = 'Error: The Node.js native addon module (tfjs_binding.node) can not be found at path: /x';
  assert.match(nextStep('base', {reason: 'stage-threw', message: missing}, 3), /npm run setup; then r1 resume 3/);
});

test('a failure over code of one’s own says which file to correct, and one over params that they can be changed', () => {
  const failed = {reason: 'stage-failed', message: 'no'} as const;
  assert.equal(
    nextStep('zero', {...failed, file: '/home/me/loop.ts'}, 3, ['steps']),
    'correct /home/me/loop.ts; then r1 resume 3',
  );
  assert.match(nextStep('zero', failed, 3, ['steps']), /--set zero\.PARAM=VALUE$/);
});
