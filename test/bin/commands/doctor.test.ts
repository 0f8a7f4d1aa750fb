import assert from 'node:assert/strict';
import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {after, test} from 'node:test';
import {pathToFileURL} from 'node:url';
import {UserError, openStore} from '../../../artifacts/index.js';
import {
  checkDisk,
  checkNode,
  checkPython,
  checkSandbox,
  checkSqlite,
  checkStore,
  checkTensorflow,
  checkThreads,
  trySandbox,
  tryTensorflow,
} from '../../../bin/access/doctor-checks.js';
import {doctorCommand, drawChecks} from '../../../bin/commands/doctor.js';
import type {Check} from '../../../bin/access/doctor-checks.js';
import type {Services} from '../../../bin/cli-context.js';

const folder = mkdtempSync(path.join(tmpdir(), 'r1-doctor-'));
after(() => rmSync(folder, {recursive: true}));

const open: Services['openStore'] = (store, options) => openStore(store!, options);

test('Node is fine when engines names its major, and otherwise the supported ones are listed', () => {
  assert.equal(checkNode('22.4.0', '20.x || 22.x').ok, true);
  assert.deepEqual(checkNode('21.0.0', '20.x || 22.x'), {
    check: 'node',
    ok: false,
    value: 'v21.0.0 is not supported',
    hint: 'use Node 20, 22',
  });
});

test('TensorFlow and device are what TensorFlow says, when set-up wrote the same', async () => {
  const trial = () => Promise.resolve({version: '2.19.1', gpu: true});
  const checks = await checkTensorflow(trial, () => ({tensorflow: '2.19.1', device: 'gpu NVIDIA H100'}));
  assert.deepEqual(checks, [
    {check: 'tensorflow', ok: true, value: '2.19.1'},
    {check: 'device', ok: true, value: 'gpu NVIDIA H100'},
  ]);
});

test('a version or a device that set-up did not see is a problem', async () => {
  const trial = () => Promise.resolve({version: '2.9.1', gpu: false});
  const [version, device] = await checkTensorflow(trial, () => ({tensorflow: '2.19.1', device: 'gpu NVIDIA H100'}));
  assert.equal(version?.value, '2.9.1, but set-up wrote 2.19.1');
  assert.equal(device?.value, 'cpu, but set-up was done for gpu NVIDIA H100');
  assert.deepEqual([version.ok, device.ok, device.hint], [false, false, 'npm run setup']);
  assert.equal(version.hint, 'npm run setup');
});

test('without what set-up writes, its own words and way out are shown', async () => {
  const trial = () => Promise.resolve({version: '2.19.1', gpu: false});
  const facts = () => {
    throw Object.assign(new Error('nothing is set up'), {hint: 'set it up'});
  };
  const [version, device] = await checkTensorflow(trial, facts);
  assert.equal(version?.ok, true);
  assert.deepEqual(device, {check: 'device', ok: false, value: 'nothing is set up', hint: 'set it up'});
});

test('a TensorFlow that does not load is told in the words of the child, without its stack', async () => {
  const broken = path.join(folder, 'backend.mjs');
  writeFileSync(broken, "export async function loadTensorFlow() { throw new Error('libtensorflow.so: not found'); }");
  const [version] = await checkTensorflow(
    () => tryTensorflow(pathToFileURL(broken).href),
    () => ({tensorflow: '2.19.1', device: 'cpu'}),
  );
  assert.equal(version?.value, 'does not load: Error: libtensorflow.so: not found');
  assert.match(version.hint ?? '', /R1_LIBTENSORFLOW=FOLDER/);
  assert.equal(version.ok, false);
});

test('the threads that a container grants are told beside the cores', () => {
  assert.equal(checkThreads(1, undefined).value, '1 processor core');
  assert.equal(checkThreads(16, 'max 100000\n').value, '16 processor cores');
  assert.equal(
    checkThreads(16, '250000 100000\n').value,
    '16 processor cores, of which this container may use 2.5 at a time',
  );
});

test('SQLite that does not load is a problem with a way out', () => {
  assert.deepEqual(
    checkSqlite(() => {
      throw new Error('invalid ELF header\nmore');
    }),
    {check: 'sqlite', ok: false, value: 'does not load: invalid ELF header', hint: 'npm run setup'},
  );
});

test('a store that is not there yet is fine, and looking does not make it', () => {
  const store = path.join(folder, 'deep', 'store');
  assert.deepEqual(checkStore(store, open), {check: 'store', ok: true, value: `${store} (the first run makes it)`});
  assert.throws(() => open(store, {mode: 'read'}), UserError);
});

test('a store that is there is fine, a damaged one is a problem in the words of the store', () => {
  const store = path.join(folder, 'store');
  openStore(store).close();
  assert.deepEqual(checkStore(store, open), {check: 'store', ok: true, value: store});
  const damaged = path.join(folder, 'damaged');
  mkdirSync(damaged);
  writeFileSync(
    path.join(damaged, 'store.db'),
    'this is not a database, and long enough to be seen as none'.repeat(20),
  );
  const found = checkStore(damaged, open);
  assert.equal(found.ok, false);
  assert.match(found.value, /not a database/);
  assert.ok(found.hint !== undefined || found.remedy !== undefined, 'what helps is said');
  const refuse = (): never => {
    throw new UserError('store-damaged', 'no', {remedy: {type: 'verify'}});
  };
  assert.deepEqual(checkStore(store, refuse), {check: 'store', ok: false, value: 'no', remedy: {type: 'verify'}});
});

test('less than a gibibyte of free disk is a problem', () => {
  assert.deepEqual(checkDisk(folder, 3 * 1024 ** 3), {check: 'disk', ok: true, value: '3.0 GiB free for the store'});
  const full = checkDisk(folder, 100 * 1024 ** 2);
  assert.equal(full.ok, false);
  assert.match(full.hint ?? '', /r1 gc --dry-run/);
});

test('a problem is drawn with its way out below it', () => {
  const checks: Check[] = [
    {check: 'node', ok: true, value: 'v20.1.0'},
    {check: 'sqlite', ok: false, value: 'does not load', hint: 'npm run setup'},
  ];
  assert.equal(
    drawChecks(checks, false),
    ['ok       node        v20.1.0', 'problem  sqlite      does not load', `${' '.repeat(21)}→ npm run setup`].join(
      '\n',
    ),
  );
});

test('a machine without Python is told what it would be for', () => {
  assert.deepEqual(checkPython({state: 'no Python', problem: 'Python 3.10 or newer is needed', hint: 'install it'}), {
    check: 'python',
    ok: true,
    value:
      'none that could grade mathematics (answers: math), which nothing else needs: Python 3.10 or newer is needed; install it',
  });
  assert.match(checkPython({state: 'there', folder: '/cache/math-1', python: 'p'}).value, /is in \/cache\/math-1$/);
});

test('the command examines this machine for real, and says all of it as JSON', async () => {
  const said: string[] = [];
  const exits: number[] = [];
  const services: Services = {
    openStore: open,
    say: (text) => said.push(text),
    stream: () => undefined,
    long: () => assert.fail('nothing long is said'),
    complain: (text) => assert.fail(text),
    progress: () => undefined,
    width: 80,
    isTerminal: false,
    progressWidth: 80,
    colours: false,
    exit: (code) => exits.push(code),
  };
  await doctorCommand(services).parseAsync(['--json', '--store', path.join(folder, 'none')], {from: 'user'});
  const checks = JSON.parse(said.join('\n')) as Check[];
  assert.deepEqual(
    checks.map(({check}) => check),
    ['node', 'tensorflow', 'device', 'threads', 'sqlite', 'store', 'disk', 'sandbox', 'python'],
  );
  assert.deepEqual(
    checks.filter(({ok}) => !ok),
    [],
  );
  assert.deepEqual(exits, []);
});

test('the sandbox is tried, and where there is none that is said and nothing is wrong', async () => {
  const without = await checkSandbox(() => Promise.reject(new Error('bubblewrap is not installed')));
  assert.deepEqual(
    [without.ok, without.value],
    [true, 'no programs of models can be run (task code): bubblewrap is not installed'],
  );
  const {value} = await checkSandbox(trySandbox);
  assert.match(
    value,
    /^(programs of models run in bubblewrap, with Python 3\.\d+\.\d+|no programs of models can be run \(task code\): .+)$/,
  );
});
