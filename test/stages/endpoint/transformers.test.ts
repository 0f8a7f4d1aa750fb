/**
 * A small model of ours served by Python's transformers, greedily: the same texts as from its folder. Runs only where Python has the
 * server:
 *
 *     pip install 'transformers[serving]>=5' && R1_TEST_PYTHON=python3 npm test -- endpoint/transformers
 *
 * R1_TEST_MODEL is the folder of a model to serve in the place of the small one.
 */
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {createServer} from 'node:http';
import type {AddressInfo} from 'node:net';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {answerPrompts} from '../../../stages/evaluation/chat.js';
import {newConfig} from '../../../stages/model/config.js';
import {saveModel} from '../../../stages/model/hf-folder/index.js';
import {initialWeights} from '../../../stages/model/parameters.js';
import {openTokenizer} from '../../../stages/text/tokenizer.js';
import {temporaryFolder} from '../../rig/temporary.js';
import {answersOf, prompt} from './asking.js';

const python = process.env['R1_TEST_PYTHON'];
const TOKENIZER = join(import.meta.dirname, '../../../../test/fixtures/tokenizers/qwen-like');
const QUESTIONS = [
  'What is 2+2?',
  'Tom has 3 apples.',
  'Nenne drei Städte 🙂.',
  '  two   spaces\n',
  '小明有 5 个苹果',
  'a <think> b',
];
const LONGEST = 24;

/** A small model of large weights, so that it does not say one word for ever. */
async function smallModel(t: TestContext): Promise<string> {
  const folder = temporaryFolder(t);
  const {size, eosId, padId} = await openTokenizer(TOKENIZER);
  const config = newConfig({
    ...{vocabSize: size, hiddenSize: 32, intermediateSize: 64, layers: 2, heads: 4, keyValueHeads: 2},
    ...{maxPositions: 256, eosId, padId, initializerRange: 0.3},
  });
  await saveModel(folder, {config, weights: initialWeights(config, 7), tokenizerFrom: TOKENIZER});
  return folder;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const {port} = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

/** Serves a folder until the test is over. @returns the base of the endpoint */
async function served(t: TestContext, folder: string): Promise<string> {
  const port = await freePort();
  const program = 'import sys; from transformers.cli.transformers import main; sys.exit(main())';
  const words = ['-c', program, 'serve', folder, '--host', '127.0.0.1', '--port', `${port}`, '--device', 'cpu'];
  const child = spawn(python!, [...words, '--dtype', 'float32'], {stdio: ['ignore', 'ignore', 'pipe']});
  let said = '';
  let isOver = false;
  child.stderr.on('data', (data: Buffer) => (said += data.toString()));
  const ended = new Promise<void>((done) => child.once('close', () => done())).then(() => (isOver = true));
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const origin = `http://127.0.0.1:${port}`;
  const isUp = () =>
    fetch(`${origin}/health`).then(
      ({ok}) => ok,
      () => false,
    );
  while (!(await isUp())) {
    assert.ok(!isOver, said);
    await sleep(200);
  }
  return `${origin}/v1`;
}

test(
  'greedy texts of a model that transformers serves are those of its folder',
  {skip: python === undefined && 'R1_TEST_PYTHON is not set'},
  async (t) => {
    const folder = process.env['R1_TEST_MODEL'] ?? (await smallModel(t));
    const url = await served(t, folder);
    const prompts = QUESTIONS.map((question, index) => prompt(`${index}`, {question, task: 'exact', answer: 'x'}));
    const asking = {endpoint: folder, temperature: 0, topP: 1, maxNewTokens: LONGEST};
    const options = {timeout: 300_000, concurrency: 2, limits: {firstPatience: 60_000, patience: 60_000}};
    for (const endpointRequest of [{}, {stream: true, stream_options: {include_usage: true}}]) {
      const {groups} = await answersOf(t, {url}, prompts, {...asking, endpointRequest}, options);
      const {samples} = await answerPrompts(folder, prompts, {
        ...{seed: 0, temperature: 0, topP: 1, maxTokens: LONGEST, template: 'chat', threads: 1, samples: 1},
        ...{note: () => undefined, done: () => undefined},
      });
      assert.deepEqual(
        groups.flat().map(({completion, served: by, finished}) => [completion.text, by.tokens, finished]),
        samples.map(({text, tokens, truncated}) => [text, tokens, !truncated]),
      );
      assert.ok(new Set(samples.map(({text}) => text)).size > 3);
    }
  },
);
