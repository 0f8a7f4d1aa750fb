/** Definitions of a person's own in real runs: whose nodes run again when one is edited, and which bytes run. */
import assert from 'node:assert/strict';
import {existsSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {until} from '../../rig/command.js';
import {GRADERS, grader} from '../../rig/graders.js';
import {WAIT, madeBy, newer, project, runIt, succeeded} from '../../rig/project.js';
import type {Project} from '../../rig/project.js';

/** Three nodes begin once there is a file; `plain` is given nothing. */
const PROJECT = {
  ...GRADERS,
  'wait.js': WAIT,
  'main.ts': `
    import {resolve} from 'node:path';
    import {recipe} from 'r1';
    import {long} from './long.js';
    import {short} from './short.js';
    import {grades} from './stages.js';
    import {wait} from './wait.js';
    export default recipe('graded', (add) => {
      const {out: after} = add('first', wait, {}, {go: resolve('..', 'go')});
      add('plain', grades, {after});
      add('one', grades, {after}, {weights: {short: 1}}, {graders: [short]});
      add('both', grades, {after}, {weights: {short: 1, long: 2}}, {graders: [short, long]});
    });`,
  'short.ts': grader('short', `'old short ' + help + text`, `import {help} from './help.js';`),
  'long.ts': grader('long', `'old long ' + text`),
  'help.ts': `export const help: string = 'old help ';`,
};

const edit = ({cwd}: Project, name: string, change: (text: string) => string): void =>
  writeFileSync(join(cwd, name), change(readFileSync(join(cwd, name), 'utf8')));

test('definitions that are edited or removed while a run goes on change neither what runs nor what is recorded', async (t) => {
  const where = project(t, PROJECT);
  const running = runIt(t, where);
  await until('the first stage runs', () => existsSync(`${where.go}.started`));
  for (const name of ['short.ts', 'help.ts']) edit(where, name, newer);
  rmSync(join(where.cwd, 'long.ts'));
  writeFileSync(where.go, '');
  succeeded(await running.ended);
  const short = ['short', 'old short old help a'];
  const long = ['long', 'old long a'];
  for (const [node, said] of Object.entries({plain: [], one: [short], both: [long, short]})) {
    assert.deepEqual(JSON.parse(await madeBy(t, node, where)), {here: said, thread: said, others: 0}, node);
  }
});
