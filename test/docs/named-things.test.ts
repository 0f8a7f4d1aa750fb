/** Whatever the documents name is there: files, headings, trees, exit codes, scripts, variables, tests. */
import assert from 'node:assert/strict';
import {existsSync, readdirSync, statSync} from 'node:fs';
import path from 'node:path';
import {test} from 'node:test';
import {EXIT} from '../../bin/exit-codes.js';
import {ROOMS, filesIn, manifest, paperOf, papers, root, textOf} from './documents.js';
import {PAPER_NAMES} from '../../stages/recipes/paper-names.js';
import {anchorsOf, inlineCodeOf, linksOf, pathsOfTree, tableRowsOf} from './markdown.js';

test('files, folders and headings that the documents name exist', () => {
  for (const [name, paper] of papers) {
    const folder = path.posix.dirname(name);
    for (const link of linksOf(paper)) {
      if (/^https?:/.test(link)) continue;
      const [file, anchor] = link.split('#') as [string, string | undefined];
      const target = file === '' ? name : path.posix.join(folder, file);
      assert.ok(existsSync(path.join(root, target)), `${name} links to ${link}`);
      if (anchor === undefined) continue;
      const page = papers.get(target);
      assert.ok(page !== undefined && anchorsOf(page).includes(anchor), `${name}: ${link} leads to no heading`);
    }
    for (const code of inlineCodeOf(paper)) {
      if (/^(bin|pipeline|artifacts|stages|test)\/[\w./-]*$/.test(code))
        assert.ok(existsSync(path.join(root, code)), `${name} names ${code}`);
    }
  }
});

test('the trees of the documents have every folder and file, and nothing that is not there', () => {
  for (const [name, {fences}] of papers) {
    const folder = path.posix.dirname(name);
    const trees = fences.filter(({language}) => language === 'tree');
    if (folder === '.') assert.equal(trees.length, name === 'README.md' ? 1 : 0, name);
    const paths = trees.flatMap(({lines}) => pathsOfTree(lines));
    assert.deepEqual(
      paths.filter((file) => !existsSync(path.join(root, folder, file))),
      [],
      `${name} draws what is not there`,
    );
    if (trees.length === 0) continue;
    const entries = folder === '.' ? ROOMS : readdirSync(path.join(root, folder));
    const missing = entries
      .map((file) => (statSync(path.join(root, folder, file)).isDirectory() ? `${file}/` : file))
      .filter((file) => /(\/|\.c?[jt]s)$/.test(file))
      // The tests of a room are in a folder of its name.
      .filter((file) => folder !== 'test' || !ROOMS.includes(file.slice(0, -1)))
      .filter((file) => !paths.includes(file));
    assert.deepEqual(missing, [], `everything that is there is drawn in ${name}`);
  }
});

test('the exit codes that bin/README.md lists are those that r1 has', () => {
  const codes = tableRowsOf(paperOf('bin/README.md')).flatMap(([code]) =>
    /^\d+$/.test(code ?? '') ? [Number(code)] : [],
  );
  assert.deepEqual(codes, [0, ...Object.values(EXIT)]);
});

test('npm scripts and variables that the documents name exist', () => {
  const sources = ROOMS.flatMap((room) =>
    filesIn(room)
      .filter((file) => /\.(ts|js)$/.test(file) && !/^docs[./]/.test(file))
      .map((file) => textOf(`${room}/${file}`)),
  );
  for (const [name, paper] of papers) {
    for (const code of inlineCodeOf(paper)) {
      const script = /^npm (?:run )?([a-z]+)$/.exec(code)?.[1];
      if (script !== undefined) assert.ok(script in manifest.scripts, `${name} names ${code}`);
    }
    for (const [variable] of paper.text.matchAll(/\bR1_[A-Z_]+\b/g))
      assert.ok(
        sources.some((source) => source.includes(variable)),
        `${name} names ${variable}`,
      );
  }
});

test('the tests that npm run test:node runs are there', () => {
  const [, list] = /^const FILES = \[([^\]]*)\];$/m.exec(textOf('test/other-node.js'))!;
  const names = [...list!.matchAll(/'([^']+)'/g)].map(([, name]) => name!);
  assert.ok(names.length > 3, 'the list was found');
  assert.deepEqual(
    names.filter((name) => !existsSync(path.join(root, 'test', `${name}.test.ts`))),
    [],
  );
});

test('every invariant of test/README.md names a test that is there', () => {
  const rows = tableRowsOf(paperOf('test/README.md')).filter(([number]) => /^\d+$/.test(number ?? ''));
  assert.deepEqual(
    rows.map(([number]) => Number(number)),
    rows.map((_, index) => index + 1),
  );
  assert.ok(rows.length >= 15);
  for (const [number, , where] of rows) {
    const [, file, title] = /^`(test\/\S+)`: “(.+)”$/.exec(where ?? '') ?? [];
    assert.ok(file !== undefined && title !== undefined, `invariant ${number!} names no test: ${where ?? ''}`);
    assert.ok(textOf(file).includes(title), `invariant ${number!}: ${file} has no “${title}”`);
  }
});

test('the glossary has the paper’s name of every model that has one', () => {
  const named = tableRowsOf(paperOf('stages/evaluation/README.md')).flatMap(([nodes = '', paper = '']) =>
    [...nodes.matchAll(/`([a-z-]+)`/g)].map(([, node]) => [node!, paper] as const),
  );
  const glossary = Object.fromEntries(named.filter(([node]) => node === 'base' || node in PAPER_NAMES));
  assert.deepEqual(glossary, {base: 'V3-Base', ...PAPER_NAMES});
});
