import assert from 'node:assert/strict';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {after, test} from 'node:test';
import {readCard, readPrompts, readRows, writeRows} from '../../../stages/data/rows.js';
import {promptRow, sampleRow} from '../../../stages/data/schemas.js';

const root = mkdtempSync(join(tmpdir(), 'r1-rows-'));
after(() => rmSync(root, {recursive: true}));

const folder = (): string => mkdtempSync(join(root, 'rows-'));

test('rows come back as they were written, unknown fields included', async () => {
  const at = folder();
  const rows = [{id: 'a', from: ['x'], question: 'q', response: '等等 “r”\n', extra: [1]}];
  await writeRows(at, rows, {rows: 1});
  assert.deepEqual(await readRows(at, sampleRow), rows);
  assert.deepEqual(await readCard(at), {rows: 1});
});

test('a garbled line is named by file and line', async () => {
  const at = folder();
  writeFileSync(join(at, 'rows.jsonl'), '{"id":"a","from":[],"question":"q","response":"r"}\n{"id":"b","fr\n');
  await assert.rejects(readRows(at, sampleRow), /rows\.jsonl:2 is not JSON/);
});

test('a row without a field is named by line and field', async () => {
  const at = folder();
  writeFileSync(join(at, 'rows.jsonl'), '{"id":"a","from":[],"task":"dials","key":"k"}\n');
  await assert.rejects(readRows(at, promptRow), /rows\.jsonl:1: “question”/);
});

test('a prompt of a task that nobody has defined is named, and so is what to wire', async () => {
  const at = folder();
  const prompts = ['dials', 'sorting'].map((task) => ({id: `${task}:1`, from: [], task, key: 'k', question: 'q'}));
  await writeRows(at, prompts);
  await assert.rejects(readPrompts(at), /prompt sorting:1 is of the task “sorting”.*\{tasks: \[sorting\]\}/);
  assert.deepEqual(await readPrompts(at, new Set(['dials', 'sorting'])), prompts);
});

test('a folder without rows is a plain sentence', async () => {
  await assert.rejects(readRows(folder(), sampleRow), /there is no .*rows\.jsonl/);
});

test('no rows make an empty file, not a missing one', async () => {
  const at = folder();
  await writeRows(at, []);
  assert.equal(readFileSync(join(at, 'rows.jsonl'), 'utf8'), '');
  assert.deepEqual(await readRows(at, sampleRow), []);
});

test('what ends a line for others stays inside a row, in whatever version of Node this runs', async () => {
  const at = folder();
  const rows = ['a\u2028b\u2029c', 'd\u0085e\r\n\u000b'].map((response, id) => ({
    id: String(id),
    from: [],
    question: 'q',
    response,
  }));
  await writeRows(at, rows);
  assert.deepEqual(await readRows(at, sampleRow), rows, process.version);
});
