/**
 * Tags and pins. A tag is a name for an artifact (`@best`), a pin keeps one from being collected without a name. Both are
 * facts: taking one back is a new row, so that lineage can say what `@best` was last week.
 */
import {shortDigest} from '../digest.js';
import type {Digest} from '../digest.js';
import {UserError} from '../error.js';
import type {AttemptId} from '../records.js';
import type {HasParts} from '../parts.js';

export interface Tag {
  readonly name: string;
  readonly artifact: Digest;
  /** Which of its makers was meant. */
  readonly attempt: AttemptId | undefined;
  readonly at: number;
}

export interface Pin {
  readonly artifact: Digest;
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

/** Sorted by name. */
export function tags(store: HasParts): readonly Tag[] {
  return newest(store, 'tag').map(({name, digest, attempt, at}) => ({
    name,
    artifact: digest,
    attempt: attempt ?? undefined,
    at,
  }));
}

export function pins(store: HasParts): readonly Pin[] {
  return newest(store, 'pin').map(({digest, at}) => ({artifact: digest, at}));
}

/** Gives an artifact a name, or moves the name to it. Throws UserError 'bad-argument'. */
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

/** Throws UserError 'not-found'. */
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

export function pin(store: HasParts, artifact: Digest): void {
  add(store, 'pin', artifact, artifact);
}

/** Throws UserError 'not-found'. */
export function unpin(store: HasParts, artifact: Digest): void {
  if (!pins(store).some((other) => other.artifact === artifact)) {
    throw new UserError('not-found', `@${shortDigest(artifact)} is not pinned`, {remedy: {type: 'list-pins'}});
  }
  add(store, 'pin', artifact, undefined);
}
