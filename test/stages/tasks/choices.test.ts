import assert from 'node:assert/strict';
import test from 'node:test';

import {choice, letterOf} from '../../../stages/tasks/answers/choice.js';
import {f1, squadText, wordsF1} from '../../../stages/tasks/answers/f1.js';
import {readCompletion} from '../../../stages/text/completion.js';

test('a choice is read by its letter, and by nothing that could be a word', () => {
  const letters: [string, string | undefined][] = [
    ['B', 'B'],
    ['b', 'B'],
    ['(B)', 'B'],
    ['**B.**', 'B'],
    ['\\text{(B)}', 'B'],
    ['B. Paris', 'B'],
    ['B) Paris', 'B'],
    ['(b) Paris', 'B'],
    ['Option B', 'B'],
    ['It is choice (B), not long ago', 'B'],
    ['选B', 'B'],
    ['option A', 'A'],
    ['Option A is right', 'A'],
    ['B. Not known', 'B'],
    ['B. It is not known', 'B'],
    ["(B) because the sky isn't green", 'B'],
    ['Option B since it is not red', 'B'],
    ["B because it isn't A", 'B'],
    ["B because it isn't (A)", undefined], // two letters
    ['(B) — the sky is not green', 'B'],
    ["It isn't B because the sky is green", undefined],
    ["(B) isn't right because the sky is green", undefined],
    ['B is wrong because of A', undefined],
    ['Because of that, none', undefined],
    ['option a lot', undefined],
    ['Option A lot of water', undefined],
    ['not (B)', undefined],
    ['(B) is not right', undefined],
    ['Option B is wrong', undefined],
    ["It isn't (B)", undefined],
    ['It isn’t option B', undefined],
    ['anything but (B)', undefined],
    ['不选B', undefined],
    ['A cat', undefined],
    ['Paris', undefined],
    ['(A) or (B)', undefined],
    ['The answer is B. Wait, it is C', undefined],
    ['B. Wait, it is C', undefined],
    ['B. Actually C.', undefined],
    ['B. Correction: C', undefined],
    ['B. Wait, that cannot be.', undefined],
    ['A. Paris B. Rome', undefined],
    ['A) Paris, B) Rome', undefined],
    ['A) or B)', undefined],
    ['A: 5, B: 6', undefined],
    ['(a) Paris (b) Rome', undefined],
    ['a) Paris, b) Rome', undefined],
    ['option B or C', undefined],
    ['I reject option B', undefined],
    ['We can dismiss option B', undefined],
    ['option B fails', undefined],
    ['(B) fails', undefined],
    ['option B contradicts the text', undefined],
    ['everything other than option B', undefined],
    ['I would avoid answer B', undefined],
    ['The least likely option is B', undefined],
    ['all but option B', undefined],
    ['E. coli', undefined],
    ['C. elegans', undefined],
    ['P. falciparum', undefined],
    ['B (or C)', undefined],
    ['B (wrong)', undefined],
    ['B\nC', undefined],
    ['B\nNo, that is wrong.', undefined],
    ['B\nWait, it is C.', undefined],
    ['A\nman walks', undefined],
    ['I\nThink so', undefined],
    ['“B”', 'B'],
    ['B (C is wrong)', 'B'],
    ['B (not C)', 'B'],
    ['B\nThe capital of France is Paris.', 'B'],
    ['B. Paris', 'B'],
    ['D. Trump', 'D'],
    ['D. Both A and B', 'D'],
    ['(D) A and C only', 'D'],
    ['B. This is right because A and C are wrong', 'B'],
    ['B. Vitamin C', 'B'],
    ['B. x + C', 'B'],
    ['B. F = ma', 'B'],
    ['B. A cat', 'B'],
    ['B. I think so', 'B'],
    ['B. Wait for the light', 'B'],
    ['The answer is (B), C is wrong', 'B'],
    ['B. Paris. I would avoid A.', 'B'],
    ['A) Paris, not B)', 'A'],
    ['B. increases', 'B'],
    ['12', undefined],
    ['', undefined],
  ];
  for (const [text, letter] of letters) assert.equal(letterOf(text), letter, text);
  assert.equal(choice.reference('(C)'), 'C');
  assert.equal(choice.reference('C. Paris'), undefined);
  const read = (text: string) => choice.read(readCompletion(text, true));
  assert.equal(read('<answer> The answer is (B). </answer>'), 'B');
  assert.equal(read('<think> A </think> \\boxed{C}'), 'C');
  assert.equal(read('\\boxed{C} \\boxed{D}'), undefined);
});

test('F1 counts the words that are shared, after SQuAD: worked by hand', () => {
  assert.equal(squadText('The  Eiffel-Tower, a landmark.'), 'eiffeltower landmark');
  assert.equal(squadText('the'), undefined);
  assert.equal(wordsF1('in paris france', 'paris'), (2 * (1 / 3) * 1) / (1 / 3 + 1)); // precision 1/3, recall 1
  assert.equal(wordsF1('a b b', 'b b c'), 2 / 3); // two of three either way
  assert.equal(wordsF1('rome', 'paris'), 0);
  const prompt = {
    ...{id: 'p', from: [], task: 'f1', key: 'p', question: 'q'},
    answer: 'Rome',
    references: ['the city of Rome'],
  };
  assert.equal(f1.grade!('rome', 'rome', prompt), 1);
  assert.equal(f1.grade!('city of rome', 'rome', prompt), 1);
  assert.equal(f1.grade!('city rome', 'rome', prompt), 0.8); // of “city of rome”: 2·1·(2/3)/(5/3)
});
