/** A recipe is code in r1's own process: what it does to the process is its mistake, and nothing ends with 0 in silence. */
import assert from 'node:assert/strict';
import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {openStore} from '../../../artifacts/index.js';
import {r1} from '../../rig/command.js';
import {temporaryFolder} from '../../rig/temporary.js';

const STAGES = `import {mkdirSync, writeFileSync, existsSync} from 'node:fs';
import {join} from 'node:path';
import {defineStage} from 'r1';
export const work = defineStage({
  module: import.meta.url, name: 'work', inputs: {}, outputs: {out: 'text'}, params: {ms: 0},
  async run({outputs, params}) {
    mkdirSync(outputs.out);
    writeFileSync(join(outputs.out, 'text'), 'x');
    writeFileSync('../../../started', ''); // from the job folder
    await new Promise((wake) => setTimeout(wake, params.ms));
  },
});
`;

/** A recipe whose file has \`top\` in line 3 and \`body\` in line 5. */
const recipeOf = (top: string, body = `add('a', work);`, head = '(add) => {'): string =>
  `import {existsSync} from 'node:fs'; import {recipe} from 'r1';
import {work} from './stages.mjs';
${top}
export default recipe('mine', ${head}
${body}
});
`;

interface Case {
  readonly text: string;
  readonly said: RegExp;
  /** Other files. */
  readonly files?: Readonly<Record<string, string>>;
  readonly endings?: readonly string[];
}

const NEVER = /its top-level `await`, or that of a module it imports, is never settled/;

/** What a recipe does before anything can run → what is said; the exit code is 2, and no store was made. */
const REFUSED: Readonly<Record<string, Case>> = {
  'a top-level await that is never settled': {
    text: recipeOf('await new Promise(() => {});'),
    said: NEVER,
    endings: ['ts', 'mjs'],
  },
  'such an await in a module that it imports': {
    text: recipeOf(`import './helper.mjs';`),
    files: {'helper.mjs': 'await new Promise(() => {});'},
    said: NEVER,
  },
  'an async function': {text: recipeOf('', `add('a', work);`, 'async (add) => {'), said: /:4:31: .* is not async/},
  'an async function that adds too late': {
    text: recipeOf('', `await null; add('a', work);`, 'async (add) => {'),
    said: /:4:31: .* is not async/,
  },
  'a promise that is returned': {
    text: recipeOf('', `return Promise.resolve().then(() => add('a', work));`),
    said: /:4:31: .* is not async/,
  },
  'a generator': {
    text: recipeOf('', `yield add('a', work);`, 'function* (add) {'),
    said: /:4:31: .* must not be a generator/,
  },
  'nothing at all': {text: recipeOf('', ''), said: /recipe “mine” has no nodes/},
  'another working folder': {text: recipeOf(`process.chdir('/');`), said: /changes the working folder/},
  'another working folder, in its function': {
    text: recipeOf('', `process.chdir('/'); add('a', work);`),
    said: /changes the working folder/,
  },
  'an end of the process': {text: recipeOf('process.exit(0);'), said: /:3:9: a recipe must not end the process/},
  'an end of the process, in its function': {
    text: recipeOf('', 'process.exit();'),
    said: /:5:9: a recipe must not end the process/,
  },
  'an error in a timer': {
    text: recipeOf(
      `setTimeout(() => { throw new RangeError('too far'); });\nawait new Promise((wake) => setTimeout(wake, 500));`,
    ),
    said: /:3:26: RangeError: too far\n\(thrown in a timer/,
  },
  'text thrown in a timer': {
    text: recipeOf(`setTimeout(() => { throw 'text'; });\nawait new Promise((wake) => setTimeout(wake, 500));`),
    said: /: text\n\(thrown in a timer/,
  },
  'a rejection that nobody handles': {
    text: recipeOf(`void Promise.reject(new TypeError('no'));\nawait new Promise((wake) => setTimeout(wake, 500));`),
    said: /:3:21: TypeError: no\n/,
  },
};

test('what a recipe does instead of wiring is refused with its place', async (t) => {
  for (const [name, {text, said, files = {}, endings = ['mjs']}] of Object.entries(REFUSED)) {
    for (const ending of endings) {
      const file = `recipe.${ending}`;
      const cwd = temporaryFolder(t, {'stages.mjs': STAGES, [file]: text, ...files});
      for (const command of ['run', 'plan']) {
        const {code, err, out} = await r1(t, [command, `./${file}`], {cwd});
        assert.match(err, said, `${command}: ${name}`);
        assert.ok(err.includes(join(cwd, file)), `${name}: ${err}`);
        assert.doesNotMatch(err, /error of r1|node:internal/, name);
        assert.equal(code, 2, `${command}: ${name}`);
        assert.equal(out, '', name);
      }
    }
  }
});

test('CommonJS that cannot be parsed is told with its place, however far from the recipe it is asked for', async (t) => {
  const text = (way: string): string =>
    `import {recipe} from 'r1';\nimport './${way}';\nexport default recipe('mine', () => {});\n`;
  const cwd = temporaryFolder(t, {
    'broken.cjs': 'module.exports = {a: ;\n',
    'between.ts': "import './broken.cjs';\n",
    'near.mjs': text('broken.cjs'),
    'far.ts': text('between.js'),
  });
  for (const file of ['near.mjs', 'far.ts']) {
    const {code, err} = await r1(t, ['plan', `./${file}`], {cwd});
    // In Node's words or in those of our parser, whichever sees it first.
    assert.ok(err.startsWith(`${join(cwd, 'broken.cjs')}:1:22: SyntaxError: Unexpected token`), `${file}: ${err}`);
    assert.doesNotMatch(err, /error of r1|node:internal/, file);
    assert.equal(code, 2, file);
  }
});

test('an exit code that a recipe sets is not r1’s, and what it prints is no result', async (t) => {
  const top = `process.exitCode = 3; console.log('read'); console.dir({a: 1}); setTimeout(() => (process.exitCode = 4), 1);`;
  const cwd = temporaryFolder(t, {
    'stages.mjs': STAGES,
    'recipe.mjs': recipeOf(top, `console.info('wired'); add('a', work);`),
  });
  const ran = await r1(t, ['run', './recipe.mjs', '--json'], {cwd});
  assert.equal(ran.code, 0, ran.err);
  for (const line of ran.out.trimEnd().split('\n')) assert.ok(JSON.parse(line), line);
  assert.match(ran.err, /read\n\{ a: 1 \}\nwired/);
  const wrong = await r1(t, ['run', './recipe.mjs', '--only', 'b'], {cwd});
  assert.equal(wrong.code, 2, 'its own codes stay');
});

test('what a recipe writes to stdout by any way goes to stderr, whole and in order, and results stay alone on stdout', async (t) => {
  const top = `const many = 'x'.repeat(200000);
process.stdout.write('1 ' + many + '\\n'); console.log('2'); console.table([3]); process.stdout.write(Buffer.from('4\\n'));`;
  const cwd = temporaryFolder(t, {
    'stages.mjs': STAGES,
    'recipe.mjs': recipeOf(top, `process.stdout.write('5\\n', () => {}); console.log('6'); add('a', work);`),
  });
  const said = /^1 x{200000}\n2\n[^]*3[^]*\n4\n5\n6\n/;
  const inFiles = ['/bin/sh', '-c', '"$@" >out 2>err', 'sh'];
  for (const words of [
    ['plan', './recipe.mjs', '--json'],
    ['run', './recipe.mjs', '--dry-run', '--json'],
    ['run', './recipe.mjs', '--json'],
    ['resume', '1', '--recipe', './recipe.mjs', '--json'],
    ['reproduce', 'a', '--recipe', './recipe.mjs', '--json'],
    ['plan', './recipe.mjs'],
  ]) {
    const isJson = words.includes('--json');
    const piped = await r1(t, words, {cwd});
    await r1(t, words, {cwd, inside: inFiles});
    const filed = {out: readFileSync(join(cwd, 'out'), 'utf8'), err: readFileSync(join(cwd, 'err'), 'utf8')};
    for (const {out, err} of [piped, filed]) {
      assert.doesNotMatch(out, /^[1-6]( |$)/m, words.join(' '));
      for (const line of isJson ? out.split('\n').filter(Boolean) : []) assert.ok(JSON.parse(line), line);
      if (words[0] === 'plan' || words[0] === 'run') {
        assert.match(err, said, words.join(' '));
        assert.notEqual(out, '');
      }
    }
  }
});

/** Recipe code that is called when the stage has started. */
const once = (code: string): string =>
  `const timer = setInterval(() => { if (existsSync(new URL('./started', import.meta.url))) { clearInterval(timer); ${code} } }, 20);`;

test('an error in a timer of a recipe while its nodes run is told with its place, and the run stops in order', async (t) => {
  const mistakes: Readonly<Record<string, readonly [string, RegExp]>> = {
    thrown: [once(`throw new RangeError('too far');`), /:3:\d+: RangeError: too far/],
    late: [
      `let late; ${once(`late('b', work);`)}`,
      /:3:\d+: Error: “b” was added when the function of recipe “mine” had returned/,
    ],
  };
  for (const [name, [top, said]] of Object.entries(mistakes)) {
    const body = `${name === 'late' ? 'late = add; ' : ''}add('a', work, {}, {ms: 30000});`;
    const cwd = temporaryFolder(t, {'stages.mjs': STAGES, 'recipe.mjs': recipeOf(top, body)});
    const {code, err} = await r1(t, ['run', './recipe.mjs'], {cwd});
    assert.match(err, said);
    assert.match(err, /a +was stopped/);
    assert.match(err, /run 1 stopped/);
    assert.equal(code, 2, err);
    const store = openStore(join(cwd, '.r1'), {mode: 'read'});
    assert.equal(store.attemptsOf(store.latestRun()!.id, 'a')[0]?.outcome?.reason, 'stopped', name);
    assert.deepEqual(store.orphans(), []);
    store.close();
  }
});

test('a recipe that ends the process while its nodes run does not make a success of it', async (t) => {
  const cwd = temporaryFolder(t, {
    'stages.mjs': STAGES,
    'recipe.mjs': recipeOf(once('process.exit(0);'), `add('a', work, {}, {ms: 3000});`),
  });
  const {code, err} = await r1(t, ['run', './recipe.mjs'], {cwd});
  assert.match(err, /recipe\.mjs:3:\d+: a recipe must not end the process/);
  assert.equal(code, 2);
});

/** The stage's file, when it is in the stage's own process → what is said of the node. */
const NEVER_ENDING: Readonly<Record<string, readonly [string, RegExp]>> = {
  'a stage whose module never finishes loading': [
    `${STAGES}\nif (process.env.R1_ATTEMPT) await new Promise(() => {});`,
    /a +failed: could not be started: .*its top-level `await`.* is never settled/,
  ],
  'a stage that awaits what nobody settles': [
    STAGES.replace('setTimeout(wake, params.ms)', '0'),
    /a +failed: a promise that its `run` awaits is never settled: nothing is left to do/,
  ],
  'a stage that ends its process': [
    STAGES.replace('await new', 'process.exit(0); await new'),
    /a +failed: exited with 0 before it was done/,
  ],
};

test('a stage’s process that ends without having done anything is a failure, in words', async (t) => {
  for (const [name, [stages, said]] of Object.entries(NEVER_ENDING)) {
    const cwd = temporaryFolder(t, {'stages.mjs': stages, 'recipe.mjs': recipeOf('')});
    const {code, err} = await r1(t, ['run', './recipe.mjs'], {cwd});
    assert.match(err, said, name);
    assert.equal(code, 1, name);
  }
});

test('resume and reproduce say it too when the module of a stage never finishes loading', async (t) => {
  const stages = `${STAGES.replace('await new', `if (existsSync('../../../fail')) throw 'no'; await new`)}
if (existsSync('hang')) await new Promise(() => {});`;
  for (const [words, files, first] of [
    [['resume'], {fail: ''}, 1],
    [['reproduce', 'a'], {}, 0],
  ] as const) {
    const cwd = temporaryFolder(t, {'stages.mjs': stages, 'recipe.mjs': recipeOf(''), ...files});
    assert.equal((await r1(t, ['run', './recipe.mjs'], {cwd})).code, first);
    writeFileSync(join(cwd, 'hang'), '');
    const {code, err, out} = await r1(t, words, {cwd});
    assert.match(err + out, NEVER, words[0]);
    assert.notEqual(code, 0, words[0]);
  }
});
