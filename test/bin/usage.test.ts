import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {test} from 'node:test';
import {r1} from '../rig/command.js';
import {temporaryFolder} from '../rig/temporary.js';

const {version} = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

test('the version is told where it is asked for, and help says how', async (t) => {
  const cwd = temporaryFolder(t);
  for (const word of ['--version', '-V']) {
    const {code, out} = await r1(t, [word], {cwd});
    assert.deepEqual([code, out], [0, `${version}\n`]);
  }
  for (const words of [['--help'], ['help'], []]) {
    const {out, err} = await r1(t, words, {cwd});
    assert.match(out + err, /-V, --version/);
  }
  const behind = await r1(t, ['runs', '--version'], {cwd});
  assert.equal(behind.code, 2);
  assert.match(behind.err, /unknown option '--version'\n\(r1 runs --help explains\)/);
});

test('a number of jobs is a whole one from 1', async (t) => {
  const cwd = temporaryFolder(t);
  for (const jobs of ['0.5', '0', '-1', 'two']) {
    const {code, err} = await r1(t, ['run', `--jobs=${jobs}`], {cwd});
    assert.equal(code, 2, err);
    assert.match(err, /argument '.*' is invalid\. a whole number( from 1)? is expected/);
  }
});

test('numbers of a sampling that cannot be are wrong usage, by the option as it is typed', async (t) => {
  const cwd = temporaryFolder(t);
  const wrong = {
    '--max-tokens': ['0', '-1', '1.5', 'NaN', ''],
    '--threads': ['0'],
    '--temperature': ['-1', 'NaN', 'Infinity'],
    '--top-p': ['0', '7'],
    '--seed': ['1.5'],
  };
  const own = {
    chat: {},
    eval: {'--samples': ['0', '1.5'], '--concurrency': ['0'], '--request-timeout': ['0'], '--judge-timeout': ['0']},
    'bench-eval': {'--samples': ['0'], '--limit': ['0'], '--judge-concurrency': ['0']},
  };
  for (const [command, more] of Object.entries(own))
    for (const [option, values] of Object.entries({...wrong, ...more}))
      for (const value of values) {
        const {code, err} = await r1(t, [command, './none', `${option}=${value}`], {cwd});
        assert.equal(code, 2, err);
        assert.match(
          err,
          new RegExp(`^error: option '${option} <\\S+>' argument '${value}' is invalid\\. a .* is expected\\.`),
          err,
        );
      }
});

test('memory is typed in MiB, and who types a unit is told the number', async (t) => {
  const cwd = temporaryFolder(t);
  for (const [typed, said] of [
    ['2G', /a number of MiB without a unit is expected: 2048\./],
    ['512MiB', /is expected: 512\./],
    ['0', /a number of MiB above 0 is expected\./],
  ] as const) {
    const {code, err} = await r1(t, ['run', `--memory=${typed}`], {cwd});
    assert.equal(code, 2);
    assert.match(err, said);
  }
});

test('an argument that was given as an option is told to be none', async (t) => {
  const cwd = temporaryFolder(t);
  const status = await r1(t, ['status', '--run', '9'], {cwd});
  assert.match(
    status.err,
    /unknown option '--run'\n\(r1 status takes the run without --run; r1 status --help explains\)/,
  );
  const run = await r1(t, ['run', '--recipe=./mine.recipe.ts'], {cwd});
  assert.match(run.err, /\(r1 run takes the recipe without --recipe; r1 run --help explains\)/);
  assert.deepEqual([status.code, run.code], [2, 2]);
});

test('a plan says which profile it is of, as all profiles have the same nodes', async (t) => {
  const cwd = temporaryFolder(t);
  const plain = await r1(t, ['plan', 'smollm2'], {cwd});
  const large = await r1(t, ['plan', 'smollm2', '--profile', 'gpu'], {cwd});
  assert.equal(large.out, `smollm2, profile gpu: more of everything, for one GPU\n${plain.out}`);
  assert.equal((await r1(t, ['plan', 'smollm2', '--profile', 'gpuu'], {cwd})).code, 2);
});
