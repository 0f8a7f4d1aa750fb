/** What is said of variables that a stage's code reads and is not handed. */
import assert from 'node:assert/strict';
import {join} from 'node:path';
import {pathToFileURL} from 'node:url';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {openCodeReader} from '../../../pipeline/fingerprint/code-digest.js';
import {environmentWarningText, environmentWarnings} from '../../../pipeline/plan/env-reads.js';
import type {Plan, PlannedNode} from '../../../pipeline/plan/plan.js';
import type {NodeOptions} from '../../../pipeline/recipe.js';
import type {AnyStage} from '../../../pipeline/stage.js';
import {temporaryFolder} from '../../rig/temporary.js';

interface Described {
  readonly files: Readonly<Record<string, string>>;
  readonly options?: Readonly<Record<string, NodeOptions>>;
  readonly isProgram?: boolean;
  readonly action?: 'run' | 'reuse';
}

/** The warnings of a plan whose nodes all have the stage of `stage.js`. */
function warningsOf(t: TestContext, {files, options = {one: {}}, isProgram, action = 'run'}: Described, env: object) {
  const folder = temporaryFolder(t, files);
  const stage: AnyStage = {
    module: pathToFileURL(join(folder, 'stage.js')).href,
    name: 'stage',
    inputs: {},
    outputs: {},
    params: {},
    run: () => Promise.resolve(),
    ...(isProgram === true ? {argv: () => ['true']} : {}),
  };
  const nodes = Object.entries(options).map(([id, own]) => {
    const node = {type: 'stage', id, stage, inputs: {}, params: {}, options: own} as const;
    return [id, {action, node} as unknown as PlannedNode] as const;
  });
  const plan: Plan = {nodes: new Map(nodes), criticalPath: {nodes: [], wallMs: 0}};
  const code = openCodeReader({get: () => undefined, set: () => undefined});
  return environmentWarnings({plan, code}, {...env});
}

const named = (t: TestContext, described: Described, env: object): string[] =>
  warningsOf(t, described, env).map((warning) => (warning.problem === 'dropped' ? warning.variable : 'missing'));

const SET = Object.fromEntries('ABCDEFGHIJKLM'.split('').map((name) => [name, '1']));

test('every usual way to read a variable is seen in modules, and nothing else', (t) => {
  const text = `
    import {helper} from './helper.js';
    const a = process.env.A, b = process.env['B'], c = process.env["C"], d = process?.env?.D;
    const {E, F: f, G = 'g'} = process.env;
    // process.env.H
    const env = {I: 1}; env.I;
    const text = \`\${J} $K\`;
    process.env.NOT_SET; process.env.PATH; process.env.PWD;
  `;
  const helper = `import {env} from 'node:process'; export const helper = env.L ?? env['M'];`;
  const files = {'stage.js': text, 'helper.js': helper};
  assert.deepEqual(named(t, {files}, {...SET, PATH: '/bin', PWD: '/'}).sort(), 'ABCDEFGLM'.split(''));
});

test('within a job nothing is said of what each job has of its own', (t) => {
  const files = {'stage.js': `export const run = () => ['sh', '-c', 'echo >>"$R1_JOB/events.jsonl" $R1_ATTEMPT $A'];`};
  assert.deepEqual(named(t, {files, isProgram: true}, {A: '1', R1_JOB: '/outer', R1_ATTEMPT: 'outer'}), ['A']);
});

test('a program’s words and scripts are looked at too', (t) => {
  const files = {
    'stage.js': `
      export const run = () => ['sh', '-c', 'echo $A \${B:-none} \${#C}; D=1; echo $D; for E in 1 2; do echo $E; done', \`\${lower}\`,
        new URL('./train.py', import.meta.url), new URL('./train.sh', import.meta.url)];`,
    'train.py': `import os\nprint(os.environ['F'], os.environ.get("G", ''), os.getenv('H'))\n# os.environ['I']\nenviron = ['J']\n`,
    'train.sh': '# $K\necho "$L"\nexport M=1; echo $M\n',
  };
  assert.deepEqual(named(t, {files, isProgram: true}, {...SET, lower: '1'}).sort(), 'ABCFGHL'.split(''));
  assert.deepEqual(named(t, {files: {'stage.js': "'$A'"}}, SET), [], 'a string of a module is no script');
});

test('what is declared, asked for, or handed to every stage is not warned of, node by node', (t) => {
  const described: Described = {
    files: {'stage.js': 'process.env.A; process.env.B; process.env.TZ'},
    options: {one: {env: {A: '1'}, passEnv: ['B']}, two: {}, three: {env: {B: ''}}},
  };
  const found = warningsOf(t, described, {...SET, TZ: 'UTC'});
  assert.deepEqual(
    found.map((warning) => (warning.problem === 'dropped' ? [warning.variable, ...warning.nodes] : [])),
    [
      ['A', 'two', 'three'],
      ['B', 'two'],
    ],
  );
  assert.match(
    environmentWarningText(found[0]!),
    /^two and 1 more: stage\.js reads the environment variable A, .*env .*passEnv/,
  );
  assert.deepEqual(named(t, described, {}), ['missing']);
  assert.deepEqual(named(t, {...described, action: 'reuse'}, {}), [], 'what is reused asks for nothing');
});
