/** Folders, stores and attempts for the tests of this directory; everything is gone when the test is over. */
import {existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import type {TestContext} from 'node:test';
import {digestOf, openStore} from '../../artifacts/index.js';
import type {
  Artifact,
  AttemptId,
  BeginResult,
  Digest,
  InputEdge,
  Json,
  Lock,
  NewAttempt,
  RunId,
  Store,
  StoreOptions,
} from '../../artifacts/index.js';

/** A file system in memory, where there is one: syncing costs nothing there. */
const MEMORY = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** `inMemory` is for tests that make hundreds of stores. */
export function temporaryFolder(t: TestContext, {inMemory = false}: {readonly inMemory?: boolean} = {}): string {
  const folder = mkdtempSync(join(inMemory ? MEMORY : tmpdir(), 'r1-test-'));
  t.after(() => rmSync(folder, {recursive: true, force: true}));
  return folder;
}

/** Writes `{path: content}` below `folder` and returns it. A path that ends in a slash is an empty folder. */
export function fill(folder: string, files: Readonly<Record<string, string | Uint8Array>>): string {
  mkdirSync(folder, {recursive: true});
  for (const [path, content] of Object.entries(files)) {
    const target = join(folder, path);
    if (path.endsWith('/')) {
      mkdirSync(target, {recursive: true});
      continue;
    }
    mkdirSync(dirname(target), {recursive: true});
    writeFileSync(target, content);
  }
  return folder;
}

export interface Made {
  readonly attempt: AttemptId;
  readonly outputs: Readonly<Record<string, Artifact>>;
}

export interface Making {
  readonly node: string;
  readonly stage?: string;
  readonly outputs: Readonly<
    Record<string, {readonly kind: string; readonly files: Readonly<Record<string, string | Uint8Array>>}>
  >;
  readonly inputs?: readonly InputEdge[];
  readonly params?: Json;
  readonly fingerprint?: Digest;
  readonly wallMs?: number;
  readonly more?: Partial<NewAttempt>;
}

/** A store with a run that this process holds, and a short way to make attempts in it. */
export class Bench {
  readonly folder: string;
  readonly store: Store;
  run: RunId;
  readonly #locks = new Map<RunId, Lock>();

  constructor(t: TestContext, options: StoreOptions & {readonly folder?: string} = {}) {
    this.folder = options.folder ?? join(temporaryFolder(t), 'store');
    this.store = openStore(this.folder, options);
    t.after(() => this.store.close());
    this.run = this.begin();
  }

  begin(recipe = 'test', seed = 0, plan: Json = {nodes: []}): RunId {
    this.run = this.store.beginRun({recipe, seed, plan, command: 'r1 run test'});
    const lock = this.store.holdRunnerLock(this.run);
    if (lock === undefined) throw new Error('expected to hold the lock');
    this.#locks.set(this.run, lock);
    return this.run;
  }

  /** The run's process is gone, as far as anybody can tell. */
  end(): void {
    this.#locks.get(this.run)?.release();
  }

  /** Ends the run and begins another. */
  next(recipe = 'test'): RunId {
    this.end();
    return this.begin(recipe);
  }

  /** Begins an attempt and does nothing more for it. */
  claim(node: string, more: Partial<NewAttempt> = {}): Extract<BeginResult, {state: 'claimed'}> {
    const begun = this.store.beginAttempt({
      run: this.run,
      node,
      stage: 'stage',
      fingerprint: digestOf('fingerprint', node),
      ingredients: {},
      params: {},
      seed: 0,
      because: 'it was never made',
      inputs: [],
      ...more,
    });
    if (begun.state !== 'claimed') throw new Error(`expected to own it, got ${begun.state}`);
    return begun;
  }

  /** Begins, fills the outputs, ingests and records: what a runner does for one node. */
  async make({
    node,
    stage = 'stage',
    outputs,
    inputs = [],
    params = {},
    fingerprint,
    wallMs = 5,
    more = {},
  }: Making): Promise<Made> {
    const ingredients = {stage, params, inputs: inputs.map(({port, artifact}) => ({port, artifact}))};
    const begun = this.claim(node, {
      stage,
      fingerprint: fingerprint ?? digestOf('fingerprint', {...ingredients, node}),
      ingredients,
      params,
      inputs,
      ...more,
    });
    await this.store.makeJobFolder(begun.attempt);
    const artifacts: Record<string, Artifact> = {};
    for (const [port, {kind, files}] of Object.entries(outputs)) {
      const folder = fill(join(begun.jobFolder, 'outputs', port), files);
      artifacts[port] = await this.store.ingest(folder, kind, {own: true});
    }
    const outcome = {ok: true, reason: 'succeeded', detail: null, cost: {wallMs}};
    const recorded = this.store.finishAttempt({
      attempt: begun.attempt,
      ownership: begun.ownership,
      outcome,
      outputs: artifacts,
    });
    if (recorded !== 'recorded') throw new Error('expected the outcome to be recorded');
    await this.store.removeTree(begun.jobFolder);
    return {attempt: begun.attempt, outputs: artifacts};
  }
}

/** The edge that uses `port` of `made` as the input `as`. */
export function edge(made: Made, port: string, as = port, name = ''): InputEdge {
  return {port: as, name, artifact: made.outputs[port]!.digest, madeBy: made.attempt};
}
