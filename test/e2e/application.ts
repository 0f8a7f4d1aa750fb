/** The built tool in a folder of its own: what an installed copy is, with sources that a test may change. */
import {cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import type {TestContext} from 'node:test';
import {fileURLToPath} from 'node:url';
import {openStore} from '../../artifacts/index.js';
import type {Store} from '../../artifacts/index.js';
import {isRunning} from '../../pipeline/executors/process-table.js';
import {readProcess} from '../../pipeline/executors/process-record.js';
import {r1, start} from '../rig/command.js';
import type {Ended, Started} from '../rig/command.js';
import {temporaryFolder} from '../rig/temporary.js';

/** Of this package: the folder above dist/. */
const PACKAGE = fileURLToPath(new URL('../../..', import.meta.url));
const ROOMS = ['artifacts', 'bin', 'pipeline', 'stages'];

export interface Application {
  readonly folder: string;
  /** Runs `r1 …` of this copy with the store `.r1` in its folder, or another. */
  r1(t: TestContext, words: readonly string[], store?: string): Promise<Ended>;
  start(t: TestContext, words: readonly string[], store?: string): Started;
  /** Changes a file of the copy; it is an error when that changes nothing. */
  edit(path: string, change: (source: string) => string): void;
  reading<T>(read: (store: Store) => T, store?: string): T;
}

/** @param files further files below the package's folder to take along */
export function application(t: TestContext, files: readonly string[] = []): Application {
  const folder = temporaryFolder(t);
  for (const path of ['package.json', ...ROOMS.map((room) => `dist/${room}`), ...files]) {
    mkdirSync(dirname(join(folder, path)), {recursive: true});
    cpSync(join(PACKAGE, path), join(folder, path), {recursive: true});
  }
  symlinkSync(join(PACKAGE, 'node_modules'), join(folder, 'node_modules'));
  const where = {cwd: folder, entry: join(folder, 'dist/bin/start.cjs')};
  const withStore = (words: readonly string[], store: string): string[] => [...words, '--store', store];
  return {
    folder,
    r1: (test, words, store = '.r1') => r1(test, withStore(words, store), where),
    start: (test, words, store = '.r1') => start(test, withStore(words, store), where),
    edit(path, change) {
      const file = join(folder, path);
      const source = readFileSync(file, 'utf8');
      const changed = change(source);
      if (changed === source) throw new Error(`nothing in ${path} was changed`);
      writeFileSync(file, changed);
    },
    reading(read, store = '.r1') {
      const opened = openStore(join(folder, store), {mode: 'read'});
      try {
        return read(opened);
      } finally {
        opened.close();
      }
    },
  };
}

/** Node, port → digest of everything that a run made or reused. */
export const artifactsOf = (store: Store, run = store.latestRun()!.id): Record<string, string> =>
  Object.fromEntries(
    store
      .nodesOf(run)
      .flatMap(({node, attempt}) =>
        attempt === undefined
          ? []
          : store.attempt(attempt)!.outputs.map(({port, artifact}) => [`${node}:${port}`, artifact] as const),
      )
      .sort(),
  );

/** Kills the processes of all attempts that have no outcome, whole groups, as a power cut would. */
export function killStages(store: Store): number {
  let killed = 0;
  for (const {jobFolder} of store.orphans()) {
    const stage = readProcess(jobFolder);
    if (stage === undefined || !isRunning(stage)) continue;
    process.kill(-stage.session!, 'SIGKILL');
    killed++;
  }
  return killed;
}
