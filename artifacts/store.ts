/** The store: bytes by content and the facts about who made them. This file only says what it can do and puts it together. */
import type {Digest, Json} from './digest.js';
import type {
  Artifact,
  Attempt,
  AttemptId,
  ClaimId,
  Continuation,
  Cost,
  Decision,
  InputEdge,
  MetricPoint,
  Outcome,
  Run,
  RunId,
  RunNode,
} from './records.js';

export interface StoreOptions {
  /** 'read' never writes, works on read-only folders and needs an existing store. Default 'write' (creates it). */
  readonly mode?: 'write' | 'read';
}

/** A held OS lock; freed by the system when the process dies, however it dies. */
export interface Lock {
  release(): void;
}

export interface NewRun {
  readonly recipe: string;
  readonly seed: number;
  readonly plan: Json;
  readonly command: string;
}

export interface NewAttempt {
  readonly run: RunId;
  readonly node: string;
  readonly stage: string;
  readonly fingerprint: Digest;
  readonly ingredients: Json;
  readonly params: Json;
  readonly seed: number;
  readonly because: string;
  readonly inputs: readonly InputEdge[];
  readonly continues?: Continuation;
  /** Begin although a finished attempt with this fingerprint exists (`--force`). In-flight ones still come first. */
  readonly force?: boolean;
}

/** The answer to “may I run this?”; decided and recorded in one transaction, so that no node runs twice. */
export type Begun =
  /** Go: the attempt, its claim and the decision 'run' are recorded; its empty job folder is yours to make. */
  | {readonly state: 'claimed'; readonly attempt: AttemptId; readonly claim: ClaimId; readonly jobFolder: string}
  /** Somebody finished the same fingerprint meanwhile; reuse it. */
  | {readonly state: 'done'; readonly attempt: AttemptId}
  /** A live runner (maybe this one) is at it; wait for its outcome and ask again. */
  | {readonly state: 'busy'; readonly attempt: AttemptId; readonly run: RunId}
  /** Its runner is dead and it has no outcome: `adopt` it, then go on with it or end it. */
  | {readonly state: 'orphan'; readonly attempt: AttemptId; readonly run: RunId; readonly jobFolder: string};

export interface Finished {
  readonly attempt: AttemptId;
  readonly claim: ClaimId;
  readonly outcome: Outcome;
  /** What `ingest` returned, by output port. Empty unless the outcome is ok. */
  readonly outputs?: Readonly<Record<string, Artifact>>;
}

/** An attempt whose outputs may be used again. */
export interface Reusable {
  readonly attempt: AttemptId;
  readonly outputs: Readonly<
    Record<string, {readonly artifact: Digest; readonly kind: string; readonly bytes: number}>
  >;
}

/** Why a fingerprint that was made once is a miss today: `because` is a sentence part for the plan. */
export interface Gone {
  readonly attempt: AttemptId;
  readonly because: string;
}

/** An input as it lies in a job folder. */
export interface Placed {
  readonly artifact: Digest;
  readonly path: string;
}

/** A file of an input that no longer has the bytes it should. A blob of the store that changed is quarantined. */
export interface Damage {
  readonly artifact: Digest;
  /** Relative to the input's folder. */
  readonly file: string;
  /** True when the store's own copy changed with it (a hard link was written through). */
  readonly blobDamaged: boolean;
}

export interface Orphan {
  readonly attempt: AttemptId;
  readonly run: RunId;
  readonly node: string;
  readonly fingerprint: Digest;
  readonly jobFolder: string;
}

export interface PastAttempt extends Cost {
  readonly attempt: AttemptId;
  readonly at: number;
  readonly outputBytes: number;
}

export interface Store {
  /** Absolute path. */
  readonly folder: string;
  readonly mode: 'write' | 'read';
  close(): void;

  // Bytes.
  /**
   * Stores a file or folder: hashes it, writes its blobs durably, returns what it is. No lineage yet: bytes first, row
   * last (`finishAttempt`). `own: true` says that nobody else can write to the files any more (an attempt's outputs once
   * its process tree is dead): they are then hard-linked where that is safe instead of copied, and made read-only.
   * Throws UserError: refused-file (symlink, socket …, by name), not-found, changed-while-read, disk-full, io-error …
   */
  ingest(path: string, kind: string, options?: {readonly own?: boolean}): Promise<Artifact>;
  /** The same without storing anything; unchanged files are not read again (stat cache). */
  describe(path: string, kind: string): Promise<Artifact>;
  /** Puts an artifact at `target` (must not exist), read-only: reflink, else a copy below 1 MiB, else a hard link. */
  materialise(artifact: Digest, target: string): Promise<Placed>;
  /** After an attempt: which files of its inputs were changed. Stat only, unless a stat cannot be believed. */
  inputsIntact(inputs: readonly Placed[]): Promise<readonly Damage[]>;
  /** Deletes a job folder or part of one; use this and not `rm`, since unlinking a hard link touches the blob's stat. */
  removeTree(path: string): Promise<void>;
  /** All bytes are there (by size) and not in quarantine. */
  isPresent(artifact: Digest): boolean;
  artifact(digest: Digest): Artifact | undefined;
  /** Keeps the garbage collector waiting until `work` is over; put `ingest` and its `finishAttempt` inside. */
  withoutCollector<T>(work: () => Promise<T>): Promise<T>;

  // Facts. Each call is one transaction.
  beginRun(run: NewRun): RunId;
  /** Another session of the same run. */
  resumeRun(run: RunId, command: string): void;
  endRun(run: RunId, outcome: string): void;
  beginAttempt(attempt: NewAttempt): Begun;
  /** Takes over an orphan for `run`: a new claim and a decision 'run'. Undefined when its owner turned out to live or it got an outcome. */
  adopt(orphan: {
    readonly attempt: AttemptId;
    readonly run: RunId;
    readonly node: string;
    readonly because: string;
  }): ClaimId | undefined;
  /** 'superseded': somebody else holds a newer claim (or recorded an outcome already); nothing was written. */
  finishAttempt(finished: Finished): 'recorded' | 'superseded';
  /** A file or folder from outside as a node: an attempt of stage 'source' and the decision 'source'. Ingest it first. */
  recordSource(source: {
    readonly run: RunId;
    readonly node: string;
    readonly artifact: Artifact;
    readonly path: string;
    readonly because: string;
  }): AttemptId;
  /** All or none. Returns the nodes whose reused bytes are gone since the plan was made (then nothing was written): plan again. */
  recordDecisions(decisions: readonly Decision[]): readonly string[];

  // Liveness.
  /** Undefined when another process runs this run. */
  holdRunnerLock(run: RunId): Lock | undefined;
  isAlive(run: RunId): boolean;
  /** Attempts without an outcome whose runner is dead. */
  orphans(): readonly Orphan[];

  // Questions.
  /** The newest succeeded attempt whose bytes are present; never one made from a checkpoint of other code. */
  findByFingerprint(fingerprint: Digest): Reusable | undefined;
  /** When `findByFingerprint` finds nothing: whether it was made once and why that no longer counts. */
  whyGone(fingerprint: Digest): Gone | undefined;
  /** Newest first. */
  runs(limit?: number): readonly Run[];
  run(id: RunId): Run | undefined;
  latestRun(recipe?: string): Run | undefined;
  /** Newest decision per node, in order of first decision. */
  nodesOf(run: RunId): readonly RunNode[];
  attempt(id: AttemptId): Attempt | undefined;
  /** Every attempt that was begun for this node by this run, oldest first. */
  attemptsOf(run: RunId, node: string): readonly Attempt[];
  /** The newest succeeded attempt that any run of the recipe used for this node; to say what changed since. */
  latestSuccess(recipe: string, node: string): Attempt | undefined;
  /** What earlier successes of this stage at this node cost, newest first. */
  history(node: string, stage: string, limit?: number): readonly PastAttempt[];
  jobFolder(attempt: AttemptId): string;

  // Metrics.
  /** A batch with the byte offset of events.jsonl behind it, in one transaction. A repeated (name, step) replaces. */
  addMetrics(attempt: AttemptId, points: readonly MetricPoint[], eventsOffset: number): void;
  /** Where to go on reading events.jsonl. 0 at first. */
  eventsOffset(attempt: AttemptId): number;
  /** By name, then step. `throughCheckpoints` adds what the attempts before it, that it continued, left behind. */
  metrics(
    attempt: AttemptId,
    options?: {readonly name?: string; readonly throughCheckpoints?: boolean},
  ): readonly MetricPoint[];
}

/**
 * Opens the store at `folder`; a writer creates what is missing. Throws UserError: newer-store, read-only,
 * unsafe-file-system, not-a-store, disk-full, no-store (reader only).
 */
export function openStore(folder: string, options: StoreOptions = {}): Store {
  throw new Error(`Internal error: not built yet (${folder}, ${options.mode ?? 'write'})`);
}
