/** People edit recipes and stages while these run. What runs, and what is recorded of it, is what was read at the start. */
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {cpSync, existsSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import type {Attempt} from '../../../artifacts/index.js';
import {ownFile} from '../../../pipeline/modules/own-package.js';
import {r1, start, until} from '../../rig/command.js';
import {WAIT, madeBy, newer, project, reading, runIt, succeeded} from '../../rig/project.js';
import {temporaryFolder} from '../../rig/temporary.js';

/** A stage of every part in which code can lie; each says of which version it is. `wait` begins once there is a file. */
const PROJECT = {
  'package.json': '{"type": "module"}',
  'main.ts': `
    import {resolve} from 'node:path';
    import {recipe} from 'r1';
    import {say, wait} from './stages.js';
    export default recipe('edited', (add) => {
      const {out} = add('first', wait, {}, {go: resolve('..', 'go')});
      add('second', say, {before: out});
    });`,
  'stages.ts': `
    import {existsSync, readFileSync, writeFileSync} from 'node:fs';
    import {readFile} from 'node:fs/promises';
    import {createRequire} from 'node:module';
    import {setTimeout as sleep} from 'node:timers/promises';
    import {fileURLToPath} from 'node:url';
    import {Worker} from 'node:worker_threads';
    import {defineStage} from 'r1';
    import {help} from './lib/help.js';
    import data from './lib/data.json' with {type: 'json'};
    import common from './lib/common.cjs';

    export const wait = defineStage({
      module: import.meta.url, name: 'wait', inputs: {}, outputs: {out: 'data'}, params: {go: ''},
      async run({outputs, params}) {
        writeFileSync(params.go + '.started', '');
        while (!existsSync(params.go)) await sleep(10);
        writeFileSync(outputs.out, await versions());
      },
    });
    export const say = defineStage({
      module: import.meta.url, name: 'say', inputs: {before: 'data'}, outputs: {out: 'data'}, params: {},
      async run({outputs}) { writeFileSync(outputs.out, await versions()); },
    });

    const words = new URL('./lib/words.txt', import.meta.url);
    const answer = (from: {once(event: string, take: (value: unknown) => void): unknown}) =>
      new Promise((resolve, reject) => from.once('message', resolve) && from.once('error', reject));

    async function versions(): Promise<string> {
      const {late} = await import('./lib/late.js');
      const tool = createRequire(import.meta.url)('./lib/tool.cjs') as string;
      const thread = await answer(new Worker(new URL('./lib/worker.js', import.meta.url)));
      const bare = await answer(new Worker(new URL('./lib/worker.js', import.meta.url), {execArgv: []}));
      const read = [readFileSync(words, 'utf8'), await readFile(fileURLToPath(words), 'utf8')];
      const place = /stages\\.ts:\\d+:\\d+/.exec(new Error().stack!)![0];
      return JSON.stringify({stage: 'old', help, data: data.version, common, late, tool, thread, bare, read, place});
    }`,
  'lib/help.ts': `export const help: string = 'old help';`,
  'lib/data.json': '{"version": "old data"}',
  'lib/common.cjs': `module.exports = 'old common, ' + require('./more.cjs') + require('fs').constants.O_RDONLY;`,
  'lib/more.cjs': `module.exports = 'old more';`,
  'lib/tool.cjs': `module.exports = 'old tool, ' + require('./more.cjs');`,
  'lib/late.js': `import {deep} from './deep.js';\nexport const late = 'old late, ' + deep;`,
  'lib/deep.js': `export const deep = 'old deep';`,
  'lib/worker.js': `import {parentPort} from 'node:worker_threads';\nimport {help} from './help.ts';\nparentPort.postMessage('old worker, ' + help);`,
  'lib/words.txt': 'old words',
};

const OLD = {
  stage: 'old',
  help: 'old help',
  data: 'old data',
  common: 'old common, old more0',
  late: 'old late, old deep',
  tool: 'old tool, old more',
  thread: 'old worker, old help',
  bare: 'old worker, old help',
  read: ['old words', 'old words'],
};

/** Files of the project, without the store. */
const filesIn = (cwd: string): string[] =>
  readdirSync(cwd, {recursive: true, encoding: 'utf8'}).filter((name) => name in PROJECT && name !== 'package.json');

/** What people, editors and other tools do to files. */
const EDITS: Readonly<Record<string, (cwd: string) => void>> = {
  'edited in place': (cwd) => {
    for (const name of filesIn(cwd)) writeFileSync(join(cwd, name), newer(readFileSync(join(cwd, name), 'utf8')));
  },
  'replaced by others of the same names': (cwd) => {
    for (const name of filesIn(cwd)) {
      writeFileSync(join(cwd, `${name}.saved`), newer(readFileSync(join(cwd, name), 'utf8')));
      renameSync(join(cwd, `${name}.saved`), join(cwd, name));
    }
  },
  removed: (cwd) => {
    for (const name of filesIn(cwd)) rmSync(join(cwd, name));
  },
  'moved away with their folder': (cwd) => renameSync(cwd, `${cwd}.moved`),
  'half written': (cwd) => {
    for (const name of filesIn(cwd))
      writeFileSync(join(cwd, name), newer(readFileSync(join(cwd, name), 'utf8')).slice(0, 30));
  },
};

for (const [how, edit] of Object.entries(EDITS)) {
  test(`files that are ${how} while a run goes on change neither what runs nor what is recorded`, async (t) => {
    const where = project(t, PROJECT);
    const running = runIt(t, where);
    await until('the first stage runs', () => existsSync(`${where.go}.started`));
    edit(where.cwd);
    writeFileSync(where.go, '');
    succeeded(await running.ended);
    for (const node of ['first', 'second']) {
      const {place, ...made} = JSON.parse(await madeBy(t, node, where)) as typeof OLD & {place: string};
      assert.deepEqual(made, OLD, node);
      const line = PROJECT['stages.ts'].split('\n').findIndex((text) => text.includes('new Error()')) + 1;
      assert.match(place, new RegExp(`^stages\\.ts:${line}:`));
    }
    assert.ok(!existsSync(join(where.store, 'jobs/1/code')), 'the snapshot is kept while the attempt runs');
    // With the old files back, it is all there, and it is what that code makes.
    rmSync(where.cwd, {recursive: true, force: true});
    const again = project(t, PROJECT);
    cpSync(again.cwd, where.cwd, {recursive: true});
    const second = await r1(t, ['run', 'main.ts', '--store', where.store], {cwd: where.cwd});
    assert.match(second.out + second.err, /all 2 nodes are up to date/);
    succeeded(await r1(t, ['reproduce', 'second', '--store', where.store], {cwd: where.cwd}));
  });
}

test('a stage whose runner was killed goes on with its own snapshot, and counts for who adopts it', async (t) => {
  const where = project(t, PROJECT);
  const killed = runIt(t, where);
  await until('the first stage runs', () => existsSync(`${where.go}.started`));
  killed.child.kill('SIGKILL');
  await killed.ended;
  const running = runIt(t, where);
  await until('it is adopted', () => /first +.*(adopted|continues|taken over)/.test(running.err()));
  EDITS['removed']!(where.cwd);
  writeFileSync(where.go, '');
  succeeded(await running.ended);
  assert.equal(
    reading(where, (store) => store.attempt(1 as Attempt['id'])?.outcome?.ok),
    true,
  );
  for (const node of ['first', 'second']) {
    assert.deepEqual({...(JSON.parse(await madeBy(t, node, where)) as object), place: ''}, {...OLD, place: ''}, node);
  }
});

test('a Node process that a stage starts is given the snapshot as well', async (t) => {
  const where = project(t, {
    'package.json': '{"type": "module"}',
    'wait.js': WAIT,
    'main.js': `
      import {execFile, fork, spawnSync} from 'node:child_process';
      import {once} from 'node:events';
      import {writeFileSync} from 'node:fs';
      import {resolve} from 'node:path';
      import {fileURLToPath} from 'node:url';
      import {promisify} from 'node:util';
      import {defineStage, recipe} from 'r1';
      import {wait} from './wait.js';
      export const starting = defineStage({
        module: import.meta.url, name: 'starting', inputs: {before: 'data'}, outputs: {out: 'data'}, params: {},
        async run({outputs}) {
          const child = fileURLToPath(new URL('./child.js', import.meta.url));
          const [forked] = await once(fork(child), 'message');
          const spawned = String(spawnSync(process.execPath, [child, 'more']).stdout);
          const {stdout: executed} = await promisify(execFile)(process.execPath, [child]);
          writeFileSync(outputs.out, [forked, spawned, executed].join());
        },
      });
      export default recipe('children', (add) => {
        const {out} = add('first', wait, {}, {go: resolve('..', 'go')});
        add('second', starting, {before: out});
      });`,
    'child.js': `
      import {help} from './help.js';
      if (process.send === undefined) process.stdout.write('old child, ' + help);
      else process.send('old child, ' + help, () => process.disconnect());`,
    'help.js': `export const help = 'old help';`,
  });
  const running = start(t, ['run', 'main.js', '--store', where.store], {cwd: where.cwd});
  await until('the first stage runs', () => existsSync(`${where.go}.started`));
  for (const name of ['child.js', 'help.js']) {
    writeFileSync(join(where.cwd, name), newer(readFileSync(join(where.cwd, name), 'utf8')));
  }
  writeFileSync(where.go, '');
  succeeded(await running.ended);
  assert.equal(await madeBy(t, 'second', where), Array(3).fill('old child, old help').join());
});

/** A chain of short nodes of one stage, whose version is in each kind of file that it consists of. */
const CHAIN = {
  'package.json': '{"type": "module"}',
  'main.ts': `
    import {recipe} from 'r1';
    import {say} from './stages.js';
    export default recipe('chain', (add) => {
      let before: {out?: never} | undefined;
      for (const id of ['a', 'b', 'c', 'd', 'e', 'f']) {
        const {out} = add(id, say, before === undefined ? {} : {before: before.out}, {id});
        before = {out} as never;
      }
    });`,
  'stages.ts': `
    import {readFileSync, writeFileSync} from 'node:fs';
    import {defineStage, optional} from 'r1';
    import {help} from './help.js';
    export const say = defineStage({
      module: import.meta.url, name: 'say', inputs: {before: optional('data')}, outputs: {out: 'data'},
      params: {id: ''},
      async run({outputs, params}) {
        const {late} = await import('./late.js');
        const words = readFileSync(new URL('./words.txt', import.meta.url), 'utf8');
        writeFileSync(outputs.out, ['stage old', help, late, words, params.id].join());
      },
    });`,
  'help.ts': `export const help: string = 'help old';`,
  'late.js': `export const late = 'late old';`,
  'words.txt': 'words old',
};

test('whoever edits again and again while a recipe runs finds each output under the code that made it', async (t) => {
  const where = project(t, CHAIN);
  /** Files in which the version stands, in the order of a stage's output. */
  const files = ['stages.ts', 'help.ts', 'late.js', 'words.txt'] as const;
  let edits = 0;
  for (let runs = 0; runs < 3; runs++) {
    const running = runIt(t, where);
    const isOver = (): boolean => running.child.exitCode !== null;
    // Each time other files change, so that what runs would often be a mixture.
    for (let nodes = 0; nodes < 6 && !isOver(); nodes++) {
      await until('one more node runs', () => isOver() || running.err().split(' started').length - 1 > nodes);
      const version = `v${edits++}`;
      for (const [at, file] of files.entries()) {
        if (edits % (at + 1) === 0) writeFileSync(join(where.cwd, file), CHAIN[file].replaceAll(/\bold\b/g, version));
      }
    }
    succeeded(await running.ended);
  }
  assert.ok(edits >= 12, `${edits} edits`);
  const byCode = new Map<string, string>();
  const attempts = reading(where, (store) =>
    ['a', 'b', 'c', 'd', 'e', 'f'].flatMap((node) =>
      [1, 2, 3].flatMap((run) => store.attemptsOf(run as Attempt['run'], node)),
    ),
  );
  assert.ok(attempts.length >= 12, `${attempts.length} attempts`);
  for (const attempt of attempts) {
    const {code} = attempt.ingredients as unknown as {code: string};
    const target = join(temporaryFolder(t), 'out');
    const artifact = attempt.outputs[0]!.artifact;
    succeeded(await r1(t, ['export', `@${artifact}`, target, '--store', where.store], {cwd: where.cwd}));
    const versions = readFileSync(target, 'utf8').split(',').slice(0, -1).join();
    const known = byCode.get(code);
    assert.ok(known === undefined || known === versions, `${code} made ${known} and ${versions}`);
    byCode.set(code, versions);
  }
  assert.equal(new Set(byCode.values()).size, byCode.size, 'other code made the same');
});

test('a stage’s process of another Node is given the snapshot as well', {skip: others().length === 0}, async (t) => {
  const where = project(t, PROJECT);
  const running = runIt(t, where);
  await until('the first stage runs', () => existsSync(`${where.go}.started`));
  const jobs = others().map((node, at) => ({node, job: join(where.store, '..', `job${at}`)}));
  for (const {job} of jobs) cpSync(join(where.store, 'jobs/1'), job, {recursive: true});
  writeFileSync(where.go, '');
  succeeded(await running.ended);
  renameSync(where.cwd, `${where.cwd}.moved`);
  for (const {node, job} of jobs) {
    execFileSync(node, [ownFile('dist/stages/main.js'), job]);
    const {place, ...made} = JSON.parse(readFileSync(join(job, 'outputs/out'), 'utf8')) as typeof OLD & {place: string};
    assert.deepEqual(made, OLD, node);
    assert.match(place, /^stages\.ts:/);
  }
});

/** Other versions of Node to try: `R1_TEST_NODES=/path/to/node22:/path/to/node24`. */
function others(): string[] {
  return (process.env['R1_TEST_NODES'] ?? '').split(':').filter((path) => path !== '');
}
