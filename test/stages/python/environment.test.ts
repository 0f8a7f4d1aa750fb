/** Environments are made without a network here: from a wheel that the test writes itself. */
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {hostname} from 'node:os';
import path from 'node:path';
import test, {type TestContext} from 'node:test';
import {pathToFileURL} from 'node:url';

import {cacheFolder} from '../../../stages/python/cache.js';
import {environmentState, openEnvironment, type EnvironmentSpec} from '../../../stages/python/environment.js';
import {findPython} from '../../../stages/python/interpreter.js';
import {temporaryFolder} from '../../rig/temporary.js';

const found = await findPython([3, 10]);
const skip = 'tooOld' in found && 'there is no Python 3.10 or newer';

/** Writes a wheel of one module, and says its hash. */
const WHEEL = `
import hashlib, sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as wheel:
    wheel.writestr('lamp/__init__.py', 'on = True')
    wheel.writestr('lamp-1.0.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: lamp\\nVersion: 1.0\\n')
    wheel.writestr('lamp-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    wheel.writestr('lamp-1.0.dist-info/RECORD', 'lamp/__init__.py,,\\nlamp-1.0.dist-info/METADATA,,\\nlamp-1.0.dist-info/WHEEL,,\\nlamp-1.0.dist-info/RECORD,,\\n')
print(hashlib.sha256(open(sys.argv[1], 'rb').read()).hexdigest())`;

function bench(t: TestContext, change: (hash: string) => string = (hash) => hash) {
  const folder = temporaryFolder(t);
  const wheels = path.join(folder, 'wheels');
  mkdirSync(wheels);
  const hash = execFileSync('python3', ['-c', WHEEL, path.join(wheels, 'lamp-1.0-py3-none-any.whl')], {
    encoding: 'utf8',
  });
  const lock = path.join(folder, 'requirements.txt');
  writeFileSync(lock, `lamp==1.0 --hash=sha256:${change(hash.trim())}\n`);
  const spec: EnvironmentSpec = {
    name: 'lamp',
    lock: pathToFileURL(lock),
    python: [3, 10],
    module: 'lamp',
    megabytes: 30,
  };
  const offline = {PIP_NO_INDEX: '1', PIP_FIND_LINKS: wheels, UV_NO_INDEX: '1', UV_FIND_LINKS: wheels, UV_OFFLINE: '1'};
  const env = {...process.env, ...offline, R1_CACHE: path.join(folder, 'cache')};
  const notes: string[] = [];
  return {
    spec,
    env,
    notes,
    lock,
    home: path.join(folder, 'cache', 'environments'),
    note: (text: string) => void notes.push(text),
  };
}

test('the cache is where R1_CACHE or XDG_CACHE_HOME says', () => {
  assert.equal(cacheFolder({R1_CACHE: '/tmp/elsewhere', XDG_CACHE_HOME: '/tmp/xdg'}), '/tmp/elsewhere');
  assert.equal(cacheFolder({XDG_CACHE_HOME: '/tmp/xdg'}), '/tmp/xdg/r1');
  assert.match(cacheFolder({XDG_CACHE_HOME: 'relative'}), /\.cache\/r1$/);
});

test(
  'an environment is made once, by whoever comes first, and what a killed process left behind goes',
  {skip},
  async (t) => {
    const {spec, env, notes, note, home, lock} = bench(t);
    assert.equal((await environmentState(spec, env)).state, 'to be made');
    const left = path.join(home, `.lamp-0123.${hostname()}.999999999.0a0a0a0a`);
    const others = path.join(home, `.lamp-0123.another-machine.999999999.0a0a0a0a`);
    mkdirSync(left, {recursive: true});
    mkdirSync(others);
    const [python, same] = await Promise.all([openEnvironment(spec, {note, env}), openEnvironment(spec, {note, env})]);
    assert.equal(python, same);
    assert.equal(execFileSync(python, ['-c', 'import lamp; print(lamp.on)'], {encoding: 'utf8'}).trim(), 'True');
    assert.match(notes[0]!, /making the Python environment “lamp” in/);
    assert.match(notes.at(-1)!, /is made/);
    assert.ok(!existsSync(left));
    assert.deepEqual(
      readdirSync(home).filter((name) => name.startsWith('.')),
      [path.basename(others)],
    );
    const before = notes.length;
    assert.equal(await openEnvironment(spec, {note, env}), python);
    assert.equal(notes.length, before);
    assert.equal((await environmentState(spec, env)).state, 'there');
    writeFileSync(lock, `${readFileSync(lock, 'utf8')}# another\n`);
    assert.equal((await environmentState(spec, env)).state, 'to be made');
  },
);

test('a package that is not the one of the lock file is refused, and nothing is left', {skip}, async (t) => {
  const {spec, env, note, home} = bench(t, (hash) => hash.replaceAll(/[0-9]/g, '7'));
  await assert.rejects(openEnvironment(spec, {note, env}), {
    name: 'StageFailure',
    message: /“lamp” could not be made: a package is not the one that the lock file names/,
  });
  assert.deepEqual(readdirSync(home), []);
});

test('what a package index cannot give is said as that', {skip}, async (t) => {
  const {spec, env, note, lock} = bench(t);
  writeFileSync(lock, `torch-of-nobody==9.9 --hash=sha256:${'0'.repeat(64)}\n`);
  await assert.rejects(openEnvironment(spec, {note, env}), {
    message: /the package index cannot be reached, or does not have/,
  });
});

test('without a Python that is new enough it says what to install', async (t) => {
  const folder = temporaryFolder(t, {old: '#!/bin/sh\necho 3.8.1 linux-x86_64-glibc\n'});
  const old = path.join(folder, 'old');
  execFileSync('chmod', ['+x', old]);
  const {spec, env} = {
    spec: {name: 'lamp', lock: new URL(import.meta.url), python: [3, 10], module: 'lamp', megabytes: 30} as const,
    env: process.env,
  };
  const state = await environmentState(spec, {...env, R1_PYTHON: old});
  assert.ok(state.state === 'no Python');
  assert.match(state.problem, /Python 3\.10 or newer is needed, and .*old is 3\.8\.1/);
  assert.match(state.hint, /install Python 3\.10 or newer with its venv module/);
  await assert.rejects(openEnvironment(spec, {note: () => undefined, env: {...env, R1_PYTHON: '/nowhere/python'}}), {
    message: /Python 3\.10 or newer is needed, and there is none \(R1_PYTHON=\/nowhere\/python\): install/,
  });
});

test('a cache that cannot be written is named', {skip}, async (t) => {
  const {spec, env, note, lock} = bench(t);
  await assert.rejects(openEnvironment(spec, {note, env: {...env, R1_CACHE: lock}}), {
    message:
      /could not be made in .*requirements\.txt.*: the folder cannot be made or written \(ENOTDIR\); name one that can: R1_CACHE/,
  });
});

test('an environment whose Python is gone is told with what to remove', {skip}, async (t) => {
  const {spec, env, note} = bench(t);
  const python = await openEnvironment(spec, {note, env});
  rmSync(python);
  await assert.rejects(openEnvironment(spec, {note, env}), {
    name: 'StageFailure',
    message:
      /“lamp” is broken, as the Python is gone that it was made with: remove .*lamp-[0-9a-f]{16}, and it is made again/,
  });
});

test('a disk without room is told before anything is written', {skip}, async (t) => {
  const {spec, env, note, home} = bench(t);
  await assert.rejects(openEnvironment({...spec, megabytes: 2 ** 40}, {note, env}), {
    name: 'StageFailure',
    message: /it takes 1099511627776 MiB of disk, and \d+ are free; .*R1_CACHE=FOLDER/,
  });
  assert.deepEqual(readdirSync(home), []);
});

test('a Python without venv is told with what to install', {skip}, async (t) => {
  const {spec, env, note, home} = bench(t);
  const folder = temporaryFolder(t, {
    // As Debian's says it, which has left a folder by then.
    bare: `#!/bin/sh\ncase "$*" in "-m venv"*) mkdir -p "$3/bin"; echo 'ensurepip is not available'; exit 1;; esac\nexec python3 "$@"\n`,
    uv: '#!/bin/sh\nexit 1\n',
  });
  for (const name of ['bare', 'uv']) chmodSync(path.join(folder, name), 0o755);
  const without = {...env, R1_PYTHON: path.join(folder, 'bare'), PATH: `${folder}:${process.env['PATH'] ?? ''}`};
  await assert.rejects(openEnvironment(spec, {note, env: without}), {
    name: 'StageFailure',
    message: /this Python has no venv; install it \(Debian, Ubuntu: apt install python3-venv\) or install uv$/,
  });
  assert.deepEqual(readdirSync(home), []);
});
