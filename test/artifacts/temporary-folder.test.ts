import assert from 'node:assert/strict';
import {rmdirSync, statSync} from 'node:fs';
import {basename, join} from 'node:path';
import {test} from 'node:test';
import {UserError} from '../../artifacts/index.js';
import {temporaryFolder as make} from '../../artifacts/temporary-folder.js';
import {temporaryFolder} from '../rig/temporary.js';

test('a folder for the moment lies where TMPDIR says, and where none can be made, that variable is named', (t) => {
  const before = process.env['TMPDIR'];
  t.after(() => {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  });
  const folder = temporaryFolder(t, {file: ''});
  process.env['TMPDIR'] = folder;
  const made = make('model');
  assert.ok(statSync(made).isDirectory() && basename(made).startsWith('r1-model-'));
  rmdirSync(made);
  for (const [place, why] of [
    ['nowhere', 'there is no such folder'],
    ['file', 'a part of the path is a file|is a file'],
  ] as const) {
    process.env['TMPDIR'] = join(folder, place);
    assert.throws(
      () => make('model'),
      (error: unknown) =>
        error instanceof UserError &&
        new RegExp(`^could not make a temporary folder in .*${place}.*: .*(${why})`).test(error.message) &&
        error.hint === 'set the variable TMPDIR to a folder that can be written to',
    );
  }
});
