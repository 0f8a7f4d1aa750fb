/**
 * The only module that loads better-sqlite3. Opens the database of a store, brings it up to date and runs transactions.
 * It knows pragmas and versions, not what the tables mean.
 */
import {
  accessSync,
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  statSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import Sqlite from 'better-sqlite3';
import type {Database as Connection, Statement} from 'better-sqlite3';
import {UserError, codeOf, plainError} from '../error.js';
import {APPLICATION_ID, MIGRATIONS} from './schema.js';

type Bindable = string | number | bigint | null;

export interface Database {
  /** What is read and written: a private copy where the store's own cannot be opened. */
  readonly file: string;
  /** Compiles a statement once per SQL text. */
  prepare<Row = unknown>(sql: string): Statement<Bindable[], Row>;
  /** All or nothing, durable when it returns. Takes the write lock at once. Inside another one it just runs. */
  transact<T>(work: () => T): T;
  /**
   * All or nothing, but a power cut may take it back: for what can be lost without harm. Spares the wait for the disk;
   * the next durable transaction carries it along.
   */
  transactLoosely<T>(work: () => T): T;
  /** A consistent view over several reads. `doing` completes “could not …” when something fails in it. */
  snapshot<T>(work: () => T, doing?: string): T;
  close(): void;
}

/** How long to wait for another process's transaction before giving up, in milliseconds. */
const BUSY_TIMEOUT = 20_000;

/** Some errors (a full disk, say) have rolled back already. */
function rollBack(connection: Connection): void {
  if (connection.inTransaction) connection.exec('ROLLBACK');
}

const WRITING = 'write to the store';

function wrap(connection: Connection, cleanUp: () => void): Database {
  const statements = new Map<string, Statement<Bindable[]>>();
  const prepare = (sql: string): Statement<Bindable[]> => {
    let statement = statements.get(sql);
    if (statement === undefined) statements.set(sql, (statement = connection.prepare(sql)));
    return statement;
  };
  const run = <T>(begin: 'BEGIN' | 'BEGIN IMMEDIATE', doing: string, work: () => T): T => {
    if (connection.inTransaction) return work();
    prepare(begin).run();
    try {
      const result = work();
      prepare('COMMIT').run();
      return result;
    } catch (error) {
      rollBack(connection);
      throw plainError(error, doing);
    }
  };
  return {
    file: connection.name,
    prepare: <Row>(sql: string) => prepare(sql) as Statement<Bindable[], Row>,
    transact(work) {
      if (connection.inTransaction) return work();
      connection.pragma('synchronous = FULL');
      try {
        return run('BEGIN IMMEDIATE', WRITING, work);
      } finally {
        connection.pragma('synchronous = NORMAL');
      }
    },
    transactLoosely: (work) => run('BEGIN IMMEDIATE', WRITING, work),
    snapshot: (work, doing = 'read the store') => run('BEGIN', doing, work),
    close() {
      connection.close();
      cleanUp();
    },
  };
}

function configure(connection: Connection): void {
  connection.pragma(`busy_timeout = ${BUSY_TIMEOUT}`);
  connection.pragma('foreign_keys = ON');
  // With a write-ahead log a commit then waits for no disk; `transact` asks for that where it is wanted, which is seldom.
  connection.pragma('synchronous = NORMAL');
  // INSERT OR REPLACE fires the delete triggers of the facts only with this.
  connection.pragma('recursive_triggers = ON');
  connection.pragma('temp_store = MEMORY');
}

/** What tells a store from other databases, as of one moment: another process may be making the tables. */
function marksOf(connection: Connection): {application: number; version: number; tables: number} {
  const look = connection.transaction(() => ({
    application: connection.pragma('application_id', {simple: true}) as number,
    version: connection.pragma('user_version', {simple: true}) as number,
    tables: connection.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() as number,
  }));
  return look();
}

function versionOf(connection: Connection, file: string): number {
  const {application, version, tables} = marksOf(connection);
  if (application !== APPLICATION_ID) {
    if (application !== 0 || version !== 0 || tables !== 0) {
      throw new UserError('not-a-store', `${file} is a database, but not one of a store`, {
        remedy: {type: 'choose-folder'},
      });
    }
  }
  if (version > MIGRATIONS.length) {
    throw new UserError(
      'newer-store',
      `${file} was written by a newer version (format ${version}, this one knows ${MIGRATIONS.length})`,
      {
        remedy: {type: 'choose-folder', or: 'update r1'},
      },
    );
  }
  return version;
}

/**
 * Cannot be set inside a transaction, and is kept in the file. Where another process makes the same store at this moment,
 * SQLite answers that it is busy without waiting, so the waiting is done here.
 */
function useWriteAheadLog(connection: Connection): void {
  for (const until = Date.now() + BUSY_TIMEOUT; ;) {
    try {
      connection.pragma('journal_mode = WAL');
      return;
    } catch (error) {
      if (codeOf(error)?.startsWith('SQLITE_BUSY') !== true || Date.now() > until) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

function migrate(connection: Connection, file: string): void {
  useWriteAheadLog(connection);
  connection.exec('BEGIN IMMEDIATE');
  try {
    // Asked again under the lock: two processes may open a new store at once.
    for (const sql of MIGRATIONS.slice(versionOf(connection, file))) connection.exec(sql);
    connection.pragma(`application_id = ${APPLICATION_ID}`);
    connection.pragma(`user_version = ${MIGRATIONS.length}`);
    connection.exec('COMMIT');
  } catch (error) {
    rollBack(connection);
    throw error;
  }
}

const MAGIC = 'SQLite format 3\0';

/**
 * Whether a file is the database of a store, of another program, or none. Looks at its first bytes, and reads a copy where the answer may still lie in
 * the write-ahead log: a database of another program is not opened, since SQLite would write beside it.
 */
export function databaseKind(file: string): 'store' | 'other' | 'none' {
  const header = Buffer.alloc(100);
  const descriptor = openSync(file, 'r');
  try {
    readSync(descriptor, header, 0, header.length, 0);
  } finally {
    closeSync(descriptor);
  }
  if (header.toString('latin1', 0, MAGIC.length) !== MAGIC) return 'none';
  const application = header.readUInt32BE(68);
  if (application === APPLICATION_ID) return 'store';
  if (application !== 0 || (statSync(`${file}-wal`, {throwIfNoEntry: false})?.size ?? 0) === 0) return 'other';
  return withCopy(file, (copy) => {
    const connection = new Sqlite(copy);
    try {
      return marksOf(connection).application === APPLICATION_ID ? 'store' : 'other';
    } finally {
      connection.close();
    }
  });
}

/** Gives `work` a copy of a database and its log, and removes it afterwards. */
function withCopy<T>(file: string, work: (copy: string) => T): T {
  const {copy, remove} = copyDatabase(file);
  try {
    return work(copy);
  } finally {
    remove();
  }
}

function copyDatabase(file: string): {readonly copy: string; remove(): void} {
  const folder = mkdtempSync(join(tmpdir(), 'r1-read-'));
  const remove = () => rmSync(folder, {recursive: true, force: true});
  const copy = join(folder, 'store.db');
  try {
    for (const suffix of ['', '-wal']) if (existsSync(file + suffix)) copyFileSync(file + suffix, copy + suffix);
  } catch (error) {
    remove();
    throw error;
  }
  return {copy, remove};
}

/**
 * Opens for writing; makes and migrates the tables where needed. `isNew` says whether a database without tables is that of
 * a store that is just being made; anywhere else it has lost them.
 */
export function openDatabase(file: string, isNew: () => boolean = () => true): Database {
  // SQLite would open a file that it may only read, and fail at the first change.
  if (existsSync(file)) for (const path of [file, dirname(file)]) accessSync(path, constants.W_OK);
  const connection = new Sqlite(file);
  try {
    configure(connection);
    const version = versionOf(connection, file);
    // Asked twice: whoever makes the store at this moment may have come further since.
    if (version === 0 && !isNew() && versionOf(connection, file) === 0) throw lostTables(file);
    if (version < MIGRATIONS.length) migrate(connection, file);
    return wrap(connection, () => undefined);
  } catch (error) {
    connection.close();
    throw error;
  }
}

const lostTables = (file: string): UserError =>
  new UserError('store-damaged', `${file} is empty, though there is a store around it`, {
    remedy: {type: 'restore-database'},
  });

/**
 * Opens for reading. A write-ahead log cannot be read in a folder that cannot be written to, so there a private copy of
 * the database is read; the copy is also where an older format is brought up to date.
 */
export function readDatabase(file: string): Database {
  try {
    const connection = new Sqlite(file, {readonly: true, fileMustExist: true});
    try {
      configure(connection);
      if (versionOf(connection, file) === MIGRATIONS.length) return wrap(connection, () => undefined);
    } catch (error) {
      connection.close();
      throw error;
    }
    connection.close();
  } catch (error) {
    const code = codeOf(error) ?? '';
    if (!/^SQLITE_(CANTOPEN|READONLY|FULL|IOERR_(SHM|WRITE))/.test(code)) throw error;
  }
  let copied: ReturnType<typeof copyDatabase>;
  try {
    copied = copyDatabase(file);
  } catch (error) {
    if (!['ENOSPC', 'EDQUOT'].includes(codeOf(error) ?? '')) throw error;
    return readAlone(file);
  }
  const {copy, remove} = copied;
  try {
    const connection = new Sqlite(copy);
    try {
      configure(connection);
      const version = versionOf(connection, file);
      if (version === 0) throw lostTables(file);
      if (version < MIGRATIONS.length) migrate(connection, file);
      return wrap(connection, remove);
    } catch (error) {
      connection.close();
      throw error;
    }
  } catch (error) {
    remove();
    throw error;
  }
}

/**
 * Opens for reading where no room is left, not even for a copy: SQLite needs no shared memory when it keeps all others out.
 * The log's file may be made, which takes no room. What has an older format is read into memory and brought up to date there.
 */
function readAlone(file: string): Database {
  const connection = new Sqlite(file, {fileMustExist: true});
  try {
    connection.pragma('locking_mode = EXCLUSIVE');
    configure(connection);
    const version = versionOf(connection, file);
    if (version === 0) throw lostTables(file);
    if (version < MIGRATIONS.length) {
      const bytes = connection.serialize();
      connection.close();
      return {...wrap(inMemory(bytes, file), () => undefined), file};
    }
    connection.pragma('query_only = ON');
    return wrap(connection, () => undefined);
  } catch (error) {
    connection.close();
    throw error;
  }
}

function inMemory(bytes: Buffer, file: string): Connection {
  // The header's versions of the format for writing and for reading: 2 asks for a write-ahead log, which memory has none of.
  bytes[18] = bytes[19] = 1;
  const connection = new Sqlite(bytes);
  try {
    configure(connection);
    migrate(connection, file);
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** A file whose only use is to be locked; the system frees the lock when the process dies, however it dies. */
export interface LockFile {
  /** Waits up to `milliseconds`; false when another connection keeps it locked. */
  acquire(mode: 'shared' | 'exclusive', milliseconds: number): boolean;
  release(): void;
  close(): void;
}

/**
 * A lock made of SQLite's own file locks: they work between processes on every system that SQLite runs on, several
 * connections of one process exclude each other as well, and there is no pid to be reused. `exclusive` keeps a write
 * transaction open, `shared` a read transaction; the file stays empty. `readonly` can only be shared, and needs the file.
 */
export function openLockFile(file: string, options: {readonly readonly?: boolean} = {}): LockFile {
  const connection = new Sqlite(file, {readonly: options.readonly === true});
  const statements = new Map<string, Statement>();
  // Not before it is needed: even to prepare a statement may meet somebody's lock.
  const run = (sql: string): void => {
    let statement = statements.get(sql);
    if (statement === undefined) statements.set(sql, (statement = connection.prepare(sql)));
    if (statement.reader) statement.get();
    else statement.run();
  };
  let patience: number | undefined;
  return {
    acquire(mode, milliseconds) {
      if (milliseconds !== patience) connection.pragma(`busy_timeout = ${milliseconds}`);
      patience = milliseconds;
      try {
        if (mode === 'exclusive') run('BEGIN EXCLUSIVE');
        else {
          run('BEGIN');
          run('SELECT count(*) FROM sqlite_schema');
        }
        return true;
      } catch (error) {
        rollBack(connection);
        if (codeOf(error)?.startsWith('SQLITE_BUSY') === true) return false;
        throw error;
      }
    },
    release: () => run('ROLLBACK'),
    close: () => connection.close(),
  };
}

/**
 * The version of SQLite itself, `3.50.1`.
 *
 * @throws Error where the native part of better-sqlite3 cannot be loaded
 */
export function sqliteVersion(): string {
  const connection = new Sqlite(':memory:');
  try {
    return connection.prepare('SELECT sqlite_version()').pluck().get() as string;
  } finally {
    connection.close();
  }
}
