/** `r1 eval --model`: a model at an endpoint scored, its answers kept, and options that do not go together. */
import assert from 'node:assert/strict';
import {join} from 'node:path';
import {test} from 'node:test';
import {evalCommand} from '../../../bin/commands/eval.js';
import {temporaryFolder} from '../../rig/temporary.js';
import {startServer} from '../../stages/endpoint/server.js';
import {spoken} from '../spoken.js';

const rows = [2, 3, 4].map((number) =>
  JSON.stringify({question: `What is ${number} + ${number}?`, answer: `${2 * number}`}),
);

test('a model at an endpoint is scored, in a table and as JSON, and what is kept is not asked for again', async (t) => {
  const cwd = temporaryFolder(t, {'asked.jsonl': rows.join('\n')});
  const server = await startServer(t, () => ({content: '\\boxed{4}', reasoning_content: 'Always four.'}));
  const words = ['--prompts', join(cwd, 'asked.jsonl'), '--model', 'm', '--endpoint', server.url, '--samples', '2'];
  const kept = [
    ...words,
    '--keep',
    join(cwd, 'kept'),
    '--price',
    '1/2',
    '--request',
    '{"top_k": 1}',
    '--concurrency',
    '1',
  ];
  const table = await spoken(evalCommand, join(cwd, 'none'), kept);
  assert.equal(table.code, 0, table.err);
  assert.match(table.out, /^m: 3 questions, 2 samples each\n\nmetric +mean.*\npass@1 +\.333 /);
  assert.match(table.err, /6 requests to m \(the endpoint http:\S+\), 1 at a time/);
  assert.match(table.err, /6 answers by m: 42 tokens of prompts, 30 of answers, 0\.00 at the price of 1\/2/);
  assert.equal(server.asked.length, 6);
  const {messages: _, seed, ...fields} = server.asked[0]!.body;
  assert.deepEqual(fields, {model: 'm', temperature: 0.6, top_p: 0.95, max_tokens: 4096, top_k: 1});
  assert.equal(typeof seed, 'number');
  const json = await spoken(evalCommand, join(cwd, 'none'), [...kept, '--json']);
  assert.equal(server.asked.length, 6);
  assert.match(json.err, /0 requests to m .*; 6 answers are there from before/);
  const {model, usage, samples} = JSON.parse(json.out) as {
    model: string;
    usage: {completionTokens: number};
    samples: {text: string; outcome: string; question: string; served: {finish: string}}[];
  };
  assert.deepEqual([model, usage.completionTokens, samples.length], ['m', 30, 6]);
  assert.equal(samples[0]!.text, '<think>\nAlways four.\n</think>\n\n\\boxed{4}');
  assert.deepEqual([samples[0]!.outcome, samples[0]!.served.finish], ['right', 'stop']);
});

test('a model of this machine or one at an endpoint, and nothing that the other one takes', async (t) => {
  const cwd = temporaryFolder(t, {'asked.jsonl': rows.join('\n')});
  const there = ['--model', 'm', '--endpoint', 'http://127.0.0.1:9/v1'];
  for (const [words, why] of [
    [[], /which model\?\nname a node, a folder or a file, or a model at an endpoint/],
    [['--model', 'm'], /where is m\?\nsay --endpoint URL/],
    [['node', ...there], /node and --model m are two models/],
    [['node', '--endpoint', 'http://127.0.0.1:9/v1'], /--endpoint is for a model at an endpoint/],
    [['node', '--keep', 'x'], /--keep is for a model at an endpoint/],
    [[...there, '--template', 'zero'], /--template is for a model of this machine/],
    [[...there, '--choice-scores', 'text'], /--choice-scores is for a model of this machine/],
    [[...there, '--request', '{a'], /--request is no JSON/],
    [[...there, '--request', '[]'], /--request is a record of fields/],
    [[...there, '--request', '{"temperature": 1}'], /--request\.temperature: temperature says it/],
  ] as const) {
    const {code, err} = await spoken(evalCommand, join(cwd, 'none'), ['--prompts', join(cwd, 'asked.jsonl'), ...words]);
    assert.equal(code, 2, err);
    assert.match(err, why);
  }
});
