import assert from 'node:assert/strict';
import {test} from 'node:test';
import type {TracedRow} from '../../../artifacts/queries/row-lineage.js';
import {traceText} from '../../../bin/render/trace.js';

const canvas = {colours: false, width: 100, isTerminal: false};

const traced = (kind: string, row: TracedRow['row']): TracedRow => ({
  id: 'one',
  attempt: 7 as TracedRow['attempt'],
  node: 'zero-rl',
  port: 'rollouts',
  kind,
  artifact: 'ab'.repeat(32) as TracedRow['artifact'],
  file: 'rows.jsonl',
  line: 1,
  row,
  seed: 3,
  beside: [
    {port: 'policy', node: 'base', artifact: 'cd'.repeat(32) as TracedRow['artifact']},
    {port: 'tokenizer', node: 'corpus', artifact: 'ef'.repeat(32) as TracedRow['artifact']},
  ],
  from: [],
  lost: [],
});

test('a rollout of reinforcement learning was written by the policy as trained so far, and says so', () => {
  const text = traceText(traced('rollouts', {id: 'step-40:one', step: 40}), canvas);
  assert.match(text, /policy ← base @cdcdcdcd {2}seed 3, as trained up to step 40$/m);
  assert.match(text, /tokenizer ← corpus @efefefef {2}seed 3$/m);
});

test('the first rollouts, and rows of other outputs, are of the model that is named', () => {
  for (const [kind, row] of [
    ['rollouts', {id: 'step-0:one', step: 0}],
    ['rollouts', {id: 'one'}],
    ['dataset', {id: 'one', step: 40}],
  ] as const)
    assert.match(traceText(traced(kind, row), canvas), /policy ← base @cdcdcdcd {2}seed 3$/m);
});
