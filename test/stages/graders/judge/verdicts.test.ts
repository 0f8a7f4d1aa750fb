/** What is read from the answers of a judge, and what is told where there is nothing to read. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {judgementIn} from '../../../../stages/graders/judge/form.js';
import {asking, choice, judgeAt, QUICK} from './asking.js';
import {fair, say, startJudge} from './server.js';

test('verdicts are read strictly: the last line, one verdict, not cut off', async (t) => {
  const answers: readonly (readonly [text: (mark: string) => unknown, outcome: string, finish?: string])[] = [
    [(mark) => `**VERDICT ${mark}: PASS**`, 'right'],
    [(mark) => `<think>\nVERDICT ${mark}: FAIL\nNo.\n</think>\nVERDICT ${mark}: PASS`, 'right'],
    [(mark) => `VERDICT ${mark}: PASS\n\n`, 'right'],
    [(mark) => `VERDICT ${mark}: PASS\nI hope that helps.`, 'unparsable'],
    [(mark) => `VERDICT ${mark}: FAIL\nVERDICT ${mark}: PASS`, 'unparsable'],
    [(mark) => `VERDICT ${mark}: PASS or FAIL`, 'unparsable'],
    [(mark) => `VERDICT ${mark}: PASS, mostly`, 'unparsable'],
    [(mark) => `VERDICT ${mark}: ~~PASS~~`, 'unparsable'],
    [(mark) => `VERDICT ${mark}: PASS?`, 'unparsable'],
    [() => '**VERDICT: PASS**', 'unparsable'],
    [(mark) => `The verdict is VERDICT ${mark}: PASS`, 'unparsable'],
    [() => 'PASS', 'unparsable'],
    [() => '', 'unparsable'],
    [() => null, 'unparsable'],
    [(mark) => `VERDICT ${mark}: PASS`, 'unparsable', 'length'],
  ];
  const server = await startJudge(t, ({mark, block}, response) => {
    const [text, , finish] = answers[Number(block('reply'))]!;
    say(response, text(mark), finish);
    return undefined;
  });
  const notes: string[] = [];
  const judge = judgeAt(t, server, {concurrency: 1}, {limits: {...QUICK, troubles: 100}, notes});
  const graded = await judge.grade(answers.map((_, index) => asking(String(index))));
  assert.deepEqual(
    graded.map(({outcome}) => outcome),
    answers.map(([, outcome]) => outcome),
  );
  await judge.close();
  assert.deepEqual(notes, [
    '9 of 15 answers were not judged and earn 0: the judge gave no verdict: one ended with “I hope that helps.”',
    `2 of 15 answers were not judged and earn 0: the judge’s answer has no content: ${choice('')}`,
    '1 of 15 answers were not judged and earn 0: the judge’s answer was cut off: judge.request.max_tokens allows more',
  ]);
});

test('a verdict with the mark is read in the forms that judges give it', () => {
  const mark = '3f9a1c20b7d4';
  const read = (text: string, points = 1): number | undefined =>
    judgementIn(`I look at it.\n${text.replace('m', mark)}`, mark, points);
  for (const text of [
    '**VERDICT m:** PASS',
    'VERDICT m: **PASS**',
    'VERDICT m: **PASS.**',
    '`VERDICT m`: `PASS`',
    'Verdict m: Pass',
    'VERDICT m: PASS<|im_end|>',
    'VERDICT m: PASS</s>\n',
    'VERDICT m: PASS\n<｜end▁of▁sentence｜>',
    'VERDICT\u00a0m:\u00a0PASS\u00a0',
    'VERDICT m: PASS.',
    'VERDICT m: PASS\r\n',
  ])
    assert.equal(read(text), 1, text);
  assert.equal(read('Verdict m: **fail**'), 0);
  for (const text of ['8', '8.0', '8/10', '8 / 10.', '**8**/10', '8.0/10', '*VERDICT*'])
    assert.equal(read(`VERDICT m: ${text}`, 10), text === '*VERDICT*' ? undefined : 0.8, text);
  for (const text of [
    '8/5',
    '8/100',
    '11',
    '11/10',
    '08',
    '8.5',
    '-8',
    '8/10/10',
    '8 of 10',
    '8%',
    '80/100',
    '8, or 9',
    'PASS',
  ])
    assert.equal(read(`VERDICT m: ${text}`, 10), undefined, text);
  for (const text of [
    'Verdict: PASS',
    'VERDICT m: PASS<|im_end|> not',
    'VERDICT m: NOT PASS',
    'VERDICT m: PASS/FAIL',
    'VERDICT m: PASS (if one is kind)',
    `VERDICT m: PASS${' '.repeat(300)}not`,
    `verdict ${mark}: fail\nVERDICT m: PASS`,
  ])
    assert.equal(read(text), undefined, text);
  assert.equal(read(`VERDICT ${mark}: 7/10\nVERDICT m: 8`, 10), undefined);
});

test('answers that a judge did not judge are counted by why', async (t) => {
  const server = await startJudge(t, (asked, response, count) => {
    const reply = asked.block('reply')!;
    if (reply.startsWith('cut')) say(response, 'Well', 'length');
    else if (reply.startsWith('null')) say(response, null);
    else if (reply.startsWith('long'))
      response.writeHead(400).end('{"error":{"message":"maximum context length is 9"}}');
    else if (reply.startsWith('slow')) return undefined;
    else return fair(asked, response, count);
    return undefined;
  });
  const notes: string[] = [];
  const param = {timeout: 1_000, request: {max_tokens: null, max_completion_tokens: 64}};
  const judge = judgeAt(t, server, param, {limits: {...QUICK, troubles: 100}, notes});
  const graded = await judge.grade(
    ['good', 'bad', 'cut 1', 'cut 2', 'cut 2', 'null', 'long'].map((text) => asking(text)),
  );
  assert.deepEqual(
    graded.map(({why}) => why),
    [
      ...[undefined, undefined],
      ...['the judge’s answer was cut off', 'the judge’s answer was cut off', 'the judge’s answer was cut off'],
      ...['the judge’s answer has no content', 'the judge refused the request (400)'],
    ],
  );
  await judge.grade(['slow', 'cut 1', 'good'].map((text) => asking(text)));
  await judge.close();
  const none = (count: number, why: string): string => `${count} of 10 answers were not judged and earn 0: ${why}`;
  assert.deepEqual(notes, [
    none(4, 'the judge’s answer was cut off: judge.request.max_completion_tokens allows more'),
    none(1, `the judge’s answer has no content: ${choice(null)}`),
    none(1, 'the judge refused the request (400): maximum context length is 9'),
    none(1, 'the judge took longer than 1000 ms: judge.timeout allows more'),
  ]);
});
