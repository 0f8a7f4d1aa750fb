/**
 * The tables, as SQL. Facts are insert only: triggers refuse UPDATE and DELETE on them. The few mutable tables at the
 * end can be emptied at any time without losing anything but speed.
 */

/** 'r1' and a zero: tells a store from any other SQLite file. */
export const APPLICATION_ID = 0x72310000;

/** Tables of the first format whose rows never change. */
const FACTS = [
  'document',
  'run',
  'session',
  'session_end',
  'blob',
  'artifact',
  'artifact_file',
  'attempt',
  'claim',
  'input',
  'outcome',
  'output',
  'decision',
  'reproduction',
  'label',
  'collection',
  'collected',
] as const;

function insertOnly(table: string): string {
  return `
    CREATE TRIGGER ${table}_is_never_changed BEFORE UPDATE ON ${table}
      BEGIN SELECT RAISE(ABORT, '${table} holds facts: rows are never changed'); END;
    CREATE TRIGGER ${table}_is_never_deleted BEFORE DELETE ON ${table}
      BEGIN SELECT RAISE(ABORT, '${table} holds facts: rows are never deleted'); END;`;
}

const V1 = `
  -- JSON that many rows share (params, ingredients of fingerprints, plans), stored once, named by its digest.
  CREATE TABLE document (
    id     INTEGER PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    json   TEXT NOT NULL
  ) STRICT;

  CREATE TABLE run (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    recipe     TEXT NOT NULL,
    seed       INTEGER NOT NULL,
    plan       INTEGER NOT NULL REFERENCES document,
    command    TEXT NOT NULL,
    started_at INTEGER NOT NULL
  ) STRICT;

  -- One process that ran or resumed a run.
  CREATE TABLE session (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    run        INTEGER NOT NULL REFERENCES run,
    command    TEXT NOT NULL,
    started_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX session_of_run ON session (run, id);

  CREATE TABLE session_end (
    session INTEGER PRIMARY KEY REFERENCES session,
    outcome TEXT NOT NULL,
    at      INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE blob (
    id     INTEGER PRIMARY KEY,
    sha256 TEXT NOT NULL UNIQUE,
    bytes  INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE artifact (
    id            INTEGER PRIMARY KEY,
    digest        TEXT NOT NULL UNIQUE,
    shape         TEXT NOT NULL CHECK (shape IN ('file', 'folder')),
    bytes         INTEGER NOT NULL,
    empty_folders TEXT NOT NULL                -- JSON list of paths
  ) STRICT;

  CREATE TABLE artifact_file (
    artifact INTEGER NOT NULL REFERENCES artifact,
    path     TEXT NOT NULL,                    -- '' when the artifact is a single file
    blob     INTEGER NOT NULL REFERENCES blob,
    PRIMARY KEY (artifact, path)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX artifact_file_of_blob ON artifact_file (blob);

  CREATE TABLE attempt (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    run            INTEGER NOT NULL REFERENCES run,
    node           TEXT NOT NULL,
    stage          TEXT NOT NULL,
    fingerprint    TEXT NOT NULL,
    ingredients    INTEGER NOT NULL REFERENCES document,
    code_parts     INTEGER REFERENCES document, -- what the code digest in the ingredients was computed from
    params         INTEGER NOT NULL REFERENCES document,
    seed           INTEGER NOT NULL,
    because        TEXT NOT NULL,
    continues      INTEGER REFERENCES attempt, -- started from a checkpoint of that attempt …
    continues_step INTEGER,                    -- … written after this step …
    accepted       TEXT,                       -- … although its code differed, as this sentence says
    started_at     INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX attempt_of_fingerprint ON attempt (fingerprint, id);
  CREATE INDEX attempt_of_node ON attempt (node, stage, id);
  CREATE INDEX attempt_of_run ON attempt (run, node, id);

  -- The right to record an outcome. Insert only as well: the newest claim on a fingerprint is the one that counts.
  CREATE TABLE claim (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    fingerprint TEXT NOT NULL,
    attempt     INTEGER NOT NULL REFERENCES attempt,
    session     INTEGER NOT NULL REFERENCES session,
    at          INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX claim_of_fingerprint ON claim (fingerprint, id);

  CREATE TABLE input (
    attempt  INTEGER NOT NULL REFERENCES attempt,
    port     TEXT NOT NULL,
    name     TEXT NOT NULL,                    -- '' unless the port takes many
    artifact INTEGER NOT NULL REFERENCES artifact,
    made_by  INTEGER NOT NULL REFERENCES attempt,
    PRIMARY KEY (attempt, port, name)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX input_made_by ON input (made_by, attempt);
  CREATE INDEX input_of_artifact ON input (artifact, attempt);

  CREATE TABLE outcome (
    attempt       INTEGER PRIMARY KEY REFERENCES attempt,
    ok            INTEGER NOT NULL CHECK (ok IN (0, 1)),
    reason        TEXT NOT NULL,
    detail        TEXT NOT NULL,               -- JSON
    at            INTEGER NOT NULL,
    wall_ms       REAL,
    user_ms       REAL,
    system_ms     REAL,
    peak_bytes    INTEGER,
    read_bytes    INTEGER,
    written_bytes INTEGER,
    tokens        INTEGER
  ) STRICT;

  CREATE TABLE output (
    attempt  INTEGER NOT NULL REFERENCES attempt,
    port     TEXT NOT NULL,
    kind     TEXT NOT NULL,
    artifact INTEGER NOT NULL REFERENCES artifact,
    PRIMARY KEY (attempt, port)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX output_of_artifact ON output (artifact, attempt);

  -- What a run decided for a node and why. The newest decision of a run for a node is the one that counts.
  CREATE TABLE decision (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    run     INTEGER NOT NULL REFERENCES run,
    node    TEXT NOT NULL,
    action  TEXT NOT NULL CHECK (action IN ('run', 'reuse', 'source', 'cancelled')),
    attempt INTEGER REFERENCES attempt,
    because TEXT NOT NULL,
    at      INTEGER NOT NULL,
    CHECK ((action = 'cancelled') = (attempt IS NULL))
  ) STRICT;
  CREATE INDEX decision_of_run ON decision (run, node, id);
  CREATE INDEX decision_of_node ON decision (node, run, id);
  CREATE INDEX decision_of_attempt ON decision (attempt);

  -- An attempt was made again in a scratch folder to see whether it gives the same bytes.
  CREATE TABLE reproduction (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    attempt INTEGER NOT NULL REFERENCES attempt,
    verdict TEXT NOT NULL CHECK (verdict IN ('reproducible', 'differs', 'cannot')),
    detail  TEXT NOT NULL,                     -- JSON: where it differs, or why it cannot be tried
    at      INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX reproduction_of_attempt ON reproduction (attempt, id);

  -- Tags and pins, given and taken back. The newest row of a name (tag) or an artifact (pin) is the one that counts.
  CREATE TABLE label (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    type     TEXT NOT NULL CHECK (type IN ('tag', 'pin')),
    name     TEXT NOT NULL,                    -- of a tag; the artifact's digest for a pin
    artifact INTEGER REFERENCES artifact,      -- NULL takes the label back
    attempt  INTEGER REFERENCES attempt,       -- which maker was meant, where one was
    at       INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX label_by_name ON label (type, name, id);

  CREATE TABLE collection (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    command TEXT NOT NULL,
    at      INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE collected (
    collection INTEGER NOT NULL REFERENCES collection,
    blob       INTEGER NOT NULL REFERENCES blob,
    PRIMARY KEY (blob, collection)
  ) STRICT, WITHOUT ROWID;
${FACTS.map(insertOnly).join('')}

  -- Points of curves. A repeated step replaces the earlier point, so this is not a table of facts.
  CREATE TABLE metric (
    attempt INTEGER NOT NULL REFERENCES attempt,
    name    TEXT NOT NULL,
    step    INTEGER NOT NULL,
    value   REAL,                              -- NULL stands for NaN, which SQLite cannot hold
    PRIMARY KEY (attempt, name, step)
  ) STRICT, WITHOUT ROWID;

  -- How far events.jsonl of an attempt has been read.
  CREATE TABLE events_read (
    attempt INTEGER PRIMARY KEY REFERENCES attempt,
    offset  INTEGER NOT NULL
  ) STRICT;

  -- Attempts without an outcome; an index over a question that facts could answer more slowly.
  CREATE TABLE in_flight (
    attempt INTEGER PRIMARY KEY REFERENCES attempt
  ) STRICT;

  -- What is known of files without reading them again. See stat-cache.ts for when a row is believed.
  CREATE TABLE stat_cache (
    dev      INTEGER NOT NULL,
    ino      INTEGER NOT NULL,
    bytes    INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL,
    seen_ns  INTEGER NOT NULL,
    sha256   TEXT NOT NULL,
    PRIMARY KEY (dev, ino)
  ) STRICT, WITHOUT ROWID;

  -- Blobs whose bytes were found to be other than their name says. Never handed out until they match again.
  CREATE TABLE quarantine (
    sha256   TEXT PRIMARY KEY,
    found_at INTEGER NOT NULL,
    because  TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- Where an interrupted verification goes on: everything up to and including this blob was read.
  CREATE TABLE verify_mark (
    only_row   INTEGER PRIMARY KEY CHECK (only_row = 1),
    sha256     TEXT NOT NULL,
    started_at INTEGER NOT NULL
  ) STRICT;
`;

const V2 = `
  -- A name of its own for every store, so that what leaves it in standard form can be told from another's.
  CREATE TABLE store (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    id       TEXT NOT NULL
  ) STRICT;
  INSERT INTO store (only_row, id) VALUES (1, lower(hex(randomblob(16))));
${insertOnly('store')}
`;

const V3 = `
  -- Whether its owner may execute the file. What was stored before this column is taken for what cannot be executed.
  ALTER TABLE artifact_file ADD COLUMN executable INTEGER NOT NULL DEFAULT 0 CHECK (executable IN (0, 1));
`;

/** Append only. A migration that has shipped is history: never edit it, add the next one. */
export const MIGRATIONS: readonly string[] = [V1, V2, V3];
