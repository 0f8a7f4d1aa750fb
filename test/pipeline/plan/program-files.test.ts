/** Files that command lines name, and that are not what they are to be, are found without starting anything. */
import assert from 'node:assert/strict';
import {existsSync, mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {pathToFileURL} from 'node:url';
import {programFilesOf, requirePrograms} from '../../../pipeline/plan/program-files.js';
import type {ProgramFile} from '../../../pipeline/plan/program-files.js';
import {wire} from '../../../pipeline/wiring/wire.js';
import {command} from '../../../stages/command.js';
import {checkProgram} from '../../../bin/access/doctor-checks.js';
import {r1} from '../../rig/command.js';
import {temporaryFolder} from '../../rig/temporary.js';

interface Paths {
  readonly inputs: Readonly<Record<string, string>>;
  readonly outputs: Readonly<Record<string, string>>;
  readonly scratch: string;
}

/** The files that are wrong where the commands of these nodes are these, with their recipe in a folder of these files. */
function found(
  t: TestContext,
  commands: Readonly<Record<string, (at: (name: string) => URL, paths: Paths) => readonly (string | URL)[]>>,
) {
  const folder = temporaryFolder(t, {'plain.sh': 'echo\n', 'train.py': 'pass\n'});
  writeFileSync(join(folder, 'run.sh'), '#!/bin/sh\n', {mode: 0o755});
  mkdirSync(join(folder, 'folder'));
  const at = (name: string): URL => pathToFileURL(join(folder, name));
  const wired = wire(
    {
      name: 'test',
      wire: (add) => {
        const data = add.source('data', 'data', folder);
        for (const [id, argv] of Object.entries(commands)) {
          const stage = command({
            module: at('p.ts').href,
            name: id,
            inputs: {data: 'data'},
            outputs: {out: 'data'},
            params: {},
            argv: (paths) => argv(at, paths),
          });
          add(id, stage, {data});
        }
      },
    },
    folder,
  );
  assert.ok(wired.ok);
  return {folder, files: programFilesOf(wired.value.nodes.values())};
}

const inShort = (files: readonly ProgramFile[]): readonly string[] =>
  files.map(
    ({nodes, path, wrong, isProgram}) =>
      `${nodes.join()}: ${path.split('/').at(-1)!} ${wrong}${isProgram ? '' : ', maybe as it should'}`,
  );

test('a program or a script that is missing, or that cannot be executed where it is to be, is found by name', (t) => {
  const {folder, files} = found(t, {
    fine: (at) => [at('run.sh'), at('plain.sh'), at('folder')],
    gone: (at) => [at('gone.sh')],
    plain: (at) => [at('plain.sh')],
    place: (at) => [at('folder')],
    interpreted: (at) => ['python3', '-u', at('train.py')],
    script: (at) => ['python3', '-u', at('trian.py')],
    again: (at) => ['torchrun', at('trian.py'), at('logs/')],
  });
  assert.deepEqual(inShort(files), [
    'gone: gone.sh missing',
    'plain: plain.sh not-executable',
    'place: folder not-a-file',
    'script,again: trian.py missing',
    'again:  missing, maybe as it should',
  ]);
  assert.equal(files[0]!.namedIn, join(folder, 'p.ts'));
  assert.throws(() => requirePrograms(files), {
    reason: 'bad-argument',
    message: [
      `gone: ${folder}/gone.sh is not there; the command in ${folder}/p.ts names it`,
      `plain: ${folder}/plain.sh cannot be executed; the command in ${folder}/p.ts names it`,
      `place: ${folder}/folder is not a file; the command in ${folder}/p.ts names it`,
      `script and 1 more: ${folder}/trian.py is not there; the command in ${folder}/p.ts names it`,
    ].join('\n'),
  });
  const {ok, value, hint} = checkProgram(files[1]!);
  assert.deepEqual([ok, value.startsWith('plain: ')], [false, true]);
  assert.match(hint!, /^chmod \+x .*plain\.sh, or put what runs it before it/);
});

test('what may be right once there is a job is left alone', (t) => {
  const {files} = found(t, {
    reads: (at, {inputs}) => [existsSync(inputs['data']!) ? 'x' : missing(), at('gone.sh')],
    writes: (at, {scratch}) => {
      writeFileSync(join(scratch, 'words'), '');
      return [at('gone.sh')];
    },
    makes: (at, {outputs}) => {
      mkdirSync(outputs['out']!, {recursive: true});
      return [at('gone.sh')];
    },
    text: (at) => ['sh', at('gone.sh').pathname],
    nonsense: () => 'no list' as never,
  });
  assert.deepEqual(files, []);
  requirePrograms(files);
});

function missing(): never {
  throw new Error('there is no input yet');
}

const RECIPE = `
import {recipe} from 'r1';
import {command} from 'r1/stages';
export const train = command({
  module: import.meta.url, name: 'train', inputs: {}, outputs: {out: 'data'}, params: {},
  argv: ({outputs}) => ['/bin/sh', new URL('./train.sh', import.meta.url), outputs.out],
});
export default recipe('programs', (add) => void add('train', train));
`;

test('a plan warns of it, and a run does not begin', async (t) => {
  const cwd = temporaryFolder(t, {'p.ts': RECIPE});
  const said = `train: ${cwd}/train.sh is not there; the command in ${cwd}/p.ts names it`;
  const plan = await r1(t, ['plan', './p.ts'], {cwd});
  assert.equal(plan.code, 0);
  assert.ok(plan.out.includes(`\nwarning: ${said}\n`), plan.out);
  const run = await r1(t, ['run', './p.ts'], {cwd});
  assert.deepEqual([run.code, run.err], [2, `${said}\nput the file there, or correct its name\n`]);
  assert.ok(!existsSync(join(cwd, '.r1')), 'no store is made for it');
  writeFileSync(join(cwd, 'train.sh'), 'echo x >"$1"\n');
  assert.equal((await r1(t, ['run', './p.ts'], {cwd})).code, 0);
});
