/** A server that misbehaves: what is waited for, what is asked again, what ends it, and that no fault of it counts as an answer. */
import assert from 'node:assert/strict';
import {once} from 'node:events';
import {createServer} from 'node:http';
import type {ServerResponse} from 'node:http';
import type {AddressInfo} from 'node:net';
import {test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {gzipSync} from 'node:zlib';
import {StageFailure, Stopped} from '../../../pipeline/stage.js';
import {answersOf, prompt} from './asking.js';
import {completion, send, startServer, type Habit} from './server.js';

const good = completion({message: {content: '4'}});

/** What a server may do once before it comes to itself. */
const PASSING: readonly (readonly [string, (response: ServerResponse) => void])[] = [
  [
    '429 with a time',
    (response) => void response.writeHead(429, {'retry-after': '0.2'}).end('{"error":{"message":"slow"}}'),
  ],
  ['429 without one', (response) => void response.writeHead(429).end()],
  ['500', (response) => void response.writeHead(500).end('oops')],
  ['503 with a page', (response) => void response.writeHead(503).end('<html>busy</html>')],
  ['a connection that is cut at once', (response) => void response.destroy()],
  [
    'a connection that is cut in the middle of a body',
    (response) => {
      response.writeHead(200, {'content-length': '1000'});
      response.write(good.slice(0, 20));
      setTimeout(() => response.destroy(), 5);
    },
  ],
  [
    'chunks that break off',
    (response) => {
      response.write(good.slice(0, 20));
      setTimeout(() => response.destroy(), 5);
    },
  ],
  [
    'a packed body that breaks off',
    (response) => {
      const packed = gzipSync(Buffer.from(good));
      response.writeHead(200, {'content-encoding': 'gzip'}).end(packed.subarray(0, packed.length - 12));
    },
  ],
  ['half an answer', (response) => send(response, good.slice(0, -20))],
  ['garbage', (response) => send(response, '\u0000\u00ff\u0001{]')],
  ['nothing', (response) => send(response, '')],
  ['a page', (response) => send(response, '<!doctype html><title>Login</title>', 'text/html')],
  ['no choices', (response) => send(response, '{"choices":[]}')],
  [
    'a failure that says that all is well',
    (response) => send(response, '{"error":{"message":"overloaded","code":502}}'),
  ],
  ['an answer that failed', (response) => send(response, completion({message: {content: 'so'}, finish: 'error'}))],
  ['a stream that breaks off', (response) => send(response, 'data: {"choices":[{"delta":{"content":"so"}}]}\n\n')],
  ['no HTTP', (response) => void response.socket!.end('HELO\r\n\r\n')],
];
for (const [name, habit] of PASSING)
  test(`${name}: the request is made again, and its answer counts`, async (t) => {
    const times: number[] = [];
    const server = await startServer(t, (_, response, count) => {
      times.push(performance.now());
      if (count > 1) return '4';
      habit(response);
      return undefined;
    });
    const {groups} = await answersOf(t, server, [prompt('a')], {}, {limits: {firstPatience: 5_000}});
    assert.equal(groups[0]![0]!.completion.text, '4');
    assert.equal(server.asked.length, 2);
    if (name === '429 with a time') assert.ok(times[1]! - times[0]! >= 190, `${times[1]! - times[0]!} ms`);
  });

/** Habit → what ends it, in words. */
const HOPELESS: readonly (readonly [string, Habit, RegExp])[] = [
  [
    'a wrong key, which the server repeats',
    (_, response) =>
      void response.writeHead(401).end('{"error":{"message":"Incorrect API key provided: sk-very-secret"}}'),
    /the endpoint http:\S+ refuses to answer \(401: Incorrect API key provided: \(the key\)\): the key in X_API_KEY may not be the right one$/,
  ],
  [
    'a model that is not there',
    (_, response) => void response.writeHead(404).end('{"error":{"message":"The model `m` does not exist."}}'),
    /refuses to answer \(404: The model `m` does not exist\.\): look at R1_X_URL and endpoint$/,
  ],
  [
    'an account without money',
    (_, response) => void response.writeHead(429).end('{"error":{"message":"No money","type":"insufficient_quota"}}'),
    /refuses to answer \(429: No money\)$/,
  ],
  [
    'a server that never recovers',
    (_, response) => void response.writeHead(502).end('bad'),
    /cannot be asked \(502: bad\); it was tried again/,
  ],
  [
    'a pause of a day',
    (_, response) => void response.writeHead(429, {'retry-after': '86400'}).end('{"detail":"daily limit"}'),
    /asks for a pause of 86400 s, which is too long \(429: daily limit\)$/,
  ],
  [
    'pages for ever',
    (_, response) => send(response, '<html>\u001b[31mportal</html>'),
    /answers with a page, no JSON: <html> \[31mportal<\/html>$/,
  ],
  [
    'no choices for ever',
    (_, response) => send(response, '{"choices":[]}'),
    /answers with no chat completion: \{"choices":\[\]\}$/,
  ],
  [
    'requests that are refused',
    (_, response) => void response.writeHead(400).end('{"error":{"message":"unknown field: seed"}}'),
    /refused every request \(the last one with 400: unknown field: seed\): look at endpoint, and at the fields of the requests, of which null leaves one out, as in endpointRequest \{"seed": null\}$/,
  ],
  [
    'an answer that never comes',
    () => undefined,
    /gave no answer within 50 ms, 3 times: R1_X_TIMEOUT allows more seconds, maxNewTokens asks for less$/,
  ],
  [
    'chunks for ever, slowly',
    (_, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write(' '), 5);
      response.once('close', () => clearInterval(timer));
      return undefined;
    },
    /gave no answer within 50 ms, 3 times/,
  ],
];
for (const [name, habit, message] of HOPELESS)
  test(`${name}: it ends, in words`, async (t) => {
    const server = await startServer(t, habit);
    await assert.rejects(
      answersOf(t, server, [prompt('a'), prompt('b')], {}, {key: 'sk-very-secret', timeout: 50}),
      (error) => {
        assert.ok(error instanceof StageFailure, String(error));
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /sk-very-secret|[\u0000-\u001f]/);
        return true;
      },
    );
  });

test('a key does not travel to the address that a server sends its visitors to', async (t) => {
  let visits = 0;
  const elsewhere = createServer((_, response) => {
    visits += 1;
    response.end(good);
  });
  elsewhere.listen(0, '127.0.0.1');
  await once(elsewhere, 'listening');
  t.after(() => elsewhere.close());
  const {port} = elsewhere.address() as AddressInfo;
  const server = await startServer(t, (_, response) => {
    response.writeHead(307, {location: `http://127.0.0.1:${port}/v1/chat/completions`}).end();
    return undefined;
  });
  await assert.rejects(
    answersOf(t, server, [prompt('a')], {}, {key: 'sk-very-secret'}),
    /sends its visitors to http:\/\/127\.0\.0\.1:\d+\/v1\/chat\/completions \(307\): put the address that it should be into R1_X_URL/,
  );
  assert.equal(visits, 0);
});

test('a prompt that a server refuses has no answer, and the others have theirs; so many in a row end it', async (t) => {
  const server = await startServer(t, ({question}, response) => {
    if (!question.includes('bad')) return '4';
    response.writeHead(400).end('{"error":{"message":"too long for this model"}}');
    return undefined;
  });
  const some = await answersOf(t, server, [prompt('a'), prompt('bad'), prompt('c')], {}, {concurrency: 1});
  const [, refused] = some.groups.flat();
  assert.deepEqual(
    [refused!.finished, refused!.completion.text, refused!.served.finish, refused!.served.why],
    [false, '', 'refused', '400: too long for this model'],
  );
  assert.match(some.notes.join('\n'), /1 of 3 answers were refused/);
  const many = ['a', 'bad1', 'bad2', 'bad3', 'bad4', 'bad5'].map((id) => prompt(id));
  await assert.rejects(
    answersOf(t, server, many, {}, {concurrency: 1}),
    /refused 4 requests in a row \(the last one with 400: too long/,
  );
});

test('an answer that is too long is none, and is not held', async (t) => {
  const server = await startServer(t, (_, response, count) => {
    if (count > 1) return '4';
    response.writeHead(200);
    const fill = (): void => {
      while (!response.destroyed && response.write(' '.repeat(1 << 16)));
    };
    response.on('drain', fill);
    fill();
    return undefined;
  });
  const {groups, notes} = await answersOf(
    t,
    server,
    [prompt('a'), prompt('b')],
    {},
    {concurrency: 1, limits: {longestAnswer: 1 << 20}},
  );
  assert.deepEqual(
    groups.flat().map(({served}) => served.finish),
    ['too-long', 'stop'],
  );
  assert.match(notes.join('\n'), /1 of 2 answers are longer than is read/);
});

test('an answer that is small until it is unpacked is too long as well', async (t) => {
  const bomb = gzipSync(Buffer.alloc(64 << 20, 32));
  const server = await startServer(t, (_, response, count) => {
    if (count > 1) return '4';
    response.writeHead(200, {'content-encoding': 'gzip'}).end(bomb);
    return undefined;
  });
  const {groups} = await answersOf(
    t,
    server,
    [prompt('a'), prompt('b')],
    {},
    {concurrency: 1, limits: {longestAnswer: 1 << 20}},
  );
  assert.equal(groups[0]![0]!.served.finish, 'too-long');
});

test('a server that nobody listens at is told soon, one that was reached before is waited for', async (t) => {
  const gone = await startServer(t, () => '4');
  await gone.close();
  const began = performance.now();
  await assert.rejects(
    answersOf(t, gone, [prompt('a')], {}, {limits: {patience: 60_000}}),
    /the endpoint http:\S+ cannot be asked \(ECONNREFUSED\)/,
  );
  assert.ok(performance.now() - began < 5_000);
  const server = await startServer(t, (_, response, count) => {
    if (count === 1 || count > 6) return '4';
    response.writeHead(503).end();
    return undefined;
  });
  const {groups} = await answersOf(
    t,
    server,
    [prompt('a'), prompt('b')],
    {},
    {concurrency: 1, limits: {firstPatience: 0, patience: 60_000}},
  );
  assert.equal(groups[1]![0]!.completion.text, '4');
});

test('a pause that one request is told to make is made by all', async (t) => {
  const times: number[] = [];
  const server = await startServer(t, (_, response, count) => {
    times.push(performance.now());
    if (count !== 2) return '4';
    response.writeHead(429, {'retry-after': '0.3'}).end();
    return undefined;
  });
  await answersOf(
    t,
    server,
    Array.from({length: 4}, (_, index) => prompt(`${index}`)),
    {},
    {concurrency: 1},
  );
  assert.ok(times[2]! - times[1]! >= 290);
});

test('a stop is obeyed at once, while it waits for an answer and while it pauses', async (t) => {
  const pausing: Habit = (_, response) => {
    response.writeHead(429, {'retry-after': '60'}).end();
    return undefined;
  };
  const silent: Habit = () => undefined;
  for (const habit of [silent, pausing]) {
    const server = await startServer(t, habit);
    const stop = new AbortController();
    const work = answersOf(
      t,
      server,
      [prompt('a'), prompt('b')],
      {},
      {signal: stop.signal, limits: {firstPatience: 60_000}},
    );
    while (server.asked.length === 0) await sleep(5);
    await sleep(20);
    const began = performance.now();
    stop.abort();
    await assert.rejects(work, (error) => error instanceof Stopped);
    assert.ok(performance.now() - began < 1_000);
  }
});
