import assert from 'node:assert/strict';
import {PassThrough} from 'node:stream';
import {test} from 'node:test';
import {terminalServices} from '../../bin/terminal.js';

test('nothing is coloured on a pipe, whatever the environment says of colours', () => {
  // As in CI, where picocolors takes a pipe for coloured unless it is told otherwise.
  const before = process.env['CI'];
  process.env['CI'] = 'true';
  try {
    const pipe = new PassThrough() as unknown as NodeJS.WriteStream;
    assert.equal(terminalServices({out: pipe, err: pipe}).colours, false);
  } finally {
    if (before === undefined) delete process.env['CI'];
    else process.env['CI'] = before;
  }
});
