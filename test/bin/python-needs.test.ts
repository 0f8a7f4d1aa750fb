import assert from 'node:assert/strict';
import {test} from 'node:test';
import {pythonNeeds} from '../../bin/access/python-needs.js';
import type {Plan} from '../../pipeline/plan/plan.js';

const plan = (answers: string, action: string) =>
  ({
    nodes: new Map([['prompts', {action, node: {type: 'stage', params: {answers}}}]]),
  }) as unknown as Pick<Plan, 'nodes'>;

test('a plan tells of Python where a node that would run grades with it, and of nothing else', async () => {
  assert.deepEqual(await pythonNeeds(plan('auto', 'run')), []);
  assert.deepEqual(await pythonNeeds(plan('math', 'reuse')), []);
  const before = process.env['R1_PYTHON'];
  process.env['R1_PYTHON'] = '/nowhere/python';
  try {
    const [line] = await pythonNeeds(plan('math', 'run'));
    assert.match(line!, /^prompts: .*Python 3\.10 or newer is needed, and there is none/);
    assert.match(line!, /install Python 3\.10 or newer/);
  } finally {
    if (before === undefined) delete process.env['R1_PYTHON'];
    else process.env['R1_PYTHON'] = before;
  }
});
