/** Folders for the moment, and what is said where none can be made. */
import assert from 'node:assert/strict';
import {existsSync, rmSync} from 'node:fs';
import path from 'node:path';
import {test} from 'node:test';
import {StageFailure} from '../../pipeline/stage.js';
import {temporaryFolder} from '../../stages/temporary-folder.js';
import {temporaryFolder as folderOf} from '../rig/temporary.js';

test('a temporary folder is made where TMPDIR says, or TMPDIR is named', (t) => {
  const before = process.env['TMPDIR'];
  t.after(() => {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  });
  const place = folderOf(t);
  process.env['TMPDIR'] = place;
  const folder = temporaryFolder('try');
  assert.ok(existsSync(folder) && path.dirname(folder) === place);
  rmSync(folder, {recursive: true});
  process.env['TMPDIR'] = path.join(place, 'nothing');
  assert.throws(
    () => temporaryFolder('try'),
    (error: Error) =>
      error instanceof StageFailure &&
      /^no temporary folder can be made in \S+nothing \(ENOENT\); let the variable TMPDIR name a folder/.test(
        error.message,
      ),
  );
});
