/** Models from a hub on the loopback, which answers as the real one does: a list with digests, files by range. */
import assert from 'node:assert/strict';
import {createHash} from 'node:crypto';
import {readFileSync, readdirSync} from 'node:fs';
import {createServer} from 'node:http';
import type {AddressInfo} from 'node:net';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {StageFailure} from '../../pipeline/stage.js';
import {fetchModel} from '../../stages/index.js';
import {fetchModel as fetchFiles} from '../../stages/model/hub.js';
import {mistakesOf} from '../rig/wired.js';
import {temporaryFolder} from '../rig/temporary.js';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const FIXTURE = join(import.meta.dirname, '../../../test/fixtures/hf/llama-tiny');
const FILES: Readonly<Record<string, Buffer>> = {
  'config.json': readFileSync(join(FIXTURE, 'config.json')),
  'tokenizer.json': Buffer.from('{}'),
  'model.safetensors': readFileSync(join(FIXTURE, 'model.safetensors')),
  'pytorch_model.bin': Buffer.from('not wanted'),
  'README.md': Buffer.from('not wanted'),
};

interface Habits {
  readonly files?: Readonly<Record<string, Buffer>>;
  readonly token?: string;
  /** Breaks the first so many answers for weights in their middle. */
  readonly breaks?: number;
  /** Changes a byte of what it sends. */
  readonly garbles?: boolean;
}

async function hub(t: TestContext, {files = FILES, token, breaks = 0, garbles = false}: Habits = {}) {
  const asked: string[] = [];
  let left = breaks;
  const server = createServer((request, response) => {
    const url = new URL(request.url!, 'http://hub');
    asked.push(`${request.method} ${url.pathname} ${request.headers.range ?? ''}`.trim());
    if (token !== undefined && request.headers.authorization !== `Bearer ${token}`)
      return void response.writeHead(401).end('{}');
    if (url.pathname === `/api/models/org/name/tree/${COMMIT}`) {
      const list = Object.entries(files).map(([path, bytes]) => ({
        type: 'file',
        path,
        size: bytes.length,
        oid: createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex'),
        ...(path.endsWith('.safetensors') && {
          lfs: {oid: createHash('sha256').update(bytes).digest('hex'), size: bytes.length, pointerSize: 130},
        }),
      }));
      return void response.writeHead(200, {'content-type': 'application/json'}).end(JSON.stringify(list));
    }
    const path = url.pathname.replace(`/org/name/resolve/${COMMIT}/`, '');
    const bytes = files[path];
    if (bytes === undefined) return void response.writeHead(404).end('{}');
    const [, from = '0', to = String(bytes.length - 1)] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    const part = Buffer.from(bytes.subarray(Number(from), Number(to) + 1));
    if (garbles && path === 'model.safetensors') part[part.length - 1]! ^= 1;
    response.writeHead(206, {
      'content-range': `bytes ${from}-${Number(from) + part.length - 1}/${bytes.length}`,
      'content-length': String(part.length),
      etag: '"x"',
    });
    if (path === 'model.safetensors' && part.length > 1000 && left-- > 0)
      return void response.write(part.subarray(0, part.length >> 1), () => setTimeout(() => response.destroy(), 50));
    response.end(part);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return {endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked};
}

const fetched = async (t: TestContext, endpoint: string, token?: string): Promise<string> => {
  const folder = join(temporaryFolder(t), 'model');
  await fetchFiles({repo: 'org/name', commit: COMMIT, endpoint, token}, folder, new AbortController().signal);
  return folder;
};
const refused = (said: RegExp) => (error: unknown) => {
  assert.ok(error instanceof StageFailure, String(error));
  assert.match(error.message, said);
  return true;
};

test('a model is fetched at its commit, and only what a model needs', async (t) => {
  const {endpoint, asked} = await hub(t);
  const folder = await fetched(t, endpoint);
  assert.deepEqual(readdirSync(folder).sort(), ['config.json', 'model.safetensors', 'tokenizer.json']);
  for (const file of readdirSync(folder)) assert.deepEqual(readFileSync(join(folder, file)), FILES[file]);
  assert.ok(
    asked.every((line) => line.includes(COMMIT)),
    asked.join('\n'),
  );
});

test('a connection that breaks is taken up where it broke, so many times', async (t) => {
  const {endpoint, asked} = await hub(t, {breaks: 2});
  const folder = await fetched(t, endpoint);
  assert.deepEqual(readFileSync(join(folder, 'model.safetensors')), FILES['model.safetensors']);
  assert.ok(
    asked.some((line) => /model\.safetensors bytes=[1-9]\d+-/.test(line)),
    asked.join('\n'),
  );
  const always = await hub(t, {breaks: 1000});
  await assert.rejects(fetched(t, always.endpoint));
  assert.ok(always.asked.length < 20);
});

test('a token is sent, and without the right one the sentence says so', async (t) => {
  const {endpoint} = await hub(t, {token: 'secret'});
  await fetched(t, endpoint, 'secret');
  await assert.rejects(fetched(t, endpoint), refused(/\(401\): it may need a token; hand on HF_TOKEN with passEnv/));
  await assert.rejects(fetched(t, endpoint, 'wrong'), refused(/\(401\): the token in HF_TOKEN may not read it/));
});

test('other bytes than the hub lists are refused', async (t) => {
  const {endpoint} = await hub(t, {garbles: true});
  await assert.rejects(fetched(t, endpoint), refused(/what came for model\.safetensors is not what the hub lists/));
});

test('a model without safetensors, and a hub that nobody answers at, are refused in a sentence', async (t) => {
  const {endpoint} = await hub(t, {
    files: {'config.json': FILES['config.json']!, 'pytorch_model.bin': Buffer.from('x')},
  });
  await assert.rejects(fetched(t, endpoint), refused(/holds no model\.safetensors/));
  const gone = createServer();
  await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve));
  const {port} = gone.address() as AddressInfo;
  await new Promise((resolve) => gone.close(resolve));
  await assert.rejects(
    fetched(t, `http://127.0.0.1:${port}`),
    refused(/^http:\/\/127\.0\.0\.1:\d+ cannot be reached \(ECONNREFUSED\)/),
  );
});

test('an address that fetch itself refuses is told', async (t) => {
  await assert.rejects(
    fetched(t, 'http://127.0.0.1:9'),
    refused(/^http:\/\/127\.0\.0\.1:9 cannot be reached \(bad port\)/),
  );
});

test('a branch is no commit, and that is said before anything runs', () => {
  const check = (params: {repo: string; commit: string}) => mistakesOf(fetchModel, params);
  assert.deepEqual(check({repo: 'org/name', commit: COMMIT}), []);
  assert.match(
    check({repo: 'org/name', commit: 'main'}).join(),
    /commit is “main”.*git ls-remote https:\/\/huggingface\.co\/ORGANIZATION\/NAME main/,
  );
  assert.match(check({repo: 'name', commit: COMMIT}).join(), /repo is “name” and should be organization\/name/);
});
