/** What is asked of a server, and what its answers come to. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {answersOf, prompt} from './asking.js';
import {completion, send, startServer} from './server.js';

test('prompts are asked for as often as is wanted, with the settings, and each sample has a seed of its own', async (t) => {
  const server = await startServer(t, ({question}) => `It is 4. (${question})`);
  const {groups, usage, notes} = await answersOf(
    t,
    server,
    [prompt('a'), prompt('b')],
    {samples: 3, system: 'Be brief.', suffix: ' Think first.', stop: ['###'], endpointRequest: {top_k: 5, top_p: null}},
    {key: 'sk-secret-key', price: {prompt: 1, completion: 2_000_000}},
  );
  assert.equal(server.asked.length, 6);
  const seeds = new Set(server.asked.map(({body}) => body['seed']));
  assert.equal(seeds.size, 6);
  for (const {path, authorization, body, question, system} of server.asked) {
    const {messages: _, seed, ...fields} = body;
    assert.deepEqual(fields, {model: 'm', temperature: 0.6, max_tokens: 64, stop: ['###'], top_k: 5});
    assert.ok(Number.isInteger(seed) && Number(seed) >= 0 && Number(seed) < 2 ** 31);
    assert.deepEqual([path, authorization, system], ['/v1/chat/completions', 'Bearer sk-secret-key', 'Be brief.']);
    assert.match(question, /^Question [ab]\? Think first\.$/);
  }
  assert.deepEqual(
    groups.map((group) => group.map(({prompt: {id}, sample}) => `${id}${sample}`)),
    [
      ['a0', 'a1', 'a2'],
      ['b0', 'b1', 'b2'],
    ],
  );
  const one = groups[1]![2]!;
  assert.equal(one.completion.text, 'It is 4. (Question b? Think first.)');
  assert.ok(one.finished);
  const {asked, ...by} = one.served;
  assert.deepEqual(by, {finish: 'stop', model: 'm', promptTokens: 7, tokens: 5});
  assert.equal(asked['temperature'], 0.6);
  assert.ok(!JSON.stringify(groups).includes('secret'));
  // 6 answers of 7 and 5 tokens: 42 at 1 a million, 30 at 2 a token.
  assert.deepEqual([usage.promptTokens, usage.completionTokens], [42, 30]);
  assert.match(
    notes.join('\n'),
    /6 answers by m: 42 tokens of prompts, 30 of answers, 60\.00 at the price of 1\/2000000/,
  );
});

test('the same prompts are asked for with the same seeds, another purpose or seed has others', async (t) => {
  const server = await startServer(t, () => '4');
  await answersOf(t, server, [prompt('a')]);
  await answersOf(t, server, [prompt('a')]);
  await answersOf(t, server, [prompt('a')], {key: {seed: 1, purpose: 'test'}});
  const [first, again, other] = server.asked.map(({body}) => body['seed']);
  assert.equal(first, again);
  assert.notEqual(first, other);
});

test('no more requests are open at a time than may be', async (t) => {
  const server = await startServer(t, (_, response) => {
    setTimeout(() => send(response, completion({message: {content: '4'}})), 20);
    return undefined;
  });
  const prompts = Array.from({length: 12}, (_, index) => prompt(`${index}`));
  const seen: number[] = [];
  await answersOf(t, server, prompts, {}, {concurrency: 3, done: (answers) => void seen.push(answers)});
  assert.equal(server.most, 3);
  assert.deepEqual(seen, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
});

/** Message of a completion → the text that it comes to, and the thinking that the reader finds. */
const FORMS: readonly (readonly [string, Readonly<Record<string, unknown>>, string, string | undefined])[] = [
  [
    'thinking beside it',
    {content: '\n\n4', reasoning_content: 'Two and two.\n'},
    '<think>\nTwo and two.\n</think>\n\n4',
    'Two and two.',
  ],
  ['the other name', {content: '4', reasoning: 'Hm.'}, '<think>\nHm.\n</think>\n\n4', 'Hm.'],
  ['thinking in the text', {content: '<think>a</think>4', reasoning_content: 'a'}, '<think>a</think>4', 'a'],
  ['empty thinking', {content: '4', reasoning_content: ''}, '4', undefined],
  [
    'parts',
    {
      content: [
        {type: 'thinking', thinking: [{type: 'text', text: 'Hm.'}]},
        {type: 'text', text: '4'},
      ],
    },
    '<think>\nHm.\n</think>\n\n4',
    'Hm.',
  ],
  ['a refusal', {content: null, refusal: 'I cannot say.'}, 'I cannot say.', undefined],
  ['half a character', {content: 'a\ud800b'}, 'a\ufffdb', undefined],
  ['what steers a terminal, and NUL', {content: '\u001b[2J4\u0000'}, '\u001b[2J4\u0000', undefined],
];
for (const [name, message, text, thinking] of FORMS)
  test(`an answer with ${name}`, async (t) => {
    const server = await startServer(t, () => message);
    const {groups} = await answersOf(t, server, [prompt('a')]);
    const {completion: read} = groups[0]![0]!;
    assert.equal(read.text, text);
    assert.equal(read.thinking, thinking);
  });

test('what a model did not bring to its end is counted, not asked for again', async (t) => {
  const ends = ['length', 'content_filter', 'tool_calls', 'stop', null, 'stop'];
  const server = await startServer(t, (_, response, count) => {
    const finish = ends[count - 1]!;
    const message = count === 1 ? {content: '', reasoning_content: 'Let me'} : {content: count === 4 ? null : 'some'};
    send(response, completion({message, finish}));
    return undefined;
  });
  const prompts = ends.map((_, index) => prompt(`${index}`));
  const {groups, usage, notes} = await answersOf(t, server, prompts, {}, {concurrency: 1});
  const all = groups.flat();
  assert.deepEqual(
    all.map(({finished}) => finished),
    [false, false, true, true, true, true],
  );
  // Nobody closed the thinking, so there is no reply.
  assert.equal(all[0]!.completion.text, '<think>\nLet me');
  assert.equal(all[0]!.completion.reply, '');
  assert.deepEqual(usage.finish, {content_filter: 1, length: 1, stop: 3, tool_calls: 1});
  const told = notes.join('\n');
  for (const part of [
    /1 of 6 answers were cut off at maxNewTokens/,
    /1 of 6 answers were filtered out/,
    /1 of 6 answers are calls of tools/,
    /1 of 6 answers are empty/,
  ])
    assert.match(told, part);
});

test('another model, and usage that cannot be', async (t) => {
  const usages = [{prompt_tokens: -1, completion_tokens: 1e300}, {prompt_tokens: '7'}, undefined, 'none'];
  const server = await startServer(t, (_, response, count) => {
    send(
      response,
      completion({
        message: {content: '4'},
        usage: usages[count - 1],
        model: `other\u001b[31m${'x'.repeat(count === 4 ? 1e5 : 0)}`,
      }),
    );
    return undefined;
  });
  const {groups, usage, notes} = await answersOf(
    t,
    server,
    usages.map((_, index) => prompt(`${index}`)),
    {},
    {concurrency: 1},
  );
  assert.ok(groups.flat().every(({served}) => served.tokens === undefined && served.promptTokens === undefined));
  assert.deepEqual([usage.promptTokens, usage.completionTokens, usage.uncounted], [0, 0, 4]);
  const told = notes.join('\n');
  assert.match(told, /the server did not count the tokens of 4 answers/);
  assert.match(told, /3 of 4 answers came from a model that the server calls other \[31m, not m: look at endpoint/);
  assert.ok(!told.includes('\u001b') && told.length < 2_000);
});

const events = (...data: readonly unknown[]): string =>
  data.map((one) => `data: ${typeof one === 'string' ? one : JSON.stringify(one)}\n\n`).join('');
const delta = (fields: object, finish: string | null = null) => ({
  model: 'm',
  choices: [{index: 0, delta: fields, finish_reason: finish}],
});

test('a stream of events is read, whether it was asked for or not', async (t) => {
  const server = await startServer(t, (_, response) => {
    const usage = {choices: [], usage: {prompt_tokens: 3, completion_tokens: 9}};
    const parts = [delta({reasoning_content: 'Two '}), delta({reasoning_content: 'twos.'}), delta({content: '4'})];
    send(response, `: hello\n\n${events(...parts, delta({}, 'stop'), usage, '[DONE]')}`, 'text/event-stream');
    return undefined;
  });
  const {groups} = await answersOf(t, server, [prompt('a')], {endpointRequest: {stream: true}});
  const {completion: read, served} = groups[0]![0]!;
  assert.equal(read.text, '<think>\nTwo twos.\n</think>\n\n4');
  assert.deepEqual([served.tokens, served.promptTokens, served.finish, served.model], [9, 3, 'stop', 'm']);
});

test('a packed answer is unpacked, also though nobody asked for it', async (t) => {
  const {gzipSync, brotliCompressSync, deflateSync} = await import('node:zlib');
  const packers = {gzip: gzipSync, br: brotliCompressSync, deflate: deflateSync};
  const names = ['gzip', 'br', 'deflate'] as const;
  const server = await startServer(t, (_, response, count) => {
    const name = names[count - 1]!;
    const body = completion({message: {content: `4 ${name}`}});
    response.writeHead(200, {'content-encoding': name}).end(packers[name](Buffer.from(body)));
    return undefined;
  });
  const {groups} = await answersOf(
    t,
    server,
    names.map((name) => prompt(name)),
    {},
    {concurrency: 1},
  );
  assert.deepEqual(
    groups.flat().map(({completion: {text}}) => text),
    ['4 gzip', '4 br', '4 deflate'],
  );
});
