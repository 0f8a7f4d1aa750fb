/** Environments as stages declare them: what counts, what is missing, and that nothing is started for what is known. */
import assert from 'node:assert/strict';
import {mkdirSync, rmSync} from 'node:fs';
import path from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {pathToFileURL} from 'node:url';
import {command, python} from '../../../stages/index.js';
import {installedIdentity, installedState, openInstalled} from '../../../stages/python/installed.js';
import {lockedIdentity, lockedState, openLocked} from '../../../stages/python/locked.js';
import {machineClass} from '../../../stages/python/machine.js';
import {CountingPython, noPython as skip} from '../../rig/python.js';
import {temporaryFolder} from '../../rig/temporary.js';

const HASH = `--hash=sha256:${'0'.repeat(64)}`;

function place(t: TestContext, lockText = '') {
  const folder = temporaryFolder(t, {'requirements.lock': lockText});
  const env: NodeJS.ProcessEnv = {PATH: process.env['PATH'], HOME: folder, R1_CACHE: path.join(folder, 'cache')};
  return {folder, env, lock: pathToFileURL(path.join(folder, 'requirements.lock'))};
}

test('what is installed counts by its version, and is asked of Python once until it changes', {skip}, async (t) => {
  const {folder, env} = place(t);
  const counting = new CountingPython(folder);
  counting.install('trl', '1.15.0');
  const wanted = {interpreter: counting.command, packages: ['trl', 'absent']};
  const first = await installedIdentity(wanted, env);
  assert.match(first['python']!, /^3\.\d+\.\d+$/);
  assert.deepEqual({...first, python: '', machine: ''}, {python: '', machine: '', trl: '1.15.0', absent: 'none'});
  assert.equal(counting.starts, 1);
  for (let i = 0; i < 3; i++) assert.deepEqual(await installedIdentity(wanted, env), first);
  await installedState(wanted, env);
  assert.equal(counting.starts, 1, 'a warm look starts nothing');
  counting.upgrade('trl', '1.15.0', '1.16.0');
  assert.equal((await installedIdentity(wanted, env))['trl'], '1.16.0');
  assert.equal(counting.starts, 2);
  // Another question of the same interpreter is another record.
  await installedIdentity({...wanted, packages: ['trl']}, env);
  assert.equal(counting.starts, 3);
});

test('a cache that cannot be written, or holds nonsense, only costs time', {skip}, async (t) => {
  const {folder, env} = place(t);
  const counting = new CountingPython(folder);
  counting.install('trl', '1.15.0');
  const wanted = {interpreter: counting.command, packages: ['trl']};
  const nowhere = {...env, R1_CACHE: counting.command};
  for (let i = 0; i < 2; i++) assert.equal((await installedIdentity(wanted, nowhere))['trl'], '1.15.0');
  assert.equal(counting.starts, 2);
});

test('what is missing of an interpreter is named, with what helps', {skip}, async (t) => {
  const {folder, env} = place(t);
  const counting = new CountingPython(folder);
  counting.install('trl', '1.15.0');
  const file = counting.command;
  const said = async (wanted: Parameters<typeof openInstalled>[0], where = env): Promise<string> => {
    const {state, what} = await installedState(wanted, where);
    assert.equal(state, 'missing');
    await assert.rejects(openInstalled(wanted, where), {name: 'StageFailure', message: what});
    const version = (await installedIdentity(wanted, where))['python']!;
    return what.replaceAll(file, 'PYTHON').replaceAll(version, '3.x');
  };
  const help = 'install Python 3, or name one: R1_PYTHON=/path/to/python3';
  assert.equal(
    await said({interpreter: '/nowhere/python', packages: ['trl']}),
    `there is no Python “/nowhere/python”, which the recipe names: ${help}`,
  );
  assert.equal(
    await said({packages: ['trl']}, {...env, R1_PYTHON: '/nowhere/python'}),
    `there is no Python /nowhere/python, which R1_PYTHON names: ${help}`,
  );
  assert.equal(await said({packages: []}, {...env, PATH: folder}), `there is no python3: ${help}`);
  assert.equal(
    await said({interpreter: file, packages: ['trl', 'lamp']}),
    'the Python package lamp is not installed in PYTHON (Python 3.x): PYTHON -m pip install trl lamp',
  );
  assert.equal(
    await said({interpreter: file, packages: ['trl==1.16.0']}),
    'the Python package trl is 1.15.0 and not 1.16.0 in PYTHON (Python 3.x): PYTHON -m pip install trl==1.16.0',
  );
  assert.equal(
    await said({interpreter: file, version: '3.1', packages: ['trl']}),
    'Python 3.1 is needed, and PYTHON is 3.x: install Python 3.1, or name one: R1_PYTHON=/path/to/python3',
  );
  assert.deepEqual(await openInstalled({interpreter: file, packages: ['trl==1.15.0']}, env), {python: file});
  assert.deepEqual(await installedIdentity({interpreter: '/nowhere/python', packages: ['trl==1.16.0']}, env), {
    python: 'none',
    machine: (await installedIdentity({interpreter: file, packages: []}, env))['machine'],
    trl: 'none',
  });
});

test('a lock file that pins its Python is known without one', async (t) => {
  const lines = `# uv pip compile --generate-hashes requirements.in --python-version 3.11 -o requirements.lock
--index-url https://example.test/simple
Trl[quiet] == 1.16.0 ; python_version > "3.8" \\
    ${HASH} \\
    ${HASH.replace('0', '1')}
    # via -r requirements.in
flash_attn @ https://example.test/flash.whl ${HASH}
`;
  const {env, lock, folder} = place(t, lines);
  const nothing = {...env, PATH: folder, R1_PYTHON: '/nowhere/python'};
  const {'requirements.lock': digest, ...rest} = await lockedIdentity({lock}, nothing);
  assert.match(digest!, /^[0-9a-f]{64}$/);
  assert.deepEqual(rest, {python: '3.11', trl: '1.16.0', 'flash-attn': 'https://example.test/flash.whl'});
  assert.equal((await lockedIdentity({lock, version: '3.12.1'}, nothing))['python'], '3.12.1');
  const {state, what} = await lockedState({lock}, nothing);
  assert.equal(state, 'missing');
  assert.match(
    what,
    /^Python 3\.11 is needed, and there is none \(R1_PYTHON=\/nowhere\/python\): install Python 3\.11 /,
  );
  const opening = {note: () => undefined, env: nothing};
  await assert.rejects(openLocked({lock}, opening), {name: 'StageFailure', message: what});
});

test('a lock file that pins no Python has that of the interpreter, which is asked once', {skip}, async (t) => {
  const {env, lock, folder} = place(t, `trl==1.16.0 ${HASH}\n`);
  const counting = new CountingPython(folder);
  const wanted = {lock, interpreter: counting.command};
  const identity = await lockedIdentity(wanted, env);
  assert.match(identity['python']!, /^3\.\d+\.\d+$/);
  assert.deepEqual(await lockedIdentity(wanted, env), identity);
  assert.equal((await lockedState(wanted, env)).state, 'to be made');
  assert.equal(counting.starts, 1);
  assert.equal((await lockedIdentity({lock, interpreter: '/nowhere/python'}, env))['python'], 'none');
});

test('a lock file that leaves anything open is refused with its line', async (t) => {
  const refused = async (text: string, what: RegExp) => {
    const {env, lock} = place(t, text);
    await assert.rejects(lockedIdentity({lock, version: '3.11'}, env), {name: 'StageFailure', message: what});
  };
  await refused(`# made by hand\ntrl>=1.15 ${HASH}\n`, /requirements\.lock, line 2: “trl>=1\.15 .*” pins no version/);
  await refused(
    'lamp==1.0\n',
    /line 1: lamp has no hash \(a line that goes on ends with “\\”\); every package has to be pinned with its hashes, as `uv pip/,
  );
  await refused(`lamp==1.0 ${HASH}\n-r other.txt\n`, /line 2: “-r other\.txt” pins no version/);
  await refused('# nothing\n', /the lock file .*requirements\.lock names no package/);
  const {env, lock, folder} = place(t);
  rmSync(path.join(folder, 'requirements.lock'));
  await assert.rejects(lockedIdentity({lock}, env), {message: /the lock file .* cannot be read \(ENOENT\)/});
  mkdirSync(path.join(folder, 'requirements.lock'));
  await assert.rejects(lockedIdentity({lock}, env), {message: /cannot be read \(EISDIR\)/});
});

test('what is declared in a way that has no meaning is told where it is declared', () => {
  assert.throws(
    () => python({packages: ['trl>=1.15']}),
    /"trl>=1\.15" is neither a name of a package nor a name with a ver/,
  );
  for (const [wanted, said] of [
    [{packages: [], version: 'three'}, /`version` is "three"; write it as a text, '3\.11' or '3\.11\.7'/],
    [{packages: [], version: 3.11}, /`version` is 3\.11; write it as a text/],
    [
      {lock: './requirements.lock'},
      /`lock` is no URL of a file; write it as new URL\('\.\/requirements\.lock', import\.meta\.url\)/,
    ],
    [{lock: new URL('https://x.org/a')}, /`lock` is no URL of a file/],
    [{pakages: ['six']}, /it takes either `lock`, the URL of a lock file, or `packages`, a list of names/],
    [{}, /it takes either/],
    [undefined, /it takes either/],
    [{packages: ['six'], pip: 'new'}, /there is no “pip” here; it takes packages, interpreter, version/],
    [{packages: 'six'}, /`packages` is not a list of names/],
    [{packages: [], interpreter: 3}, /`interpreter` is not a text/],
    [{lock: new URL('./x', import.meta.url), megabytes: '9'}, /`megabytes` is "9", not a number/],
  ] as const) {
    assert.throws(
      () => python(wanted as never),
      (error: Error) => said.test(error.message) && /python\.test\.[jt]s/.test(error.stack!.split('\n')[1]!),
      String(said),
    );
  }
});

test('argv is given what the environment adds, and without one there is nothing of it', () => {
  const base = {module: import.meta.url, name: 'x', inputs: {}, outputs: {}, params: {}};
  const stage = command({...base, environment: python({packages: []}), argv: ({python: file}) => [file, '--version']});
  assert.equal(typeof stage.environment?.identity, 'function');
  // @ts-expect-error: there is no such word without an environment.
  command({...base, argv: ({python: file}) => [String(file)]});
});

test('for a program that computes with tensors the machine counts, and nothing of TensorFlow or Node', () => {
  assert.deepEqual(Object.keys(machineClass({threads: 2, gpus: 0}, {})), ['device', 'threads', 'instructions']);
  assert.deepEqual(machineClass({threads: 2, gpus: 1}, {R1_DEVICE: 'cpu'}), machineClass({threads: 2, gpus: 0}, {}));
  assert.equal(machineClass({threads: 2, gpus: 8}, {CUDA_VISIBLE_DEVICES: ''}).device, 'cpu');
  const {runtime} = python({packages: []});
  assert.equal(runtime?.({threads: 3, gpus: 0})['threads'], 3);
});
