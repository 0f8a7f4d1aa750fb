/** Stages that a model at an endpoint answers: each a process of its own, killed, stopped and gone on with; what they keep. */
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {mkdtempSync, readFileSync, readdirSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {after, before, test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';
import {stepsIn} from '../../../pipeline/job/checkpoints.js';
import {jobFiles} from '../../../pipeline/job/folder.js';
import type {JobResult} from '../../../pipeline/job/folder.js';
import {readCard, writeRows} from '../../../stages/data/rows.js';
import {variablesOf} from '../../../stages/endpoint/params.js';
import type {Usage} from '../../../stages/endpoint/served.js';
import {coldStartData, evaluate, rejectionSampling} from '../../../stages/index.js';
import {rowsIn} from '../here.js';
import {continueFrom, make, outputPath, runStage, writeJob, type StageJob} from '../stagejob.js';
import {prompt} from './asking.js';
import {mistakesOf} from '../../rig/wired.js';
import {startServer, type AnsweringServer, type Habit} from './server.js';

const root = mkdtempSync(join(tmpdir(), 'r1-endpoint-'));
const at = (name: string): string => join(root, name);
const KEY = 'sk-very-secret-key';
let server: AnsweringServer;
let habit: Habit;

/** A teacher that thinks apart from its answer, and is right about even questions. */
const teacher: Habit = ({question}) => {
  const number = Number(/\d+/.exec(question)![0]);
  return {content: `\\boxed{${number % 2 === 0 ? 4 : 5}}`, reasoning_content: `I think of ${number}.`};
};

before(async () => {
  habit = teacher;
  server = await startServer(undefined, (...said) => habit(...said));
  for (const word of ['ENDPOINT', 'TEACHER']) {
    process.env[`R1_${word}_URL`] = server.url;
    process.env[`${word}_API_KEY`] = KEY;
    process.env[`R1_${word}_PRICE`] = '1/2';
    process.env[`R1_${word}_CONCURRENCY`] = '2';
  }
  await writeRows(
    at('questions'),
    Array.from({length: 12}, (_, index) => prompt(`${index}`)),
  );
});
after(async () => {
  await server.close();
  rmSync(root, {recursive: true, force: true});
});

const notesOf = (folder: string): string => readFileSync(jobFiles(folder).events, 'utf8');

/** Starts the stage of a job, and sends it a signal once that is wanted. @returns how long it then took to end, ms */
async function endedBy(folder: string, signal: NodeJS.Signals, isWanted: () => boolean): Promise<number> {
  const main = fileURLToPath(new URL('../../../stages/main.js', import.meta.url));
  const child = spawn(process.execPath, [main, folder], {stdio: 'ignore'});
  let isOver = false;
  const ended = new Promise<void>((done) => child.once('close', () => done())).then(() => (isOver = true));
  while (!isWanted()) {
    assert.ok(!isOver, 'the stage ended by itself');
    await sleep(10);
  }
  const began = performance.now();
  child.kill(signal);
  await ended;
  return performance.now() - began;
}

/** No file of a job holds the key. */
function assertNoKey(folder: string): void {
  for (const entry of readdirSync(folder, {recursive: true, withFileTypes: true}))
    if (entry.isFile()) assert.ok(!readFileSync(join(entry.parentPath, entry.name)).includes(KEY), entry.name);
}

const evaluation = (more: StageJob['params'] = {}): StageJob => ({
  ...{stage: evaluate, exported: 'evaluate', inputs: {prompts: at('questions')}, checkpointEvery: 4},
  params: {endpoint: 'm', samples: 2, maxNewTokens: 100, ...more},
});

test('evaluate: scores under the name of the model, a row for each answer with how it came about', async () => {
  habit = teacher;
  const folder = at('evaluated');
  await make(folder, evaluation());
  const scores = outputPath(folder, 'scores');
  const rows = rowsIn<{outcome: string; tokens: number; text: string; served: Record<string, unknown>}>(scores);
  assert.equal(rows.length, 24);
  assert.equal(rows.filter(({outcome}) => outcome === 'right').length, 12);
  for (const {tokens, text, served} of rows) {
    assert.equal(tokens, 5);
    assert.match(text, /^<think>\nI think of \d+\.\n<\/think>\n\n\\boxed\{[45]\}$/);
    const {asked, ...by} = served as {asked: Record<string, unknown>};
    assert.deepEqual(by, {finish: 'stop', model: 'm', promptTokens: 7, tokens: 5});
    const {seed, ...fields} = asked;
    assert.deepEqual(fields, {temperature: 0.6, top_p: 0.95, max_tokens: 100});
    assert.equal(typeof seed, 'number');
  }
  const file = JSON.parse(readFileSync(join(scores, 'scores.json'), 'utf8')) as {
    model: string;
    endpoint: {server: string; usage: Usage};
    scores: {metric: string; mean: number}[];
  };
  assert.equal(file.model, 'm');
  assert.equal(file.endpoint.server, 'endpoint');
  assert.equal(file.endpoint.usage.completionTokens, 120);
  assert.equal(file.scores.find(({metric}) => metric === 'pass@1')?.mean, 0.5);
  assert.equal(file.scores.find(({metric}) => metric === 'length')?.mean, 5);
  assert.match(notesOf(folder), /24 answers by m: 168 tokens of prompts, 120 of answers, 0\.00 at the price of 1\/2/);
  assertNoKey(folder);
});

test('a stage that was killed asks for what is missing, and nothing else', async () => {
  const whole = at('evaluated');
  const killed = at('killed');
  writeJob(killed, evaluation());
  // The eleventh is never answered.
  const from = server.asked.length;
  habit = (request, response, count) => (count - from > 10 ? undefined : teacher(request, response, count));
  const isSafe = () => (stepsIn(jobFiles(killed).checkpoints)[0] ?? 0) >= 8;
  await endedBy(killed, 'SIGKILL', () => server.asked.length - from >= 12 && isSafe());
  habit = teacher;
  const resumed = at('resumed');
  const step = continueFrom(killed, resumed)!;
  assert.ok(step >= 8, `${step}`);
  const before = server.asked.length;
  await make(resumed, evaluation());
  assert.equal(server.asked.length - before, 24 - step);
  assert.match(notesOf(resumed), new RegExp(`${24 - step} requests to m .*; ${step} answers are there from before`));
  const read = (folder: string) => readFileSync(join(outputPath(folder, 'scores'), 'rows.jsonl'), 'utf8');
  assert.equal(read(resumed), read(whole));
  assertNoKey(killed);
});

test('a stage that is asked to stop keeps what it has, and so does one whose server fails', async () => {
  const stopped = at('stopped');
  writeJob(stopped, evaluation());
  const from = server.asked.length;
  habit = (request, response, count) => (count - from > 6 ? undefined : teacher(request, response, count));
  const took = await endedBy(stopped, 'SIGTERM', () => server.asked.length - from >= 8);
  assert.ok(took < 1_500, `${took} ms`);
  const result = JSON.parse(readFileSync(jobFiles(stopped).result, 'utf8')) as JobResult;
  assert.equal(result.end, 'stopped');
  assert.deepEqual(stepsIn(jobFiles(stopped).checkpoints)[0], 6);

  const failed = at('failed');
  assert.equal(continueFrom(stopped, failed), 6);
  writeJob(failed, evaluation());
  const again = server.asked.length;
  habit = (request, response, count) => {
    if (count - again <= 3) return teacher(request, response, count);
    response.writeHead(401).end(`{"error":{"message":"revoked: ${KEY}"}}`);
    return undefined;
  };
  const end = await runStage(failed);
  assert.match(
    JSON.stringify(end.result),
    /refuses to answer \(401: revoked: \(the key\)\): the key in ENDPOINT_API_KEY/,
  );
  assert.equal(stepsIn(jobFiles(failed).checkpoints)[0], 9);
  habit = teacher;
  const last = at('last');
  assert.equal(continueFrom(failed, last), 9);
  const before = server.asked.length;
  await make(last, evaluation());
  assert.equal(server.asked.length - before, 15);
  assertNoKey(failed);
});

test('evaluate with general prompts keeps the answers to both sets in one place', async () => {
  const general = at('general');
  await writeRows(general, [prompt('g1'), prompt('g2')]);
  const folder = at('both');
  habit = (request, response, count) => (/g\d/.test(request.question) ? 'Hello.' : teacher(request, response, count));
  await make(folder, {...evaluation(), inputs: {prompts: at('questions'), general}});
  assert.equal(rowsIn(outputPath(folder, 'scores')).length, 28);
  const resumed = at('both-again');
  assert.equal(continueFrom(folder, resumed), 28);
  const before = server.asked.length;
  await make(resumed, {...evaluation(), inputs: {prompts: at('questions'), general}});
  assert.equal(server.asked.length, before);
});

test('rejection sampling from a teacher keeps right answers in its own form, and all of them as rollouts', async () => {
  habit = teacher;
  const inputs = {prompts: at('questions')};
  const params = {endpoint: 'm', samples: 1, maxNewTokens: 100};
  const job = {stage: rejectionSampling, exported: 'rejectionSampling', inputs};
  await make(at('sampled'), {...job, params: {...params, wellFormed: false}});
  const kept = rowsIn<{response: string; from: string[]}>(outputPath(at('sampled'), 'dataset'));
  assert.deepEqual(
    kept.map(({response, from}) => [response, from]),
    [0, 2, 4, 6, 8, 10].map((id) => [`<think>\nI think of ${id}.\n</think>\n\n\\boxed{4}`, [`${id}#0`]]),
  );
  const rollouts = rowsIn<{verdict: string; tokens: number; served: {model: string}}>(
    outputPath(at('sampled'), 'rollouts'),
  );
  assert.equal(rollouts.length, 12);
  assert.equal(rollouts.filter(({verdict}) => verdict === 'answer wrong').length, 6);
  assert.ok(rollouts.every(({tokens, served}) => tokens === 5 && served.model === 'm'));
  const card = (await readCard(outputPath(at('sampled'), 'dataset')))!;
  assert.equal((card['endpoint'] as {usage: Usage}).usage.model, 'm');
  assert.equal(card['generatedTokens'], 60);
  assert.ok(!('parameters' in card));

  await make(at('strict'), {...job, params});
  assert.equal(readFileSync(join(outputPath(at('strict'), 'dataset'), 'rows.jsonl'), 'utf8'), '');
  assert.match(notesOf(at('strict')), /6 right answers do not stand in the tags .*wellFormed/);
});

test('cold-start data from a teacher', async () => {
  habit = ({question}) => `<think> ${question} </think> <answer> 4 </answer>`;
  await make(at('cold'), {
    ...{stage: coldStartData, exported: 'coldStartData', inputs: {prompts: at('questions')}},
    params: {endpoint: 'm', samples: 2, maxNewTokens: 100, rows: 5},
  });
  assert.equal(rowsIn(outputPath(at('cold'), 'dataset')).length, 5);
});

test('a model or an endpoint, one of the two; what an endpoint cannot be asked for is said before anything runs', () => {
  const mistakes = (params: Readonly<Record<string, unknown>>, inputs: readonly string[] = ['prompts']): string =>
    mistakesOf(evaluate, params, {inputs}).join('\n');
  assert.equal(mistakes({endpoint: 'm'}), '');
  assert.equal(mistakes({}, ['model', 'prompts']), '');
  assert.match(
    mistakes({}),
    /wire a model to “model”, or name one that a server has, \{endpoint: 'NAME'\} .* R1_ENDPOINT_URL/,
  );
  assert.match(
    mistakes({endpoint: 'm'}, ['model', 'prompts']),
    /names the model m, and “model” is wired: one of the two/,
  );
  assert.match(mistakes({endpoint: 'm', template: 'zero'}), /template zero: an endpoint puts questions/);
  assert.match(mistakes({endpoint: 'm', prefill: '<think>'}), /prefill: an endpoint begins its answers itself/);
  assert.match(mistakes({endpoint: 'm', choiceScores: 'text'}), /choiceScores: an endpoint does not say/);
  assert.match(
    mistakes({endpoint: 'm', endpointServer: 'A b'}),
    /endpointServer is “A b” and should be a word of small letters/,
  );
  assert.match(mistakes({endpoint: 'm', endpointRequest: {n: 2}}), /endpointRequest\.n: this field is filled in by r1/);
  assert.match(
    mistakes({endpoint: 'm', endpointRequest: {temperature: 2}}),
    /endpointRequest\.temperature: temperature says it/,
  );
  assert.equal(mistakes({endpoint: 'm', endpointRequest: {temperature: null, top_k: 4}}), '');
  assert.match(mistakes({endpointRequest: {top_k: 4}}, ['model', 'prompts']), /endpointRequest is for an endpoint/);
  const said = rejectionSampling.caution!({...rejectionSampling.params, endpoint: 'm'}).join('\n');
  assert.match(
    said,
    /questions are sent to the model m at the address in R1_TEACHER_URL: one request for each answer, 4 a prompt/,
  );
  assert.match(said, /what m answers is not a function of inputs, params and code/);
  assert.deepEqual(rejectionSampling.caution!(rejectionSampling.params), []);
});

test('the variables of a server have its word in their names; the key is handed to nobody who does not ask for it', () => {
  assert.deepEqual(variablesOf('teacher'), {
    url: 'R1_TEACHER_URL',
    key: 'TEACHER_API_KEY',
    concurrency: 'R1_TEACHER_CONCURRENCY',
    timeout: 'R1_TEACHER_TIMEOUT',
    price: 'R1_TEACHER_PRICE',
  });
  assert.equal(variablesOf('my-own').url, 'R1_MY_OWN_URL');
});

test('what the environment says wrongly ends a stage before it asks', async () => {
  const from = server.asked.length;
  for (const [name, value, why] of [
    ['R1_ENDPOINT_URL', '', /R1_ENDPOINT_URL is not set: it is the base/],
    ['R1_ENDPOINT_URL', 'localhost', /R1_ENDPOINT_URL is no address/],
    ['R1_ENDPOINT_CONCURRENCY', 'many', /R1_ENDPOINT_CONCURRENCY is a whole number from 1 to 1024, not “many”/],
    ['R1_ENDPOINT_TIMEOUT', '0', /R1_ENDPOINT_TIMEOUT is a whole number/],
    ['R1_ENDPOINT_PRICE', '1', /R1_ENDPOINT_PRICE is what a million tokens cost/],
    ['ENDPOINT_API_KEY', 'two words', /ENDPOINT_API_KEY is empty, or holds a space/],
  ] as const) {
    const earlier = process.env[name];
    process.env[name] = value;
    try {
      writeJob(at(`wrong-${name}-${value}`), evaluation());
      const {result} = await runStage(at(`wrong-${name}-${value}`));
      assert.equal(result?.end, 'failed');
      assert.match(JSON.stringify(result), why);
    } finally {
      if (earlier === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = earlier;
    }
  }
  assert.equal(server.asked.length, from);
});
