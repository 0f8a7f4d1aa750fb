/** Where what is made once more differs from what is recorded. */
import assert from 'node:assert/strict';
import {join} from 'node:path';
import {test} from 'node:test';
import {hasProc} from '../../../pipeline/executors/process-table.js';
import {firstDifferentByte} from '../../../pipeline/run/reproduce.js';
import {until} from '../../rig/command.js';
import {openFiles, temporaryFolder} from '../../rig/temporary.js';

test('the first byte that differs is found, and neither file stays open', async (t) => {
  const long = 'x'.repeat(3 << 20);
  const folder = temporaryFolder(t, {a: long, b: `${long.slice(1)}y`, c: `y${long}`, d: long.slice(1), e: ''});
  const {signal} = new AbortController();
  for (const [one, other, offset] of [
    ['a', 'b', long.length - 1],
    ['a', 'c', 0],
    ['a', 'd', long.length - 1],
    ['d', 'a', long.length - 1],
    ['a', 'e', 0],
    ['a', 'a', long.length],
  ] as const) {
    assert.equal(await firstDifferentByte(join(folder, one), join(folder, other), signal), offset, one + other);
  }
  if (hasProc) await until('all are closed', () => openFiles(folder).length === 0, 5000);
});
