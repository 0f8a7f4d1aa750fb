import assert from 'node:assert/strict';
import {chmodSync} from 'node:fs';
import {test, type TestContext} from 'node:test';
import {graderNeedText, graderNeeds} from '../../bin/access/grader-needs.js';
import type {Plan} from '../../pipeline/plan/plan.js';
import {r1} from '../rig/command.js';
import {temporaryFolder} from '../rig/temporary.js';

/** `prompts` (with these `answers`) → `rl` (with these params). */
const plan = (answers: string, actions: readonly [string, string], params: object = {}) =>
  ({
    nodes: new Map([
      ['prompts', {action: actions[0], node: {type: 'stage', id: 'prompts', inputs: {}, params: {answers}}}],
      [
        'rl',
        {
          action: actions[1],
          node: {type: 'stage', id: 'rl', inputs: {prompts: {node: 'prompts', port: 'train', kind: 'prompts'}}, params},
        },
      ],
    ]),
  }) as unknown as Pick<Plan, 'nodes'>;

/** With another environment, for one test. */
function setting(t: TestContext, values: Readonly<Record<string, string>>): void {
  const before = process.env;
  process.env = {...before, ...values};
  t.after(() => (process.env = before));
}

test('a plan tells of Python where a node that would run grades with it, and of nothing else', async (t) => {
  assert.deepEqual(await graderNeeds(plan('auto', ['run', 'run'])), []);
  assert.deepEqual(await graderNeeds(plan('math', ['reuse', 'reuse'])), []);
  setting(t, {R1_PYTHON: '/nowhere/python'});
  const [need] = await graderNeeds(plan('math', ['reuse', 'maybe']));
  assert.deepEqual({...need, what: undefined}, {grader: 'math', nodes: ['rl'], state: 'missing', what: undefined});
  const [both] = await graderNeeds(plan('math', ['run', 'run']));
  assert.match(graderNeedText(both!), /^prompts, rl: .*Python 3\.10 or newer is needed, and there is none/);
  assert.match(graderNeedText(both!), /install Python 3\.10 or newer/);
});

test('a plan tells of bubblewrap where a node that would run needs it', async (t) => {
  const folder = temporaryFolder(t, {bwrap: ''});
  chmodSync(`${folder}/bwrap`, 0o755);
  setting(t, {PATH: folder});
  assert.deepEqual(await graderNeeds(plan('code', ['run', 'reuse'])), []);
  assert.deepEqual(await graderNeeds(plan('code', ['reuse', 'run'], {sandbox: 'none-i-trust-every-program'})), []);
  const what = 'answers are programs, which run in bubblewrap: it is installed';
  assert.deepEqual(await graderNeeds(plan('code', ['run', 'run'], {sandbox: 'bubblewrap'})), [
    {grader: 'code', nodes: ['rl'], state: 'there', what},
  ]);
});

test('r1 plan says so as text and as JSON', async (t) => {
  const cwd = temporaryFolder(t, {
    'rows.jsonl': '{"question": "One?", "answer": "1"}',
    'mine.recipe.ts': `
      import {recipe} from 'r1';
      import {importPrompts} from 'r1/stages';
      export default recipe('mine', (add) => {
        add('asked', importPrompts, {file: add.source('file', 'jsonl', './rows.jsonl')}, {answers: 'math'});
      });`,
  });
  const where = {cwd, env: {R1_PYTHON: '/nowhere/python'}};
  const text = await r1(t, ['plan', './mine.recipe.ts'], where);
  assert.match(text.out, /^asked: answers are graded by Math-Verify, in Python: Python 3\.10 or newer is needed/m);
  const {graders} = JSON.parse((await r1(t, ['plan', './mine.recipe.ts', '--json'], where)).out) as {
    graders: {grader: string; nodes: string[]; state: string}[];
  };
  assert.deepEqual(
    graders.map(({grader, nodes, state}) => ({grader, nodes, state})),
    [{grader: 'math', nodes: ['asked'], state: 'missing'}],
  );
});
