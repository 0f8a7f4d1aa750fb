/** Artifacts as rows: written once per digest, together with the fact that first needs them. */
import type {Database} from '../database/database.js';
import {parseDigest, parseTexts} from '../database/parse-columns.js';
import {canonicalJson, sha256} from '../digest.js';
import type {Digest, Json} from '../digest.js';
import {checkManifest} from '../blobs/manifest.js';
import type {Artifact, ArtifactFile} from '../records.js';

export interface ArtifactRows {
  /** Row id of an artifact, inserted when it is new. */
  save(artifact: Artifact): number;
  /** Row id, or undefined when no such artifact was ever recorded. */
  idOf(digest: Digest): number | undefined;
  /** `kind` is that of its newest maker. @throws UserError 'store-damaged' where the rows do not give the digest */
  load(digest: Digest): Artifact | undefined;
  /** The files of an artifact by row id: for a look at whether they are there. */
  filesOf(id: number): readonly ArtifactFile[];
  /** Row id of a JSON document, inserted when it is new. */
  saveDocument(json: Json): number;
  /** The same for an object that comes again and again: what it looks like as text is remembered as long as it lives. */
  saveShared(json: Json): number;
}

interface ArtifactRow {
  readonly id: number;
  readonly shape: 'file' | 'folder';
  readonly bytes: number;
  readonly empty_folders: string;
  /** Null where no attempt made it. */
  readonly kind: string | null;
}

/**
 * The files of so many artifacts are remembered, where an artifact has no more than a few. They never change, and a row that
 * a failed transaction took back is not asked for.
 */
const MOST_RECENT = 512;
const FEW = 16;

export function openArtifactRows(db: Database): ArtifactRows {
  /** Many attempts share one record of their code, which may name a hundred files. What is stored is never changed. */
  const written = new WeakMap<object, Canonical>();
  const canonicalOnce = (json: Json): Canonical => {
    if (typeof json !== 'object' || json === null) return canonical(json);
    const known = written.get(json);
    if (known !== undefined) return known;
    const made = canonical(json);
    written.set(json, made);
    return made;
  };
  const saveText = ({text, digest}: Canonical): number => {
    const known = db.prepare<{id: number}>('SELECT id FROM document WHERE digest = ?').get(digest)?.id;
    return (
      known ?? Number(db.prepare('INSERT INTO document (digest, json) VALUES (?, ?)').run(digest, text).lastInsertRowid)
    );
  };

  const idOf = (digest: Digest): number | undefined =>
    db.prepare<{id: number}>('SELECT id FROM artifact WHERE digest = ?').get(digest)?.id;

  const saveBlob = (file: ArtifactFile): number => {
    const known = db.prepare<{id: number}>('SELECT id FROM blob WHERE sha256 = ?').get(file.sha256)?.id;
    return (
      known ??
      Number(db.prepare('INSERT INTO blob (sha256, bytes) VALUES (?, ?)').run(file.sha256, file.bytes).lastInsertRowid)
    );
  };

  /** What stage after stage reads is asked for again and again. */
  const recent = new Map<number, readonly ArtifactFile[]>();
  const filesOf = (id: number): readonly ArtifactFile[] => {
    const known = recent.get(id);
    if (known !== undefined) return known;
    const files = readFiles(id);
    if (files.length <= FEW) {
      if (recent.size === MOST_RECENT) recent.delete(recent.keys().next().value!);
      recent.set(id, files);
    }
    return files;
  };
  const readFiles = (id: number): readonly ArtifactFile[] =>
    db
      .prepare<{path: string; executable: number; sha256: string; bytes: number}>(
        `SELECT f.path, f.executable, b.sha256, b.bytes
         FROM artifact_file f JOIN blob b ON b.id = f.blob WHERE f.artifact = ?`,
      )
      .all(id)
      // SQLite sorts UTF-8 bytes; a manifest sorts UTF-16 code units. They differ beyond the basic plane.
      .sort((a, b) => (a.path < b.path ? -1 : 1))
      .map(({path, bytes, sha256: digest, executable}) => ({
        path,
        bytes,
        sha256: parseDigest(digest),
        ...(executable === 1 ? {executable: true} : {}),
      }));

  return {
    idOf,
    filesOf,
    save(artifact) {
      const known = idOf(artifact.digest);
      if (known !== undefined) return known;
      const {digest, shape, bytes, emptyFolders} = artifact;
      const inserted = db
        .prepare('INSERT INTO artifact (digest, shape, bytes, empty_folders) VALUES (?, ?, ?, ?)')
        .run(digest, shape, bytes, JSON.stringify(emptyFolders));
      const id = Number(inserted.lastInsertRowid);
      const addFile = db.prepare('INSERT INTO artifact_file (artifact, path, blob, executable) VALUES (?, ?, ?, ?)');
      for (const file of artifact.files) addFile.run(id, file.path, saveBlob(file), file.executable === true ? 1 : 0);
      return id;
    },
    load(digest) {
      const row = db
        .prepare<ArtifactRow>(
          `SELECT a.id, a.shape, a.bytes, a.empty_folders,
                  (SELECT o.kind FROM output o WHERE o.artifact = a.id ORDER BY o.attempt DESC LIMIT 1) AS kind
           FROM artifact a WHERE a.digest = ?`,
        )
        .get(digest);
      if (row === undefined) return undefined;
      const emptyFolders = parseTexts(row.empty_folders);
      const kind = row.kind ?? '';
      return checkManifest({digest, kind, shape: row.shape, bytes: row.bytes, files: filesOf(row.id), emptyFolders});
    },
    saveDocument: (json) => saveText(canonical(json)),
    saveShared: (json) => saveText(canonicalOnce(json)),
  };
}

interface Canonical {
  readonly text: string;
  readonly digest: Digest;
}

function canonical(json: Json): Canonical {
  const text = canonicalJson(json);
  return {text, digest: sha256(text)};
}
