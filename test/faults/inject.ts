/**
 * Loaded into the real command line with `--import`: counts what the runner asks of the system for its store, file by file
 * and statement by statement, and lets one of these operations fail. Chosen by the environment:
 *
 * - `R1_FAULT_AT`: the number of the operation, from 1; 0 fails none.
 * - `R1_FAULT_CODE`: the error, ENOSPC or SQLITE_FULL for instance. It hits the first operation from there on that can
 *   meet it in life: a full disk fails no read.
 * - `R1_FAULT_LASTS`: set, everything that can meet the error fails from there on, as on a disk that stays full.
 * - `R1_FAULT_REPORT`: a file for what was asked, a line each, and what failed.
 *
 * The stages’ processes and the threads are left alone: they do not inherit the option, or are not the main thread.
 */
import fs from 'node:fs';
import {createRequire, syncBuiltinESMExports} from 'node:module';
import {isMainThread} from 'node:worker_threads';
import type BetterSqlite3 from 'better-sqlite3';

const AT = Number(process.env['R1_FAULT_AT'] ?? 0);
const CODE = process.env['R1_FAULT_CODE'] ?? 'EIO';
const LASTS = process.env['R1_FAULT_LASTS'] !== undefined;
const REPORT = process.env['R1_FAULT_REPORT'];

/** What an operation does, as far as an error cares. */
type Kind = 'open' | 'read' | 'write' | 'change' | 'begin' | 'statement' | 'insert';

const MEETS: Readonly<Record<string, readonly Kind[]>> = {
  ENOSPC: ['write'],
  EROFS: ['write', 'change'],
  EMFILE: ['open'],
  EIO: ['open', 'read', 'write', 'change'],
  SQLITE_BUSY: ['begin'],
  SQLITE_FULL: ['insert'],
  SQLITE_IOERR_WRITE: ['insert'],
  SQLITE_IOERR_READ: ['begin', 'statement', 'insert'],
  SQLITE_CORRUPT: ['statement', 'insert'],
};

const asked: string[] = [];
let failed = 0;
let inside = false;

function shouldFail(kinds: readonly Kind[], what: string): boolean {
  asked.push(what);
  if (AT === 0 || asked.length < AT || (failed > 0 && !LASTS)) return false;
  if (!kinds.some((kind) => MEETS[CODE]?.includes(kind) === true)) return false;
  failed += 1;
  asked.push(`FAILED ${what}`);
  return true;
}

const isOurs = (path: unknown): path is string => typeof path === 'string' && /\/\.r1(\/|$)/.test(path);

function systemError(call: string, path: string): Error {
  return Object.assign(new Error(`${CODE}: injected, ${call} '${path}'`), {code: CODE, syscall: call, path});
}

type Call = (...args: unknown[]) => unknown;

const descriptors = new Map<number, string>();

/** Which kinds of operation a call is, or none when it does not count. */
const CALLS: Readonly<Record<string, (args: readonly unknown[]) => readonly Kind[]>> = {
  openSync: ([, flags]) => (typeof flags === 'string' && /^[wa]/.test(flags) ? ['open', 'write'] : ['open', 'read']),
  readFileSync: () => ['open', 'read'],
  writeFileSync: () => ['open', 'write'],
  readdirSync: () => ['open', 'read'],
  copyFileSync: () => ['open', 'write'],
  lstatSync: () => ['read'],
  statSync: () => ['read'],
  accessSync: () => ['read'],
  mkdirSync: () => ['write'],
  linkSync: () => ['write'],
  renameSync: () => ['write'],
  rmdirSync: () => ['change'],
  unlinkSync: () => ['change'],
  chmodSync: () => ['change'],
  truncateSync: () => ['change'],
  readSync: () => ['read'],
  writeSync: () => ['write'],
  fsyncSync: () => ['write'],
};

function wrapFiles(): void {
  const table = fs as unknown as Record<string, Call>;
  for (const [name, kindsOf] of Object.entries(CALLS)) {
    const original = table[name]!;
    table[name] = (...args: unknown[]) => {
      const [first, second] = args;
      const path = typeof first === 'number' ? descriptors.get(first) : isOurs(first) ? first : second;
      if (inside || !isOurs(path)) return original(...args);
      if (shouldFail(kindsOf(args), `${name} ${path}`)) throw systemError(name.replace('Sync', ''), path);
      // One call of Node may be made of others.
      inside = true;
      try {
        const result = original(...args);
        if (name === 'openSync') descriptors.set(result as number, path);
        return result;
      } finally {
        inside = false;
      }
    };
  }
  const close = fs.closeSync;
  fs.closeSync = (fd) => {
    descriptors.delete(fd);
    close(fd);
  };
}

async function wrapHandles(): Promise<void> {
  const ours = new WeakMap<object, string>();
  const open = fs.promises.open;
  const probe = await open('/dev/null', 'r');
  const prototype = Object.getPrototypeOf(probe) as Record<string, Call>;
  await probe.close();
  fs.promises.open = async (path, flags, mode) => {
    if (!isOurs(path)) return open(path, flags, mode);
    if (shouldFail(CALLS['openSync']!([path, flags]), `open ${path}`)) throw systemError('open', path);
    const handle = await open(path, flags, mode);
    ours.set(handle, path);
    return handle;
  };
  const rmdir = fs.promises.rmdir;
  fs.promises.rmdir = async (path, ...options) => {
    if (isOurs(path) && shouldFail(['change'], `rmdir ${path}`)) throw systemError('rmdir', path);
    await rmdir(path, ...options);
  };
  const kinds: Readonly<Record<string, readonly Kind[]>> = {
    read: ['read'],
    write: ['write'],
    sync: ['write'],
    datasync: ['write'],
  };
  for (const [name, kind] of Object.entries(kinds)) {
    const original = prototype[name]!;
    prototype[name] = function (this: object, ...args: unknown[]) {
      const path = ours.get(this);
      if (path !== undefined && shouldFail(kind, `${name} ${path}`)) return Promise.reject(systemError(name, path));
      return Reflect.apply(original, this, args);
    };
  }
}

function wrapSqlite(): void {
  const require = createRequire(import.meta.url);
  const Sqlite = require('better-sqlite3') as typeof BetterSqlite3;
  const kindsOf = (sql: string): readonly Kind[] => {
    if (/^\s*(BEGIN|PRAGMA journal_mode)/i.test(sql)) return ['begin'];
    return /^\s*(INSERT|UPDATE|DELETE|CREATE|COMMIT)/i.test(sql) ? ['insert'] : ['statement'];
  };
  const fails = (sql: string, database: BetterSqlite3.Database): void => {
    if (!isOurs(database.name) || /^\s*ROLLBACK/i.test(sql)) return;
    if (!shouldFail(kindsOf(sql), `sql ${sql.replaceAll(/\s+/g, ' ').slice(0, 80)}`)) return;
    // A full disk and a broken one roll back by themselves (https://www.sqlite.org/lang_transaction.html, section 3.1).
    if (CODE !== 'SQLITE_BUSY' && database.inTransaction) exec.call(database, 'ROLLBACK');
    throw new Sqlite.SqliteError('injected', CODE);
  };
  const probe = new Sqlite(':memory:');
  const statement = Object.getPrototypeOf(probe.prepare('SELECT 1')) as Record<string, Call>;
  probe.close();
  for (const name of ['run', 'get', 'all', 'iterate']) {
    const original = statement[name]!;
    statement[name] = function (this: BetterSqlite3.Statement, ...args: unknown[]) {
      fails(this.source, this.database);
      return Reflect.apply(original, this, args);
    };
  }
  const exec = Sqlite.prototype.exec;
  Sqlite.prototype.exec = function (this: BetterSqlite3.Database, sql: string) {
    fails(sql, this);
    return exec.call(this, sql);
  };
  const pragma = Sqlite.prototype.pragma as (this: BetterSqlite3.Database, ...args: unknown[]) => unknown;
  Sqlite.prototype.pragma = function (this: BetterSqlite3.Database, ...args: unknown[]) {
    fails(`PRAGMA ${String(args[0])}`, this);
    return pragma.apply(this, args);
  };
}

if (isMainThread) {
  const write = fs.writeFileSync;
  if (REPORT !== undefined) process.on('exit', () => write(REPORT, asked.join('\n')));
  wrapFiles();
  await wrapHandles();
  syncBuiltinESMExports();
  wrapSqlite();
}
