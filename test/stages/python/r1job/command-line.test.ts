/** The helper as a command, for shells and other languages. */
import assert from 'node:assert/strict';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {newestCheckpoint} from '../../../../pipeline/job/checkpoints.js';
import {jobFiles, writeStop} from '../../../../pipeline/job/folder.js';
import {temporaryFolder} from '../../../rig/temporary.js';
import {PACKAGE, jobFolder, saidIn, skip, startPython} from './python-job.js';
import type {PythonEnd} from './python-job.js';

/** By its path and with no package on Python's path, as one would call it from a shell. */
const r1job = (t: TestContext, words: readonly string[], env: Readonly<Record<string, string>>): Promise<PythonEnd> =>
  startPython(t, [PACKAGE, ...words], {env: {PYTHONPATH: '', ...env}}).ended;

test('a shell reports, keeps a checkpoint, finds it again and hears that it is to stop', {skip}, async (t) => {
  const folder = jobFolder(t);
  const state = temporaryFolder(t, {'state.txt': 'five'});
  const env = {R1_JOB: folder};
  const files = join(jobFiles(folder).checkpoints, 'step-5', 'files');
  for (const [words, code, out] of [
    [['progress', '5', '10'], 0, ''],
    [['progress', '5.5', '10', '--tokens', '40'], 0, ''],
    [['metric', 'loss', '5', '-0.5'], 0, ''],
    [['metric', 'loss', '6', 'nan'], 0, ''],
    [['note', 'the data is read'], 0, ''],
    [['note', '--', '--- 5 ---'], 0, ''],
    [['latest'], 1, ''],
    [['checkpoint', '5', state], 0, ''],
    [['latest'], 0, `${files}\n`],
    [['latest', '--step'], 0, '5\n'],
    [['stopping'], 1, ''],
  ] as const) {
    const end = await r1job(t, words, env);
    assert.deepEqual([end.code, end.out, end.err], [code, out, ''], words.join(' '));
  }
  assert.equal(newestCheckpoint(jobFiles(folder).checkpoints)?.step, 5);
  writeStop(folder, {version: 1, why: 'person'});
  assert.equal((await r1job(t, ['stopping'], env)).code, 0);
  assert.equal((await r1job(t, ['complete'], env)).code, 0);
  const said = saidIn(folder).map((event) => ({...event, ms: 0}));
  assert.deepEqual(said, [
    {type: 'progress', step: 5, total: 10, ms: 0},
    {type: 'progress', step: 5.5, total: 10, tokens: 40, ms: 0},
    {type: 'metric', name: 'loss', step: 5, value: -0.5, ms: 0},
    {type: 'metric', name: 'loss', step: 6, value: NaN, ms: 0},
    {type: 'note', text: 'the data is read', ms: 0},
    {type: 'note', text: '--- 5 ---', ms: 0},
    {type: 'checkpoint', step: 5, ms: 0},
    {type: 'complete', version: 1, ms: 0},
  ]);
});

test('what is wrong is said on stderr, with exit code 2', {skip}, async (t) => {
  const folder = jobFolder(t);
  for (const [words, env, says] of [
    [[], {}, /arguments are required: COMMAND/],
    [['progress', 'x', '10'], {}, /argument STEP: invalid float value: 'x'/],
    [['progress', '-1', '10'], {}, /^r1job: step has to be a number from 0 up, not -1\.0$/],
    [['metric', '', '1', '0'], {}, /^r1job: the name of a metric is a text of 1 to 200 characters/],
    [['checkpoint', '1', '/nowhere'], {}, /^r1job: there is no folder \/nowhere to make a checkpoint of$/],
    [['complete'], {R1_EVENTS: '/dev/full'}, /^r1job: that the job is complete could not be written/],
    [['complete'], {R1_EVENTS: '/nowhere/events'}, /^r1job: .*No such file or directory: '\/nowhere\/events'$/],
    [['latest'], {R1_JOB: '/nowhere'}, /^r1job: R1_JOB names \/nowhere, which is no folder/],
    [
      ['checkpoint', '1', folder],
      {R1_JOB: ''},
      /^r1job: there is no place for checkpoints: name one by R1_CHECKPOINTS=FOLDER$/,
    ],
  ] as const) {
    const {code, out, err} = await r1job(t, words, {R1_JOB: folder, ...env});
    assert.deepEqual([code, out], [2, ''], words.join(' '));
    assert.match(err.trimEnd().split('\n').at(-1)!, says);
  }
});

test('outside of r1 it says nothing to nobody', {skip}, async (t) => {
  for (const words of [['progress', '5', '10'], ['note', 'x'], ['complete']]) {
    const {code, out, err} = await r1job(t, words, {});
    assert.deepEqual([code, out, err], [0, '', '']);
  }
});

test('it explains itself', {skip}, async (t) => {
  const {code, out} = await r1job(t, ['--help'], {});
  assert.equal(code, 0);
  for (const word of ['progress', 'metric', 'note', 'checkpoint', 'latest', 'stopping', 'complete'])
    assert.match(out, new RegExp(`^ +${word}\\b`, 'm'));
  assert.match(out, /exits with 0 .* 1 .* 2/);
  assert.equal((await startPython(t, ['-m', 'r1job', 'note', '--help']).ended).code, 0);
});
