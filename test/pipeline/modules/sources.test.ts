/** What was read of a file, who loads it afterwards, and whether it is still what it was. */
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {linkSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {pathToFileURL} from 'node:url';
import {importModule} from '../../../pipeline/modules/import.js';
import {loadRecipe} from '../../../pipeline/wiring/load-recipe.js';
import {isUntouched, markIfSame, openSources, sha256Of} from '../../../pipeline/modules/source/sources.js';
import {temporaryFolder} from '../../rig/temporary.js';

const sha = (text: string): string => sha256Of(Buffer.from(text));

/** Plain ones are imported from their text, typed ones by hooks, which Node 20 has in another thread. */
const MODULES = {
  'plain.js': "import {recipe} from 'r1';\nexport const said = 'old';\nexport const is = typeof recipe;\n",
  'typed.ts': "import {help} from './help.js';\nexport const said: string = 'old' + help;\n",
  'help.ts': "export const help: string = '';\n",
  'common.cjs': "require('./part.cjs');\nexports.said = 'old';\n",
  'part.cjs': 'module.exports = {};\n',
};

for (const name of ['plain.js', 'typed.ts', 'common.cjs'] as const) {
  test(`what was loaded of ${name} is what a digest is taken of, and the other way round`, async (t) => {
    const folder = temporaryFolder(t, {'package.json': '{"type": "module"}', ...MODULES});
    const files = name === 'typed.ts' ? [name, 'help.ts'] : name === 'common.cjs' ? [name, 'part.cjs'] : [name];
    const at = (file: string): string => pathToFileURL(join(folder, file)).href;
    const {said} = (await importModule(at(name))) as {said: string};
    assert.equal(said, 'old');
    for (const file of files) {
      writeFileSync(join(folder, file), 'throw new Error("edited");\n');
      assert.equal(openSources().read(at(file)).sha256, sha(MODULES[file as keyof typeof MODULES]), file);
    }

    const other = temporaryFolder(t, {'package.json': '{"type": "module"}', ...MODULES});
    const there = (file: string): string => pathToFileURL(join(other, file)).href;
    const sources = openSources();
    for (const file of files) sources.read(there(file));
    for (const file of files) writeFileSync(join(other, file), 'throw new Error("edited");\n');
    assert.equal(((await importModule(there(name))) as {said: string}).said, 'old');
  });
}

test('a plan reads a file once; a file that was renewed, and another plan, read it again', (t) => {
  const folder = temporaryFolder(t, {'words.txt': 'one'});
  const url = pathToFileURL(join(folder, 'words.txt')).href;
  const first = openSources();
  assert.equal(first.read(url).sha256, sha('one'));
  writeFileSync(join(folder, 'words.txt'), 'two');
  assert.equal(first.read(url).sha256, sha('one'));
  assert.equal(first.without([url]).read(url).sha256, sha('two'));
  assert.equal(first.read(url).sha256, sha('one'));
  assert.equal(openSources().read(url).sha256, sha('two'));
});

for (const [how, change, isSame] of [
  ['left alone', () => undefined, 'untouched'],
  ['written with other bytes', (file: string) => writeFileSync(file, 'two'), 'changed'],
  ['written with the same bytes', (file: string) => writeFileSync(file, 'one'), 'touched'],
  [
    'given other bytes, the same ones again, and its old time stamps',
    (file: string) => {
      writeFileSync(file, 'two');
      writeFileSync(file, 'one');
      utimesSync(file, new Date(1e12), new Date(1e12));
    },
    'touched',
  ],
  [
    'moved away, stood in for and put back',
    (file: string) => {
      renameSync(file, `${file}.away`);
      writeFileSync(file, 'two');
      renameSync(`${file}.away`, file);
    },
    'touched',
  ],
  [
    'replaced by a copy',
    (file: string) => {
      writeFileSync(`${file}.new`, 'one');
      renameSync(`${file}.new`, file);
    },
    'touched',
  ],
  ['linked', (file: string) => linkSync(file, `${file}.link`), 'touched'],
  ['removed', (file: string) => rmSync(file), 'changed'],
] as const) {
  test(`a file that is ${how} is ${isSame}`, async (t) => {
    const file = join(temporaryFolder(t, {'words.txt': 'one'}), 'words.txt');
    utimesSync(file, new Date(1e12), new Date(1e12));
    const url = pathToFileURL(file).href;
    // It has to rest: changes within one tick of the file system's clock have to be told by the bytes.
    const rested = performance.now() + 50;
    while (performance.now() < rested) await new Promise((resolve) => setImmediate(resolve));
    const known = openSources().read(url);
    change(file);
    assert.equal(isUntouched(url, known), isSame === 'untouched');
    assert.equal(markIfSame(url, known) !== undefined, isSame !== 'changed');
    if (isSame === 'untouched') assert.equal(readFileSync(file, 'utf8'), 'one');
  });
}

test('other bytes within one tick of the clock are seen', (t) => {
  const file = join(temporaryFolder(t, {'words.txt': 'one'}), 'words.txt');
  const url = pathToFileURL(file).href;
  const known = openSources().read(url);
  writeFileSync(file, 'two');
  const now = openSources().read(url).mark;
  // As if both had happened in the same tick.
  const atOnce = {...known, mark: {...now, at: now.mtimeMs}};
  assert.equal(isUntouched(url, atOnce), false);
  assert.equal(markIfSame(url, atOnce), undefined);
});

test('a pipe in the place of a module keeps nobody waiting', async (t) => {
  const folder = temporaryFolder(t);
  const pipe = join(folder, 'recipe.ts');
  execFileSync('mkfifo', [pipe]);
  assert.throws(() => openSources().read(pathToFileURL(pipe).href), /recipe\.ts is not a regular file$/);
  await assert.rejects(loadRecipe(pipe, {}), /recipe\.ts is a special file, not a recipe$/);
});
