/** An endpoint that fails: what is waited for, and what ends the stage, in words. */
import assert from 'node:assert/strict';
import {createPrivateKey} from 'node:crypto';
import {createServer} from 'node:https';
import type {AddressInfo} from 'node:net';
import {test} from 'node:test';
import {StageFailure} from '../../../../pipeline/stage.js';
import {asking, judgeAt, QUICK} from './asking.js';
import {fair, startJudge} from './server.js';

test('what passes is waited for: 429 with and without a time, 500, a connection that breaks', async (t) => {
  const times: number[] = [];
  const server = await startJudge(t, (asked, response, count) => {
    times.push(performance.now());
    if (count === 1) response.writeHead(429, {'retry-after': '0.2'}).end('{"error":{"message":"slow down"}}');
    else if (count === 2) response.writeHead(500).end('oops');
    else if (count === 3) response.destroy();
    else if (count === 4) {
      response.writeHead(200, {'content-length': '1000'});
      response.write('{"choices":');
      setTimeout(() => response.destroy(), 5);
    } else if (count === 5) response.writeHead(429).end();
    else return fair(asked, response, count);
    return undefined;
  });
  const [graded] = await judgeAt(t, server, {}, {limits: {...QUICK, patience: 30_000}}).grade([asking('good')]);
  assert.deepEqual(graded, {outcome: 'right', value: 1});
  assert.equal(server.asked.length, 6);
  assert.ok(times[1]! - times[0]! >= 190, `asked again after ${times[1]! - times[0]!} ms`);
});

/** Habit → what ends the stage, a failure that a person can read. */
const hopeless: readonly (readonly [name: string, habit: Parameters<typeof startJudge>[1], message: RegExp])[] = [
  [
    'a wrong key',
    (_, response) => void response.writeHead(401).end('{"error":{"message":"Incorrect API key provided: x"}}'),
    /refuses to judge \(401: Incorrect API key provided: x\): it may want a key; set JUDGE_API_KEY in the environment, and hand it on/,
  ],
  [
    'a model that is not there',
    (_, response) => void response.writeHead(404).end('{"message":"The model `m` does not exist."}'),
    /refuses to judge \(404: The model `m` does not exist\.\): look at R1_JUDGE_URL and judge\.model$/,
  ],
  [
    'an account without money',
    (_, response) =>
      void response.writeHead(429).end('{"error":{"message":"You exceeded your quota","code":"insufficient_quota"}}'),
    /refuses to judge \(429: You exceeded your quota\)$/,
  ],
  [
    'a server that never recovers',
    (_, response) => void response.writeHead(503).end('<html>\nno   upstream</html>'),
    /cannot be asked \(503: <html> no upstream<\/html>\); it was tried again for \d+ s$/,
  ],
  [
    'a pause of an hour',
    (_, response) => void response.writeHead(429, {'retry-after': '3600'}).end('{"error":"quota"}'),
    /asks for a pause of 3600 s, which is too long \(429: quota\)$/,
  ],
  [
    'another address',
    (_, response) => void response.writeHead(308, {location: 'http://elsewhere/v1'}).end(),
    /sends its visitors to http:\/\/elsewhere\/v1 \(308\)/,
  ],
];
for (const [name, habit, message] of hopeless)
  test(`${name} ends the stage, and is told in words`, async (t) => {
    const server = await startJudge(t, habit);
    const judge = judgeAt(t, server);
    await assert.rejects(judge.grade([asking('a'), asking('b'), asking('c')]), (error) => {
      assert.ok(error instanceof StageFailure);
      assert.match(error.message, message);
      return true;
    });
  });

test('a base without /v1 that is not found may lack it', async (t) => {
  const server = await startJudge(t, (_, response) => void response.writeHead(404).end('{"detail":"Not Found"}'));
  await assert.rejects(
    judgeAt(t, {url: new URL(server.url).origin}).grade([asking('a')]),
    /refuses to judge \(404: Not Found\): look at R1_JUDGE_URL, which mostly ends in \/v1, and judge\.model$/,
  );
});

test('a certificate that nobody here trusts is told at once', async (t) => {
  // Made for this test, until 2126: openssl req -x509 -newkey ec -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1
  const cert = `-----BEGIN CERTIFICATE-----
MIIBjzCCATagAwIBAgIUED12lj8/6rgQG/gP/RKr0UN6ZwAwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTIwMTE0MjE0MloYDzIxMjYxMTA3
MTQyMTQyWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAStQ+UuFjvHXX6Z/OID9UiMRHswaGGw/bdU/xlZeKcm3uuUqERrtN+D
ukARPgf5Qvw52nV/CYlVqfflLsafYY1Co2QwYjAdBgNVHQ4EFgQUYmdZR5PRqYO6
gqVEVY2K4rmcyJ0wHwYDVR0jBBgwFoAUYmdZR5PRqYO6gqVEVY2K4rmcyJ0wDwYD
VR0TAQH/BAUwAwEB/zAPBgNVHREECDAGhwR/AAABMAoGCCqGSM49BAMCA0cAMEQC
IGnObl6PGR3ymCwD+HdldMJMpQHwHYcYQ6ATlahwth0LAiB9bTCxPmqwJoJ6C6BH
cnLpeOZyg3eSyUn1sz2Kqp+gow==
-----END CERTIFICATE-----`;
  const key = createPrivateKey({
    format: 'jwk',
    key: {
      ...{kty: 'EC', crv: 'P-256', d: '0RxWxYXB3-vkSGH2VgOrAEJ6YBQRfeoMADu5LWQaVRM'},
      ...{x: 'rUPlLhY7x11-mfziA_VIjER7MGhhsP23VP8ZWXinJt4', y: '65SoRGu034O6QBE-B_lC_DnadX8JiVWp9-Uuxp9hjUI'},
    },
  }).export({format: 'pem', type: 'pkcs8'});
  let hands = 0;
  const server = createServer({cert, key}, (_, response) => void response.end());
  server.on('connection', () => (hands += 1));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => server.close());
  const {port} = server.address() as AddressInfo;
  await assert.rejects(
    judgeAt(t, {url: `https://127.0.0.1:${port}/v1`}, {concurrency: 1}).grade([asking('a')]),
    /has a certificate that is not trusted here \(DEPTH_ZERO_SELF_SIGNED_CERT\): NODE_EXTRA_CA_CERTS names/,
  );
  assert.equal(hands, 1);
});

test('an endpoint that nobody listens at, and what is no address', async (t) => {
  const server = await startJudge(t);
  await server.close();
  await assert.rejects(judgeAt(t, server).grade([asking('a')]), /cannot be asked \(ECONNREFUSED\)/);
  for (const [url, why] of [
    ['localhost', /is no address/],
    ['ftp://judge/v1', /begins with neither/],
    ['http://me:secret@judge/v1', /holds a password/],
  ] as const)
    assert.throws(() => judgeAt(t, {url}), why);
  assert.throws(() => judgeAt(t, server, {}, {key: 'a\nb'}), /JUDGE_API_KEY/);
});
