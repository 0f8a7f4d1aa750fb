/** Which variables of the environment a stage is handed, and which of them count. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {
  askedFor,
  countedEnvironment,
  declaredEnv,
  environmentMistakes,
  environmentOf,
  isPlatform,
  missingVariables,
  platformEnvironment,
  untrustedVariable,
} from '../../../pipeline/wiring/environment.js';
import {differences, fingerprintOf} from '../../../pipeline/fingerprint/fingerprint.js';
import type {Ingredients} from '../../../pipeline/fingerprint/fingerprint.js';
import {knownIngredients, withInputs} from '../../../pipeline/plan/plan.js';
import type {NodeOptions} from '../../../pipeline/recipe.js';
import {recipe} from '../../../pipeline/recipe.js';
import {defineStage} from '../../../pipeline/stage.js';
import type {AnyStage} from '../../../pipeline/stage.js';
import {wire} from '../../../pipeline/wiring/wire.js';
import type {StageNode} from '../../../pipeline/wiring/nodes.js';

const about = {
  module: import.meta.url,
  inputs: {},
  outputs: {},
  params: {},
  seedless: true,
  run: async () => undefined,
} as const;
const plain = defineStage({...about, name: 'plain'});
const modal = defineStage({...about, name: 'modal', env: {MODE: 'a', LC_ALL: 'C'}, passEnv: ['HF_TOKEN']});

const node = (stage: AnyStage, options: NodeOptions = {}): StageNode => ({
  type: 'stage',
  id: 'node',
  stage,
  inputs: {},
  params: {},
  options,
});

const CODE = 'c'.repeat(64) as Ingredients['code'];
const ingredients = (of: StageNode): Ingredients =>
  withInputs(
    of,
    knownIngredients(of, {
      codeOf: () => ({
        digest: CODE,
        parts: {files: {}, packages: {}},
        urls: [],
        named: {},
        links: {},
        leads: {},
        computed: [],
      }),
      runtimeOf: () => ({}),
      seed: 0,
    }),
    () => undefined,
  )!;

test('what says where and on what a stage runs is handed on, what says what to compute is not', () => {
  const handed =
    'PATH HOME USER LOGNAME SHELL LANG LC_ALL LC_CTYPE TZ TMPDIR LD_LIBRARY_PATH CUDA_VISIBLE_DEVICES NVIDIA_VISIBLE_DEVICES ' +
    'HTTP_PROXY https_proxy NO_PROXY all_proxy SSL_CERT_FILE SSL_CERT_DIR NODE_EXTRA_CA_CERTS REQUESTS_CA_BUNDLE CURL_CA_BUNDLE ' +
    'SLURM_JOB_ID R1_DEVICE R1_ATTEMPT TF_CPP_MIN_LOG_LEVEL TF_FORCE_GPU_ALLOW_GROWTH';
  const dropped =
    'MY_SETTING HF_TOKEN NODE_OPTIONS NODE_ENV NODE_PATH PYTHONPATH PYTHONHASHSEED VIRTUAL_ENV CONDA_PREFIX OMP_NUM_THREADS ' +
    'OPENBLAS_NUM_THREADS TF_DETERMINISTIC_OPS TF_ENABLE_ONEDNN_OPTS XLA_FLAGS ONEDNN_MAX_CPU_ISA GLIBC_TUNABLES MALLOC_ARENA_MAX ' +
    'LD_PRELOAD NVIDIA_TF32_OVERRIDE CUBLAS_WORKSPACE_CONFIG npm_config_cache XDG_CACHE_HOME PWD SHLVL TERM R1_JOB MY_PATH LCD_X';
  assert.deepEqual(
    handed.split(' ').filter((name) => !isPlatform(name)),
    [],
  );
  assert.deepEqual(dropped.split(' ').filter(isPlatform), []);
  assert.deepEqual(platformEnvironment({PATH: '/bin', 'LC_ODD NAME': 'x', MY_SETTING: 'one', R1_JOB: '/outer'}), {
    PATH: '/bin',
  });
});

test('a stage without declared variables has the fingerprint that it had before there were any', () => {
  const fingerprint = fingerprintOf(ingredients(node(plain)));
  assert.equal('env' in ingredients(node(plain)), false);
  assert.equal('env' in ingredients(node(plain, {env: {}, passEnv: ['HF_TOKEN']})), false);
  assert.equal(fingerprint, 'a5a2b4b629e62e101ac1742cece64e29d6d8c0af8b0931bdbcd08bc96405c225');
  assert.equal(fingerprintOf(ingredients(node(plain, {env: {}, passEnv: ['HF_TOKEN']}))), fingerprint);
});

test('declared variables count: their values, a node’s own before those of its stage, in no order', () => {
  const one = ingredients(node(plain, {env: {MODE: 'a', LEVEL: '1'}}));
  assert.equal(fingerprintOf(one), '16255dc0b92a61a100e58cc80b9700f72c0aca5d9a90061f70453249fb8038ba');
  assert.equal(fingerprintOf(ingredients(node(plain, {env: {LEVEL: '1', MODE: 'a'}}))), fingerprintOf(one));
  assert.notEqual(fingerprintOf(ingredients(node(plain, {env: {MODE: 'b', LEVEL: '1'}}))), fingerprintOf(one));
  assert.deepEqual(declaredEnv(node(modal)), {LC_ALL: 'C', MODE: 'a'});
  assert.deepEqual(declaredEnv(node(modal, {env: {MODE: 'b', MORE: ''}})), {LC_ALL: 'C', MODE: 'b', MORE: ''});
});

test('a difference between variables is told by name', () => {
  const said = (before: NodeOptions, now: NodeOptions) =>
    differences({
      before: ingredients(node(plain, before)),
      now: ingredients(node(plain, now)),
      codeParts: () => undefined,
    });
  assert.deepEqual(said({env: {MODE: 'a'}}, {env: {MODE: 'b'}}), ['env MODE a → b']);
  assert.deepEqual(said({}, {env: {MODE: 'b'}}), ['env MODE none → b']);
  assert.deepEqual(said({env: {MODE: 'b'}}, {}), ['env MODE b → none']);
  assert.deepEqual(said({passEnv: ['HF_TOKEN']}, {}), []);
});

test('a process gets the platform’s variables, the declared and the asked for; a command line sees no secret', () => {
  const outside = {PATH: '/bin', LC_ALL: 'de_DE', MODE: 'x', HF_TOKEN: 'secret', MORE: 'x'};
  assert.deepEqual(environmentOf(node(modal), outside), {PATH: '/bin', LC_ALL: 'C', MODE: 'a', HF_TOKEN: 'secret'});
  assert.deepEqual(environmentOf(node(plain), outside), {PATH: '/bin', LC_ALL: 'de_DE'});
  assert.deepEqual(countedEnvironment(node(modal), outside), {PATH: '/bin', LC_ALL: 'C', MODE: 'a'});
  assert.deepEqual(askedFor(node(modal, {passEnv: ['MORE', 'HF_TOKEN']})), ['HF_TOKEN', 'MORE']);
});

test('what is asked for and not set, or no text, is told with node and variable', () => {
  assert.deepEqual(missingVariables(node(modal), {HF_TOKEN: ''}), []);
  assert.deepEqual(missingVariables(node(modal), {}), [
    'node “node” asks for the environment variable HF_TOKEN (passEnv), which is not set',
  ]);
  assert.match(missingVariables(node(modal), {HF_TOKEN: 'a\uFFFDb'})[0]!, /HF_TOKEN .*is no UTF-8 text/);
  assert.throws(() => environmentOf(node(modal), {}), /node “node” asks for .*HF_TOKEN/);
});

test('names and values that no environment can hold, or that are not theirs to set, are mistakes', () => {
  const mistake = (options: unknown, stage: AnyStage = plain) => environmentMistakes(stage, options as NodeOptions);
  for (const [options, words] of [
    [{env: {'': 'x'}}, /env: "" names no environment variable/],
    [{env: {'1A': 'x'}}, /env: "1A" names no/],
    [{env: {'A=B': 'x'}}, /env: "A=B" names no/],
    [{env: {'A-B': 'x'}}, /names no/],
    [{env: {ÄRGER: 'x'}}, /names no/],
    [{env: {A: 1}}, /env: A is a number, not a string/],
    [{env: {A: undefined}}, /env: A is a undefined, not a string/],
    [{env: {A: null}}, /env: A is null, not a string/],
    [{env: {A: 'x\0y'}}, /env: A holds a NUL character/],
    [{env: {A: '\ud800'}}, /env: A is no Unicode text/],
    [{env: {A: 'x'.repeat(140_000)}}, /env: A has 140003 bytes/],
    [{env: ['A']}, /env is not a record/],
    [{env: {R1_ATTEMPT: 'x'}}, /R1_ATTEMPT is set by r1 for each job/],
    [{env: {UID: '0'}}, /UID belongs to the shell/],
    [{passEnv: ['R1_JOB']}, /passEnv: R1_JOB is set by r1/],
    [{passEnv: 'HF_TOKEN'}, /passEnv is not a list of names/],
    [{passEnv: [1]}, /passEnv is not a list of names/],
    [{passEnv: ['A B']}, /passEnv: "A B" names no/],
    [{env: {A: 'x'}, passEnv: ['A']}, /A is in both env, .* and passEnv/],
  ] as const) {
    const [said = 'nothing'] = mistake(options);
    assert.match(said, words, JSON.stringify(options));
  }
  assert.match(mistake({env: {HF_TOKEN: 'x'}}, modal)[0]!, /HF_TOKEN is in both/);
  assert.match(mistake({}, {...plain, env: {A: 1}} as never)[0]!, /env of stage “plain”: A is a number/);
  assert.deepEqual(mistake({env: {A: 'two\nlines', _b1: '', PATH: '/x'}, passEnv: ['HF_TOKEN', 'PATH_2']}), []);
});

test('what decides on the code that runs is not taken from a store, unless the stage says the same', () => {
  for (const name of [
    'LD_PRELOAD',
    'NODE_OPTIONS',
    'PATH',
    'HOME',
    'PYTHONPATH',
    'OPENSSL_CONF',
    'MY_PLUGIN_PATH',
    'https_proxy',
  ]) {
    assert.match(untrustedVariable(node(plain, {env: {[name]: '/evil'}}))!, new RegExp(`variable ${name} may decide`));
    assert.equal(untrustedVariable(node({...plain, env: {[name]: '/x'}}, {env: {[name]: '/x'}})), undefined);
  }
  assert.match(untrustedVariable(node(plain, {env: {'A;touch x': ''}}))!, /names no environment variable/);
  assert.equal(untrustedVariable(node(plain, {env: {MODE: 'a', LC_ALL: 'C', OMP_NUM_THREADS: '1'}})), undefined);
  assert.equal(untrustedVariable(node(plain)), undefined);
});

test('a mistake is told with the place in the recipe; a stage’s variables are filled in', () => {
  const wired = (options: unknown) =>
    wire(
      recipe('variables', (add) => {
        add('modal', modal, {}, {}, options as NodeOptions);
        add('plain', plain, {});
      }),
      '.',
    );
  const wrong = wired({env: {MODE: 3}});
  assert.ok(!wrong.ok);
  assert.equal(wrong.error[0]!.message, 'node “modal”: env: MODE is a number, not a string');
  assert.match(wrong.error[0]!.place!, /environment\.test/);
  const right = wired({env: {MODE: 'b'}});
  assert.ok(right.ok);
  const options = (id: string) => (right.value.nodes.get(id) as StageNode).options;
  assert.deepEqual(options('modal'), {env: {LC_ALL: 'C', MODE: 'b'}});
  assert.deepEqual(options('plain'), {});
});
