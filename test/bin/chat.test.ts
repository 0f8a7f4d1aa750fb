/** `r1 chat` and `r1 eval` on a model of random weights: what it says is nonsense, how it says it is not. */
import assert from 'node:assert/strict';
import {mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {after, before, test} from 'node:test';
import {chatCommand} from '../../bin/commands/chat.js';
import {evalCommand} from '../../bin/commands/eval.js';
import {StageFailure} from '../../pipeline/stage.js';
import {newConfig} from '../../stages/model/config.js';
import {saveModel} from '../../stages/model/folder.js';
import {initialWeights} from '../../stages/model/parameters.js';
import {openTokenizer} from '../../stages/text/tokenizer.js';
import {writeWordTokenizer} from '../../stages/text/word-tokenizer.js';
import {Bench} from '../artifacts/temporary.js';
import {r1, start, until} from '../rig/command.js';
import {temporaryFolder} from '../rig/temporary.js';
import {spoken} from './spoken.js';

const root = mkdtempSync(join(tmpdir(), 'r1-chat-'));
const model = join(root, 'model');
/** Room for a reply of a thousand tokens, which takes some seconds. */
const patient = join(root, 'patient');

before(async () => {
  mkdirSync(join(root, 'tokenizer'));
  await writeWordTokenizer(join(root, 'tokenizer'));
  const {size, eosId, padId} = await openTokenizer(join(root, 'tokenizer'));
  for (const [folder, hiddenSize, maxPositions] of [
    [model, 16, 64],
    [patient, 128, 2048],
  ] as const) {
    const config = newConfig({
      vocabSize: size,
      hiddenSize,
      intermediateSize: 2 * hiddenSize,
      layers: 2,
      heads: 2,
      keyValueHeads: 1,
      maxPositions,
      eosId,
      padId,
    });
    await saveModel(folder, {config, weights: initialWeights(config, 3), tokenizerFrom: join(root, 'tokenizer')});
  }
});
after(() => rmSync(root, {recursive: true, force: true}));

interface Reply {
  readonly question: string;
  readonly response: string;
  readonly tokens: number;
  readonly finished: boolean;
}

const chat = (...words: string[]) => spoken(chatCommand, join(root, 'none'), words);
const reply = async (...words: string[]): Promise<Reply> =>
  JSON.parse((await chat(model, 'hello', '--json', ...words)).out) as Reply;

test('the same seed gives the same reply, another one another', async () => {
  const first = await reply('--temperature', '1');
  assert.deepEqual(await reply('--temperature', '1'), first);
  assert.notEqual((await reply('--temperature', '1', '--seed', '1')).response, first.response);
  assert.equal(first.question, 'hello');
});

test('at temperature 0 the seed does not matter', async () => {
  assert.equal(
    (await reply('--temperature', '0')).response,
    (await reply('--temperature', '0', '--seed', '9')).response,
  );
});

test('a reply comes in pieces that make up what --json gives at once, and is cut where it should be', async () => {
  const whole = await reply('--temperature', '1');
  const streamed = await chat(model, 'hello', '--temperature', '1');
  assert.equal(streamed.out.replaceAll('\n', ''), whole.response);
  assert.ok(whole.tokens > 8, 'more than one piece');
  const cut = await reply('--temperature', '1', '--max-tokens', '5');
  assert.equal(cut.tokens, 5);
  assert.equal(cut.finished, false);
  assert.ok(whole.response.startsWith(cut.response), 'its tokens are those of the longer reply');
  assert.match(
    (await chat(model, 'hello', '--max-tokens', '5')).err,
    /cut off after 5 tokens; --max-tokens allows more/,
  );
});

test('a question that does not fit the model is refused with the numbers', async () => {
  await assert.rejects(chat(model, 'left '.repeat(70)), (error: unknown) => {
    assert.ok(error instanceof StageFailure);
    assert.match(error.message, /the conversation has 7\d tokens; this model has room for 56 and a reply/);
    return true;
  });
});

test('lines that are piped in are answered one by one', async (t) => {
  const piped = await r1(t, ['chat', model, '--json'], {cwd: root, input: 'hello\n\nnow ?\n'});
  assert.equal(piped.code, 0, piped.err);
  const replies = piped.out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Reply);
  assert.deepEqual(
    replies.map(({question}) => question),
    ['hello', 'now ?'],
  );
});

test('Ctrl-C ends a reply, the exit code says so, and nothing is left behind', async (t) => {
  const bench = new Bench(t);
  const files = Object.fromEntries(readdirSync(patient).map((name) => [name, readFileSync(join(patient, name))]));
  await bench.make({node: 'base', outputs: {model: {kind: 'model', files}}});
  const scratch = temporaryFolder(t);
  process.env['TMPDIR'] = scratch;
  const talking = start(t, ['chat', 'base', 'hello', '--temperature', '0', '--store', bench.folder], {cwd: root});
  delete process.env['TMPDIR'];
  await until('the model speaks', () => talking.out() !== '');
  assert.equal(readdirSync(scratch).length, 1, 'the model lies in a folder of its own');
  talking.child.kill('SIGINT');
  const ended = await talking.ended;
  assert.equal(ended.code, 130, ended.err);
  assert.deepEqual(readdirSync(scratch), []);
});

test('eval samples answers to the questions of a file and scores them', async () => {
  const file = join(root, 'questions.jsonl');
  writeFileSync(
    file,
    ['hello', 'now ?', 'left 3 ?'].map((question, i) => JSON.stringify({question, answer: i})).join('\n'),
  );
  const scored = (...words: string[]) => spoken(evalCommand, join(root, 'none'), [model, '--prompts', file, ...words]);
  const json = await scored('--samples', '2', '--json');
  const {scores, samples} = JSON.parse(json.out) as {
    scores: {metric: string; mean: number; problems: number; samples: number}[];
    samples: {outcome: string}[];
  };
  assert.equal(samples.length, 6);
  const pass = scores.find(({metric}) => metric === 'pass@1')!;
  assert.deepEqual([pass.problems, pass.samples], [3, 6]);
  assert.equal(pass.mean, samples.filter(({outcome}) => outcome === 'right').length / 6);
  assert.equal((await scored('--samples', '2', '--json')).out, json.out, 'the same draws again');
  assert.match((await scored('--samples', '2')).out, /pass@1 .*\n.*model/);
});

test('eval names the line of a garbled file, and a file that is not there', async () => {
  const file = join(root, 'garbled.jsonl');
  writeFileSync(file, '{"question": "hello", "answer": 1}\n{"question"');
  await assert.rejects(
    spoken(evalCommand, join(root, 'none'), [model, '--prompts', file]),
    /garbled\.jsonl:2 is not JSON/,
  );
  const none = await spoken(evalCommand, join(root, 'none'), [model, '--prompts', join(root, 'nowhere')]);
  assert.equal(none.code, 2);
  assert.match(none.err, /nowhere cannot be read: ENOENT/);
  const unasked = await spoken(evalCommand, join(root, 'none'), [model, '--prompts', file, '--samples', '0']);
  assert.equal(unasked.code, 2);
});
