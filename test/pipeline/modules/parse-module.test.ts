/** Tokens: what is a change of a module, and what is only another way to write it. */
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {readModuleText} from '../../../pipeline/modules/source/parse-module.js';

test('a line break that changes the meaning changes the digest', () => {
  const tokens = (source: string) => readModuleText(source).tokens;
  assert.notEqual(tokens('let a, b;\na\n++b'), tokens('let a, b;\na++\nb'));
  assert.notEqual(tokens('f = () => { return\n1 }'), tokens('f = () => { return 1 }'));
  assert.equal(tokens('let a = 1\nlet b = 2'), tokens('let a = 1; let b = 2;'));
  assert.equal(tokens('f(1,\n 2)'), tokens('f(1, 2)'));
});

test('commas at the end of a list do not count, those that make a gap do', () => {
  const tokens = (source: string) => readModuleText(source).tokens;
  assert.equal(tokens('f(1, 2,); ({a, b,}); [a, b,]; (a,) => a'), tokens('f(1, 2); ({a, b}); [a, b]; (a) => a'));
  assert.equal(new Set(['[]', '[,]', '[a]', '[a,,]', '[a,,,]', '[,a]'].map(tokens)).size, 6);
});

test('tokens are told apart whatever is in them', () => {
  const tokens = (source: string) => readModuleText(source).tokens;
  const sources = [
    'a / b / c',
    'a, /b/, c',
    '`a${b}c`',
    '`a${"b"}c`',
    '`a`, b, `c`',
    'class A { #a; a }',
    'class A { a; #a }',
    '#!/usr/bin/env node\na',
    '"a b"',
    '"a", "b"',
    'import a from "./a.json" with {type: "json"}',
    'import a from "./a.json"',
  ];
  assert.equal(new Set(sources.map(tokens)).size, sources.length);
  assert.equal(tokens('#!/usr/bin/env node\na'), tokens('// another\na'));
});
