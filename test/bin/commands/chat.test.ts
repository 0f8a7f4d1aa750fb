/** `r1 chat` and `r1 eval` on a model of random weights: what it says is nonsense, how it says it is not. */
import assert from 'node:assert/strict';
import {cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {after, before, test} from 'node:test';
import type {TestContext} from 'node:test';
import {chatCommand} from '../../../bin/commands/chat.js';
import {evalCommand} from '../../../bin/commands/eval.js';
import {StageFailure} from '../../../pipeline/stage.js';
import {newConfig} from '../../../stages/model/config.js';
import {saveModel} from '../../../stages/model/hf-folder/index.js';
import {initialWeights} from '../../../stages/model/parameters.js';
import {openTokenizer} from '../../../stages/text/tokenizer.js';
import {vocabulary} from '../../../stages/tasks/lexicon.js';
import {writeWordTokenizer} from '../../../stages/text/word-tokenizer.js';
import {Bench} from '../../artifacts/temporary.js';
import {r1, start, until} from '../../rig/command.js';
import {onTerminal} from '../../rig/pty.js';
import {temporaryFolder} from '../../rig/temporary.js';
import {spoken} from '../spoken.js';

const root = mkdtempSync(join(tmpdir(), 'r1-chat-'));
const model = join(root, 'model');
/** Room for a reply that takes hours, since each piece of it reads all that was said before. */
const patient = join(root, 'patient');

before(async () => {
  mkdirSync(join(root, 'tokenizer'));
  await writeWordTokenizer(join(root, 'tokenizer'), vocabulary());
  const {size, eosId, padId} = await openTokenizer(join(root, 'tokenizer'));
  for (const [folder, hiddenSize, maxPositions] of [
    [model, 16, 64],
    [patient, 128, 65_536],
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

test('a reply begins as it is made to, and ends in front of the first stop text', async () => {
  const whole = await reply('--temperature', '1');
  const [word] = whole.response.split(' ').slice(12);
  const stopped = await reply('--temperature', '1', '--stop', 'never said', '--stop', ` ${word!}`);
  assert.equal(stopped.response, whole.response.slice(0, whole.response.indexOf(` ${word!}`)));
  assert.equal(stopped.finished, true);
  assert.ok(stopped.tokens < whole.tokens);
  const streamed = await chat(model, 'hello', '--temperature', '1', '--stop', ` ${word!}`);
  assert.equal(streamed.out.replaceAll('\n', ''), stopped.response);
  const begun = await reply('--temperature', '1', '--prefill', ' left 3');
  assert.match(begun.response, /^ left 3 \S/);
  await assert.rejects(
    chat(model, 'hello', '--template', 'none', '--system', 'be brief'),
    /the template “none” has no system turn/,
  );
  assert.equal((await chat(model, 'hello', '--stop', '')).code, 2);
});

test('a model opens as quickly whatever positions it has, and a longer conversation gets a longer program', async () => {
  const vast = join(root, 'vast');
  cpSync(patient, vast, {recursive: true});
  const file = join(vast, 'config.json');
  const config = JSON.parse(readFileSync(file, 'utf8')) as object;
  writeFileSync(file, JSON.stringify({...config, max_position_embeddings: 2_000_000_000}));
  const long = 'left '.repeat(300);
  const said = async (folder: string, question: string) =>
    JSON.parse((await chat(folder, question, '--json', '--max-tokens', '16', '--temperature', '0')).out) as Reply;
  for (const question of ['hello', long]) {
    assert.deepEqual(await said(vast, question), await said(patient, question));
  }
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

test('what is piped on has no lines of TensorFlow’s own, and stderr is there again', async (t) => {
  const inside = ['sh', '-c', '"$@" 2>&1 | cat', 'sh'];
  const file = join(temporaryFolder(t), 'q.jsonl');
  writeFileSync(file, '{"question": "now ?", "answer": "1"}\n');
  const words = ['chat', model, 'hello', '--max-tokens', '2'];
  const said = await r1(t, words, {cwd: root, inside});
  assert.doesNotMatch(said.out, /absl|mlir/);
  assert.match(said.out, /\(cut off after 2 tokens/);
  const scored = await r1(t, ['eval', model, '--prompts', file], {cwd: root, inside});
  assert.doesNotMatch(scored.out, /absl|mlir/);
  assert.match(scored.out, /pass@1/);
  const log = join(temporaryFolder(t), 'log');
  await r1(t, words, {
    cwd: root,
    inside: ['sh', '-c', `echo before >${log}; "$@" 2>>${log}; echo after >>${log}`, 'sh'],
  });
  assert.match(readFileSync(log, 'utf8'), /^before\n\s*\(cut off after 2 tokens[^\n]*\nafter\n$/);
});

test('Ctrl-C ends a reply, the exit code says so, and nothing is left behind', async (t) => {
  const bench = new Bench(t);
  const files = Object.fromEntries(readdirSync(patient).map((name) => [name, readFileSync(join(patient, name))]));
  await bench.make({node: 'base', outputs: {model: {kind: 'model', files}}});
  const scratch = temporaryFolder(t);
  process.env['TMPDIR'] = scratch;
  const words = ['chat', 'base', 'hello', '--temperature', '0', '--max-tokens', '60000', '--store', bench.folder];
  const talking = start(t, words, {cwd: root});
  delete process.env['TMPDIR'];
  await until('the model speaks', () => talking.out() !== '');
  assert.equal(readdirSync(scratch).length, 1, 'the model lies in a folder of its own');
  talking.child.kill('SIGINT');
  const ended = await talking.ended;
  assert.equal(ended.code, 130, ended.err);
  assert.deepEqual(readdirSync(scratch), []);
});

/** A model whose chat template goes through its loops for days. */
function looping(t: TestContext): string {
  const folder = join(temporaryFolder(t), 'model');
  cpSync(model, folder, {recursive: true});
  const file = join(folder, 'tokenizer_config.json');
  const loops = '{% for a in range(90000) %}{% for b in range(90000) %}{% for c in range(90000) %}';
  const chat_template = `{{ messages[0].content }}${loops}${'{% endfor %}'.repeat(3)}`;
  writeFileSync(file, JSON.stringify({...(JSON.parse(readFileSync(file, 'utf8')) as object), chat_template}));
  return folder;
}

/** In the thread of the tokenizer it says when a template is about to be rendered; beside it nothing runs out of time. */
const SAYING = `
import {writeFileSync} from 'node:fs';
import {isMainThread} from 'node:worker_threads';
if (isMainThread) {
  const later = globalThis.setTimeout;
  globalThis.setTimeout = (work, ms, ...rest) => later(work, ms * 1000, ...rest);
} else {
  const store = Atomics.store;
  Atomics.store = (...args) => {
    writeFileSync('rendering', '');
    return store(...args);
  };
}
`;

test('Ctrl-C ends chat and eval while a template loops', async (t) => {
  const folder = looping(t);
  const question = '{"question": "hello", "answer": 1}';
  for (const words of [
    ['chat', folder, 'hello'],
    ['eval', folder, '--prompts', 'one.jsonl'],
  ]) {
    const cwd = temporaryFolder(t, {'one.jsonl': question, 'saying.mjs': SAYING});
    const talking = start(t, words, {cwd, preload: join(cwd, 'saying.mjs')});
    await until('the template is rendered', () => existsSync(join(cwd, 'rendering')));
    talking.child.kill('SIGINT');
    const {code, err} = await talking.ended;
    assert.equal(code, 130, err);
  }
});

test('a template that loops ends with a sentence, one with a mistake with its name and line', async (t) => {
  const folder = looping(t);
  await assert.rejects(
    chat(folder, 'hello'),
    /the chat template of .*tokenizer_config\.json did not come to an end in 5 s: .*--template none/,
  );
  writeFileSync(join(folder, 'chat_template.jinja'), 'one\n{{ messages | fou }}');
  const {code, err} = await r1(t, ['chat', folder, 'hello'], {cwd: root});
  assert.equal(code, 2);
  assert.match(err, /^chat template of .*chat_template\.jinja: unknown filter “fou” for a list \(line 2\)$/m);
  assert.doesNotMatch(err, /node_modules|Internal error|\n\s+at /);
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
    samples: {outcome: string; question: string; reference: string}[];
  };
  assert.equal(samples.length, 6);
  const pass = scores.find(({metric}) => metric === 'pass@1')!;
  assert.deepEqual([pass.problems, pass.samples], [3, 6]);
  assert.equal(pass.mean, samples.filter(({outcome}) => outcome === 'right').length / 6);
  assert.equal((await scored('--samples', '2', '--json')).out, json.out, 'the same draws again');
  const lenient = await scored('--samples', '2', '--extraction', 'box', '--prefill', '<think>');
  assert.match(lenient.out, /2 samples each \(chat, prefill “<think>”, extraction box\)\n/);
  assert.match(lenient.out, /^pass@1\/tag +\.\d{3} \[/m);
  assert.deepEqual([samples[2]!.question, samples[2]!.reference], ['now ?', '1']);
  const {out} = await scored('--samples', '2');
  assert.ok(out.startsWith(`${model}: 3 questions, 2 samples each\n\nmetric `), out);
  assert.match(out, /^pass@1 +\.\d{3} \[/m);
});

test('a model of the store is asked as it was trained, and eval shows what went wrong', async (t) => {
  const bench = new Bench(t);
  const files = Object.fromEntries(readdirSync(model).map((name) => [name, readFileSync(join(model, name))]));
  await bench.make({
    node: 'zero',
    stage: 'grpo',
    params: {template: 'tiny-zero'},
    outputs: {model: {kind: 'model', files}},
  });
  bench.end();
  const file = join(root, 'asked.jsonl');
  writeFileSync(file, '{"question": "left 3 ?", "answer": "never said"}');
  const words = ['zero', '--prompts', file, '--samples', '2', '--max-tokens', '4'];
  const own = await spoken(evalCommand, bench.folder, words);
  assert.match(own.out, /^zero: 1 question, 2 samples each \(tiny-zero\)$/m);
  assert.match(own.out, /^1 of 1 questions went wrong at least once, 1 every time$/m);
  assert.match(own.out, /^ {4}question {2}left 3 \?\n {4}expected {2}never said\n {4}answered {2}nothing/m);
  const other = await spoken(evalCommand, bench.folder, [...words, '--template', 'chat', '--wrong', '0']);
  assert.match(other.out, /^zero: 1 question, 2 samples each$/m);
  assert.doesNotMatch(other.out, /answered/);
  const said = await spoken(chatCommand, bench.folder, ['zero', 'hello', '--json']);
  assert.match(said.err, /^asked as it was trained: tiny-zero$/m);
  const terminal = onTerminal(t, ['chat', 'zero', '--store', bench.folder], {cwd: temporaryFolder(t)});
  await until('it asks', () => terminal.seen().includes('> '), 60_000);
  assert.match(terminal.seen(), /zero: grpo[^]*asked as it was trained: tiny-zero[^]*Each line is asked by itself/);
  terminal.close();
  await terminal.ended;
});

test('eval says of its questions what importing them would say', async () => {
  const file = join(root, 'doubtful.jsonl');
  const rows = [
    ['hello', '1'],
    ['hello', '1'],
    ['now ?', '2'],
    ['now ?', '3'],
    ['left 3 ?', '\\frac{1}{2}'],
  ];
  writeFileSync(file, rows.map(([question, answer]) => JSON.stringify({question, answer})).join('\n'));
  const words = [model, '--prompts', file, '--samples', '1', '--max-tokens', '4'];
  const {err} = await spoken(evalCommand, join(root, 'none'), words);
  assert.match(err, /^1 row repeats the question and the answer of an earlier one, such as “[^\n]*: kept$/m);
  assert.match(err, /^2 rows ask what another one asks, and have another answer, such as “[^\n]*: kept$/m);
  assert.match(err, /^1 of 5 references are formulas \(such as \\frac\{1\}\{2\}\) and compared as texts/m);
});

test('a folder that lies here and is named without a path is told of', async (t) => {
  const cwd = temporaryFolder(t, {'mine/config.json': '{}'});
  const {code, err} = await r1(t, ['chat', 'mine', 'hello'], {cwd});
  assert.equal(code, 2);
  assert.match(err, /there is a folder of that name here: name it by a path, \.\/mine/);
});

test('eval names the line of a garbled file, and a file that is not there', async () => {
  const file = join(root, 'garbled.jsonl');
  writeFileSync(file, '{"question": "hello", "answer": 1}\n{"question"');
  await assert.rejects(
    spoken(evalCommand, join(root, 'none'), [model, '--prompts', file]),
    /garbled\.jsonl:2 is not JSON/,
  );
  await assert.rejects(
    spoken(evalCommand, join(root, 'none'), [model, '--prompts', join(root, 'nowhere')]),
    /nowhere cannot be read: there is no such file/,
  );
  const unasked = await spoken(evalCommand, join(root, 'none'), [model, '--prompts', file, '--samples', '0']);
  assert.equal(unasked.code, 2);
});

test('chat refuses piped bytes that are no text, with the line', async (t) => {
  const {code, err} = await r1(t, ['chat', model], {cwd: root, input: Buffer.from('hello\ncaf\xe9\n', 'latin1')});
  assert.equal(code, 2);
  assert.match(err, /line 2 of stdin is not UTF-8 text/);
});

test('a terminal that closes ends a conversation as one that was stopped', async (t) => {
  const terminal = onTerminal(t, ['chat', model], {cwd: temporaryFolder(t)});
  await until('it asks', () => terminal.seen().includes('> '), 60_000);
  terminal.close();
  assert.equal(await terminal.ended, 130, terminal.seen());
});
