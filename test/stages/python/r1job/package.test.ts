/** What pip installs and what npm ships of the Python helper is all of it. */
import assert from 'node:assert/strict';
import {readFileSync, readdirSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {PACKAGE, skip, startPython} from './python-job.js';

const modules = readdirSync(PACKAGE).filter((name) => /\.(py|typed)$/.test(name));

test('the package lists all of its modules, and the clone’s package ships what pip needs to install it', () => {
  const project = readFileSync(join(PACKAGE, 'pyproject.toml'), 'utf8');
  const listed = JSON.parse(/^only-include = (\[.*\])$/m.exec(project)![1]!) as string[];
  assert.deepEqual(listed.sort(), modules.sort());
  const shipped = (JSON.parse(readFileSync(join(PACKAGE, '../../../package.json'), 'utf8')) as {files: string[]}).files;
  assert.ok(shipped.includes('stages/**/*.py'));
  for (const name of ['pyproject.toml', 'README.md', 'py.typed'])
    assert.ok(shipped.includes(`stages/python/r1job/${name}`), name);
});

test('it imports nothing but what Python has', {skip}, async (t) => {
  // Without site-packages; the module for transformers imports them where it is called.
  const lines = 'import r1job, r1job.__main__, r1job.transformers, r1job.checkpoints';
  const {code, err} = await startPython(t, ['-S', '-c', lines]).ended;
  assert.equal(code, 0, err);
});
