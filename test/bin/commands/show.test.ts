import assert from 'node:assert/strict';
import test from 'node:test';
import {showCommand} from '../../../bin/commands/show.js';
import {Bench} from '../../artifacts/temporary.js';
import {spoken} from '../spoken.js';

test('show cuts a param that nobody would read, says so, and has it whole as JSON', async (t) => {
  const bench = new Bench(t);
  const long = '界'.repeat(3_000);
  const outputs = {out: {kind: 'dataset', files: {'rows.jsonl': '{"id":"a"}\n'}}};
  await bench.make({node: 'data', params: {long, short: 'whole'}, outputs});
  const {out, code} = await spoken(showCommand, bench.folder, ['data']);
  assert.equal(code, 0);
  assert.match(out, /^ +(?:params +)?short +whole|short whole/m);
  const told = out.replace(/\s/g, '');
  assert.ok(told.includes(`${'界'.repeat(2_000)}…(3000characters;--jsonhasthemall)`), out.slice(0, 500));
  assert.ok(!told.includes('界'.repeat(2_001)));
  assert.ok((await spoken(showCommand, bench.folder, ['data', '--json'])).out.includes(long));
});
