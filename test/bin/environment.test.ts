/** Stages in processes of their own, and what these see of the environment that `r1` is run in. */
import assert from 'node:assert/strict';
import {existsSync, readFileSync, readdirSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {hasProc, descendantsOf} from '../../pipeline/executors/process-table.js';
import {readProcess} from '../../pipeline/executors/process-record.js';
import {r1, start, until} from '../rig/command.js';
import {temporaryFolder} from '../rig/temporary.js';

/** Writes what it sees of the environment; the program waits for the file `go`, if it is to. */
const STAGES = `
import {writeFileSync} from 'node:fs';
import {defineStage} from 'r1';
import {command} from 'r1/stages';

export const inside = defineStage({
  module: import.meta.url, name: 'inside', seedless: true, inputs: {}, outputs: {seen: 'json'}, params: {},
  env: {MODE: 'a'},
  async run({outputs}) {
    // These say where it runs, which is another folder each time.
    const {R1_ATTEMPT, PWD, OLDPWD, ...seen} = process.env;
    writeFileSync(outputs.seen, JSON.stringify(seen));
  },
});
export const program = command({
  module: import.meta.url, name: 'program', seedless: true, inputs: {}, outputs: {seen: 'json'}, params: {wait: ''},
  argv: ({outputs, params}) => [
    process.execPath, '-e',
    'const {existsSync, writeFileSync} = require("fs"); const [out, wait] = process.argv.slice(1);' +
    'const look = () => wait !== "" && !existsSync(wait) ? setTimeout(look, 10) : writeFileSync(out, JSON.stringify(process.env)); look();',
    outputs.seen, params.wait, String(process.env.MY_SETTING), String(process.env.HF_TOKEN),
  ],
});
`;
const recipeOf = (body: string): string => `
import {recipe} from 'r1';
import {inside, program} from './stages.js';
export default recipe('seen', (add) => { ${body} });
`;

/** Every file below a folder, as text. */
const filesBelow = (folder: string): [string, string][] =>
  readdirSync(folder, {recursive: true, encoding: 'utf8'})
    .map((name) => join(folder, name))
    .filter((file) => statSync(file).isFile())
    .map((file) => [file, readFileSync(file, 'latin1')]);

async function seenBy(t: TestContext, cwd: string, node: string): Promise<Record<string, string>> {
  const file = join(temporaryFolder(t), 'seen.json');
  const shown = await r1(t, ['export', `${node}:seen`, file], {cwd});
  assert.equal(shown.code, 0, shown.err);
  return JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
}

const ODD = 'two\nlines, \'quotes\' "too", $HOME `id` \\ and naïve 推理';

test('stages and programs see the platform’s variables and their own, and nothing else of the shell', async (t) => {
  const cwd = temporaryFolder(t, {
    'stages.ts': STAGES,
    'own.recipe.ts': recipeOf(`
      add('inside', inside, {}, {}, {env: {ODD: ${JSON.stringify(ODD)}}});
      add('program', program, {}, {}, {env: {MODE: 'b', EMPTY: ''}, passEnv: ['ASKED']});
    `),
  });
  const env = {
    MY_SETTING: 'one',
    ASKED: ODD,
    NODE_OPTIONS: '--no-warnings',
    TZ: 'UTC',
    R1_DEVICE: '',
    https_proxy: 'http://p:1',
  };
  const ended = await r1(t, ['run', './own.recipe.ts'], {cwd, env});
  assert.equal(ended.code, 0, ended.err);
  const own = (seen: Record<string, string>) =>
    Object.fromEntries(['MODE', 'ODD', 'EMPTY', 'ASKED', 'TZ', 'https_proxy'].map((name) => [name, seen[name]]));
  const inside = await seenBy(t, cwd, 'inside');
  assert.deepEqual(own(inside), {
    MODE: 'a',
    ODD,
    EMPTY: undefined,
    ASKED: undefined,
    TZ: 'UTC',
    https_proxy: 'http://p:1',
  });
  const program = await seenBy(t, cwd, 'program');
  assert.deepEqual(own(program), {
    MODE: 'b',
    ODD: undefined,
    EMPTY: '',
    ASKED: ODD,
    TZ: 'UTC',
    https_proxy: 'http://p:1',
  });
  for (const seen of [inside, program]) {
    assert.equal(seen['PATH'], process.env['PATH']);
    assert.deepEqual(
      ['MY_SETTING', 'NODE_OPTIONS'].filter((name) => name in seen),
      [],
    );
  }
  assert.match(program['R1_ATTEMPT']!, /\/\d+\/\d+:\d+:\d+$/);
  assert.equal('R1_JOB' in inside, false);
  assert.match(program['R1_JOB']!, /jobs\/\d+$/);
});

test('a declared variable counts: plan, why, show and diff tell what it is and was', async (t) => {
  const cwd = temporaryFolder(t, {
    'stages.ts': STAGES,
    'own.recipe.ts': recipeOf(`add('inside', inside, {}, {}, {env: {MODE: process.env['MODE_OF_TODAY'] ?? ''}});`),
  });
  const said = async (words: string[], value: string) => {
    const {code, out, err} = await r1(t, words, {cwd, env: {MODE_OF_TODAY: value}});
    assert.equal(code, 0, `${words.join(' ')}: ${out}${err}`);
    return out;
  };
  await said(['run', './own.recipe.ts'], 'x');
  assert.match(await said(['plan', './own.recipe.ts'], 'x'), /inside\s+reuse\s+nothing changed/);
  assert.match(await said(['plan', './own.recipe.ts'], 'y'), /inside\s+run\s+env MODE x → y/);
  await said(['run', './own.recipe.ts'], 'y');
  assert.equal((await seenBy(t, cwd, 'inside'))['MODE'], 'y');
  assert.match(await said(['why', 'inside'], ''), /env MODE x → y[^]*\n {2}env {6}MODE=y\n/);
  assert.match(await said(['show', 'inside'], ''), /env +MODE=y/);
  assert.match(await said(['diff', '1', '2'], ''), /env MODE {2}x → y/);
  assert.match(
    await said(['reproduce', 'inside'], 'z'),
    /reproducible, the same bytes/,
    'it is made with the recorded value',
  );
});

test('a variable that is asked for reaches its process, and no file, record or list of processes', async (t) => {
  const cwd = temporaryFolder(t, {'stages.ts': STAGES});
  const go = join(temporaryFolder(t), 'go');
  writeFileSync(
    join(cwd, 'own.recipe.ts'),
    // What it sees of the environment goes into its output here, so it is handed to a program that does not write it.
    `
import {recipe} from 'r1';
import {command} from 'r1/stages';
export const check = command({
  module: import.meta.url, name: 'check', seedless: true, inputs: {}, outputs: {length: 'text'}, params: {go: ''},
  argv: ({outputs, params}) => ['/bin/sh', '-c',
    'until test -e "$1"; do sleep 0.01; done; printf %s "\${#HF_TOKEN}" > "$0"', outputs.length, params.go, String(process.env.HF_TOKEN)],
  passEnv: ['HF_TOKEN'],
});
export default recipe('check', (add) => { add('check', check, {}, {go: ${JSON.stringify(go)}}); });
`,
  );
  const secret = 'hf_5ecret5ecret5ecret';
  const running = start(t, ['run', './own.recipe.ts'], {cwd, env: {HF_TOKEN: secret}});
  const job = join(cwd, '.r1', 'jobs', '1', 'job.json');
  const tag = await until('the job is laid', () => {
    const text = existsSync(job) ? readFileSync(job, 'utf8') : '';
    return text === '' ? undefined : (JSON.parse(text) as {tag: string}).tag;
  });
  if (hasProc) {
    const main = await until('the program runs', () => descendantsOf({tag}).find(({isMain}) => isMain));
    const words = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((name) => {
        try {
          return readFileSync(`/proc/${name}/cmdline`, 'utf8');
        } catch {
          return ''; // It has ended since.
        }
      });
    assert.ok(
      words.some((text) => text.includes(go)),
      'the program itself was looked at',
    );
    assert.deepEqual(
      words.filter((text) => text.includes(secret)),
      [],
    );
    assert.ok(readFileSync(`/proc/${main.pid}/environ`, 'utf8').includes(secret));
  }
  assert.deepEqual(
    filesBelow(cwd).filter(([, text]) => text.includes(secret)),
    [],
  );
  writeFileSync(go, '');
  const ended = await running.ended;
  assert.equal(ended.code, 0, ended.err);
  const exported = await r1(t, ['export', 'check:length', './length'], {cwd});
  assert.equal(readFileSync(join(cwd, 'length'), 'utf8'), String(secret.length), exported.err);
  assert.deepEqual(
    filesBelow(cwd).filter(([, text]) => text.includes(secret)),
    [],
  );
  const other = await r1(t, ['plan', './own.recipe.ts'], {cwd, env: {HF_TOKEN: 'another'}});
  assert.match(other.out, /check\s+reuse\s+nothing changed/, 'it counts in no fingerprint');
});

test('where a variable that is asked for is missing nothing runs, and the sentence names node and variable', async (t) => {
  const cwd = temporaryFolder(t, {
    'stages.ts': STAGES,
    'own.recipe.ts': recipeOf(`
      add('inside', inside, {});
      add('program', program, {}, {}, {passEnv: ['HF_TOKEN']});
    `),
  });
  const refused = await r1(t, ['run', './own.recipe.ts'], {cwd});
  assert.equal(refused.code, 2, refused.err);
  assert.match(
    refused.err,
    /node “program” asks for the environment variable HF_TOKEN \(passEnv\), which is not set\nset it for r1/,
  );
  assert.equal((await r1(t, ['runs'], {cwd})).out.includes('seen'), false, 'no run was recorded');
  const env = {HF_TOKEN: 'x'};
  assert.equal((await r1(t, ['run', './own.recipe.ts'], {cwd, env})).code, 0);
  assert.equal((await r1(t, ['run', './own.recipe.ts'], {cwd})).code, 0, 'what is reused asks for nothing');
  const again = await r1(t, ['reproduce', 'program'], {cwd});
  assert.match(again.out, /cannot be made again: node “program” asks for .*HF_TOKEN/);
});

test('a variable that is read and dropped changes nothing, and plan and run say so; declared it counts', async (t) => {
  const cwd = temporaryFolder(t, {
    'stages.ts': STAGES,
    'own.recipe.ts': recipeOf(`add('program', program, {});`),
    'declared.recipe.ts': recipeOf(`
      add('program', program, {}, {}, {env: {MY_SETTING: process.env['MY_SETTING'] ?? ''}, passEnv: ['HF_TOKEN']});
    `),
  });
  const said = async (words: string[], env: Record<string, string>) => {
    const {code, out, err} = await r1(t, words, {cwd, env});
    assert.equal(code, 0, err);
    return out + err;
  };
  const warning = /program: stages\.ts reads the environment variable MY_SETTING, .*declare it in env/;
  assert.match(await said(['run', './own.recipe.ts'], {MY_SETTING: 'one'}), warning);
  assert.equal('MY_SETTING' in (await seenBy(t, cwd, 'program')), false);
  const plan = await said(['plan', './own.recipe.ts'], {MY_SETTING: 'two'});
  assert.match(plan, /program\s+reuse\s+nothing changed/);
  assert.match(plan, warning);
  assert.doesNotMatch(await said(['plan', './own.recipe.ts'], {}), /reads the environment/);
  const json = await said(['plan', './own.recipe.ts', '--json'], {MY_SETTING: 'two'});
  assert.deepEqual((JSON.parse(json) as {warnings: unknown}).warnings, [
    {problem: 'dropped', variable: 'MY_SETTING', nodes: ['program'], file: join(cwd, 'stages.ts')},
  ]);
  const missing = await said(['plan', './declared.recipe.ts'], {MY_SETTING: 'one'});
  assert.match(missing, /warning: node “program” asks for the environment variable HF_TOKEN .*nothing will run/);
  const one = {MY_SETTING: 'one', HF_TOKEN: 'x'};
  assert.doesNotMatch(await said(['run', './declared.recipe.ts'], one), /reads the environment/);
  assert.equal((await seenBy(t, cwd, 'program'))['MY_SETTING'], 'one');
  assert.match(
    await said(['plan', './declared.recipe.ts'], {...one, MY_SETTING: 'two'}),
    /program\s+run\s+env MY_SETTING one → two/,
  );
});

test('a run that is resumed goes on with the variables that it began with', async (t) => {
  const cwd = temporaryFolder(t, {
    'stages.ts': STAGES,
    'own.recipe.ts': recipeOf(`
      add('program', program, {}, {wait: \`\${process.cwd()}/go\`}, {env: {MODE: process.env['MODE_OF_TODAY'] ?? ''}});
    `),
  });
  const running = start(t, ['run', './own.recipe.ts'], {cwd, env: {MODE_OF_TODAY: 'x'}});
  await until('the program runs', () => readProcess(join(cwd, '.r1', 'jobs', '1')));
  running.child.kill('SIGINT');
  assert.equal((await running.ended).code, 130);
  writeFileSync(join(cwd, 'go'), '');
  const resumed = await r1(t, ['resume'], {cwd, env: {MODE_OF_TODAY: 'y'}});
  assert.equal(resumed.code, 0, resumed.err);
  assert.equal((await seenBy(t, cwd, 'program'))['MODE'], 'x');
});
