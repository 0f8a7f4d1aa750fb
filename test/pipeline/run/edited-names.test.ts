/** While a run goes on, people also change what names lead to: links, maps in `package.json`, files that were not there. */
import assert from 'node:assert/strict';
import {existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import type {TestContext} from 'node:test';
import {openStore} from '../../../artifacts/index.js';
import type {Attempt, Store} from '../../../artifacts/index.js';
import {r1, start, until} from '../../rig/command.js';
import type {Ended} from '../../rig/command.js';
import {temporaryFolder} from '../../rig/temporary.js';

interface Project {
  readonly cwd: string;
  readonly store: string;
  readonly go: string;
}

function project(t: TestContext, files: Readonly<Record<string, string>>): Project {
  const root = temporaryFolder(
    t,
    Object.fromEntries(Object.entries(files).map(([name, text]) => [`in/${name}`, text])),
  );
  return {cwd: join(root, 'in'), store: join(root, 'store'), go: join(root, 'go')};
}

function reading<T>({store: folder}: Project, read: (store: Store) => T): T {
  const store = openStore(folder, {mode: 'read'});
  try {
    return read(store);
  } finally {
    store.close();
  }
}

/** The newest attempt of a node. */
const attemptOf = (where: Project, node: string): Attempt =>
  reading(where, (store) => store.attemptsOf(store.latestRun()!.id, node).at(-1)!);

/** What a node of the newest run made. */
async function madeBy(t: TestContext, node: string, where: Project): Promise<string> {
  const target = join(temporaryFolder(t), 'out');
  const ended = await r1(t, ['export', node, target, '--store', where.store], {cwd: where.store});
  assert.equal(ended.code, 0, ended.err);
  return readFileSync(target, 'utf8');
}

const succeeded = ({code, out, err}: Ended): void => assert.equal(code, 0, out + err);

const newer = (text: string): string => text.replaceAll(/\bold\b/g, 'new');

const WAIT = `
  import {existsSync, writeFileSync} from 'node:fs';
  import {setTimeout as sleep} from 'node:timers/promises';
  import {defineStage} from 'r1';
  export const wait = defineStage({
    module: import.meta.url, name: 'wait', inputs: {}, outputs: {out: 'data'}, params: {go: ''},
    async run({outputs, params}) {
      writeFileSync(params.go + '.started', '');
      while (!existsSync(params.go)) await sleep(10);
      writeFileSync(outputs.out, '');
    },
  });`;

/** Names that are no plain path to a file: links, `#names`, packages of a workspace, the package itself, and one that is none. */
const NAMES = {
  'package.json': '{"name": "it", "type": "module", "imports": {"#x": "./x.js"}, "exports": {"./y": "./y.js"}}',
  'wait.js': WAIT,
  'main.js': `
    import {existsSync, readFileSync, realpathSync, writeFileSync} from 'node:fs';
    import {createRequire} from 'node:module';
    import {resolve} from 'node:path';
    import {fileURLToPath} from 'node:url';
    import {defineStage, recipe} from 'r1';
    import {wait} from './wait.js';

    const words = new URL('./words.txt', import.meta.url);
    const require = createRequire(import.meta.url);
    export const say = defineStage({
      module: import.meta.url, name: 'say', inputs: {before: 'data'}, outputs: {out: 'data'}, params: {},
      async run({outputs}) {
        const {said} = await import('./said.js');
        const settings = require('./settings.json').version;
        const path = fileURLToPath(words);
        const read = [words, path, Buffer.from(path), realpathSync(path)].map((file) => readFileSync(file, 'utf8'));
        const none = await import('./none.js').catch(({code}) => code);
        let required;
        try { required = require('./none.cjs'); } catch ({code}) { required = code; }
        writeFileSync(outputs.out, JSON.stringify([said, settings, ...read, none, required]));
      },
    });
    export default recipe('names', (add) => {
      const {out} = add('first', wait, {}, {go: resolve('..', 'go')});
      add('second', say, {before: out});
    });`,
  'said.js': `
    import {x} from '#x';
    import {y} from 'it/y';
    import {near} from 'near';
    import {link} from './lib/link.js';
    import {letters} from './letters%20of%20%61.js';
    export const said = [x, y, near, link, letters].join();`,
  'x.js': `export const x = 'old x';`,
  'y.js': `export const y = 'old y';`,
  'letters of a.js': `export const letters = 'old letters';`,
  'lib-1/link.js': `export const link = 'old link';`,
  'packages/near/package.json': '{"name": "near", "version": "1.0.0", "type": "module", "exports": "./a.js"}',
  'packages/near/a.js': `export const near = 'old near';`,
  'texts/1.txt': 'old words',
  'settings.json': '\uFEFF{"version": "old settings"}',
};

test('names that are no plain path lead where they led when the digest was taken, whatever is linked or mapped since', async (t) => {
  const where = project(t, NAMES);
  const link = (target: string, path: string): void => {
    rmSync(join(where.cwd, path), {force: true});
    symlinkSync(target, join(where.cwd, path));
  };
  mkdirSync(join(where.cwd, 'node_modules'));
  link('../packages/near', 'node_modules/near');
  link('lib-1', 'lib');
  link('texts/1.txt', 'words.txt');
  const manifests = ['package.json', 'packages/near/package.json'];
  const before = ['old x,old y,old near,old link,old letters', 'old settings', ...Array<string>(4).fill('old words')];
  const running = start(t, ['run', 'main.js', '--store', where.store], {cwd: where.cwd});
  await until('the first stage runs', () => existsSync(`${where.go}.started`));
  for (const name of ['x.js', 'y.js', 'letters of a.js', 'lib-1/link.js', 'packages/near/a.js', 'texts/1.txt']) {
    const text = readFileSync(join(where.cwd, name), 'utf8');
    writeFileSync(join(where.cwd, name), newer(text));
    writeFileSync(join(where.cwd, name.replace(/(?=\.)/, '-2')), newer(text));
  }
  for (const name of manifests) {
    const text = readFileSync(join(where.cwd, name), 'utf8');
    writeFileSync(join(where.cwd, name), text.replaceAll(/(?<=\/[axy])(?=\.js)/g, '-2'));
  }
  mkdirSync(join(where.cwd, 'lib-2'));
  writeFileSync(join(where.cwd, 'lib-2/link.js'), newer(NAMES['lib-1/link.js']));
  writeFileSync(join(where.cwd, 'none.js'), '');
  writeFileSync(join(where.cwd, 'none.cjs'), '');
  link('lib-2', 'lib');
  link('texts/1-2.txt', 'words.txt');
  writeFileSync(where.go, '');
  succeeded(await running.ended);
  assert.deepEqual(JSON.parse(await madeBy(t, 'second', where)), [
    ...before,
    'ERR_MODULE_NOT_FOUND',
    'MODULE_NOT_FOUND',
  ]);
});

/** A program that waits, in a script that is reached through a link. */
const SCRIPT = {
  'package.json': '{"type": "module"}',
  'main.js': `
    import {resolve} from 'node:path';
    import {recipe} from 'r1';
    import {command} from 'r1/stages';
    export const program = command({
      module: import.meta.url, name: 'program', inputs: {}, outputs: {out: 'data'}, params: {go: ''},
      argv: ({outputs, params}) => ['sh', new URL('./tool.sh', import.meta.url), outputs.out, params.go],
    });
    export default recipe('by path', (add) => {
      add('program', program, {}, {go: resolve('..', 'go')});
    });`,
  'tool-1.sh': `: > "$2.started"\nwhile [ ! -e "$2" ]; do sleep 0.01; done\necho old > "$1"\n`,
};

test('a program that is started through a link has made nothing that counts when the link led elsewhere meanwhile', async (t) => {
  const where = project(t, SCRIPT);
  const script = join(where.cwd, 'tool.sh');
  symlinkSync('tool-1.sh', script);
  const running = start(t, ['run', 'main.js', '--store', where.store], {cwd: where.cwd});
  await until('the program runs', () => existsSync(`${where.go}.started`));
  writeFileSync(join(where.cwd, 'tool-2.sh'), '');
  rmSync(script);
  symlinkSync('tool-2.sh', script);
  writeFileSync(where.go, '');
  assert.equal((await running.ended).code, 1);
  assert.equal(attemptOf(where, 'program').outcome?.reason, 'code-changed');
});
