/** Names of modules in frozen plans, there and back, and which of them lead to code that may run. */
import assert from 'node:assert/strict';
import {mkdirSync, readFileSync, realpathSync, renameSync, symlinkSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {pathToFileURL} from 'node:url';
import {UserError} from '../../../artifacts/index.js';
import {findModule, moduleName} from '../../../pipeline/modules/module-names.js';
import {ownUrl} from '../../../pipeline/modules/own-package.js';
import {projectOf, recordedRecipe} from '../../../pipeline/modules/project.js';
import {openTokenCache} from '../../../pipeline/fingerprint/token-cache.js';
import {readModuleText} from '../../../pipeline/modules/source/parse-module.js';
import {openTrusted} from '../../../pipeline/plan/trust.js';
import type {TrustedPlace} from '../../../pipeline/plan/trust.js';
import {temporaryFolder} from '../../rig/temporary.js';

const urlOf = (...parts: string[]): string => pathToFileURL(join(...parts)).href;

/** A project with a recipe, stages where they may lie, and what its recipe has nothing to do with. */
function project(t: TestContext): {root: string; project: string; store: string} {
  const root = realpathSync(
    temporaryFolder(t, {
      'evil.mjs': "import 'r1';",
      'shared/shared.mjs': "import 'r1';",
      'project/package.json': '{}',
      'project/recipes/mine.mjs':
        "import 'r1'; import './beside.mjs'; import '../lib/far.mjs'; import '../../shared/shared.mjs'; import 'packed';",
      'project/recipes/beside.mjs': "import 'r1';",
      'project/lib/far.mjs': "import 'r1';",
      'project/lib/unasked.mjs': "import 'r1';",
      'project/script.mjs': "import './tool.mjs';",
      'project/tool.mjs': '',
      'project/node_modules/packed/package.json': '{"name": "packed", "version": "1.0.0"}',
      'project/node_modules/packed/lib/package.json': '{"type": "module"}',
      'project/node_modules/packed/lib/a.js': "import 'r1';",
      'project/node_modules/@me/unasked/package.json': '{"name": "@me/unasked", "version": "1.0.0"}',
      'project/node_modules/@me/unasked/a.js': "import 'r1';",
      'project/gift/store/store.db': '',
      'project/gift/store/jobs/evil.mjs': "import 'r1';",
      'project/gift/store/evil.mjs': "import 'r1';",
      'project/gift/other/store.db': '',
      'project/gift/other/blobs/evil.mjs': "import 'r1';",
    }),
  );
  const folder = join(root, 'project');
  symlinkSync(join(root, 'evil.mjs'), join(folder, 'link.mjs'));
  symlinkSync(root, join(folder, 'recipes', 'up'));
  return {root, project: folder, store: join(folder, 'gift', 'store')};
}

test('every place of a stage has a name that leads back to it, also once the project has moved', (t) => {
  const {root, project: before} = project(t);
  const places: Record<string, string> = {
    'recipe:': 'recipes/mine.mjs',
    './beside.mjs': 'recipes/beside.mjs',
    '../lib/far.mjs': 'lib/far.mjs',
    'npm:packed/lib/a.js': 'node_modules/packed/lib/a.js',
    'npm:@me/unasked/a.js': 'node_modules/@me/unasked/a.js',
  };
  const originIn = (folder: string) => ({file: join(folder, 'recipes', 'mine.mjs'), folder: join(folder, 'recipes')});
  const names = Object.fromEntries(
    Object.values(places).map((place) => [moduleName(urlOf(before, place), originIn(before)), place]),
  );
  assert.deepEqual(names, places);
  const now = join(root, 'moved', 'project');
  mkdirSync(dirname(now));
  renameSync(before, now);
  for (const [name, place] of Object.entries(names)) {
    const found = findModule(name, originIn(now));
    assert.equal(found.ok ? found.value.url : found.error, urlOf(now, place));
  }
});

test('a package that is a link, or lies above the recipe, is named as a package', (t) => {
  const root = realpathSync(
    temporaryFolder(t, {
      'package.json': '{"name": "whole"}',
      'packages/app/package.json': '{"name": "app"}',
      'packages/app/mine.mjs': '',
      'packages/stages/package.json': '{"name": "@whole/stages"}',
      'packages/stages/a.mjs': '',
      'packages/apart/a.mjs': '',
    }),
  );
  mkdirSync(join(root, 'node_modules', '@whole'), {recursive: true});
  symlinkSync(join(root, 'packages', 'stages'), join(root, 'node_modules', '@whole', 'stages'));
  const origin = {file: join(root, 'packages/app/mine.mjs'), folder: join(root, 'packages/app')};
  const name = moduleName(urlOf(root, 'packages/stages/a.mjs'), origin);
  assert.equal(name, 'npm:@whole/stages/a.mjs');
  const found = findModule(name, origin);
  assert.equal(found.ok && found.value.url, urlOf(root, 'packages/stages/a.mjs'));
  assert.equal(moduleName(urlOf(root, 'packages/apart/a.mjs'), origin), '../apart/a.mjs');
});

test('ours are named from the package, whatever the recipe', (t) => {
  const {project: folder} = project(t);
  const url = ownUrl('stages/sft.js');
  assert.equal(moduleName(url, {folder}), 'r1:stages/sft.js');
  assert.deepEqual(findModule('r1:stages/sft.js', {folder}), {ok: true, value: {url, own: true}});
  const recipe = ownUrl('stages/recipes/tiny.js');
  assert.equal(moduleName(recipe, {folder}), 'r1:stages/recipes/tiny.js');
});

test('a recipe is recorded from the project in which it is run, else from its own', (t) => {
  const {root, project: folder} = project(t);
  const file = join(folder, 'recipes', 'mine.mjs');
  assert.equal(recordedRecipe(file, folder), 'recipes/mine.mjs');
  assert.equal(recordedRecipe(file, join(folder, 'lib')), 'recipes/mine.mjs');
  assert.equal(recordedRecipe(file, root), 'project/recipes/mine.mjs', 'no package.json there: it is a project itself');
  assert.equal(recordedRecipe(file, join(root, 'shared')), 'recipes/mine.mjs');
  symlinkSync(folder, join(root, 'way'));
  assert.equal(projectOf(join(root, 'way', 'lib')), folder);
});

type Asked = Partial<TrustedPlace> & {readonly file?: string};

/** What a plan's name for a module leads to: its URL, or why not. */
function asked(at: ReturnType<typeof project>, name: string, {file, ...place}: Asked): string {
  try {
    const claimed = {recipe: 'mine', ...(file === undefined ? {} : {file})};
    const found = openTrusted(claimed, {cwd: at.project, store: at.store, typed: 'r1 resume 1', ...place}).find(name);
    return found.ok ? found.value : `none: ${found.error}`;
  } catch (error) {
    assert.ok(error instanceof UserError, String(error));
    assert.equal(error.reason, 'untrusted-code');
    assert.ok(error.remedy?.type === 'trust-recipe' && error.remedy.typed === 'r1 resume 1');
    return `untrusted: ${error.message}`;
  }
}

test('of a recipe that the store names runs what it imports, and nothing else', (t) => {
  const at = project(t);
  const file = 'recipes/mine.mjs';
  const good: Record<string, string> = {
    'recipe:': urlOf(at.project, file),
    './beside.mjs': urlOf(at.project, 'recipes/beside.mjs'),
    '../lib/far.mjs': urlOf(at.project, 'lib/far.mjs'),
    '../../shared/shared.mjs': urlOf(at.root, 'shared/shared.mjs'),
    'npm:packed/lib/a.js': urlOf(at.project, 'node_modules/packed/lib/a.js'),
    'r1:stages/sft.js': ownUrl('stages/sft.js'),
    [urlOf(at.project, 'lib/far.mjs')]: urlOf(at.project, 'lib/far.mjs'),
  };
  for (const [name, url] of Object.entries(good)) assert.equal(asked(at, name, {file}), url);
  const bad = [
    '../gift/store/evil.mjs',
    '../gift/store/jobs/evil.mjs',
    '../gift/other/blobs/evil.mjs',
    '../../evil.mjs',
    './up/evil.mjs',
    '../link.mjs',
    '../lib/unasked.mjs',
    '../script.mjs',
    '../tool.mjs',
    '../package.json',
    'npm:@me/unasked/a.js',
    'npm:packed/../@me/unasked/a.js',
    'npm:packed/../../../evil.mjs',
    'npm:../evil.mjs',
    'npm:packed',
    'npm:',
    'r1:../../evil.js',
    'r1:stages/../bin/r1.js',
    'r1:stages/%2e%2e/bin/r1.js',
    'r1:stages/..\\bin\\r1.js',
    'r1:stages/main.js',
    'r1:bin/r1.js',
    'r1:/etc/passwd',
    'r1:file:///etc/passwd',
    'r1:',
    urlOf(at.root, 'evil.mjs'),
    urlOf(at.store, 'evil.mjs'),
    urlOf(at.project, 'lib/unasked.mjs'),
    'file:///proc/self/cwd/evil.mjs',
    'file:///%2e%2e/evil.mjs',
    'file://elsewhere/evil.mjs',
    'file:///a%2Fb',
    'file:///a%zz',
    join(at.root, 'evil.mjs'),
    'data:text/javascript,process.exit(7)',
    'https://example.org/evil.mjs',
    'node:fs',
    'packed',
    '',
    './\0.mjs',
    './',
    '.',
  ];
  for (const name of bad) assert.match(asked(at, name, {file}), /^(?:none|untrusted): /, name);
});

test('a recipe that the store names lies in the project, links resolved, in no store, and asks for r1', (t) => {
  const at = project(t);
  symlinkSync(join(at.project, 'lib', 'far.mjs'), join(at.root, 'way-in.mjs'));
  const bad = {
    '../evil.mjs': /is outside the project/,
    'link.mjs': /is outside the project/,
    'recipes/up/evil.mjs': /is outside the project/,
    'gift/store/evil.mjs': /is in the store .*gift\/store, and a store is data/,
    'gift/other/blobs/evil.mjs': /is in the store .*gift\/other/,
    'script.mjs': /is not a recipe: it never imports r1/,
    'nowhere.mjs': /is not in the project/,
    gift: /cannot be read as a module|is not a recipe/,
    '': /cannot be read as a module|is not a recipe/,
    '/etc/hostname': /is not in the project/,
    'a\0b': /is not in the project/,
  };
  for (const [file, why] of Object.entries(bad)) assert.match(asked(at, 'recipe:', {file}), why, file);
  assert.equal(
    asked(at, 'recipe:', {file: '../way-in.mjs'}),
    urlOf(at.project, 'lib/far.mjs'),
    'a link into the project',
  );
});

test('where no recipe is known, a module of the project that asks for r1 is trusted', (t) => {
  const at = project(t);
  assert.equal(asked(at, urlOf(at.project, 'lib/far.mjs'), {}), urlOf(at.project, 'lib/far.mjs'));
  for (const path of ['evil.mjs', 'project/gift/store/evil.mjs', 'project/script.mjs', 'project/link.mjs'])
    assert.match(asked(at, urlOf(at.root, path), {}), /^untrusted: /, path);
});

test('a recipe that was typed is trusted with its project, wherever that is', (t) => {
  const at = project(t);
  const place = {cwd: join(at.root, 'shared'), recipe: urlOf(at.project, 'recipes/mine.mjs'), file: 'nowhere.mjs'};
  for (const [name, path] of [
    ['recipe:', 'recipes/mine.mjs'],
    ['../lib/unasked.mjs', 'lib/unasked.mjs'],
    ['npm:@me/unasked/a.js', 'node_modules/@me/unasked/a.js'],
    ['file:///was/once/project/lib/far.mjs', 'lib/far.mjs'],
    ['file:///was/once/node_modules/packed/lib/a.js', 'node_modules/packed/lib/a.js'],
  ] as const)
    assert.equal(asked(at, name, place), urlOf(at.project, path), name);
  for (const name of ['../../evil.mjs', './up/evil.mjs', '../gift/store/evil.mjs', 'file:///was/once/evil.mjs'])
    assert.match(asked(at, name, place), /^(?:none|untrusted): /, name);
  const tiny = {...place, recipe: ownUrl('stages/recipes/tiny.js')};
  assert.equal(asked(at, 'r1:stages/sft.js', tiny), ownUrl('stages/sft.js'));
  assert.match(asked(at, '../lib/far.mjs', tiny), /^(?:none|untrusted): /);
});

test('the store’s own cache of what modules say is not asked', (t) => {
  const at = project(t);
  const source = readFileSync(join(at.project, 'recipes', 'mine.mjs'), 'utf8');
  const cache = openTokenCache(at.store);
  cache.set(source, readModuleText(`${source} import '../lib/unasked.mjs';`));
  cache.save(at.store);
  assert.match(asked(at, '../lib/unasked.mjs', {file: 'recipes/mine.mjs'}), /is nothing that the recipe .* imports/);
});
