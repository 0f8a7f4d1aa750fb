/** Suites answered by a model at an endpoint: typed, and as a node whose process is killed and gone on with. */
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {test, type TestContext} from 'node:test';
import {jobFiles} from '../../../pipeline/job/folder.js';
import {bench} from '../../../stages/bench.js';
import type {Usage} from '../../../stages/endpoint/served.js';
import type {SuiteResult} from '../../../stages/suites/index.js';
import {r1} from '../../rig/command.js';
import {temporaryFolder} from '../../rig/temporary.js';
import {startServer, type AnsweringServer, type Habit} from '../endpoint/server.js';
import {rowsIn} from '../here.js';
import {continueFrom, make, outputPath, runStage, writeJob, type StageJob} from '../stagejob.js';

const SUITE = {
  name: 'sums',
  title: 'Sums',
  data: {from: 'sums.jsonl: id, sum, total', id: 'id', question: 'sum', answer: 'total'},
  ask: {prompt: 'What is {{question}}? End with one line: Answer: N', samples: 2, temperature: 0.5, maxNewTokens: 64},
  grade: {task: 'integer', read: 'line'},
  measure: {metrics: ['accuracy']},
  paper: {settings: 'made up', rows: [{model: 'Teacher', value: 90, source: 'nowhere'}]},
};
const ROWS = [
  {id: 'a', sum: '1 + 1', total: 2},
  {id: 'b', sum: '1 + 2', total: 3},
  {id: 'c', sum: '2 + 2', total: 4},
  {id: 'd', sum: '2 + 3', total: 5},
];

/** Is right about even sums, thinks of another number first. */
const sums: Habit = ({question}) => {
  const [a = 0, b = 0] = [...question.matchAll(/\d+/g)].map(([digits]) => Number(digits));
  const even = (a + b) % 2 === 0;
  return {content: `So it is.\nAnswer: ${even ? a + b : 0}`, reasoning_content: 'Answer: 99'};
};

const written = (t: TestContext, suite: object = SUITE): string =>
  temporaryFolder(t, {
    'sums.json': JSON.stringify(suite),
    'sums.jsonl': ROWS.map((row) => JSON.stringify(row)).join('\n'),
    'model/config.json': '{}',
  });

const typedFor = ({url}: AnsweringServer): string[] =>
  ['bench-eval', '--model', 'm', '--endpoint', url, '--suite', './sums.json', '--data', './sums.jsonl'].flat();

test('r1 bench-eval --model scores what a server answers, and asks for nothing twice', async (t) => {
  const server = await startServer(t, sums);
  const cwd = written(t);
  const typed = [...typedFor(server), '--keep', './kept'];
  const {code, out, err} = await r1(t, typed, {cwd});
  assert.equal(code, 0, err);
  assert.match(out, /^m on Sums: 4 problems, 2 samples each, temperature 0\.5, top-p 0\.95, at most 64 tokens\n/);
  assert.match(out, /\naccuracy +\.500 \[/);
  assert.match(out, /\nTeacher +\.900/);
  assert.match(err, /8 requests to m/);
  assert.equal(server.asked.length, 8);
  for (const {body, question} of server.asked) {
    assert.match(question, /^What is \d \+ \d\? End with one line: Answer: N$/);
    const {temperature, top_p: topP, max_tokens: tokens, model} = body;
    assert.deepEqual({temperature, topP, tokens, model}, {temperature: 0.5, topP: 0.95, tokens: 64, model: 'm'});
  }
  assert.equal(new Set(server.asked.map(({body}) => body['seed'])).size, 8);
  const json = await r1(t, [...typed, '--json'], {cwd});
  assert.equal(server.asked.length, 8, 'all of it was kept');
  const result = JSON.parse(json.out) as SuiteResult & {model: string};
  assert.equal(result.model, 'm');
  assert.equal(result.usage?.completionTokens, 40);
  assert.deepEqual(
    result.samples.map(({outcome, tokens, served}) => [outcome, tokens, served?.finish]),
    [0, 0, 1, 1, 0, 0, 1, 1].map((odd) => [odd === 0 ? 'right' : 'wrong', 5, 'stop']),
  );
});

test('what the server decides is told in the place of the paper’s numbers', async (t) => {
  const server = await startServer(t, sums);
  const cwd = written(t);
  const asked = async (request: object): Promise<string> =>
    (await r1(t, [...typedFor(server), '--request', JSON.stringify(request)], {cwd})).out;
  const without = await asked({temperature: null, max_tokens: null});
  assert.match(without, /- temperature: left to the server\n- tokens a response: left to the server/);
  assert.doesNotMatch(without, /Teacher/);
  const renamed = await asked({max_tokens: null, max_completion_tokens: 64});
  assert.match(renamed, /Teacher +\.900/);
});

test('two models, none, another template: told before anything is asked', async (t) => {
  const server = await startServer(t, sums);
  const cwd = written(t, {...SUITE, ask: {...SUITE.ask, template: 'zero'}});
  const wrong = async (...words: string[]): Promise<string> => {
    const {code, err} = await r1(t, words, {cwd});
    assert.notEqual(code, 0);
    return err;
  };
  const typed = typedFor(server);
  assert.match(await wrong(...typed, './model'), /\.\/model and --model m are two models/);
  assert.match(
    await wrong(...typed.filter((word) => !['--model', 'm'].includes(word))),
    /--endpoint is for a model at/,
  );
  assert.match(await wrong(...typed), /the suite asks under the template zero, and an endpoint has the template of/);
  assert.match(await wrong(...typed, '--template', 'zero'), /--template is for a model of this machine/);
  assert.equal(server.asked.length, 0);
  const told = (params: object, inputs: string[]): string[] =>
    (bench.check as (given: object) => string[])({params: {...bench.params, suite: 'aime-2024', ...params}, inputs});
  assert.match(told({}, ['data']).join(), /nothing answers the prompts: wire a model to “model”/);
  assert.match(told({endpoint: 'm'}, ['data', 'model']).join(), /endpoint names the model m, and “model” is wired/);
  assert.deepEqual(told({endpoint: 'm'}, ['data']), []);
});

test('the stage: scores under the name of the model; one that was killed asks for what is missing', async (t) => {
  const server = await startServer(t, sums);
  process.env['R1_ENDPOINT_URL'] = server.url;
  process.env['R1_ENDPOINT_CONCURRENCY'] = '1';
  t.after(() => {
    delete process.env['R1_ENDPOINT_URL'];
    delete process.env['R1_ENDPOINT_CONCURRENCY'];
  });
  const cwd = written(t);
  const job: StageJob = {
    ...{stage: bench, exported: 'bench', checkpointEvery: 2},
    inputs: {data: join(cwd, 'sums.jsonl'), suite: join(cwd, 'sums.json')},
    params: {endpoint: 'm'},
  };
  const [killed, resumed] = [join(cwd, 'killed'), join(cwd, 'resumed')];
  writeJob(killed, job);
  const {signal} = await runStage(killed, {signal: 'SIGKILL', moment: 'written', step: 4});
  assert.equal(signal, 'SIGKILL');
  assert.equal(continueFrom(killed, resumed), 4);
  await make(resumed, job);
  assert.match(readFileSync(jobFiles(resumed).events, 'utf8'), /4 requests to m .*; 4 answers are there from before/);
  const scores = outputPath(resumed, 'scores');
  const card = JSON.parse(readFileSync(join(scores, 'scores.json'), 'utf8')) as {
    model: string;
    endpoint: {server: string; usage: Usage};
    scores: {metric: string; mean: number}[];
  };
  assert.equal(card.model, 'm');
  assert.equal(card.endpoint.server, 'endpoint');
  assert.equal(card.endpoint.usage.finish['stop'], 8);
  assert.equal(card.scores.find(({metric}) => metric === 'accuracy')?.mean, 0.5);
  const rows = rowsIn<{outcome: string; served: {asked: {max_tokens: number}}}>(scores);
  assert.equal(rows.length, 8);
  assert.equal(rows.filter(({outcome}) => outcome === 'right').length, 4);
  for (const {served} of rows) assert.equal(served.asked.max_tokens, 64);
});
