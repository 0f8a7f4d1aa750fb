/** A store that is not there: only what begins work makes one, whatever else is typed. */
import assert from 'node:assert/strict';
import {readdirSync, symlinkSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {r1} from '../rig/command.js';
import {temporaryFolder} from '../rig/temporary.js';

/** Begin work, or look ahead to it, or look at the machine or at a recipe. */
const NEED_NONE = ['run', 'plan', 'stages', 'params', 'doctor', 'help', 'import-adapter'];

/** What stands behind the name of a command, where one word is not enough. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  log: ['node'],
  why: ['node'],
  reproduce: ['node'],
  lineage: ['node'],
  show: ['node'],
  metrics: ['node'],
  finish: ['node'],
  chat: ['node', 'question'],
  eval: ['node', '--prompts', 'prompts.jsonl'],
  'bench-eval': ['node', '--suite', 'frames', '--data', 'prompts.jsonl'],
  diff: ['1', '2'],
  compare: ['1', '2'],
  samples: ['node'],
  export: ['node', 'target'],
  trace: ['node'],
  tag: ['name', 'node'],
  untag: ['name'],
  pin: ['node'],
  unpin: ['node'],
};

test('no command that does not begin work makes a store', async (t) => {
  const cwd = temporaryFolder(t, {'prompts.jsonl': '{"question": "a", "answer": "1"}\n'});
  const help = await r1(t, ['--help'], {cwd});
  const names = [...help.out.matchAll(/^ {2}([a-z][a-z-]*)(?= .*$)/gm)].map(([, name]) => name!);
  const commands = [...new Set(names)].filter((name) => name !== 'r1' && !NEED_NONE.includes(name));
  assert.ok(commands.includes('resume') && commands.length > 20, commands.join(' '));
  for (const command of commands) {
    const {code, err} = await r1(t, [command, ...(WORDS[command] ?? []), '--store', 'typo'], {cwd});
    assert.deepEqual([code, readdirSync(cwd)], [2, ['prompts.jsonl']], `${command}: ${err}`);
    assert.match(err, /there is no store at .*typo/, command);
  }
});

const RECIPE = `import {defineStage, recipe} from 'r1';
const stage = (name, options) => defineStage({
  module: import.meta.url, name, inputs: {}, outputs: {out: 'text'}, params: {size: 1}, async run() {}, ...options,
});
export const work = stage('work', {});
export const secret = stage('secret', {passEnv: ['NOBODY_SETS_THIS']});
export default recipe('mine', (add) => {
  add('a', work);
  add('b', secret);
});
`;

/** What is typed behind `r1 run ./mine.mjs` → what is said. */
const REFUSED: readonly (readonly [words: readonly string[], said: RegExp])[] = [
  [['--set', 'wrong.thing=1'], /there is no node “wrong”/],
  [['--set', 'a.thing=1'], /has no param “thing”/],
  [['--set', 'a'], /^set takes NODE\.PARAM=VALUE/],
  [['--only', 'd'], /there is no node “d”/],
  [['--force', 'd'], /there is no node “d”/],
  [['--only', 'a', '--source', 'a'], /^source takes NODE/],
  [['--only', 'a', '--source', 'a='], /^source a: the path is empty\nsay the file or folder, as in a=PATH/],
  [
    ['--only', 'a', '--source', 'a=./one', '--source', 'a=./two'],
    /^source a is given twice: “a=\.\/one” and “a=\.\/two”\nleave one of them out/,
  ],
  [['--only', 'a', '--source', 'a=./nothing'], /source “a”: .*nothing does not exist/],
  [
    ['--only', 'a', '--source', 'a=loop/x'],
    /source “a”: could not read .*: a link in the path leads to itself\ngive another path/,
  ],
  [['--only', 'b'], /NOBODY_SETS_THIS/],
];

test('a run that cannot begin leaves nothing where nothing was', async (t) => {
  const cwd = temporaryFolder(t, {'mine.mjs': RECIPE, 'wrong.mjs': RECIPE.replace('(add) => {', '$& add("a", 1);')});
  symlinkSync('loop', join(cwd, 'loop'));
  const before = readdirSync(cwd);
  const refused = async (words: readonly string[], said: RegExp): Promise<void> => {
    const {code, err} = await r1(t, ['run', ...words, '--store', 'deep/new'], {cwd});
    assert.match(err, said);
    assert.deepEqual([code, readdirSync(cwd)], [2, before], words.join(' '));
  };
  for (const [words, said] of REFUSED) await refused(['./mine.mjs', ...words], said);
  await refused(['./wrong.mjs'], /wrong\.mjs:/);
  await refused(['./nowhere.mjs'], /there is no recipe file/);
  const ran = await r1(t, ['run', './mine.mjs', '--only', 'a', '--store', 'deep/new'], {cwd});
  assert.equal(ran.code, 1, ran.err);
  assert.deepEqual(readdirSync(cwd), ['deep', ...before]);
});
