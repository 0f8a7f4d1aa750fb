/** What somebody does to the files of a recipe, and what r1 then has to do. */
import assert from 'node:assert/strict';
import {mkdirSync, renameSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {r1} from '../rig/command.js';
import {temporaryFolder} from '../rig/temporary.js';

const RECIPE = `
import {createRequire} from 'node:module';
import {copyFileSync, writeFileSync} from 'node:fs';
import {recipe, defineStage} from 'r1';
import {word} from './word.js';
const require = createRequire(import.meta.url);
export const write = defineStage({
  module: import.meta.url, name: 'write', inputs: {}, outputs: {out: 'text'}, params: {},
  async run({outputs}) {
    writeFileSync(outputs.out, word + require('./old').word);
    copyFileSync(new URL('./rows.txt', import.meta.url), outputs.out + '.copy');
  },
});
export default recipe('own', (add) => void add('one', write, {}));
`;

const FILES = {
  'own.recipe.mjs': RECIPE,
  'word.js': `export const word = 'a';`,
  'old.js': `module.exports = require('./older/');`,
  'older/index.js': `exports.word = 'b';`,
  'rows.txt': 'rows',
};

test('files that are renamed and moved are no reason to run; what is in them is, whatever way leads there', async (t) => {
  const cwd = temporaryFolder(t, FILES);
  const plan = async () => (await r1(t, ['plan', './own.recipe.mjs'], {cwd})).out;
  const write = (file: string, text: string) => writeFileSync(join(cwd, file), text);
  const ran = await r1(t, ['run', './own.recipe.mjs'], {cwd});
  assert.equal(ran.code, 0, ran.err);
  assert.match(await plan(), /one +reuse +nothing changed/);

  mkdirSync(join(cwd, 'lib'));
  for (const file of ['word.js', 'old.js', 'older', 'rows.txt']) renameSync(join(cwd, file), join(cwd, 'lib', file));
  renameSync(join(cwd, 'lib/rows.txt'), join(cwd, 'lib/lines.txt'));
  const moved = RECIPE.replace('./word.js', './lib/word.js').replace("'./old'", "'./lib/old.js'");
  write('own.recipe.mjs', moved.replace('./rows.txt', './lib/lines.txt'));
  assert.match(await plan(), /one +reuse +nothing changed/);

  for (const [file, text] of [
    ['lib/word.js', `export const word = 'A';`],
    ['lib/older/index.js', `exports.word = 'B';`],
    ['lib/lines.txt', 'other rows'],
  ] as const) {
    write(file, text);
    assert.match(await plan(), new RegExp(`one +run .*code of ${file}`), file);
  }
  const again = await r1(t, ['run', './own.recipe.mjs'], {cwd});
  assert.equal(again.code, 0, again.err);
  const why = (await r1(t, ['why', 'one'], {cwd})).out;
  assert.match(why, /code of lib\/word\.js/);
  assert.match(why, /code of lib\/lines\.txt/);
  assert.match(why, /code: old\.js moved to lib\/old\.js/);
});

test('a plan tells of code that is loaded by a computed name', async (t) => {
  const cwd = temporaryFolder(t, {
    ...FILES,
    'word.js': `export const {word} =\n  await import(['.', 'other.js'].join('/'));`,
    'other.js': `export const word = 'o';`,
  });
  const {out, code} = await r1(t, ['plan', './own.recipe.mjs'], {cwd});
  assert.equal(code, 0);
  assert.match(out, /warning: one: \S+\/word\.js:2 loads something by a computed name, so a change of it is not seen/);
  const {warnings} = JSON.parse((await r1(t, ['plan', './own.recipe.mjs', '--json'], {cwd})).out) as {
    warnings: unknown;
  };
  assert.deepEqual(JSON.parse(JSON.stringify(warnings).replace(/"[^"]*\/word/, '"word')), [
    {problem: 'computed-name', nodes: ['one'], place: 'word.js:2'},
  ]);
});

test('a plan tells of programs that are to run without a sandbox', async (t) => {
  const cwd = temporaryFolder(t);
  const without = ['plan', '--set', 'evaluate-base.sandbox=none-i-trust-every-program'];
  const {out, err} = await r1(t, without, {cwd});
  assert.match(
    out,
    /warning: evaluate-base: programs that a model writes run without a sandbox and may do all that you may \(sandbox: none-i-trust-every-program\)/,
    err,
  );
  assert.doesNotMatch((await r1(t, ['plan'], {cwd})).out, /without a sandbox/);
  assert.match((await r1(t, ['plan', '--set', 'evaluate-base.sandbox=none'], {cwd})).err, /sandbox/);
});

test('two stages of one module with the same name are a mistake, since the second would be taken for the first', async (t) => {
  const cwd = temporaryFolder(t, {
    'twins.recipe.mjs': `
      import {writeFileSync} from 'node:fs';
      import {recipe, defineStage} from 'r1';
      const make = (word) => defineStage({
        module: import.meta.url, name: 'write', inputs: {}, outputs: {out: 'text'}, params: {},
        async run({outputs}) { writeFileSync(outputs.out, word); },
      });
      export const a = make('a'), b = make('b'), alsoA = a;
      export default recipe('twins', (add) => {
        add('one', a, {});
      });`,
  });
  const {code, err} = await r1(t, ['run', './twins.recipe.mjs'], {cwd});
  assert.equal(code, 2, err);
  assert.match(err, /twins\.recipe\.mjs:10:\d+: node “one”: \S+ exports two stages with the name “write”, a and b/);
});

test('a definition in the recipe’s own file is warned of, and a reason names few files', async (t) => {
  const files = Array.from({length: 9}, (_, index) => `part${index}.js`);
  const imports = files.map((file) => `import './${file}';`).join('\n');
  const recipe = (own: string) => `${own}
import {recipe} from 'r1';
import {write} from './stage.mjs';
export const word = {kind: 'word', name: 'word', module: import.meta.url};
export default recipe('own', (add) => { add('one', write, {}, {}, {words: [word]}); add('two', write, {}); });`;
  const stage = `
import {writeFileSync} from 'node:fs';
import {defineStage} from 'r1';
export const write = defineStage({
  module: import.meta.url, name: 'write', inputs: {}, outputs: {out: 'text'}, params: {}, definitions: {words: 'word'},
  async run({outputs}) { writeFileSync(outputs.out, 'x'); },
});`;
  const cwd = temporaryFolder(t, {
    'own.recipe.mjs': recipe(''),
    'stage.mjs': stage,
    ...Object.fromEntries(files.map((file) => [file, ''])),
  });
  const plan = async () => (await r1(t, ['plan', './own.recipe.mjs'], {cwd})).out;
  assert.match(
    await plan(),
    /warning: one: “word” is defined in the recipe’s own file, so every edit of the recipe counts .* a module beside it/,
  );
  const {warnings} = JSON.parse((await r1(t, ['plan', './own.recipe.mjs', '--json'], {cwd})).out) as {
    warnings: unknown[];
  };
  assert.deepEqual(warnings, [{problem: 'definition-in-recipe', nodes: ['one'], definitions: ['word']}]);
  assert.equal((await r1(t, ['run', './own.recipe.mjs'], {cwd})).code, 0);
  writeFileSync(join(cwd, 'own.recipe.mjs'), recipe(imports));
  const [line = ''] = (await plan()).split('\n').filter((each) => each.startsWith('one'));
  assert.match(line, /words\/word: .*words\/word: .*words\/word: .* and \d more/);
  assert.equal(line.match(/words\/word/g)?.length, 3, line);
});
