import assert from 'node:assert/strict';
import test from 'node:test';
import {diffCommand} from '../../../bin/commands/diff.js';
import {Bench} from '../../artifacts/temporary.js';
import {spoken} from '../spoken.js';

const rows = (...texts: readonly string[]) => ({
  data: {
    kind: 'dataset',
    files: {'rows.jsonl': texts.map((text, index) => `${JSON.stringify({id: `r${index}`, text})}\n`).join('')},
  },
});

test('diff names where it began and looks into the bytes', async (t) => {
  const bench = new Bench(t);
  await bench.make({node: 'data', params: {k: 1}, outputs: rows('a', 'b', 'c'), more: {ingredients: {params: {k: 1}}}});
  bench.begin();
  await bench.make({
    node: 'data',
    params: {k: 2},
    outputs: rows('a', 'B', 'c', 'd'),
    more: {ingredients: {params: {k: 2}}},
  });
  const {out, code} = await spoken(diffCommand, bench.folder, ['1', '2']);
  assert.equal(code, 0);
  const lines = out.split('\n').map((line) => line.replace(/@[0-9a-f]{8}/g, '@…'));
  assert.deepEqual(lines, [
    'run 1 → run 2',
    'first difference: data, param k  1 → 2',
    '',
    'data: differs  attempt 1 → 2',
    '  param k  1 → 2',
    '  output data (dataset)  @… → @…',
    '    changed: rows.jsonl',
    '    rows.jsonl: 2 rows are equal',
    '      1 changed: r1',
    '      1 new: r3',
  ]);
  assert.doesNotMatch((await spoken(diffCommand, bench.folder, ['1', '2', '--quick'])).out, /rows are equal/);
  const json = JSON.parse((await spoken(diffCommand, bench.folder, ['1', '2', '--json'])).out) as {
    first: {node: string};
    comparisons: Record<string, {changed: string[]}>;
  };
  assert.equal(json.first.node, 'data');
  assert.deepEqual(json.comparisons['data:data']!.changed, ['rows.jsonl']);
  assert.match((await spoken(diffCommand, bench.folder, ['1', '1'])).out, /equal, byte by byte/);
  assert.match((await spoken(diffCommand, bench.folder, ['1/data', '2/data'])).out, /^changed: rows\.jsonl/);
  assert.equal((await spoken(diffCommand, bench.folder, ['1/data', '1/data'])).out, 'equal, byte by byte');
});

test('diff refuses unknown runs and mixed words', async (t) => {
  const bench = new Bench(t);
  assert.equal((await spoken(diffCommand, bench.folder, ['1', '9'])).code, 2);
  assert.match((await spoken(diffCommand, bench.folder, ['1', 'data'])).err, /cannot be compared/);
});
