import assert from 'node:assert/strict';
import {test} from 'node:test';
import {outcomeCounts} from '../../../stages/evaluation/outcomes.js';

const sample = {outcome: 'right', truncated: false, task: 'integer', text: '<answer> 3 </answer>'} as const;

test('outcomes are counted, and those that were cut off within them', () => {
  const samples = [sample, sample, {...sample, outcome: 'wrong', truncated: true, text: '3'} as const];
  assert.equal(outcomeCounts(samples), '3 answers: 2 right, 1 wrong (1 of them cut off)');
  assert.equal(outcomeCounts([{...sample, outcome: 'left-out'}]), undefined);
});

test('responses that mark no answer are told of, where answers have to be marked', () => {
  const plain = {...sample, outcome: 'unparsable', text: 'The answer is 10.'} as const;
  const said = outcomeCounts([sample, plain, {...plain, text: '\\boxed{10}'}, {...plain, truncated: true}])!;
  assert.match(said, /; 1 has neither <answer> … <\/answer> nor \\boxed\{…\}, which answers are read from/);
  assert.doesNotMatch(outcomeCounts([{...plain, task: 'code'}])!, /neither/);
  assert.doesNotMatch(outcomeCounts([plain], 'last-number')!, /neither/);
});
