/** What a failed stage said last. */
import assert from 'node:assert/strict';
import {join} from 'node:path';
import {test} from 'node:test';
import {lastWordsOf} from '../../../pipeline/inspect/last-words.js';
import {isTensorflowNote} from '../../../stages/index.js';
import {temporaryFolder} from '../../rig/temporary.js';

test('the last lines of a log are those that nobody has said yet, few and not too long', (t) => {
  const stack = 'TypeError: no\n    at run (/home/me/stage.ts:12:7)\n    at node:internal/process:1:1';
  const lines = Array.from({length: 9}, (_, index) => `line ${index}`);
  const folder = temporaryFolder(t, {log: [...lines, 'x'.repeat(1000), '', `${stack}\n`].join('\n')});
  const outcome = {reason: 'stage-threw', message: 'TypeError: no', stack} as const;
  assert.deepEqual(lastWordsOf(outcome, join(folder, 'log')), {
    place: '/home/me/stage.ts:12:7',
    lines: ['line 5', 'line 6', 'line 7', 'line 8', `${'x'.repeat(300)}…`],
  });
  assert.deepEqual(lastWordsOf(outcome, join(folder, 'collected')).lines, []);
  assert.deepEqual(lastWordsOf({reason: 'stage-failed', message: 'too little'}, join(folder, 'log')), {lines: []});
});

test('what the outcome says is not said again as a last word', (t) => {
  const folder = temporaryFolder(t, {log: 'before\nits argv returned nothing\n'});
  const outcome = {reason: 'start-failed', message: 'its argv returned nothing'} as const;
  assert.deepEqual(lastWordsOf(outcome, join(folder, 'log')), {lines: ['before']});
});

test('what TensorFlow notes of itself is no last word of a stage', (t) => {
  const notes = [
    'WARNING: All log messages before absl::InitializeLog() is called are written to STDERR',
    'I0000 00:00:1796064470.455304   15714 mlir_graph_optimization_pass.cc:425] MLIR V1 optimization pass is not enabled',
  ];
  const folder = temporaryFolder(t, {log: ['step 1', ...notes, 'I0000 is what I say'].join('\n')});
  assert.deepEqual(
    lastWordsOf({reason: 'stage-exited', exitCode: 1}, join(folder, 'log'), {leaveOut: isTensorflowNote}).lines,
    ['step 1', 'I0000 is what I say'],
  );
});
