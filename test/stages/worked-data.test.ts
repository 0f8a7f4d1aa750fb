/** Worked problems as rows to learn from: right, of the training side alone, and the same for a seed. */
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import type {Definition} from '../../pipeline/definition.js';
import {readRows} from '../../stages/data/rows.js';
import {sampleRow} from '../../stages/data/schemas.js';
import {workedData} from '../../stages/index.js';
import {splitOf} from '../../stages/tasks/splits.js';
import {readCompletion} from '../../stages/text/completion.js';
import {runHere} from './here.js';
import {mistakesOf} from '../rig/wired.js';
import {taskRef} from './refs.js';

const definitions = {tasks: [taskRef('sorting')]};

test('rows are worked problems of the training side, the same for a seed and others for another', async (t) => {
  const made = async (seed: number) => {
    const {out} = await runHere(t, workedData, {params: {rows: 120}, seed, definitions});
    return {
      bytes: readFileSync(join(out('dataset'), 'rows.jsonl'), 'utf8'),
      rows: await readRows(out('dataset'), sampleRow),
    };
  };
  const [first, again, other] = [await made(1), await made(1), await made(2)];
  assert.equal(first.bytes, again.bytes);
  assert.notEqual(first.bytes, other.bytes);
  assert.equal(first.rows.length, 120);
  for (const {id, task, question, response, key} of first.rows) {
    assert.equal(task, 'sorting');
    assert.equal(splitOf(String(key)), 'train', id);
    const sorted = question.replace('sort ', '').split(' ').sort().join(' ');
    const completion = readCompletion(response, true);
    assert.equal(completion.answer, sorted, 'documents may be wrong, and worked problems are not');
    assert.ok(completion.tagged && completion.thinking !== '', response);
  }
});

test('it takes tasks, and a number of rows', () => {
  const mistakes = (rows: number, tasks: readonly Definition[]): readonly string[] =>
    mistakesOf(workedData, {rows}, {definitions: {tasks}});
  assert.deepEqual(mistakes(1, definitions.tasks), []);
  assert.match(mistakes(0, definitions.tasks).join(), /^rows is 0 and should be a whole number/);
  assert.match(mistakes(1, []).join(), /^no tasks are wired/);
});
