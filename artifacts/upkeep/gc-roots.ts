/** The roots of a garbage collection: what it has to keep, and why. Only asks the facts; looks at no file. */
import type {AttemptId, RunId} from '../records.js';
import type {HasParts} from '../parts.js';
import type {Lineage} from '../facts/read.js';

/** What a collection keeps beside what is tagged, pinned or at work. */
export interface KeepPolicy {
  /** Number of newest runs of each recipe that keep what they use; all runs do without it. */
  readonly keepRuns?: number;
  /** Kinds that are kept whatever run they belong to. */
  readonly keepKinds: readonly string[];
}

/** Why an artifact is kept. */
export type KeepReason =
  | {readonly because: 'tag'; readonly tag: string}
  | {readonly because: 'pin'}
  /** A run that is kept decided to make or reuse it. */
  | {readonly because: 'run'; readonly run: RunId; readonly node: string}
  /** A run that is going on right now made it or relies on it. */
  | {readonly because: 'live-run'; readonly run: RunId; readonly node: string}
  /** An attempt that has not ended uses it. */
  | {readonly because: 'in-flight'; readonly attempt: AttemptId}
  | {readonly because: 'kind'; readonly kind: string};

export interface GcRoots {
  /** By row id of the artifact. */
  readonly artifacts: ReadonlyMap<number, readonly KeepReason[]>;
  /** Attempts whose job folders stay: those that a kept run decided for, and those that have not ended. */
  readonly attempts: ReadonlySet<AttemptId>;
}

/** A reason as a phrase: `zero-rl of run 3`. */
export function keepReasonText(reason: KeepReason): string {
  switch (reason.because) {
    case 'tag':
      return `tagged @${reason.tag}`;
    case 'pin':
      return 'pinned';
    case 'run':
      return `${reason.node} of run ${reason.run}`;
    case 'live-run':
      return `${reason.node} of run ${reason.run}, which is still running`;
    case 'in-flight':
      return `input of attempt ${reason.attempt}, which has not ended`;
    case 'kind':
      return `every ${reason.kind} is kept`;
    default:
      return unreachable(reason);
  }
}

function unreachable(reason: never): never {
  throw new Error(`Internal error: unknown reason ${JSON.stringify(reason)}`);
}

export function findGcRoots(store: Lineage & HasParts, {keepRuns = Infinity, keepKinds}: KeepPolicy): GcRoots {
  const {db} = store.parts;
  const artifacts = new Map<number, KeepReason[]>();
  const attempts = new Set<AttemptId>();
  const want = (artifact: number, reason: KeepReason): void => {
    const reasons = artifacts.get(artifact);
    if (reasons === undefined) artifacts.set(artifact, [reason]);
    else reasons.push(reason);
  };

  const named = db
    .prepare<{type: 'tag' | 'pin'; name: string; artifact: number}>(
      `SELECT l.type, l.name, l.artifact FROM (SELECT max(id) AS id FROM label GROUP BY type, name) n
       JOIN label l ON l.id = n.id WHERE l.artifact IS NOT NULL`,
    )
    .all();
  for (const {type, name, artifact} of named)
    want(artifact, type === 'tag' ? {because: 'tag', tag: name} : {because: 'pin'});

  const perRecipe = new Map<string, number>();
  const outputsOf = db.prepare<{artifact: number}>('SELECT artifact FROM output WHERE attempt = ?');
  // In a live run every decision counts, also one that was replaced by a newer one since.
  const newest = db.prepare<{node: string; attempt: AttemptId}>(
    `SELECT d.node, d.attempt FROM (SELECT max(id) AS id FROM decision WHERE run = ? GROUP BY node) n
     JOIN decision d ON d.id = n.id WHERE d.attempt IS NOT NULL`,
  );
  const every = db.prepare<{node: string; attempt: AttemptId}>(
    'SELECT DISTINCT node, attempt FROM decision WHERE run = ? AND attempt IS NOT NULL',
  );
  for (const {id, recipe} of db
    .prepare<{id: RunId; recipe: string}>('SELECT id, recipe FROM run ORDER BY id DESC')
    .all()) {
    const rank = perRecipe.get(recipe) ?? 0;
    perRecipe.set(recipe, rank + 1);
    const isLive = store.isAlive(id);
    if (rank >= keepRuns && !isLive) continue;
    for (const {node, attempt} of (isLive ? every : newest).all(id)) {
      attempts.add(attempt);
      for (const {artifact} of outputsOf.all(attempt)) {
        want(artifact, {because: isLive ? 'live-run' : 'run', run: id, node});
      }
    }
  }

  const unfinished = db
    .prepare<{attempt: AttemptId; artifact: number | null}>(
      'SELECT f.attempt, i.artifact FROM in_flight f LEFT JOIN input i ON i.attempt = f.attempt ORDER BY f.attempt',
    )
    .all();
  for (const {attempt, artifact} of unfinished) {
    attempts.add(attempt);
    if (artifact !== null) want(artifact, {because: 'in-flight', attempt});
  }

  const ofKind = db.prepare<{artifact: number}>('SELECT DISTINCT artifact FROM output WHERE kind = ?');
  for (const kind of keepKinds) for (const {artifact} of ofKind.all(kind)) want(artifact, {because: 'kind', kind});
  return {artifacts, attempts};
}
