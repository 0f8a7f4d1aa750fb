/** What leaves a store when the system throws in it. */
import assert from 'node:assert/strict';
import {rmSync} from 'node:fs';
import {test} from 'node:test';
import {UserError} from '../../artifacts/error.js';
import {disk} from '../../artifacts/files.js';
import {openGuard} from '../../artifacts/guard.js';
import {temporaryFolder} from '../rig/temporary.js';

const full = (): Error => Object.assign(new Error('no space left'), {code: 'ENOSPC'});

test('a failure of the system is told with what its function was about, thrown or rejected', async (t) => {
  const guard = openGuard(temporaryFolder(t), disk);
  const face = guard(
    {
      read: (): number => {
        throw full();
      },
      write: (): Promise<void> => Promise.reject(full()),
      answer: (a: number, b: number): number => a + b,
    },
    'read the store',
    {write: 'write to the store'},
  );
  assert.throws(() => face.read(), {name: 'UserError', reason: 'disk-full', message: /could not read the store/});
  await assert.rejects(face.write(), {reason: 'disk-full', message: /could not write to the store/});
  assert.equal(face.answer(2, 3), 5);
});

test('where the folder has gone, that is told; what is no fault of the system stays what it is', (t) => {
  const folder = temporaryFolder(t);
  const {missing, mistaken, refused} = openGuard(folder, disk)(
    {
      missing: (): void => void disk.list(`${folder}/none`),
      mistaken: (): void => {
        throw new TypeError('a mistake of ours');
      },
      refused: (): void => {
        throw new UserError('bad-argument', 'no');
      },
    },
    'read the store',
  );
  assert.throws(mistaken, TypeError);
  assert.throws(refused, {reason: 'bad-argument', message: 'no'});
  assert.throws(missing, (error: Error) => !(error instanceof UserError && error.reason === 'no-store'));
  rmSync(folder, {recursive: true});
  assert.throws(missing, {reason: 'no-store', message: /could not read the store: .* is not there any more/});
});
