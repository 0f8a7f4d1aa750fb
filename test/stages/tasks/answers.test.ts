import assert from 'node:assert/strict';
import test from 'node:test';

import {boxes, LONGEST_ANSWER} from '../../../stages/tasks/answers/answer.js';
import {exact, normalText} from '../../../stages/tasks/answers/exact.js';
import {integer, integerOf, statedInteger} from '../../../stages/tasks/answers/integer.js';
import {kindOfReference} from '../../../stages/tasks/answers/kind.js';
import {readCompletion} from '../../../stages/text/completion.js';

/** What is read of a reference, and of an answer that says the same. */
const same: Record<string, readonly [text: string, value: string][]> = {
  'a sign in any of its forms': [
    ['-7', '-7'],
    ['−7', '-7'], // U+2212
    ['–7', '-7'], // en dash
    ['－7', '-7'], // full width
    ['﹣7', '-7'], // small
    ['- 7', '-7'],
    ['-$7', '-7'],
    ['$-7', '-7'],
    ['-\\$7', '-7'],
    ['$-7$', '-7'],
    ['- € 7', '-7'],
    ['minus 7', '-7'],
    ['负7', '-7'],
    ['negative 7', '-7'],
    ['零下7度', '-7'],
    ['+7', '7'],
    ['-0', '0'],
  ],
  'digits of any script and width': [
    ['４２', '42'],
    ['٤٢', '42'],
    ['۴۲', '42'],
    ['४२', '42'],
    ['๔๒', '42'],
    ['𝟒𝟐', '42'],
    ['\u200e42\u200b', '42'],
    ['007', '7'],
  ],
  thousands: [
    ['1,234', '1234'],
    ['1,234,567.00', '1234567'],
    ['1 234 567', '1234567'],
    ['1\u202f234', '1234'],
    ['1\u00a0234', '1234'],
    ['1{,}234', '1234'],
    ['1,\\!234', '1234'],
    ['1\\,234', '1234'],
    ["1'234", '1234'],
    ['1’234', '1234'],
    ['1，234', '1234'],
    ['1.000.000', '1000000'],
    ['1.234,00', '1234'],
    ['12,34,567', '1234567'],
  ],
  'decimals that are zeros': [
    ['3.00', '3'],
    ['1.000', '1'],
    ['$1,234.00', '1234'],
    ['1.5e3', '1500'],
    ['2E+02', '200'],
  ],
  'units, which are looked through': [
    ['18 cm^2', '18'],
    ['18 cm²', '18'],
    ['18 cm2', '18'],
    ['18\\text{ cm}^2', '18'],
    ['$18\\text{ cm}^{2}$', '18'],
    ['18~\\mathrm{m/s^2}', '18'],
    ['42cm', '42'],
    ['42km/h', '42'],
    ['42 km', '42'],
    ['5 m', '5'],
    ['1,234 apples', '1234'],
    ['6 square metres', '6'],
    ['50%', '50'],
    ['50\\%', '50'],
    ['50 percent', '50'],
    ['90^\\circ', '90'],
    ['90°', '90'],
    ['20°C', '20'],
    ['5€', '5'],
    ['5 USD', '5'],
    ['US$5', '5'],
    ['5 dollars', '5'],
    ['42个苹果', '42'],
    ['5元', '5'],
    ['$5 per hour', '5'],
    ['60 miles per hour', '60'],
    ['25 years old', '25'],
    ['5 cubic centimetres', '5'],
    ['5 apples per day', '5'],
    ['5千克', '5'],
    ['$5 m$', '5'],
  ],
  'a name and `=` before it': [
    ['x = 5', '5'],
    ['$x=5$', '5'],
    ['Total = -5', '-5'],
  ],
  'type that is only set differently': [
    ['**42**', '42'],
    ['"42"', '42'],
    ['\\(42\\)', '42'],
    ['\\[ 42 \\]', '42'],
    ['\\text{42}', '42'],
    ['\\mathbf{42}', '42'],
    ['42.', '42'],
  ],
};
for (const [what, cases] of Object.entries(same)) {
  test(`a whole number is read with ${what}`, () => {
    for (const [text, value] of cases) {
      assert.equal(integerOf(text), value, text);
      assert.equal(statedInteger(text), value, text);
    }
  });
}

/** Neither a reference nor an answer that is a whole number. */
const neither = [
  ...[
    '\\sqrt{2}',
    '2\\pi',
    '2π',
    '2x',
    '2 x',
    '2xy',
    '3i',
    '2e',
    'x^2',
    '2^3',
    '2³',
    '\\frac{\\pi}{4}',
    '\\frac12',
    '6*7',
  ],
  ...[
    '\\pm 3',
    '±3',
    'x < 5',
    'x \\le 5',
    'x >= 5',
    '≈ 5',
    '3!',
    '|-3|',
    '{3}',
    'x_1',
    'f(3)',
    '10^3',
    '3 \\times 10^4',
  ],
  ...['at least 3', 'at most 3', 'less than 3', '3 or more', 'about 3', 'not 3', '至少3', '大约 3', '3以上'],
  ...[
    '3-5',
    '3–5',
    '3 to 5',
    '3, 4',
    '3 and 4',
    '3 or 4',
    '12 of 15',
    '12 out of 15',
    '3:2',
    '1/2',
    '3/4',
    '½',
    '3½',
    '3 1/2',
  ],
  ...['10:30', '2020-01-05', '1/2/2020', '5 May', '5th', '5月', '3点', '1.2.3', 'v2', 'A5', 'x2', 'COVID-19'],
  ...['3.5', '1,5', '1,2', '1,234.5', '0,123', '1,23,4', '2.5e0', '1e-3', '.5'],
  ...['5 million', '5 thousand', '5k', '3万', '2 dozen', '3 squared', '5 and a half', '2 thirds', '3 times'],
  ...['twelve', '十二', 'none', '', '-', '--5', '- - 5', '$', '18\\textbf{5}'],
  ...['-(5)', '−(5)', '- (5)', '-[5]', '-"5"', 'x = -(5)', '-x = 5', '$(5)', '(5)!', '(5) squared'],
  ...[
    'sqrt(4)',
    'sqrt 4',
    'log(16)',
    'ln(3)',
    'ln 3',
    'cos(2)',
    'abs(-5)',
    'the square root of 5',
    'twice 5',
    'double 5',
  ],
  ...[
    'half of 6',
    '5 squared',
    'the factorial of 5',
    'y squared = 5',
    '5 sqrt',
    '5 choose',
    '5 base eight',
    '5 mod three',
  ],
  ...[
    "it isn't 3",
    'it isn’t 3',
    'it isnt 3',
    'it cannot be 3',
    "It's never 3",
    '3 is wrong',
    'no. 3 is wrong',
    '不是3',
  ],
  ...['not x = 3', 'anything but 3', '没有3', '第3', 'Section 8'],
  ...[
    '5 Millionen',
    '5 Mio.',
    '5 тысяч',
    '5 миллионов',
    '5천',
    '5만',
    '5억',
    '5兆',
    '5 万',
    '5割',
    '5 mil',
    '5 millones',
  ],
  ...[
    '5 triệu',
    '5 लाख',
    '5 lakhs',
    '5 crore',
    '5 quadrillion',
    '5 milliards',
    '5 milhões',
    '5倍',
    '$5m',
    '$5 mm',
    '5 tn',
  ],
  ...['5人未満', '5人以上', '5명 이상', '5 до десяти', '5時', "5 o'clock", '5 minutes past six', '5 Äpfel'],
  ...['7 remainder two', '7 remainder 2', '5alpha', '5theta', '5 alpha', '5abcd', '5apples', '5 and two'],
  ...['минус 5', 'menos 5', 'moins 5'],
  ...['2x = 6', 'x = 3, y = 4', 'x = 3 or x = 4', 'x = \\pm 3', '5 = x', 'x = y'],
];
test('what is more or else than a whole number is none', () => {
  for (const text of neither) {
    assert.equal(integerOf(text), undefined, text);
    assert.equal(statedInteger(text), undefined, text);
  }
});

test('a sentence is no reference, but states an answer where it leaves no doubt', () => {
  const sentences: [string, string | undefined][] = [
    ['It is 42.', '42'],
    ['Tom has 42 apples and Ann has none.', '42'],
    ['He owes -$5 now', '-5'],
    ['共42个', '42'],
    ['42, so 42', '42'],
    ['3 + 4 = 7', '7'],
    ['5 apples + 7 apples = 12 apples', '12'],
    ['\\frac{14}{2} = 7', '7'],
    ['(5)', '5'],
    ['Answer: 5 km', '5'],
    ['There are a total of 5 apples.', '5'],
    ['Tom (the boy) has 5 apples', '5'],
    ['小明有5个苹果', '5'],
    ['He has 5 millones', undefined],
    ['It costs $5m', undefined],
    ['It is -(5)', undefined],
    ['It is the square root of 5', undefined],
    ['2 boxes of 3', undefined],
    ['in 2020, 12', undefined],
    ['maybe 12', undefined],
    ['more than 12', undefined],
    ['12 million people', undefined],
    ['Is it 3? No, 4.', undefined],
    ['It is - 5', undefined], // a dash or a sign
  ];
  for (const [text, value] of sentences) {
    assert.equal(statedInteger(text), value, text);
    if (!text.includes('共')) assert.equal(integerOf(text), undefined, text);
  }
  assert.equal(integerOf('10am'), undefined); // 10pm would be right
  assert.equal(statedInteger('10am'), '10');
});

test('boxes are found with their braces, the outer ones, closed ones', () => {
  assert.deepEqual(boxes('\\boxed{\\frac{1}{2}} x \\fbox {3}'), ['\\frac{1}{2}', '3']);
  assert.deepEqual(boxes('\\boxed{\\text{a}\\boxed{5}}'), ['\\text{a}\\boxed{5}']);
  assert.deepEqual(boxes('\\boxed{1 \\boxed{2}'), ['2']);
  assert.deepEqual(boxes('\\boxed{\\{1, 2\\}}'), ['\\{1, 2\\}']);
  assert.deepEqual(boxes('\\boxed{1'), []);
  assert.deepEqual(boxes('} \\boxed{1} }'), ['1']);
});

test('references are read like answers: boxed, behind ####, announced', () => {
  const cases: [string, object][] = [
    ['\\boxed{\\frac{1}{2}}', {task: 'exact', answer: '\\frac{1}{2}'}],
    ['We add 20 and 21. The total is \\boxed{41}.', {task: 'integer', answer: '41'}],
    ['\\boxed{41}, again $\\boxed{41}$', {task: 'integer', answer: '41'}],
    ['3 + 4 = <<3+4=7>>7\n#### 7', {task: 'integer', answer: '7'}],
    ['Half of it.\n#### 1,234\n', {task: 'integer', answer: '1,234'}],
    ['20 and 21 are 41. The answer is 41.', {task: 'integer', answer: '41.'}],
    ['So the final answer is: $\\frac{1}{2}$', {task: 'exact', answer: '$\\frac{1}{2}$'}],
    ['先加。答案是 42', {task: 'integer', answer: '42'}],
    ['An answer is not known', {task: 'exact', answer: 'An answer is not known'}],
    ['x^2 + 1', {task: 'exact', answer: 'x^2 + 1'}],
    ['1,234 apples', {task: 'integer', answer: '1,234 apples'}],
    ['at least 3', {task: 'exact', answer: 'at least 3'}],
    ['3.50', {task: 'exact', answer: '3.50'}],
    [' . ', {fault: 'is empty'}],
    ['\\boxed{}', {fault: 'is empty'}],
    ['\\boxed{1} or \\boxed{2}', {fault: 'gives 2 answers that are not the same: 1, 2'}],
    ['a'.repeat(LONGEST_ANSWER + 1), {fault: 'has 10001 characters; an answer has at most 10000'}],
  ];
  for (const [reference, kind] of cases) assert.deepEqual(kindOfReference(reference), kind, reference);
});

test('two different answers are none, wherever they stand', () => {
  const read = (text: string, kind = integer) => kind.read(readCompletion(text, true));
  assert.equal(read('<answer> 3 </answer> <answer> 3.0 </answer>'), '3');
  assert.equal(read('<answer> 3 </answer> <answer> 4 </answer>'), undefined);
  assert.equal(read('<answer> \\boxed{3} or \\boxed{4} </answer>'), undefined);
  assert.equal(read('\\boxed{3} and then \\boxed{4}'), undefined);
  assert.equal(read('\\boxed{3}, that is \\boxed{3}.'), '3');
  assert.equal(read('<answer> The answer is 3. No, the answer is 4. </answer>'), undefined);
  assert.equal(read('<answer> Paris </answer> <answer> Rome </answer>', exact), undefined);
  assert.equal(read('<answer> The answer is Paris. </answer>', exact), 'paris');
  assert.equal(read(`<answer> ${'9'.repeat(LONGEST_ANSWER + 1)} </answer>`), undefined);
});

test('what is in the thinking, closed or not, is no answer', () => {
  const read = (text: string) => integer.read(readCompletion(text, true));
  assert.equal(read('<think> \\boxed{3}'), undefined);
  assert.equal(read('<think> <answer> 3 </answer>'), undefined);
  assert.equal(read('<think> \\boxed{3} </think>'), undefined);
  assert.equal(read('\\boxed{3} </think> \\boxed{4}'), '4'); // the template wrote <think>
  assert.equal(read('<think> a </think> \\boxed{4} <think> \\boxed{5}'), '4');
});

test('texts are compared without case, width, spacing, dollars and the final point; numbers as numbers', () => {
  const equal: [string, string][] = [
    ['  Ｘ = 3 .', 'x = 3'],
    ['$x=3$', 'x=3'],
    ['$$x=3$$.', 'x=3'],
    ['3.50', '3.5'],
    ['$3.50', '3.5'],
    ['–3.5', '-3.5'],
    ['1,234.5', '1234.5'],
    ['12.50%', '12.5 %'],
    ['.5', '0.50'],
    ['-.5', '-0.5'],
    ['$.5', '0.5'],
    ['Yes!', 'yes'],
    ['Yes!!', 'yes.'],
    ['5!.', '5!'],
  ];
  for (const [one, other] of equal) assert.equal(normalText(one), normalText(other), one);
  const different: [string, string][] = [
    ['x=3', 'x = 3'],
    ['2³', '23'],
    ['x₂', 'x2'],
    ['3½', '31/2'],
    ['3.5%', '3.5'],
    ['3.5 cm', '3.5'],
    ['$a$ or $b$', 'a or b'],
    ['-3.5', '3.5'],
    ['5!', '5'],
    ['n!', 'n'],
    ['(n)!', '(n)'],
    ['\\pi!', '\\pi'],
    ['.5', '5'],
  ];
  for (const [one, other] of different) assert.notEqual(normalText(one), normalText(other), one);
  assert.equal(normalText('$$'), undefined);
});
