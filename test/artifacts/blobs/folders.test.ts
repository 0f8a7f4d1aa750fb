import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  linkSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import {createServer} from 'node:net';
import {join} from 'node:path';
import test from 'node:test';
import type {TestContext} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import fc from 'fast-check';
import {UserError, digestOf, sha256} from '../../../artifacts/index.js';
import type {Digest, UserErrorReason} from '../../../artifacts/index.js';
import {Bench, edge, fill, temporaryFolder} from '../temporary.js';

const MIB = 1 << 20;
const big = (byte: number, bytes = 2 * MIB): Buffer => Buffer.alloc(bytes, byte);
const isUserError = (reason: UserErrorReason, text?: RegExp) => (error: unknown) =>
  error instanceof UserError && error.reason === reason && (text === undefined || text.test(error.message));
const blobOf = (bench: Bench, sha: Digest): string => bench.store.parts.blobs.path(sha);
const temporaries = (bench: Bench): readonly string[] => readdirSync(join(bench.folder, 'tmp'));

test('an artifact is named by its files, whatever their other modes, times and places', async (t) => {
  const {store} = new Bench(t);
  const files = {'config.json': '{}', 'deep/er/weights': 'www', 'empty/': ''};
  const one = fill(join(temporaryFolder(t), 'one'), files);
  const two = fill(join(temporaryFolder(t), 'two'), files);
  chmodSync(join(two, 'config.json'), 0o677);
  const artifact = await store.describe(one, 'model');
  assert.deepEqual(artifact.files, [
    {path: 'config.json', bytes: 2, sha256: sha256('{}')},
    {path: 'deep/er/weights', bytes: 3, sha256: sha256('www')},
  ]);
  assert.deepEqual(artifact.emptyFolders, ['empty']);
  const {shape, emptyFolders} = artifact;
  assert.equal(
    artifact.digest,
    digestOf('artifact', {shape, emptyFolders, files: artifact.files.map((file) => ({...file}))}),
  );
  assert.equal((await store.describe(two, 'dataset')).digest, artifact.digest, 'the kind is not in the digest');
  writeFileSync(join(two, 'config.json'), '[]');
  assert.notEqual((await store.describe(two, 'model')).digest, artifact.digest);
});

test('a change within the same clock tick is seen', async (t) => {
  const {store} = new Bench(t);
  const folder = fill(temporaryFolder(t), {a: 'one'});
  for (let i = 0; i < 50; i++) {
    writeFileSync(join(folder, 'a'), `${i % 10}${i >= 10 ? 'x' : 'y'}z`);
    const expected = sha256(readFileSync(join(folder, 'a')));
    assert.equal((await store.describe(folder, 'dataset')).files[0]!.sha256, expected);
  }
});

test('an unchanged file is not read again', async (t) => {
  const bench = new Bench(t);
  const folder = fill(temporaryFolder(t), {a: big(1)});
  await sleep(50); // longer than a clock tick, or no stat can be believed
  const first = await bench.store.describe(folder, 'dataset');
  // A second store of the same folder that cannot read any file at all.
  const {files} = bench.store.parts;
  const blind = new Bench(t, {
    folder: bench.folder,
    files: {...files, read: () => Promise.reject(new Error('read again')), readSmall: () => assert.fail('read again')},
  });
  assert.equal((await blind.store.describe(folder, 'dataset')).digest, first.digest);
});

test('what goes in comes out again, read-only (any tree)', async (t) => {
  const bench = new Bench(t);
  const root = temporaryFolder(t);
  const name = fc
    .stringMatching(/^[a-z\u4e00-\u4eff\u{1f600}-\u{1f610} .%\\'-]{1,6}$/u)
    .filter((text) => !/^\.{1,2}$/.test(text) && !/(^|\\)\.\.(\\|$)/.test(text)); // refused, as Windows reads a backslash
  const tree = fc.dictionary(
    fc.array(name, {minLength: 1, maxLength: 3}).map((parts) => `d${parts.join('/d')}`),
    fc.uint8Array({maxLength: 40}),
    {maxKeys: 6},
  );
  let round = 0;
  await fc.assert(
    fc.asyncProperty(tree, async (files) => {
      // A path cannot be a file and a folder at once.
      const paths = Object.keys(files).filter(
        (path) => !Object.keys(files).some((other) => other.startsWith(`${path}/`)),
      );
      const kept = Object.fromEntries(paths.map((path) => [path, files[path]!]));
      const node = `n${round++}`;
      const {outputs} = await bench.make({node, outputs: {data: {kind: 'dataset', files: kept}}});
      const target = join(root, node);
      const placed = await bench.store.materialise(outputs.data!.digest, target);
      assert.deepEqual(await bench.store.inputsIntact([placed]), []);
      for (const path of paths) assert.deepEqual(new Uint8Array(readFileSync(join(target, path))), kept[path]);
      assert.equal((await bench.store.describe(target, 'dataset')).digest, outputs.data!.digest);
      for (const path of paths) assert.equal(statSync(join(target, path)).mode & 0o222, 0, 'read-only');
    }),
    {numRuns: 40},
  );
  assert.deepEqual(temporaries(bench), []);
});

test('a single file is an artifact too', async (t) => {
  const bench = new Bench(t);
  const folder = fill(temporaryFolder(t), {'prompts.jsonl': '{}\n'});
  const artifact = await bench.store.ingest(join(folder, 'prompts.jsonl'), 'prompts');
  assert.equal(artifact.shape, 'file');
  assert.deepEqual(artifact.files, [{path: '', bytes: 3, sha256: sha256('{}\n')}]);
  bench.store.recordSource({run: bench.run, node: 'prompts', artifact, path: folder, because: 'given'});
  await bench.store.materialise(artifact.digest, join(folder, 'again'));
  assert.equal(readFileSync(join(folder, 'again'), 'utf8'), '{}\n');
});

test('an attempt’s own output is stored without a second copy, and the original is still there', async (t) => {
  const bench = new Bench(t);
  const folder = fill(join(bench.folder, 'jobs', 'x'), {weights: big(3), twin: big(3)});
  const artifact = await bench.store.ingest(folder, 'model', {own: true});
  const blob = statSync(blobOf(bench, artifact.files[0]!.sha256));
  const inodes = ['weights', 'twin'].map((file) => statSync(join(folder, file)).ino);
  assert.ok(inodes.includes(blob.ino) || blob.nlink === 1, 'a hard link, or a reflink where the file system has them');
  assert.equal(blob.mode & 0o222, 0);
  assert.deepEqual(temporaries(bench), []);
});

test('a file that others hold a link to is copied, so that they cannot write to the blob', async (t) => {
  const bench = new Bench(t);
  const folder = fill(join(bench.folder, 'jobs', 'x'), {weights: big(3)});
  linkSync(join(folder, 'weights'), join(bench.folder, 'elsewhere'));
  const artifact = await bench.store.ingest(folder, 'model', {own: true});
  writeFileSync(join(bench.folder, 'elsewhere'), 'changed');
  assert.equal(sha256(readFileSync(blobOf(bench, artifact.files[0]!.sha256))), artifact.files[0]!.sha256);
});

test('symbolic links and special files in outputs are refused by name', async (t) => {
  const bench = new Bench(t);
  const folder = fill(temporaryFolder(t), {'deep/a': '1'});
  symlinkSync(join(folder, 'deep', 'a'), join(folder, 'deep', 'link'));
  await assert.rejects(
    bench.store.ingest(folder, 'model', {own: true}),
    isUserError('refused-file', /deep\/link is a symbolic link/),
  );
  const socket = join(temporaryFolder(t), 'socket');
  const server = createServer().listen(socket);
  await new Promise((done) => server.once('listening', done));
  t.after(() => server.close());
  await assert.rejects(
    bench.store.ingest(join(socket, '..'), 'model', {own: true}),
    isUserError('refused-file', /socket/),
  );
  await assert.rejects(bench.store.ingest(join(folder, 'nothing'), 'model'), isUserError('not-found', /nothing/));
});

test('a name that is not UTF-8 is refused by name, in outputs and in what comes from outside', async (t) => {
  const bench = new Bench(t);
  const folder = temporaryFolder(t);
  const name = Buffer.from([...Buffer.from('caf'), 0xe9]);
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), name]), 'x');
  for (const own of [true, false]) {
    await assert.rejects(
      bench.store.ingest(folder, 'dataset', {own}),
      isUserError('refused-file', /caf\uFFFD has a name that is not valid UTF-8/),
    );
  }
  await assert.rejects(bench.store.describe(folder, 'dataset'), isUserError('refused-file', /not valid UTF-8/));
});

test('links in a folder from outside are followed, as in a model cache, but never in a circle', async (t) => {
  const bench = new Bench(t);
  const cache = fill(temporaryFolder(t), {'blobs/123': 'weights', 'snapshot/': ''});
  symlinkSync('../blobs/123', join(cache, 'snapshot', 'model.safetensors'));
  const artifact = await bench.store.ingest(join(cache, 'snapshot'), 'model');
  assert.deepEqual(artifact.files, [{path: 'model.safetensors', bytes: 7, sha256: sha256('weights')}]);
  symlinkSync('..', join(cache, 'snapshot', 'up'));
  await assert.rejects(bench.store.ingest(cache, 'model'), isUserError('refused-file', /folder around it/));
  symlinkSync('nowhere', join(cache, 'blobs', 'dangling'));
  await assert.rejects(
    bench.store.describe(join(cache, 'blobs'), 'model'),
    isUserError('refused-file', /leads nowhere/),
  );
});

test('a large input is not copied, and writing through it is noticed and puts the blob out of use', async (t) => {
  //  base ─→ sft* writes into its input ─→ nobody gets the damaged base
  const bench = new Bench(t);
  const base = await bench.make({
    node: 'base',
    outputs: {model: {kind: 'model', files: {weights: big(1), config: '{}'}}},
  });
  const digest = base.outputs.model!.digest;
  const target = join(temporaryFolder(t), 'model');
  const placed = await bench.store.materialise(digest, target);
  const blob = blobOf(bench, sha256(big(1)));
  const linked = statSync(blob).ino === statSync(join(target, 'weights')).ino;
  chmodSync(join(target, 'weights'), 0o644);
  writeFileSync(join(target, 'weights'), big(2));
  writeFileSync(join(target, 'config'), '[]', {flag: 'r+', mode: 0o644});
  const damages = await bench.store.inputsIntact([placed]);
  assert.deepEqual(
    damages.map(({file, blobDamaged}) => ({file, blobDamaged})),
    [
      {file: 'config', blobDamaged: false},
      {file: 'weights', blobDamaged: linked},
    ],
  );
  if (!linked) return;
  assert.equal(bench.store.isPresent(digest), false);
  await assert.rejects(bench.store.materialise(digest, join(target, 'again')), isUserError('bytes-damaged', /weights/));
  const fingerprint = bench.store.attempt(base.attempt)!.fingerprint;
  assert.equal(bench.store.findByFingerprint(fingerprint), undefined);
  assert.match(bench.store.whyGone(fingerprint)!.because, /damaged/);
  // The same bytes come again: the blob is mended.
  await bench.store.ingest(fill(temporaryFolder(t), {weights: big(1), config: '{}'}), 'model');
  assert.equal(bench.store.isPresent(digest), true);
  assert.equal(bench.store.findByFingerprint(fingerprint)?.attempt, base.attempt);
});

test('an input that was left alone is told so without reading it, also beside another attempt with the same input', async (t) => {
  const bench = new Bench(t);
  const base = await bench.make({node: 'base', outputs: {model: {kind: 'model', files: {weights: big(1)}}}});
  const root = temporaryFolder(t);
  const first = await bench.store.materialise(base.outputs.model!.digest, join(root, 'first'));
  const second = await bench.store.materialise(base.outputs.model!.digest, join(root, 'second')); // changes the ctime of the first
  await bench.store.removeTree(second.path);
  const {files} = bench.store.parts;
  const blind = new Bench(t, {
    folder: bench.folder,
    files: {...files, read: () => Promise.reject(new Error('read again'))},
  });
  assert.deepEqual(await blind.store.inputsIntact([first]), []);
  assert.equal(existsSync(second.path), false);
});

test('a deleted input file is noticed and harms nobody else', async (t) => {
  const bench = new Bench(t);
  const base = await bench.make({node: 'base', outputs: {data: {kind: 'dataset', files: {a: '1', b: '2'}}}});
  const placed = await bench.store.materialise(base.outputs.data!.digest, join(temporaryFolder(t), 'data'));
  await bench.store.removeTree(join(placed.path, 'a'));
  assert.deepEqual(await bench.store.inputsIntact([placed]), [
    {artifact: placed.artifact, file: 'a', blobDamaged: false},
  ]);
  assert.equal(bench.store.isPresent(placed.artifact), true);
});

test('missing and truncated blobs are a sentence, and leave no half input behind', async (t) => {
  const bench = new Bench(t);
  const made = await bench.make({node: 'n', outputs: {data: {kind: 'dataset', files: {a: 'aaa', b: big(4)}}}});
  const {digest, files} = made.outputs.data!;
  const target = join(temporaryFolder(t), 'data');
  chmodSync(blobOf(bench, files[1]!.sha256), 0o644);
  truncateSync(blobOf(bench, files[1]!.sha256), 5);
  await assert.rejects(bench.store.materialise(digest, target), isUserError('bytes-damaged', /the bytes of b /));
  assert.equal(existsSync(target), false);
  await bench.store.removeTree(blobOf(bench, files[0]!.sha256));
  await assert.rejects(bench.store.materialise(digest, target), isUserError('bytes-missing', /the bytes of a /));
});

test('a materialised target that exists is never touched', async (t) => {
  const bench = new Bench(t);
  const made = await bench.make({node: 'n', outputs: {data: {kind: 'dataset', files: {a: 'aaa'}}}});
  const target = fill(temporaryFolder(t), {mine: 'x'});
  await assert.rejects(bench.store.materialise(made.outputs.data!.digest, target), isUserError('target-not-empty'));
  assert.deepEqual(readdirSync(target), ['mine']);
});

test('links that go from several places at once leave their blob known', async (t) => {
  const bench = new Bench(t);
  const made = await bench.make({node: 'n', outputs: {data: {kind: 'dataset', files: {a: big(4)}}}});
  const {digest, files} = made.outputs.data!;
  const folder = temporaryFolder(t);
  const targets = ['one', 'two', 'three'].map((name) => join(folder, name));
  for (const target of targets) await bench.store.materialise(digest, target);
  await bench.store.removeTrees(targets);
  assert.deepEqual(readdirSync(folder), []);
  const {cache, files: disk} = bench.store.parts;
  assert.equal(cache.lookup(disk.stat(blobOf(bench, files[0]!.sha256))!), files[0]!.sha256);
});

test('a file that changes while it is read is refused', async (t) => {
  const bench = new Bench(t);
  const folder = fill(temporaryFolder(t), {a: big(1)});
  const {files} = bench.store.parts;
  const touched = new Bench(t, {
    folder: bench.folder,
    files: {
      ...files,
      async copy(from, to, onChunk) {
        await files.copy(from, to, onChunk);
        writeFileSync(from, 'changed');
      },
      clone: () => false,
    },
  });
  await assert.rejects(touched.store.ingest(folder, 'model'), isUserError('changed-while-read', /a changed/));
  assert.deepEqual(temporaries(bench), []);
});

function failing(
  t: TestContext,
  bench: Bench,
  code: string,
  method: 'writeSmall' | 'copy' | 'sync' | 'rename' | 'list',
): Bench {
  const {files} = bench.store.parts;
  const error = Object.assign(new Error(`${code}: no luck`), {code, path: 'somewhere'});
  const fail = (): never => {
    throw error;
  };
  return new Bench(t, {folder: bench.folder, files: {...files, clone: () => false, [method]: fail}});
}

test('a full disk, a broken one and too many open files are plain sentences that leave nothing behind', async (t) => {
  const bench = new Bench(t);
  const cases: readonly [string, 'writeSmall' | 'copy' | 'sync' | 'rename' | 'list', UserErrorReason][] = [
    ['ENOSPC', 'writeSmall', 'disk-full'],
    ['ENOSPC', 'copy', 'disk-full'],
    ['ENOSPC', 'sync', 'disk-full'],
    ['EDQUOT', 'rename', 'disk-full'],
    ['EIO', 'sync', 'io-error'],
    ['EIO', 'copy', 'io-error'],
    ['EROFS', 'rename', 'read-only'],
    ['EMFILE', 'list', 'too-many-files'],
  ];
  for (const [index, [code, method, reason]] of cases.entries()) {
    // Other bytes each time: what was stored before an error stays, and would not be stored again.
    const folder = fill(temporaryFolder(t), {small: `x${index}`, large: big(100 + index)});
    const broken = failing(t, bench, code, method);
    await assert.rejects(broken.store.ingest(folder, 'model'), isUserError(reason), `${code} in ${method}`);
    assert.deepEqual(temporaries(bench), [], `${code} in ${method}`);
    const artifact = await bench.store.ingest(folder, 'model');
    bench.store.recordSource({run: bench.run, node: 'm', artifact, path: folder, because: 'given'});
    assert.equal(bench.store.isPresent(artifact.digest), true);
  }
});

test('an outcome whose bytes are gone is not recorded', async (t) => {
  const bench = new Bench(t);
  const begun = bench.claim('n');
  const artifact = await bench.store.ingest(fill(temporaryFolder(t), {a: 'aaa'}), 'model');
  await bench.store.removeTree(blobOf(bench, artifact.files[0]!.sha256));
  const finish = () =>
    bench.store.finishAttempt({
      ...begun,
      outcome: {ok: true, reason: 'succeeded', detail: null},
      outputs: {model: artifact},
    });
  assert.throws(finish, isUserError('bytes-missing', /output model/));
  assert.equal(bench.store.attempt(begun.attempt)!.outcome, undefined);
});

test('a model that a stage hands on unchanged is the same artifact with a new maker', async (t) => {
  const bench = new Bench(t);
  const base = await bench.make({node: 'base', outputs: {model: {kind: 'model', files: {w: 'x'}}}});
  const same = await bench.make({
    node: 'noop',
    inputs: [edge(base, 'model')],
    outputs: {model: {kind: 'model', files: {w: 'x'}}},
  });
  assert.equal(same.outputs.model!.digest, base.outputs.model!.digest);
});
