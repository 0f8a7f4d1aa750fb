/** The ways in which a program fails that people meet: the first line of each names the cause, without a look into the log. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {findPython} from '../../stages/python/interpreter.js';
import {r1} from '../rig/command.js';
import {temporaryFolder} from '../rig/temporary.js';

const found = await findPython({atLeast: [3, 8]});
const skip = 'tooOld' in found && 'there is no Python 3.8 or newer';

/** What a run of one node says of its failure, in one line, and the lines below. */
async function failure(
  t: TestContext,
  {argv, environment = '', options = '{}', files = {}}: Failing,
): Promise<{readonly first: string; readonly err: string}> {
  const recipe = `
import {recipe} from 'r1';
import {command, python} from 'r1/stages';
export const train = command({
  module: import.meta.url, name: 'train', inputs: {}, outputs: {out: 'data'}, params: {}, ${environment}
  argv: (context) => ${argv},
});
export default recipe('failing', (add) => void add('train', train, {}, {}, ${options}));
`;
  const cwd = temporaryFolder(t, {'failing.ts': recipe, ...files});
  const {code, err} = await r1(t, ['run', './failing.ts'], {cwd, env: {R1_CACHE: cwd}});
  assert.equal(code, 1, err);
  const first = err.split('\n').find((line) => line.startsWith('train ') && line.includes('failed: '));
  assert.ok(first !== undefined, err);
  return {first: first.slice(first.indexOf('failed: ') + 'failed: '.length), err};
}

interface Failing {
  readonly argv: string;
  readonly environment?: string;
  readonly options?: string;
  readonly files?: Readonly<Record<string, string>>;
}

const shell = (script: string): string => `['/bin/sh', '-c', ${JSON.stringify(script)}]`;
const trainer = (text: string): Pick<Failing, 'argv' | 'files'> => ({
  argv: `['python3', new URL('./train.py', import.meta.url)]`,
  files: {'train.py': text},
});

test('a missing interpreter', async (t) => {
  const environment = `environment: python({interpreter: '/nowhere/python3', packages: ['trl']}),`;
  const {first} = await failure(t, {argv: '[context.python]', environment});
  assert.match(
    first,
    /^could not be started: there is no Python “\/nowhere\/python3”, which the recipe names: install Python 3/,
  );
});

test('a missing package', {skip}, async (t) => {
  const environment = `environment: python({packages: ['no-such-package-anywhere']}),`;
  const {first} = await failure(t, {argv: '[context.python]', environment});
  assert.match(
    first,
    /^could not be started: the Python package no-such-package-anywhere is not installed in .* \(Python 3\.\S+\): .* -m pip install no-such-package-anywhere$/,
  );
});

test('a wrong version', {skip}, async (t) => {
  const environment = `environment: python({version: '2.7', packages: []}),`;
  const {first} = await failure(t, {argv: '[context.python]', environment});
  assert.match(first, /^could not be started: Python 2\.7 is needed, and \S+ is 3\.\S+: install Python 2\.7/);
});

test('exit code 1 of an error that nobody caught', {skip}, async (t) => {
  const {first, err} = await failure(t, trainer('def main():\n  raise ValueError("batch is 0")\nmain()\n'));
  assert.equal(first, 'exited with 1 before it was done: ValueError: batch is 0');
  assert.match(err, /File ".*train\.py", line 2, in main/);
});

test('exit code 127', async (t) => {
  const {first} = await failure(t, {argv: `['r1-no-such-program']`});
  assert.match(
    first,
    /^exited with 127 before it was done \(its program was not found\): .*r1-no-such-program.*not found/,
  );
});

test('killed', async (t) => {
  const {first} = await failure(t, {argv: shell('echo step 1; kill -9 $$')});
  assert.match(
    first,
    /^was killed by SIGKILL \((out of memory, or by hand|by hand or by another program: the kernel killed nothing .*)\)/,
  );
});

test('out of time', async (t) => {
  const {first} = await failure(t, {argv: shell('exec sleep 36000'), options: '{timeout: 0.2, grace: 1}'});
  assert.match(first, /^was stopped: its time limit of 0\.2 s was up/);
});

test('out of memory, where the program says so itself', {skip}, async (t) => {
  const {first} = await failure(
    t,
    trainer('rows = []\nraise MemoryError("cannot allocate 80 GiB for the optimizer")\n'),
  );
  assert.equal(first, 'exited with 1 before it was done: MemoryError: cannot allocate 80 GiB for the optimizer');
});
