/**
 * Tags and pins. A tag is a name for an artifact (`@best`), a pin keeps one from being collected without a name. Both are
 * facts: taking one back is a new row, so that lineage can say what `@best` was last week.
 */
import {shortDigest} from '../digest.js';
import type {Digest} from '../digest.js';
import {UserError} from '../error.js';
import type {AttemptId} from '../records.js';
import type {HasParts} from '../parts.js';

/** A name for an artifact. */
export interface Tag {
  readonly name: string;
  readonly artifact: Digest;
  /** Which of its makers was meant. */
  readonly attempt: AttemptId | undefined;
  /** When it was given, milliseconds since 1970. */
  readonly at: number;
}

/** An artifact that is kept without a name. */
export interface Pin {
  readonly artifact: Digest;
  /** When it was pinned, milliseconds since 1970. */
  readonly at: number;
}

const NAME = /^[A-Za-z][A-Za-z0-9._-]*$/;
const LOOKS_LIKE_A_DIGEST = /^[0-9a-f]{4,64}$/;

interface Row {
  readonly name: string;
  readonly digest: Digest | null;
  readonly attempt: AttemptId | null;
  readonly at: number;
}

function newest(store: HasParts, type: 'tag' | 'pin'): readonly (Row & {readonly digest: Digest})[] {
  return store.parts.db
    .prepare<Row>(
      `SELECT l.name, a.digest, l.attempt, l.at
       FROM (SELECT max(id) AS id FROM label WHERE type = ? GROUP BY name) n
       JOIN label l ON l.id = n.id
       LEFT JOIN artifact a ON a.id = l.artifact
       ORDER BY l.name`,
    )
    .all(type)
    .filter((row): row is Row & {digest: Digest} => row.digest !== null);
}

function add(
  store: HasParts,
  type: 'tag' | 'pin',
  name: string,
  artifact: Digest | undefined,
  attempt?: AttemptId,
): void {
  const {db, gcLock} = store.parts;
  gcLock.runSharedNow(() =>
    db.transact(() => {
      const id =
        artifact === undefined
          ? null
          : db.prepare<{id: number}>('SELECT id FROM artifact WHERE digest = ?').get(artifact)!.id;
      const insert = db.prepare('INSERT INTO label (type, name, artifact, attempt, at) VALUES (?, ?, ?, ?, ?)');
      insert.run(type, name, id, attempt ?? null, Date.now());
    }),
  );
}

/** The tags as they are now, sorted by name. */
export function tags(store: HasParts): readonly Tag[] {
  return newest(store, 'tag').map(({name, digest, attempt, at}) => ({
    name,
    artifact: digest,
    attempt: attempt ?? undefined,
    at,
  }));
}

/** The pins as they are now, sorted by digest. */
export function pins(store: HasParts): readonly Pin[] {
  return newest(store, 'pin').map(({digest, at}) => ({artifact: digest, at}));
}

/**
 * Gives an artifact a name, or moves the name to it. The store must have the artifact.
 *
 * @param attempt which of its makers is meant; where it is left out, a reference to the tag leads to the newest
 * @throws UserError bad-argument, where the name cannot be a tag; store-busy
 */
export function tag(store: HasParts, name: string, artifact: Digest, attempt?: AttemptId): void {
  if (!NAME.test(name)) {
    throw new UserError('bad-argument', `“${name}” cannot be a tag`, {
      hint: 'a tag is a letter, followed by letters, digits, dots, dashes and underscores',
    });
  }
  if (LOOKS_LIKE_A_DIGEST.test(name)) {
    throw new UserError('bad-argument', `“${name}” looks like a digest`, {
      hint: 'choose a name with a letter after f',
    });
  }
  add(store, 'tag', name, artifact, attempt);
}

/**
 * Takes a tag back. Its artifact may then be collected.
 *
 * @throws UserError not-found, store-busy
 */
export function untag(store: HasParts, name: string): void {
  const known = tags(store);
  if (!known.some((other) => other.name === name)) {
    const names = known.map((other) => other.name).join(', ');
    throw new UserError('not-found', `there is no tag “${name}”`, {
      hint: names === '' ? 'there are no tags' : `tags: ${names}`,
    });
  }
  add(store, 'tag', name, undefined);
}

/**
 * Keeps an artifact from being collected until it is unpinned. The store must have it; pinning it again changes
 * nothing.
 *
 * @throws UserError store-busy
 */
export function pin(store: HasParts, artifact: Digest): void {
  add(store, 'pin', artifact, artifact);
}

/**
 * Takes a pin back. Its artifact may then be collected.
 *
 * @throws UserError not-found, store-busy
 */
export function unpin(store: HasParts, artifact: Digest): void {
  if (!pins(store).some((other) => other.artifact === artifact)) {
    throw new UserError('not-found', `@${shortDigest(artifact)} is not pinned`, {remedy: {type: 'list-pins'}});
  }
  add(store, 'pin', artifact, undefined);
}
