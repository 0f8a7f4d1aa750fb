/** A project of somebody's own beside its store, whose files are edited while a run of it goes on. */
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import type {TestContext} from 'node:test';
import {openStore} from '../../artifacts/index.js';
import type {Attempt, Store} from '../../artifacts/index.js';
import {r1, start} from './command.js';
import type {Ended, Started} from './command.js';
import {temporaryFolder} from './temporary.js';

/** The text of the next version. */
export const newer = (text: string): string => text.replaceAll(/\bold\b/g, 'new');

/** Folders beside each other, and the file for which `wait` waits. */
export interface Project {
  readonly cwd: string;
  readonly store: string;
  readonly go: string;
}

export function project(t: TestContext, files: Readonly<Record<string, string>>): Project {
  const root = temporaryFolder(
    t,
    Object.fromEntries(Object.entries(files).map(([name, text]) => [`in/${name}`, text])),
  );
  return {cwd: join(root, 'in'), store: join(root, 'store'), go: join(root, 'go')};
}

export const runIt = (t: TestContext, {cwd, store}: Project): Started =>
  start(t, ['run', 'main.ts', '--store', store], {cwd});

export function reading<T>({store: folder}: Project, read: (store: Store) => T): T {
  const store = openStore(folder, {mode: 'read'});
  try {
    return read(store);
  } finally {
    store.close();
  }
}

/** The newest attempt of a node. */
export const attemptOf = (where: Project, node: string): Attempt =>
  reading(where, (store) => store.attemptsOf(store.latestRun()!.id, node).at(-1)!);

/** What a node of the newest run made. */
export async function madeBy(t: TestContext, node: string, where: Project): Promise<string> {
  const target = join(temporaryFolder(t), 'out');
  const ended = await r1(t, ['export', node, target, '--store', where.store], {cwd: where.store});
  assert.equal(ended.code, 0, ended.err);
  return readFileSync(target, 'utf8');
}

export const succeeded = ({code, out, err}: Ended): void => assert.equal(code, 0, out + err);

/** A stage in `wait.js` that begins, says so by a file, and ends once there is another file. */
export const WAIT = `
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
