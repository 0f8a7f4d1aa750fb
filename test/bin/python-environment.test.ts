/** Programs in Python environments of their own, from the command line: plan, run, why, diff, reproduce, doctor. */
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {r1, start, until} from '../rig/command.js';
import type {Ended} from '../rig/command.js';
import {CountingPython, noPython as skip, onlyWheels, writeWheel} from '../rig/python.js';
import {temporaryFolder} from '../rig/temporary.js';

const RECIPE = `
import {recipe} from 'r1';
import {light} from './light.js';
import {copy, first} from './plain.js';

export default recipe('lamps', (add) => {
  const {text} = add('first', first, {});
  add('other', copy, {text});
  add('copy', copy, {text: add('light', light, {text}).text});
});
`;
const PLAIN = `
import {command} from 'r1/stages';

export const first = command({
  module: import.meta.url, name: 'first', inputs: {}, outputs: {text: 'text'}, params: {},
  argv: ({outputs}) => ['/bin/sh', '-c', 'echo first > "$0"', outputs.text],
});
export const copy = command({
  module: import.meta.url, name: 'copy', inputs: {text: 'text'}, outputs: {text: 'text'}, params: {},
  argv: ({inputs, outputs}) => ['/bin/cp', inputs.text, outputs.text],
});
`;
const STAGE = `
import {command, python} from 'r1/stages';

const lamp = python({lock: new URL('./requirements.lock', import.meta.url), interpreter: process.env.R1_TEST_PYTHON_COMMAND ?? 'python3'});
export const light = command({
  module: import.meta.url, name: 'light', inputs: {text: 'text'}, outputs: {text: 'text'}, params: {}, environment: lamp,
  argv: ({python, outputs}) => [python, new URL('./light.py', import.meta.url), outputs.text],
});
`;
const LIGHT = `import lamp, sys
open(sys.argv[1], 'w').write(lamp.version + '\\n')
`;

function project(t: TestContext) {
  const folder = temporaryFolder(t, {
    'in/main.ts': RECIPE,
    'in/plain.ts': PLAIN,
    'in/light.ts': STAGE,
    'in/light.py': LIGHT,
  });
  const wheels = path.join(folder, 'wheels');
  const [old, now] = ['1.0', '1.1'].map((version) => writeWheel(wheels, 'lamp', version)) as [string, string];
  const steady = writeWheel(wheels, 'steady', '3.0');
  const cwd = path.join(folder, 'in');
  const pin = (line: string): void => writeFileSync(path.join(cwd, 'requirements.lock'), line + steady);
  pin(old);
  const env = {...onlyWheels(wheels), R1_CACHE: path.join(folder, 'cache')};
  return {folder, cwd, env, old, now, pin, environments: path.join(folder, 'cache', 'environments')};
}

interface PlanJson {
  readonly nodes: readonly {readonly node: string; readonly action: string; readonly because: string}[];
  readonly environments: readonly {readonly nodes: readonly string[]; readonly state: string; readonly what: string}[];
}

const planIn = (ended: Ended): PlanJson => {
  assert.equal(ended.code, 0, ended.err);
  return JSON.parse(ended.out) as PlanJson;
};

const reasons = ({nodes}: PlanJson): Record<string, string> =>
  Object.fromEntries(nodes.map(({node, action, because}) => [node, action === 'reuse' ? action : because]));

test(
  'a changed version in the lock file is named, runs its node and what is below, and gives equal bytes again',
  {skip},
  async (t) => {
    const {cwd, env, now, pin, environments} = project(t);
    const where = {cwd, env};
    const text = await r1(t, ['plan', './main.ts'], where);
    assert.match(
      text.out,
      /^light: runs in the Python environment “requirements”, which will be made in .*requirements-/m,
    );
    const first = await r1(t, ['run', './main.ts'], where);
    assert.equal(first.code, 0, first.err);
    assert.match(first.err + first.out, /making the Python environment “requirements” in/);
    assert.deepEqual(reasons(planIn(await r1(t, ['plan', './main.ts', '--json'], where))), {
      first: 'reuse',
      other: 'reuse',
      light: 'reuse',
      copy: 'reuse',
    });
    pin(now);
    const planned = planIn(await r1(t, ['plan', './main.ts', '--json'], where));
    assert.deepEqual(reasons(planned), {
      first: 'reuse',
      other: 'reuse',
      light: 'code of requirements.lock, lamp 1.0 → 1.1',
      copy: 'runs if light changes',
    });
    assert.deepEqual(
      planned.environments.map(({nodes, state}) => ({nodes, state})),
      [{nodes: ['light'], state: 'to be made'}],
    );
    const second = await r1(t, ['run', './main.ts'], where);
    assert.equal(second.code, 0, second.err);
    assert.match(second.out + second.err, /2 ran, 2 reused/);
    assert.equal(readdirSync(environments).length, 2);
    const why = await r1(t, ['why', 'light'], where);
    assert.match(why.out, /light ran: code of requirements\.lock, lamp 1\.0 → 1\.1\n/);
    assert.match(
      why.out,
      /\n {2}environment {2}lamp 1\.1, python 3\.\d+\.\d+, steady 3\.0, requirements\.lock @\w{8}\n/,
    );
    const diff = await r1(t, ['diff', '1', '2'], where);
    assert.match(diff.out, /environment lamp {2}1\.0 → 1\.1\n/);
    assert.match((await r1(t, ['show', 'light'], where)).out, /environment +lamp 1\.1\n/);
    const again = await r1(t, ['reproduce', 'light'], where);
    assert.equal(again.out, 'light (attempt 5): reproducible, the same bytes again\n', again.err);
    const earlier = await r1(t, ['reproduce', '1/light'], where);
    assert.match(earlier.out, /cannot be made again: changed since: code of requirements\.lock/);
  },
);

test(
  'what was made stays reusable without the Python, where the lock file pins it; a new node says what is missing',
  {skip},
  async (t) => {
    const {cwd, env, old, now, pin, folder} = project(t);
    const counting = new CountingPython(folder);
    // As the tool that makes it writes down for which Python it did.
    const ask = ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])'];
    const version = execFileSync('python3', ask, {encoding: 'utf8'}).trim();
    const header = `# uv pip compile --generate-hashes --python-version ${version} requirements.in\n`;
    pin(header + old);
    const where = {cwd, env: {...env, R1_TEST_PYTHON_COMMAND: counting.command}};
    const first = await r1(t, ['run', './main.ts'], where);
    assert.equal(first.code, 0, first.err);
    const {starts} = counting;
    rmSync(counting.command);
    const all = {first: 'reuse', other: 'reuse', light: 'reuse', copy: 'reuse'};
    assert.deepEqual(reasons(planIn(await r1(t, ['plan', './main.ts', '--json'], where))), all);
    assert.equal(counting.starts, starts);
    pin(header + now);
    const missing = `Python ${version} is needed, and there is none (the recipe names ${counting.command}): install Python ${version}`;
    const plan = await r1(t, ['plan', './main.ts'], where);
    assert.ok(plan.out.includes(`light: ${missing}`), plan.out);
    const run = await r1(t, ['run', './main.ts'], where);
    assert.equal(run.code, 1);
    assert.ok(run.err.includes(`light: ${missing}`), run.err);
    assert.match(run.err + run.out, /light.*could not be started: Python/);
    const log = await r1(t, ['log', 'light'], where);
    assert.ok(log.out.startsWith(missing), log.out);
    const doctor = await r1(t, ['doctor', './main.ts'], where);
    assert.ok(doctor.out.includes(`light: ${missing}`), doctor.out);
    assert.match(doctor.out, /problem {2}environment/);
  },
);

test('a warm plan starts no Python, whichever way the environment is declared', {skip}, async (t) => {
  const {cwd, env, folder} = project(t);
  const counting = new CountingPython(folder);
  counting.install('lamp', '1.0');
  const installed = STAGE.replace(/python\(\{lock.*\}\);/, 'python({packages: ["lamp"]});').replace(
    "[python, new URL('./light.py', import.meta.url), outputs.text]",
    "['/bin/sh', '-c', 'echo lit > \"$0\"', outputs.text]",
  );
  writeFileSync(path.join(cwd, 'light.ts'), installed);
  const where = {cwd, env: {...env, R1_PYTHON: counting.command}};
  const first = await r1(t, ['run', './main.ts'], where);
  assert.equal(first.code, 0, first.err);
  assert.equal(counting.starts, 1, 'asked once for plan, warning, attempt');
  const all = {first: 'reuse', other: 'reuse', light: 'reuse', copy: 'reuse'};
  assert.deepEqual(reasons(planIn(await r1(t, ['plan', './main.ts', '--json'], where))), all);
  assert.equal(counting.starts, 1);
  counting.upgrade('lamp', '1.0', '1.1');
  const planned = planIn(await r1(t, ['plan', './main.ts', '--json'], where));
  assert.deepEqual(reasons(planned), {...all, light: 'lamp 1.0 → 1.1', copy: 'runs if light changes'});
  assert.match(planned.environments[0]!.what, /^runs in .*counting-python \(Python 3/);
});

test(
  'a stop while an environment is made ends the making, leaves nothing, and the next run makes it',
  {skip},
  async (t) => {
    const {cwd, env, folder, environments} = project(t);
    const slow = path.join(folder, 'slow-python');
    const began = path.join(folder, 'began');
    writeFileSync(
      slow,
      `#!/bin/sh\ncase "$*" in "-m venv"*) if [ ! -e '${began}' ]; then touch '${began}'; sleep 600; fi;; esac\nexec python3 "$@"\n`,
    );
    chmodSync(slow, 0o755);
    const where = {cwd, env: {...env, R1_TEST_PYTHON_COMMAND: slow, PATH: withoutUv(folder)}};
    const running = start(t, ['run', './main.ts'], where);
    await until('the environment is being made', () => existsSync(began));
    running.child.kill('SIGINT');
    const ended = await running.ended;
    assert.equal(ended.code, 130, ended.err);
    assert.deepEqual(readdirSync(environments), []);
    const second = await r1(t, ['run', './main.ts'], where);
    assert.equal(second.code, 0, second.err);
    const [made] = readdirSync(environments);
    assert.match(readFileSync(path.join(environments, made!, 'bin', 'activate'), 'utf8'), new RegExp(made!));
    assert.doesNotMatch(readFileSync(path.join(environments, made!, 'bin', 'pip'), 'utf8'), /environments\/\./);
  },
);

/** A PATH on which uv fails, so that venv and pip are taken. */
function withoutUv(folder: string): string {
  const programs = path.join(folder, 'programs');
  mkdirSync(programs);
  writeFileSync(path.join(programs, 'uv'), '#!/bin/sh\nexit 1\n');
  chmodSync(path.join(programs, 'uv'), 0o755);
  return `${programs}:${process.env['PATH'] ?? ''}`;
}
