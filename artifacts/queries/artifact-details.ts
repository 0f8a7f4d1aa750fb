/** Everything the store knows about one artifact: what it is, who made it and from what, who used it, and its state. */
import {pins, tags} from './tags.js';
import type {Artifact, Attempt, AttemptId, Reproduction, RunId} from '../records.js';
import {firstRowsOf} from './first-rows.js';
import type {FirstRows} from './first-rows.js';
import {makersOf} from './reference.js';
import type {ResolvedArtifact} from './reference.js';
import type {Digest, Json} from '../digest.js';
import type {HasParts} from '../parts.js';
import type {Lineage} from '../facts/read.js';

/** An attempt that made the artifact, with the port where it did. */
export interface Maker {
  readonly attempt: Attempt;
  readonly port: string;
  /** Runs that made or reused it, oldest first. */
  readonly runs: readonly RunId[];
  /** Newest first. */
  readonly reproductions: readonly Reproduction[];
  /** What its code digest was made of. */
  readonly codeParts: Json | undefined;
}

/** An attempt that used the artifact, with the port and the name within it. */
export interface Use {
  readonly attempt: AttemptId;
  readonly run: RunId;
  readonly node: string;
  readonly stage: string;
  readonly port: string;
  readonly name: string;
  /** 'succeeded', a failure's reason, or undefined while it has no outcome. */
  readonly reason: string | undefined;
}

/** A file whose bytes are not what they should be. */
export interface FileTrouble {
  readonly path: string;
  readonly sha256: Digest;
  readonly trouble: 'missing' | 'damaged';
}

/** What the store knows of one artifact. */
export interface ArtifactDetails {
  readonly artifact: Artifact;
  readonly kind: string;
  readonly tags: readonly string[];
  readonly pinned: boolean;
  /** By size, and by what earlier looks at the bytes found; `r1 verify` reads them. */
  readonly troubles: readonly FileTrouble[];
  /** Ids of the first rows, where files hold rows. */
  readonly rows: readonly FirstRows[];
  /** The one that was asked for first, then the others, newest first. */
  readonly makers: readonly Maker[];
  /** Oldest first. */
  readonly usedBy: readonly Use[];
}

/**
 * What the store knows of an artifact that a reference led to (`resolveArtifact`). Looks at the size of each file, and
 * reads the beginning of those that hold rows.
 *
 * @throws UserError store-damaged where its record does not give its digest
 */
export function artifactDetails(store: Lineage & HasParts, {attempt, output}: ResolvedArtifact): ArtifactDetails {
  const {db, blobs} = store.parts;
  const artifact = store.artifact(output.artifact)!;
  const others = makersOf(store, output.artifact).filter((id) => id !== attempt.id);
  const makers = [attempt, ...others.map((id) => store.attempt(id)!)].map((maker): Maker => ({
    attempt: maker,
    port: maker.outputs.find((edge) => edge.artifact === output.artifact)!.port,
    runs: db
      .prepare<{run: RunId}>('SELECT DISTINCT run FROM decision WHERE attempt = ? ORDER BY run')
      .all(maker.id)
      .map(({run}) => run),
    reproductions: store.reproductions(maker.id),
    codeParts: store.codeParts(maker.id),
  }));
  const usedBy = db
    .prepare<Omit<Use, 'reason'> & {reason: string | null}>(
      `SELECT i.attempt, a.run, a.node, a.stage, i.port, i.name, o.reason
       FROM artifact x JOIN input i ON i.artifact = x.id JOIN attempt a ON a.id = i.attempt
       LEFT JOIN outcome o ON o.attempt = i.attempt
       WHERE x.digest = ? ORDER BY i.attempt, i.port, i.name`,
    )
    .all(output.artifact)
    .map((use): Use => ({...use, reason: use.reason ?? undefined}));
  const quarantined = db.prepare('SELECT 1 FROM quarantine WHERE sha256 = ?');
  const troubles = artifact.files.flatMap(({path, sha256, bytes}): FileTrouble[] => {
    if (blobs.isPresent(sha256, bytes)) return [];
    return [{path, sha256, trouble: quarantined.get(sha256) === undefined ? 'missing' : 'damaged'}];
  });
  return {
    artifact,
    kind: output.kind,
    tags: tags(store)
      .filter((tag) => tag.artifact === output.artifact)
      .map(({name}) => name),
    pinned: pins(store).some((pin) => pin.artifact === output.artifact),
    troubles,
    rows: firstRowsOf(store, artifact),
    makers,
    usedBy,
  };
}
