import assert from 'node:assert/strict';
import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {Stopped} from '../../pipeline/stage.js';
import {command} from '../../stages/command.js';
import {until} from '../rig/command.js';
import {temporaryFolder} from '../rig/temporary.js';

const obliging = command({
  module: import.meta.url,
  name: 'obliging',
  inputs: {},
  outputs: {out: 'data'},
  params: {},
  argv: () => ['/bin/sh', '-c', `trap 'exit 0' TERM; : >ready; until test -e go; do sleep 0.02; done`],
});

test('a program that is run as a function and ends with 0 when it is stopped is not done', async (t) => {
  const scratch = temporaryFolder(t);
  const stop = new AbortController();
  const running = obliging.run({scratch, signal: stop.signal, inputs: {}, outputs: {out: 'out'}} as never);
  await until('it runs', () => existsSync(join(scratch, 'ready')));
  stop.abort();
  await assert.rejects(running, Stopped);
});
