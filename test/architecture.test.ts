/** The walls of the house, tried on the house itself and on a small tree in which each of them is broken. */
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {existsSync, readFileSync} from 'node:fs';
import {homedir} from 'node:os';
import path from 'node:path';
import {test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {
  commandsNamed,
  countingFolders,
  lightModules,
  machineTraces,
  printing,
  tensorflowReached,
  tooLong,
  undeclaredPackages,
  wrongImports,
} from './architecture/rules.js';
import {frontDoors, undocumented} from './architecture/docstrings.js';
import {circles, climbing} from './architecture/rooms.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const LONGEST = 400;

/** Files that are one thought and longer than the limit; the reason stands beside each. */
const MAY_BE_LONG: Readonly<Record<string, string>> = {};

/** Binary files, and files that others wrote. */
const NOT_OURS = /\.(safetensors|parquet|npz|png|gz)$|^test\/fixtures\/hf\/|^LICENSE$/;

/** Every text file that is, or would be, under version control. */
function projectFiles(): Map<string, string> {
  const list = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {cwd: root});
  const files = list
    .toString()
    .split('\0')
    .filter((file) => file !== '' && !NOT_OURS.test(file));
  const present = files.filter((file) => existsSync(path.join(root, file)));
  return new Map(present.map((file) => [file, readFileSync(path.join(root, file), 'utf8')]));
}

const house = projectFiles();

/** Spelt in pieces, so that this file does not name what it forbids. */
const registries = [
  ['registry', 'npmjs', 'org'],
  ['npmmirror', 'com'],
  ['pypi', 'org'],
  ['pythonhosted', 'org'],
].map((parts) => parts.join('.'));
const homes = ['/', '/root'].includes(homedir()) ? [] : [path.join(homedir(), '/')];
const places = [
  ['', 'root', ''],
  ['', 'work', ''],
]
  .map((parts) => parts.join('/'))
  .concat(homes, root);

const bad = new Map([
  [
    'package.json',
    '{"dependencies": {"execa": "1.0.0", "zod": "1.0.0"}, "devDependencies": {"@types/better-sqlite3": "1"}}',
  ],
  [
    'artifacts/store.ts',
    "import {plan} from '../pipeline/plan/plan.js';\nimport type {Database} from 'better-sqlite3'; const hint = 'r1 gc, or --store; r1 is no command';",
  ],
  [
    'pipeline/plan/plan.ts',
    "export * from '../../stages/sft.js';\nimport {execa} from 'execa';\nconsole.log(1); const hint = `${1} --store ${2} --import x --${3}`; // r1 gc",
  ],
  ['artifacts/formats/jsonl.ts', "import {UserError} from '../error.js';\nimport './csv.js';"],
  ['artifacts/formats/csv.ts', ''],
  ['artifacts/error.ts', ''],
  ['pipeline/stage.ts', "import {z} from 'zod';\nimport left from 'left-pad';\nprocess.exitCode = 1;"],
  ['pipeline/executors/local.ts', "import {execa} from 'execa';"],
  ['stages/index.ts', "export {sft} from './sft.js';"],
  [
    'stages/sft.ts',
    "import {model} from './model.js';\nexport const sft = defineStage({run: () => import('./lazy.js')});",
  ],
  ['stages/lazy.ts', "import './tensorflow/backend.js';"],
  ['stages/model.ts', "import type * as tf from '@tensorflow/tfjs-node-gpu';\nimport {shape} from './shape.js';"],
  ['stages/shape.ts', "import * as tf from '@tensorflow/tfjs-node-gpu';\nimport '../pipeline/plan/plan.js';"],
  ['stages/writer.ts', "import '../artifacts/error.js';\nimport '../artifacts/formats/jsonl.js';"],
  ['stages/tensorflow/backend.ts', "import * as tf from '@tensorflow/tfjs-node-gpu';"],
  [
    'stages/door.ts',
    "const Sqlite = createRequire(import.meta.url)('better-sqlite3');\nawait import('commander');\nnew URL('../../package.json', import.meta.url);",
  ],
  ['bin/r1.ts', "import {sft} from '../stages/sft.js';\nimport '../test/rig.js';\nprocess.stdout.write('');"],
  ['bin/main.ts', "const COMMANDS: Table = {\n  gc: load,\n}; option('--store <folder>');"],
  ['bin/long.ts', '// one\n// two\n// three\n'],
  ['.npmrc', `registry=https://${registries[0]!}/\n`],
]);

test('imports only ever point down the stack, and each dependency has one door', () => {
  assert.deepEqual(wrongImports(house), []);
});

test('an import that points up, into a test, or past a door is seen', () => {
  assert.deepEqual(wrongImports(bad), [
    'artifacts/formats/jsonl.ts:1 may not import artifacts/error.ts',
    'artifacts/store.ts:1 may not import pipeline/plan/plan.ts',
    'bin/r1.ts:2 imports a test: ../test/rig.js',
    'pipeline/plan/plan.ts:1 may not import stages/sft.ts',
    'pipeline/plan/plan.ts:2 imports execa, whose door is pipeline/executors/',
    'stages/door.ts:1 imports better-sqlite3, whose door is artifacts/database/database.ts',
    'stages/door.ts:2 imports commander, whose door is bin/',
    'stages/shape.ts:1 imports @tensorflow/tfjs-node-gpu, whose door is stages/tensorflow/backend.ts',
    'stages/shape.ts:2 may not import pipeline/plan/plan.ts',
    'stages/writer.ts:1 may not import artifacts/error.ts',
  ]);
});

test('within each room imports point down, and there is no circle', () => {
  assert.deepEqual(climbing(house), []);
  assert.deepEqual(circles(house), []);
});

test('within a room, an import that climbs or closes a circle is seen, also of a type, a thread or in a deeper folder', () => {
  const tree = new Map([
    ['pipeline/stage.ts', "import type {Plan} from './plan/plan.js';"],
    ['pipeline/plan/plan.ts', "import '../stage.js';\nnew Worker(new URL('../run/thread.js', import.meta.url));"],
    ['pipeline/run/thread.ts', "const late = await import('../plan/plan.js');"],
    ['pipeline/odd/one.ts', ''],
    ['stages/sft.ts', "import './engine/engine.js';"],
    ['stages/engine/engine.ts', "import type {a} from './programs/a.js';"],
    ['stages/engine/adamw.ts', "import './engine.js';"],
    ['stages/engine/programs/a.ts', "import './b.js';"],
    ['stages/engine/programs/b.ts', "import '../adamw.js';"],
  ]);
  assert.deepEqual(climbing(tree), [
    'pipeline/odd/one.ts has no place in the order of its room',
    'pipeline/plan/plan.ts:2 climbs to pipeline/run/thread.ts',
    'pipeline/stage.ts:1 climbs to pipeline/plan/plan.ts',
  ]);
  assert.deepEqual(circles(tree), ['pipeline/plan/plan.ts → pipeline/stage.ts → pipeline/plan/plan.ts']);
  tree.set('pipeline/stage.ts', '');
  assert.deepEqual(circles(tree), ['pipeline/plan/plan.ts → pipeline/run/thread.ts → pipeline/plan/plan.ts']);
  tree.set('pipeline/run/thread.ts', '');
  tree.set('stages/engine/adamw.ts', '');
  tree.set('stages/engine/programs/other.ts', "import '../engine.js';");
  assert.deepEqual(circles(tree), ['stages/engine/engine.ts → stages/engine/programs → stages/engine/engine.ts']);
});

test('every imported package is a dependency', () => {
  assert.deepEqual(undeclaredPackages(house), []);
});

test('a package that is not declared is seen, and types alone need only be declared for development', () => {
  assert.deepEqual(
    undeclaredPackages(bad).filter((line) => line.startsWith('artifacts') || line.startsWith('pipeline')),
    ['pipeline/stage.ts:2 imports left-pad, which is no dependency'],
  );
});

test('no module that defines a stage, and no command, loads TensorFlow', () => {
  assert.ok(lightModules(house).length > 10, 'the modules that define stages were found');
  assert.deepEqual(tensorflowReached(house), []);
});

test('a static way to TensorFlow is seen with its chain, a dynamic one is allowed', () => {
  assert.deepEqual(lightModules(bad), ['bin/long.ts', 'bin/main.ts', 'bin/r1.ts', 'stages/index.ts', 'stages/sft.ts']);
  const chain = 'stages/sft.ts → stages/model.ts → stages/shape.ts → @tensorflow/tfjs-node-gpu';
  assert.deepEqual(tensorflowReached(bad), [`bin/r1.ts → ${chain}`, `stages/index.ts → ${chain}`, chain]);
});

test('only bin prints and sets exit codes', () => {
  assert.deepEqual(printing(house), []);
  assert.deepEqual(printing(bad), [
    'pipeline/plan/plan.ts:3 uses console.log',
    'pipeline/stage.ts:3 uses process.exitCode',
  ]);
});

test('below the command line nothing names a command or an option', () => {
  assert.deepEqual(commandsNamed(house), []);
  assert.deepEqual(commandsNamed(bad), [
    'artifacts/store.ts:2 names r1 gc',
    'artifacts/store.ts:2 names --store',
    'pipeline/plan/plan.ts:3 names --store',
    'pipeline/plan/plan.ts:3 names --…',
  ]);
});

test('one module knows where the package lies', () => {
  assert.deepEqual(countingFolders(house), []);
  assert.deepEqual(countingFolders(bad), ['stages/door.ts:3 counts folders; pipeline/modules/own-package.ts knows']);
});

test('every function, class and constant that a front door exports has a docstring', () => {
  assert.ok(frontDoors(house).length >= 5, 'the front doors were found');
  assert.deepEqual(undocumented(house), []);
});

test('a value without a docstring is seen, wherever it is declared; a comment about the file is none', () => {
  const tree = new Map([
    ['package.json', '{"exports": {".": {"default": "./dist/pipeline/index.js"}, "./package.json": "./package.json"}}'],
    [
      'pipeline/index.ts',
      [
        '/** The front door. */',
        "export {far, renamed as near} from './far.js';",
        "export type {Shape} from './far.js';",
        "export * from './all.js';",
        '/** Says what it does. */',
        'export const said = () => 1;',
        'export const bare = () => 1;',
        'function late() {}',
        'export {late};',
        '/** The recipe. */',
        'export default said;',
      ].join('\n'),
    ],
    [
      'pipeline/far.ts',
      '/** About the file. */\n\nexport function far() {}\n/** Says so. */\nexport class renamed {}\nexport interface Shape {}\nexport const private_ = 1;',
    ],
    ['pipeline/all.ts', 'export class All {}'],
  ]);
  assert.deepEqual(undocumented(tree), [
    'pipeline/far.ts:3 far has no docstring',
    'pipeline/all.ts:1 All has no docstring',
    'pipeline/index.ts:7 bare has no docstring',
    'pipeline/index.ts:8 late has no docstring',
  ]);
});

test(`no file has more than ${LONGEST} lines`, () => {
  assert.deepEqual(tooLong(house, LONGEST, MAY_BE_LONG), []);
  assert.deepEqual(tooLong(bad, 2, {'bin/r1.ts': 'once long', 'stages/gone.ts': 'gone'}).slice(0, 2), [
    'pipeline/plan/plan.ts is over 2 lines: it is two files',
    'pipeline/stage.ts is over 2 lines: it is two files',
  ]);
  assert.deepEqual(tooLong(bad, 3, {'bin/r1.ts': 'once long'}), ['bin/r1.ts needs no allowance']);
});

test('no file names a place on one machine or a package registry', () => {
  assert.deepEqual(machineTraces(house, [...registries, ...places]), []);
  assert.deepEqual(machineTraces(bad, registries), [`.npmrc:1 names ${registries[0]!}`]);
});

test('the lock file names no place to fetch from', () => {
  const {packages} = JSON.parse(house.get('package-lock.json')!) as {packages: Record<string, {resolved?: string}>};
  assert.ok(Object.keys(packages).length > 100);
  assert.deepEqual(
    Object.entries(packages).filter(([, {resolved}]) => resolved !== undefined),
    [],
  );
});
