/**
 * One operation of the runner fails, in the real command line: what is said, what is left, and how the next run ends. The
 * failing itself is in `inject.ts`.
 */
import assert from 'node:assert/strict';
import {cpSync, existsSync, readFileSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import type {TestContext} from 'node:test';
import {openStore} from '../../artifacts/index.js';
import {r1, recipeFile} from '../rig/command.js';
import {temporaryFolder} from '../rig/temporary.js';
import {assertNothingRuns, assertSound, assertWhole, outputsOf} from './sound.js';

const PRELOAD = new URL('./inject.js', import.meta.url).href;
const RECIPE = recipeFile('pair');

/** Each error, and a word that a plain message about it has. */
export const ERRORS: Readonly<Record<string, RegExp>> = {
  ENOSPC: /disk is full/,
  EROFS: /cannot be written to/,
  EMFILE: /too many files are open/,
  EIO: /input\/output error/,
  SQLITE_BUSY: /locked|busy|another process/,
  SQLITE_FULL: /disk is full/,
  SQLITE_IOERR_WRITE: /input\/output error/,
  SQLITE_IOERR_READ: /input\/output error/,
  SQLITE_CORRUPT: /database is damaged/,
};

export interface Fault {
  readonly code: string;
  /** Number of the operation, from 1. */
  readonly at: number;
  /** Everything that can meet the error fails from there on. */
  readonly lasts: boolean;
  /** Without a store to begin with. */
  readonly fresh?: boolean;
}

export interface Calm {
  /** A store without runs, to begin from; making one is mostly 256 times the same. */
  readonly empty: string;
  readonly outputs: Readonly<Record<string, string>>;
  /** So many operations does the run take. */
  readonly operations: number;
}

const asked = (report: string): readonly string[] =>
  existsSync(report) ? readFileSync(report, 'utf8').split('\n') : [];

/** The same run without a fault. */
export async function calmRun(t: TestContext): Promise<Calm> {
  const empty = temporaryFolder(t);
  openStore(join(empty, '.r1')).close();
  const cwd = temporaryFolder(t);
  cpSync(empty, cwd, {recursive: true});
  const report = join(cwd, 'report');
  const ended = await r1(t, ['run', RECIPE], {cwd, preload: PRELOAD, env: {R1_FAULT_REPORT: report}});
  assert.equal(ended.code, 0, ended.err);
  return {empty, outputs: outputsOf(cwd), operations: asked(report).length};
}

/**
 * What came of one fault: the run `failed` in order; or it `went on`, because the operation is one that may fail (a lock
 * is asked for again, say) and everything was made all the same; or it was over before its turn and the fault `missed`.
 */
export async function tryFault(t: TestContext, calm: Calm, fault: Fault): Promise<'failed' | 'went on' | 'missed'> {
  const cwd = temporaryFolder(t);
  if (fault.fresh !== true) cpSync(calm.empty, cwd, {recursive: true});
  const report = join(cwd, 'report');
  const env = {
    R1_FAULT_AT: String(fault.at),
    R1_FAULT_CODE: fault.code,
    R1_FAULT_REPORT: report,
    ...(fault.lasts ? {R1_FAULT_LASTS: '1'} : {}),
  };
  const {code, signal, err} = await r1(t, ['run', RECIPE], {cwd, preload: PRELOAD, env});
  const hit = asked(report).find((line) => line.startsWith('FAILED '));
  const where = `${JSON.stringify(fault)}, ${hit ?? 'no operation failed'}:\n${err}`;
  assert.equal(signal, null, where);
  assert.doesNotMatch(err, /^\s+at .*:\d+:\d+\)?$|Internal error|\bnode:internal/m, `no stack trace: ${where}`);
  if (hit === undefined) {
    assert.equal(code, 0, where);
    rmSync(cwd, {recursive: true, force: true});
    return 'missed';
  }
  if (code === 0) assert.deepEqual(outputsOf(cwd), calm.outputs, where);
  else {
    assert.ok(code === 1 || code === 2, where);
    assert.match(err, ERRORS[fault.code]!, where);
  }
  try {
    // The very first operations of a new store may leave none.
    if (existsSync(join(cwd, '.r1', 'store.db'))) openStore(join(cwd, '.r1')).close();
    if (existsSync(join(cwd, '.r1', 'store.db'))) {
      assertSound(cwd, {over: false});
      await assertWhole(cwd);
    }
    const next = await r1(t, ['run', RECIPE], {cwd});
    assert.equal(next.code, 0, `the next run: ${next.err}`);
    assert.deepEqual(outputsOf(cwd), calm.outputs);
    assertSound(cwd, {over: true});
    await assertWhole(cwd);
    assertNothingRuns(cwd);
  } catch (error) {
    throw new Error(`after ${where}`, {cause: error});
  }
  // Here and not at the end of the test: a campaign makes thousands of stores.
  rmSync(cwd, {recursive: true, force: true});
  return code === 0 ? 'went on' : 'failed';
}
