/** What a program reads by path cannot be given to it in another way: it is looked at before it starts and when it has ended. */
import assert from 'node:assert/strict';
import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {r1, start, until} from '../../rig/command.js';
import {WAIT, attemptOf, madeBy, newer, project, succeeded} from '../../rig/project.js';

/** A script that waits as well: handed to a shell once by the runner, and once by a stage. */
const SCRIPTS = {
  'package.json': '{"type": "module"}',
  'wait.js': WAIT,
  'main.js': `
    import {spawnSync} from 'node:child_process';
    import {resolve} from 'node:path';
    import {fileURLToPath} from 'node:url';
    import {defineStage, recipe} from 'r1';
    import {command} from 'r1/stages';
    import {wait} from './wait.js';

    const tool = new URL('./tool.sh', import.meta.url);
    export const program = command({
      module: import.meta.url, name: 'program', inputs: {before: 'data'}, outputs: {out: 'data'}, params: {go: ''},
      argv: ({outputs, params}) => ['sh', tool, outputs.out, params.go],
    });
    export const spawning = defineStage({
      module: import.meta.url, name: 'spawning', inputs: {before: 'data'}, outputs: {out: 'data'}, params: {go: ''},
      async run({outputs, params}) { spawnSync('sh', [fileURLToPath(tool), outputs.out, params.go]); },
    });
    const go = resolve('..', 'go');
    export default recipe('by path', (add) => {
      const {out} = add('first', wait, {}, {go});
      add('program', program, {before: out}, {go: go + '.program'});
      add('spawning', spawning, {before: out}, {go: go + '.spawning'});
    });`,
  'tool.sh': `: > "$2.started"\nwhile [ ! -e "$2" ]; do sleep 0.01; done\necho old > "$1"\n`,
};
const SCRIPT_NODES = ['program', 'spawning'];

test('what a program reads by path is read again for a node that has not started', async (t) => {
  const where = project(t, SCRIPTS);
  const running = start(t, ['run', 'main.js', '--store', where.store], {cwd: where.cwd});
  await until('the first stage runs', () => existsSync(`${where.go}.started`));
  writeFileSync(join(where.cwd, 'tool.sh'), newer(SCRIPTS['tool.sh']));
  for (const path of ['', ...SCRIPT_NODES.map((node) => `.${node}`)]) writeFileSync(where.go + path, '');
  succeeded(await running.ended);
  for (const node of SCRIPT_NODES) assert.equal(await madeBy(t, node, where), 'new\n');
  // It was the new script that was recorded: nothing is left to do, and the old one has to be run.
  const again = ['run', 'main.js', '--store', where.store];
  assert.match((await r1(t, again, {cwd: where.cwd})).err, /all 3 nodes are up to date/);
  writeFileSync(join(where.cwd, 'tool.sh'), SCRIPTS['tool.sh']);
  succeeded(await r1(t, again, {cwd: where.cwd}));
  for (const node of SCRIPT_NODES) assert.equal(await madeBy(t, node, where), 'old\n');
});

for (const [how, edit] of Object.entries({
  edited: (file: string) => writeFileSync(file, newer(SCRIPTS['tool.sh'])),
  'edited and put back': (file: string) => {
    writeFileSync(file, newer(SCRIPTS['tool.sh']));
    writeFileSync(file, SCRIPTS['tool.sh']);
  },
})) {
  test(`a program whose script is ${how} while it runs has made nothing that counts`, async (t) => {
    const where = project(t, SCRIPTS);
    writeFileSync(where.go, '');
    const running = start(t, ['run', 'main.js', '--store', where.store, '--on-failure', 'continue'], {cwd: where.cwd});
    for (const node of SCRIPT_NODES) await until(`${node} runs`, () => existsSync(`${where.go}.${node}.started`));
    const script = join(where.cwd, 'tool.sh');
    edit(script);
    for (const node of SCRIPT_NODES) writeFileSync(`${where.go}.${node}`, '');
    const {code, out, err} = await running.ended;
    assert.equal(code, 1);
    for (const node of SCRIPT_NODES) {
      assert.match(out + err, new RegExp(`${node} +failed: \\S*/tool\\.sh changed while it ran`));
      const {outcome} = attemptOf(where, node);
      assert.deepEqual([outcome?.ok, outcome?.reason], [false, 'code-changed']);
    }
    assert.match(out + err, /next: r1 run /);
    succeeded(await r1(t, ['run', 'main.js', '--store', where.store], {cwd: where.cwd}));
    const now = readFileSync(script, 'utf8').includes('new') ? 'new\n' : 'old\n';
    for (const node of SCRIPT_NODES) assert.equal(await madeBy(t, node, where), now);
  });
}
