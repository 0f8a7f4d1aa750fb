/** The number that a response ends with: replies as people and models write them, each with what it says. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {
  negated,
  numberForm,
  ofDecimal,
  product,
  quotient,
  sum,
  textOf,
} from '../../../stages/tasks/answers/fraction.js';
import {lastNumber, numberedPart} from '../../../stages/tasks/answers/last-number.js';
import {readCompletion} from '../../../stages/text/completion.js';

const REPLIES: readonly (readonly [reply: string, number: string | undefined])[] = [
  ['The answer is 18 apples, not 20.', '18'],
  ['The answer is not 20 but 18.', '18'],
  ['The answer is not 20.', undefined],
  ['She has 18 apples, not 20.', '18'],
  ["It isn't 20, it's 18.", '18'],
  ['20 is not right; it is 18.', '18'],
  ['It is 18. 20 would be wrong, 20 is wrong.', '18'],
  ['So she makes **$1,234.50**.', '1234.5'],
  ['So she makes **$1,234.50** every week.', '1234.5'],
  ['Total: $18.00', '18'],
  ['The total is $18', '18'],
  ['The total is 18 dollars.', '18'],
  ['The total is 18€.', '18'],
  ['It costs US$18.', '18'],
  ['The loss is -$5.', '-5'],
  ['The loss is $-5.', '-5'],
  ['It is −5 degrees.', '-5'],
  ['It is minus 5 degrees.', '-5'],
  ['The change is negative 7.', '-7'],
  ['3 + 4 = 7', '7'],
  ['18 = 20 - 2', '18'],
  ['20 - 2 = 18, so she has 18 eggs.', '18'],
  ['She sells 16 - 3 - 4 = <<16-3-4=9>>9 eggs.', '9'],
  ['9 * 2 = $<<9*2=18>>18 every day.', '18'],
  ['So the total is 18 + 20.', undefined],
  ['So there are 12 left.\nCheck: 10 + 2', '12'],
  ['Half of 36 is 18.', '18'],
  ['18 is half of 36.', '18'],
  ['20% of 90 is 18.', '18'],
  ['18 is 20% of 90.', '18'],
  ['She ate 3 of the 12 slices.', '3'],
  ['18 out of 20', '18'],
  ['He got 18 out of 20 right.', '18'],
  ['A total of 18 eggs.', '18'],
  ['The sum of the numbers is 18.', '18'],
  ['She has 2 more than 16, that is 18.', '18'],
  ['She has 18, which is 2 more than 16.', '2'],
  ['She now has 18, down from 20.', '18'],
  ['It dropped from 20 to 18.', '18'],
  ['The price increased from $10 to $15.', '15'],
  ['From 3 to 5 days.', undefined],
  ['It is 3 to 5 days.', undefined],
  ['It takes 3-5 days.', undefined],
  ['It is 18 or 20.', undefined],
  ['It is 18 apples or 20.', undefined],
  ['It is either 3 or 4.', undefined],
  ['x = 3, 5', undefined],
  ['The solutions are 3 and 5.', undefined],
  ['The answer is (3, 5).', undefined],
  ['Tom has 18 and Ann has 20.', '20'],
  ['After 3 days, 18 were left.', '18'],
  ['On day 3, 18 were left.', '18'],
  ['18 (20 - 2)', '18'],
  ['18 (since 2 of them broke)', '18'],
  ['The answer is 18 (not 20).', '18'],
  ['(18)', '18'],
  ['$18$', '18'],
  ['\\(18\\)', '18'],
  ['The result is $\\frac{3}{4}$.', '0.75'],
  ['She ate 3/4 of the cake.', '0.75'],
  ['It is 1 1/2 cups.', '1.5'],
  ['It is $1\\frac{1}{2}$ cups.', '1.5'],
  ['It is 1½ cups.', '1.5'],
  ['It is 1/3.', '1/3'],
  ['It is 2/6.', '1/3'],
  ['It is -1/2.', '-0.5'],
  ['It is .5.', '0.5'],
  ['It is 0.50 litres', '0.5'],
  ['18%', '18'],
  ['It is 12.5 percent.', '12.5'],
  ['1,234', '1234'],
  ['1 234 apples', '1234'],
  ['1,234,567.', '1234567'],
  ['1{,}234', '1234'],
  ['1.234,50 €', '1234.5'],
  ['5 million', '5000000'],
  ['About 2.5 thousand people', '2500'],
  ['18kg', '18'],
  ['18 km/h', '18'],
  ['$18/hour', '18'],
  ['18 cm^2', '18'],
  ['18 cm²', '18'],
  ['x = 18', '18'],
  ['2x = 36, x = 18', '18'],
  ['x^2 = 25', '25'],
  ['Step 3: She has 18 eggs.', '18'],
  ['1. Add them up\n2. She has 18 eggs', '18'],
  ['She has 18 eggs.\n3. Done', '18'],
  ['1. 16 - 3 = 13\n2. 13 - 4 = 9\n3. 9 * 2 = 18', '18'],
  ['- 18 apples', '18'],
  ['* 18 apples', '18'],
  ['Total - 18', '18'],
  ['So the answer is:\n\n18', '18'],
  ['**Answer:** 18', '18'],
  ['**Final Answer: 18**', '18'],
  ['#### 18', '18'],
  ['9 * 2 = 18\n#### 18\n', '18'],
  ['The answer is 18. She has 2 left.', '18'],
  ['The answer is found by adding 3 and 4, which gives 7.', '7'],
  ['The answer is twelve.', undefined],
  ['I do not know.', undefined],
  ['', undefined],
  ['She has 18 eggs!', '18'],
  ['18!', '18'],
  ['The answer is 18.\nI hope this helps! It took 3 steps.', '18'],
  ['He is 18 years old.', '18'],
  ['COVID-19 made it 18.', '18'],
  ['It was the 3rd of 18.', undefined],
  ['It is on day 3.', '3'],
  ['She gave away 20% of the eggs.', '20'],
  ['It rained on day 2.\nIt is 18.\nDay 3 was dry.', '3'],
  ['They meet at 3:30.', undefined],
  ['So the answer is 18\\text{ cm}.', '18'],
  ['所以答案是 18 个。', '18'],
  ['一共 18 个苹果，不是 20 个。', '18'],
  ['There are 5 x 3 = 15 pens.', '15'],
  ['There are 5 × 3 = 15 pens', '15'],
  ['6 times 3 is 18', '18'],
  ['He went 18 times.', '18'],
  ['20 minus 2 is 18.', '18'],
  ['18 is 20 minus 2.', '18'],
  ['20 apples - 2 apples = 18 apples', '18'],
  ["Let's compute: 20 - 2 = 18. 18 + 0 = 18.", '18'],
  ['She needs at least 18 boxes.', '18'],
  ['`18`', '18'],
  ['_18_', '18'],
  ['*18*', '18'],
  ['"18"', '18'],
  ['18.', '18'],
  ['18,', '18'],
  ['１８', '18'],
  ['1e3', '1000'],
  ['So there are 18 apples left instead of 20.', '18'],
  ['So there are 18 apples left rather than the 20 we had.', '18'],
  ['Each of the 4 children gets 18.', '18'],
  ['Each child gets 18 apples because 72 / 4 = 18.', '18'],
  ['The 18-year-old has 5.', '5'],
  ['12 + 6 equals 18', '18'],
  ['Therefore, there are 18 apples in the basket at the end of day 3.', '18'],
  ['The number is 18', '18'],
  ['Thus the number of eggs is 18', '18'],
  ['Answer: 18 (eighteen)', '18'],
  ['1. 18', '18'],
  ['It is 18 and a half.', undefined],
  ['He is 5 feet 6 inches tall.', undefined],
  ['It takes 2 hours 30 minutes.', undefined],
  ['There are 7 days 18 hours', undefined],
  ['Over 5 years 2000 people came', '2000'],
  ['Is it 20? No. 18.', '18'],
  ['She will be 18 in 2024.', '18'],
  ['It was built in 1987.', '1987'],
  ['y = -3x + 18', undefined],
  ['f(2) = 18', '18'],
  ['{"answer": 18}', '18'],
  ['| total | 18 |', '18'],
  ['```\n18\n```', '18'],
  ['10/2=5', '5'],
  ['There are 3 red, 4 blue and 5 green ones.', undefined],
  ['18 dollars and 50 cents', undefined],
  ['It is (-3).', '-3'],
  ['答案：18', '18'],
  ['The answer is: $18$ and not $20$.', '18'],
  ['So the answer is neither 3 nor 4, but 5.', '5'],
  ['There are 24 eggs in 4 boxes.', '4'],
];

const numberOf = (text: string): string | undefined => lastNumber(numberedPart(readCompletion(text, true)))?.value;

test('the number of a reply is the last one that is said of what was asked for', () => {
  const wrong = REPLIES.flatMap(([reply, number]) => {
    const found = numberOf(reply);
    return found === number ? [] : [`${JSON.stringify(reply)}: ${found}, not ${number}`];
  });
  assert.deepEqual(wrong, []);
  assert.ok(REPLIES.length > 100);
});

test('thinking is left out where it was closed, and is all there is where it was not', () => {
  assert.equal(numberOf('<think> 20 - 2 = 18 </think> So she has 18 eggs.'), '18');
  assert.equal(numberOf('<think> It could be 20. </think> It is eighteen.'), undefined);
  assert.equal(numberOf('20 - 2 = 18 </think> done'), undefined);
  assert.equal(numberOf('<think>\n20 - 2 = 18\nSo she has 18 eggs.'), '18');
  assert.equal(numberOf('<think> 20 </think> <answer> $18 </answer>'), '18');
  assert.equal(
    numberOf('<think> 20 </think> \\boxed{18 \\text{ eggs}}, as 9 + 9 = 18, not 20. There were 3 steps.'),
    '18',
  );
});

test('a percentage is told as one', () => {
  assert.deepEqual(lastNumber('It is 12.5%.'), {value: '12.5', isPercent: true});
  assert.deepEqual(lastNumber('It is 12.5.'), {value: '12.5', isPercent: false});
});

test('whatever stands in a reply, it is read in no time', () => {
  const odd = [
    '9,'.repeat(5_000),
    '('.repeat(9_000) + '5',
    '1 - '.repeat(2_500),
    '18 or '.repeat(1_500),
    '$'.repeat(9_999) + '5',
    'is '.repeat(3_000),
  ];
  const long = [
    ...odd,
    ...odd.map((text) => text.replaceAll(' ', '\n')),
    '1'.repeat(9_000),
    `1e${'9'.repeat(500)}`,
    '5\n'.repeat(50_000),
  ];
  for (const text of long) {
    // Time of the processor, not of the clock: other processes may keep this one waiting.
    const from = process.cpuUsage();
    numberOf(text);
    assert.ok(process.cpuUsage(from).user < 1e6, text.slice(0, 20));
  }
});

test('decimals and fractions have one form', () => {
  const forms = ['0.50', '1/2', '2/6', '-3/4', '12', '007', '1/0', '50%', 'Paris', '-0', '1.10', '3/-4'].map(
    numberForm,
  );
  assert.deepEqual(forms, ['0.5', '0.5', '1/3', '-0.75', '12', '7', '1/0', '50', 'Paris', '0', '1.1', '3/-4']);
  const third = quotient(1n, 3n)!;
  assert.equal(textOf(sum(third, ofDecimal('0.5')!)), '5/6');
  assert.equal(textOf(product(negated(third), 6n)), '-2');
  assert.equal(quotient(1n, 0n), undefined);
  assert.equal(textOf(quotient(1n, -8n)!), '-0.125');
});
