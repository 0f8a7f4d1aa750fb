/** Which files beside it a script of Python imports, by its text alone. */
import assert from 'node:assert/strict';
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {pathToFileURL} from 'node:url';
import {openCodeReader} from '../../../pipeline/fingerprint/code-digest.js';
import {codeDifferences} from '../../../pipeline/fingerprint/fingerprint.js';
import {openTokenCache} from '../../../pipeline/fingerprint/token-cache.js';
import {pythonImports} from '../../../pipeline/modules/source/python-imports.js';
import {temporaryFolder} from '../../rig/temporary.js';

const FILES = {
  'train.py': '',
  'helper.py': '',
  'other.py': '',
  'third.py': '',
  'größe.py': '',
  'pkg/__init__.py': '',
  'pkg/deep.py': '',
  'pkg/sub/__init__.py': '',
  'pkg/sub/leaf.py': '',
  'loose/part.py': '',
  'helper/__init__.py': '',
};

function importedBy(t: TestContext, text: string, file = 'train.py'): readonly string[] {
  const {'helper/__init__.py': _, ...files} = FILES;
  const folder = temporaryFolder(t, files);
  const at = (name: string): string => pathToFileURL(join(folder, name)).href;
  return pythonImports(at(file), text, at('train.py')).map((url) => url.slice(at('').length).replace(/^\//, ''));
}

test('modules of the script’s own folder and packages below it are found in every form of import', (t) => {
  const of = (text: string, file?: string) => importedBy(t, text, file);
  assert.deepEqual(of('import helper'), ['helper.py']);
  assert.deepEqual(of('import os, helper as h, torch.nn, other'), ['helper.py', 'other.py']);
  assert.deepEqual(of('import pkg.sub.leaf'), ['pkg/__init__.py', 'pkg/sub/__init__.py', 'pkg/sub/leaf.py']);
  assert.deepEqual(of('from helper import (a,\n  b as c,  # more\n)'), ['helper.py']);
  assert.deepEqual(of('from helper import (\r\n  a,\r\n  b,\r\n)\r\nimport other\r\n'), ['helper.py', 'other.py']);
  assert.deepEqual(of('import helper\rimport other\r'), ['helper.py', 'other.py']);
  assert.deepEqual(of('import größe, helper'), [encodeURI('größe.py'), 'helper.py']);
  assert.deepEqual(of('from pkg import deep, sub as s, nothing'), [
    'pkg/__init__.py',
    'pkg/deep.py',
    'pkg/sub/__init__.py',
  ]);
  assert.deepEqual(of('from loose import part'), ['loose/part.py']);
  assert.deepEqual(of('from pkg import *'), ['pkg/__init__.py']);
  assert.deepEqual(of('try: import helper\nexcept ImportError:\n    import other; import third'), [
    'helper.py',
    'other.py',
    'third.py',
  ]);
  assert.deepEqual(of('def f():\n\tfrom pkg.deep \\\n  import x'), ['pkg/__init__.py', 'pkg/deep.py']);
  assert.deepEqual(of('from . import deep\nfrom .sub import leaf\nfrom ..helper import x', 'pkg/__init__.py'), [
    'pkg/deep.py',
    'pkg/sub/__init__.py',
    'pkg/sub/leaf.py',
    'helper.py',
  ]);
  assert.deepEqual(of('from .deep import x\nimport helper', 'pkg/sub.py'), ['pkg/deep.py', 'helper.py']);
  assert.deepEqual(of('from .. import deep', 'pkg/sub/leaf.py'), ['pkg/deep.py']);
});

test('what only looks like an import, or is no file beside the script, is passed over', (t) => {
  const of = (text: string) => importedBy(t, text);
  assert.deepEqual(of('# import helper\n"""\nimport helper\n"""\nx = "\\"; import helper"\nimportant = helper'), []);
  assert.deepEqual(of("'''it's\nimport other'''\ns = 'import third'"), []);
  assert.deepEqual(of('import helpers, numpy as np\nfrom torch import nn\nfrom helperx import other'), []);
  assert.deepEqual(of('x = {"a": 1,\n  "b": 2}\nimport helper'), ['helper.py']);
  assert.deepEqual(of('f(a,\n  b)\n"unclosed\nimport helper'), ['helper.py']);
  assert.deepEqual(of('import train'), []);
});

test('a helper of a script counts, whoever imports it, and is named when it changes', (t) => {
  const {'helper/__init__.py': _, ...files} = FILES;
  const folder = temporaryFolder(t, {
    ...files,
    'stage.js': `export const file = new URL('./train.py', import.meta.url);`,
    'train.py': 'import pkg.deep\n',
    'pkg/deep.py': 'import helper\nfrom . import sub\n',
    'helper.py': 'import pkg\n',
  });
  const at = (name: string): string => pathToFileURL(join(folder, name)).href;
  const read = () => openCodeReader(openTokenCache(join(folder, 'store'))).codeOf(at('stage.js'));
  const before = read();
  const reach = ['train.py', 'pkg/__init__.py', 'pkg/deep.py', 'helper.py', 'pkg/sub/__init__.py'].map(at);
  assert.deepEqual([...before.named[at('train.py')]!].sort(), [...reach].sort());
  writeFileSync(join(folder, 'other.py'), 'x = 1\n');
  assert.equal(read().digest, before.digest, 'what is not imported does not count');
  writeFileSync(join(folder, 'helper.py'), 'import pkg\nx = 1\n');
  const after = read();
  assert.notEqual(after.digest, before.digest);
  assert.deepEqual(codeDifferences(before.parts, after.parts), ['code of helper.py']);
});
