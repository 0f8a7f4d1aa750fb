/** A student of a teacher, as stages/endpoint/README.md shows it: the teacher is a server on the loopback. */
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import path from 'node:path';
import {test} from 'node:test';
import {r1} from '../rig/command.js';
import {writeSpeaker} from '../rig/speaker.js';
import {temporaryFolder} from '../rig/temporary.js';
import {startServer} from '../stages/endpoint/server.js';
import {paperOf} from './documents.js';

const KEY = 'sk-very-secret-key';

test('right answers of a teacher are learned, traced and not asked for again', async (t) => {
  const [recipe] = paperOf('stages/endpoint/README.md').fences.filter(({language}) => language === 'ts');
  const questions = Array.from({length: 40}, (_, index) => ({
    question: `twice ${index} key-1`,
    answer: `${2 * index}`,
  }));
  const cwd = temporaryFolder(t, {
    'taught.recipe.ts': recipe!.lines.join('\n'),
    'questions.jsonl': questions.map((row) => JSON.stringify(row)).join('\n'),
  });
  await writeSpeaker(path.join(cwd, 'my-model'), [{key: 'key-1', replies: ['4']}]);
  // It is wrong about one question in four.
  const server = await startServer(t, ({question}) => {
    const number = Number(/\d+/.exec(question)![0]);
    return {content: `\\boxed{${2 * number + Number(number % 4 === 0)}}`, reasoning_content: `${number} + ${number}`};
  });
  const env = {R1_TEACHER_URL: server.url, TEACHER_API_KEY: KEY, R1_TEACHER_PRICE: '0.55/2.19'};
  const planned = await r1(t, ['plan', './taught.recipe.ts'], {cwd, env});
  assert.match(
    planned.out + planned.err,
    /questions are sent to the model deepseek-reasoner at the address in R1_TEACHER_URL/,
  );
  assert.match(
    planned.out + planned.err,
    /what deepseek-reasoner answers is not a function of inputs, params and code/,
  );
  const run = await r1(t, ['run', './taught.recipe.ts'], {cwd, env});
  assert.equal(run.code, 0, run.out + run.err);
  assert.ok(server.asked.every(({authorization}) => authorization === `Bearer ${KEY}`));
  assert.equal((await r1(t, ['export', 'taught:dataset', './data'], {cwd})).code, 0);
  const rows = readFileSync(path.join(cwd, 'data/rows.jsonl'), 'utf8').trimEnd().split('\n');
  for (const row of rows) {
    const {question, response} = JSON.parse(row) as {question: string; response: string};
    const number = Number(/\d+/.exec(question)![0]);
    assert.notEqual(number % 4, 0);
    assert.equal(response, `<think>\n${number} + ${number}\n</think>\n\n\\boxed{${2 * number}}`);
  }
  assert.ok(rows.length > 5);
  assert.equal((await r1(t, ['export', 'teacher-scores:scores', './scores'], {cwd})).code, 0);
  const scores = JSON.parse(readFileSync(path.join(cwd, 'scores/scores.json'), 'utf8')) as {model: string};
  assert.equal(scores.model, 'deepseek-reasoner');
  const {total} = JSON.parse((await r1(t, ['cost', '--json'], {cwd})).out) as {total: {tokens: number}};
  assert.ok(total.tokens >= 5 * server.asked.length, JSON.stringify(total));

  const before = server.asked.length;
  const again = await r1(t, ['run', './taught.recipe.ts', '--set', 'student.epochs=1'], {cwd, env});
  assert.equal(again.code, 0, again.err);
  assert.equal(server.asked.length, before);
  const without = await r1(t, ['run', './taught.recipe.ts', '--set', 'student-scores.endpoint=m'], {cwd, env});
  assert.equal(without.code, 2);
  assert.match(without.err, /student-scores: endpoint names the model m, and “model” is wired/);
  const reproduced = await r1(t, ['reproduce', 'taught'], {cwd, env});
  assert.match(reproduced.err, /what deepseek-reasoner answers is not a function/);
  assert.equal(reproduced.code, 0, reproduced.out + reproduced.err);
});
