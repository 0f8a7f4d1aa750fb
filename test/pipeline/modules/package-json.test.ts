import assert from 'node:assert/strict';
import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {packageJsonIn} from '../../../pipeline/modules/source/package-json.js';
import {r1} from '../../rig/command.js';
import {temporaryFolder} from '../../rig/temporary.js';

test('a package.json is a record, with or without a byte order mark; a folder of that name is none', (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'package.json');
  assert.equal(packageJsonIn(folder), undefined);
  assert.equal(packageJsonIn(join(folder, 'nowhere')), undefined);
  writeFileSync(file, '\uFEFF{"type": "module"}');
  assert.deepEqual(packageJsonIn(folder), {type: 'module'});
  mkdirSync(join(folder, 'in/package.json'), {recursive: true});
  assert.equal(packageJsonIn(join(folder, 'in')), undefined);
});

test('a package.json that is half written or no record is said with its path', async (t) => {
  const stage = `
    import {writeFileSync} from 'node:fs';
    import {defineStage, recipe} from 'r1';
    export const say = defineStage({
      module: import.meta.url, name: 'say', inputs: {}, outputs: {out: 'data'}, params: {},
      async run({outputs}) { writeFileSync(outputs.out, (await import('./word.js')).word); },
    });
    export default recipe('one', (add) => { add('say', say, {}); });`;
  const contents = {
    '': 'is not JSON',
    '{"type": "mod': 'is not JSON',
    null: 'does not hold a record',
    '[]': 'does not hold a record',
  };
  for (const [text, what] of Object.entries(contents)) {
    const folder = temporaryFolder(t, {'main.ts': stage, 'word.js': `export const word = 'w';`, 'package.json': text});
    const {code, err} = await r1(t, ['run', 'main.ts', '--store', 'store'], {cwd: folder});
    assert.equal(code, 2, err);
    assert.match(err, new RegExp(`package\\.json ${what}`));
    assert.doesNotMatch(err, /error of r1 itself|^ +at /m);
  }
});
