/**
 * The rows of the lineage as the rest of the tool sees them. Facts are only ever added; “is it running?” and “is it
 * fresh?” are questions asked of them. Times are milliseconds since 1970, sizes bytes.
 */
import type {Digest, Json} from './digest.js';

declare const brand: unique symbol;
/** One invocation of a recipe. */
export type RunId = number & {readonly [brand]: 'run'};
/** One try of one node. */
export type AttemptId = number & {readonly [brand]: 'attempt'};
/** The right to record an attempt's outcome. The newest one of a fingerprint wins. */
export type OwnershipId = number & {readonly [brand]: 'ownership'};

/** `/` separates folders on every system. `sha256` is of the file's bytes alone, as model hubs show it. */
export interface ArtifactFile {
  /** Relative to the artifact. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: Digest;
  /** Its owner may execute it. Left out of other files, so that their artifacts have the digests that they always had. */
  readonly executable?: true;
}

/**
 * A file or folder by content. A single file has one entry with the path ''. Of modes only `executable` counts; the rest of
 * them, times and owners do not.
 */
export interface Artifact {
  readonly digest: Digest;
  readonly kind: string;
  readonly shape: 'file' | 'folder';
  /** Sizes of its files added up. */
  readonly bytes: number;
  /** Sorted by path (UTF-16 code units). */
  readonly files: readonly ArtifactFile[];
  /** Folders without anything in them, which no file's path would tell. Sorted. */
  readonly emptyFolders: readonly string[];
}

/** A run as it was recorded. */
export interface Run {
  readonly id: RunId;
  readonly recipe: string;
  readonly seed: number;
  /** The frozen plan as the runner wrote it: wiring, params, source digests. */
  readonly plan: Json;
  /** The command line that began it. */
  readonly command: string;
  readonly startedAt: number;
  /** Set when the newest session of the run has ended; a run that was resumed and is going on has none. */
  readonly end: {readonly outcome: string; readonly at: number} | undefined;
  /** How often it was begun or resumed. */
  readonly sessions: number;
}

/** What an attempt was made from, on one port. */
export interface InputEdge {
  readonly port: string;
  /** Name within a port that takes many; '' otherwise. */
  readonly name: string;
  readonly artifact: Digest;
  /** The attempt whose output was used. Sources are attempts too (stage 'source'). */
  readonly madeBy: AttemptId;
}

/** What an attempt made, on one port. */
export interface OutputEdge {
  readonly port: string;
  readonly kind: string;
  readonly artifact: Digest;
  readonly bytes: number;
}

/** What an attempt cost. Whatever the system could not tell is left out. */
export interface Cost {
  /** From the start of the process to its end. */
  readonly wallMs: number;
  /** Processor time of the process and its children, in user mode and in the kernel. */
  readonly userMs?: number;
  readonly systemMs?: number;
  /** Peak resident memory. */
  readonly peakBytes?: number;
  /** Read from and written to disks, as the system counts it. */
  readonly readBytes?: number;
  readonly writtenBytes?: number;
  /** Tokens processed, where the stage counts them. */
  readonly tokens?: number;
}

/**
 * `reason` is the runner's kebab-case word, `detail` the payload of that variant. Only what is 'succeeded' satisfies a hit: a
 * success by another word (`ok`) counts in the run that made it.
 */
export interface Outcome {
  readonly ok: boolean;
  readonly reason: string;
  readonly detail: Json;
  readonly cost?: Cost;
}

/** The attempt started from a checkpoint of another one. */
export interface Continuation {
  readonly attempt: AttemptId;
  /** The last step that the checkpoint holds, counted from 1. */
  readonly step: number;
  /** Set when the checkpoint's code differed and was accepted by hand; such an output never satisfies a hit. */
  readonly accepted?: string;
}

/** One try of one node as it was recorded. */
export interface Attempt {
  readonly id: AttemptId;
  /** The run that began it. Other runs may have reused it. */
  readonly run: RunId;
  readonly node: string;
  readonly stage: string;
  /** Digest of `ingredients`. Of attempts that succeeded with equal ones, the newest is reused. */
  readonly fingerprint: Digest;
  /** Everything that the fingerprint was computed from. */
  readonly ingredients: Json;
  readonly params: Json;
  readonly seed: number;
  /** Why it was made, as a phrase. */
  readonly because: string;
  readonly continues: Continuation | undefined;
  readonly startedAt: number;
  readonly inputs: readonly InputEdge[];
  readonly outputs: readonly OutputEdge[];
  /** Undefined while nobody has recorded one. */
  readonly outcome: (Outcome & {readonly at: number}) | undefined;
}

/** What a run did for a node: made it, used an earlier attempt, took it from outside, or called it off. */
export type Action = 'run' | 'reuse' | 'source' | 'cancelled';

/** What a run decided for one node, and why. The newest decision of a run for a node is the one that counts. */
export interface Decision {
  readonly run: RunId;
  readonly node: string;
  readonly action: Action;
  readonly attempt?: AttemptId;
  readonly because: string;
}

/** One node of a run: the newest decision, with what its attempt came to. */
export interface RunNode extends Decision {
  /** When it was decided. */
  readonly at: number;
  readonly outcome: (Outcome & {readonly at: number}) | undefined;
}

/** What came of making an attempt again from its recorded inputs. `detail` says where it differs, or why it cannot be. */
export interface Reproduction {
  readonly verdict: 'reproducible' | 'differs' | 'cannot';
  readonly detail: Json;
  readonly at: number;
}

/** One point of a curve. */
export interface MetricPoint {
  readonly name: string;
  readonly step: number;
  /** NaN and infinities are kept. */
  readonly value: number;
}
