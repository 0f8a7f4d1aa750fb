/** A file out of a wheel that the test writes itself, without a network. */
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {createHash} from 'node:crypto';
import {mkdirSync, readFileSync} from 'node:fs';
import path from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {StageFailure} from '../../pipeline/stage.js';
import {fetchPackage} from '../../stages/index.js';
import {findPython} from '../../stages/python/interpreter.js';
import {mistakesOf} from '../rig/wired.js';
import {temporaryFolder} from '../rig/temporary.js';
import {runHere} from './here.js';

const found = await findPython([3, 10]);
const skip = 'tooOld' in found && 'there is no Python 3.10 or newer';

const WHEEL = `
import hashlib, sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as wheel:
    wheel.writestr('shelf/__init__.py', 'raise SystemExit("nobody runs this")')
    wheel.writestr('shelf/book.bin', 'a book')
    wheel.writestr('shelf-1.0.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: shelf\\nVersion: 1.0\\nRequires-Dist: of-nobody\\n')
    wheel.writestr('shelf-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    wheel.writestr('shelf-1.0.dist-info/RECORD', 'shelf/__init__.py,,\\nshelf/book.bin,,\\nshelf-1.0.dist-info/METADATA,,\\nshelf-1.0.dist-info/WHEEL,,\\nshelf-1.0.dist-info/RECORD,,\\n')
print(hashlib.sha256(open(sys.argv[1], 'rb').read()).hexdigest())`;

/** Sets the variables until the test is over. */
function withEnv(t: TestContext, values: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(values)) {
    const before = process.env[name];
    process.env[name] = value;
    t.after(() => {
      if (before === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = before;
    });
  }
}

function shelf(t: TestContext) {
  const folder = temporaryFolder(t);
  const wheels = path.join(folder, 'wheels');
  mkdirSync(wheels);
  const wheel = execFileSync('python3', ['-c', WHEEL, path.join(wheels, 'shelf-1.0-py3-none-any.whl')]);
  withEnv(t, {
    ...{PIP_NO_INDEX: '1', PIP_FIND_LINKS: wheels, UV_NO_INDEX: '1', UV_FIND_LINKS: wheels, UV_OFFLINE: '1'},
    R1_CACHE: path.join(folder, 'cache'),
  });
  return {
    package: 'shelf',
    version: '1.0',
    wheelSha256: wheel.toString().trim(),
    file: 'shelf/book.bin',
    fileSha256: createHash('sha256').update('a book').digest('hex'),
    megabytes: 1,
  };
}

test('a file of a package is taken out of it, and the package is never run', {skip}, async (t) => {
  const params = shelf(t);
  const {out, notes} = await runHere(t, fetchPackage, {inputs: {}, params});
  assert.equal(readFileSync(out('folder'), 'utf8'), 'a book');
  assert.match(notes.join('\n'), /making the Python environment “shelf”[^]*shelf 1\.0: shelf\/book\.bin/);
  // The second time nothing is fetched.
  const again = await runHere(t, fetchPackage, {inputs: {}, params});
  assert.equal(again.notes.join('\n'), 'shelf 1.0: shelf/book.bin');
});

test('what is not what the digests say, or not there, is refused', {skip}, async (t) => {
  const params = shelf(t);
  const refused = (change: object, message: RegExp) =>
    assert.rejects(runHere(t, fetchPackage, {inputs: {}, params: {...params, ...change}}), (error: Error) => {
      assert.ok(error instanceof StageFailure, String(error));
      return message.test(error.message);
    });
  await refused(
    {fileSha256: '0'.repeat(64)},
    /shelf\/book\.bin of shelf 1\.0 has the digest [0-9a-f]{64}, not 0+: remove/,
  );
  await refused({file: 'shelf/none.bin'}, /there is no shelf\/none\.bin in shelf 1\.0/);
  await refused({file: '../../../../../etc/passwd'}, /no path inside of the package/);
  await refused({wheelSha256: '1'.repeat(64)}, /not the one that the lock file names/);
});

test('params that name nothing are told before anything is fetched', () => {
  const mistakes = mistakesOf(fetchPackage, {package: 'a b', version: '1.0'});
  assert.match(mistakes.join('\n'), /package is “a b”[^]*wheelSha256 is “”[^]*file is “” and should be a path/);
});
