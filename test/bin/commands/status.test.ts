/** `r1 status` of a run whose runner was killed, while a program that it had started goes on. */
import assert from 'node:assert/strict';
import {cpSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {hasProc} from '../../../pipeline/executors/process-table.js';
import {readProcess} from '../../../pipeline/executors/process-record.js';
import {r1, start, until} from '../../rig/command.js';
import {temporaryFolder} from '../../rig/temporary.js';

const RECIPE = `
import {recipe} from 'r1';
import {command} from 'r1/stages';
export const long = command({
  module: import.meta.url, name: 'long', inputs: {}, outputs: {out: 'data'}, params: {},
  argv: ({outputs}) => ['/bin/sh', '-c', 'until test -e go; do sleep 0.05; done; echo done >"$0"', outputs.out],
});
export default recipe('lonely', (add) => void add('long', long));
`;

test(
  'a program that has outlived its runner is named, and the next run goes on with it',
  {skip: hasProc ? false : 'without /proc a copied store cannot be told from its original'},
  async (t) => {
    const cwd = temporaryFolder(t, {'p.ts': RECIPE});
    const runner = start(t, ['run', './p.ts'], {cwd});
    const folder = join(cwd, '.r1', 'jobs', '1');
    const {pid} = await until('its process is noted', () => readProcess(folder));
    assert.match((await r1(t, ['status'], {cwd})).out, /^long {2}running +never made before$/m);
    runner.child.kill('SIGKILL');
    await runner.ended;
    const {out} = await r1(t, ['status'], {cwd});
    assert.match(
      out,
      new RegExp(`^long {2}interrupted {2}process ${pid} still runs, for [0-9.]+ s by now {2}never made before$`, 'm'),
    );
    assert.match(out, /^r1 resume 1 goes on with what still runs; so does r1 run, where it wants the same$/m);
    const {nodes} = JSON.parse((await r1(t, ['status', '--json'], {cwd})).out) as {
      nodes: {state: string; process?: {name: string; forMs: number}}[];
    };
    const {state, process: left} = nodes[0]!;
    assert.deepEqual([state, left?.name, Number.isInteger(left?.forMs)], ['interrupted', `process ${pid}`, true]);
    cpSync(join(cwd, '.r1'), join(cwd, 'copy'), {recursive: true});
    const copied = await r1(t, ['status', '--store', './copy'], {cwd});
    assert.match(copied.out, /^long {2}interrupted {2}never made before$/m, 'it is the process of the original');
    const next = start(t, ['resume'], {cwd});
    await until('it goes on with it', () => /long +continues: its process outlived the runner/.test(next.err()));
    writeFileSync(join(folder, 'scratch', 'go'), '');
    const {code, err} = await next.ended;
    assert.equal(code, 0, err);
    const after = await r1(t, ['status'], {cwd});
    assert.match(after.out, /^long {2}done /m);
    assert.doesNotMatch(after.out, /process \d+ still runs/);
  },
);
