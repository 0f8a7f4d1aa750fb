/** Finds the reports of runs in the store and reads their tables. */
import {rm} from 'node:fs/promises';
import {basename, join} from 'node:path';

import {temporaryFolder} from '../../artifacts/temporary-folder.js';
import {UserError, shortDigest} from '../../artifacts/index.js';
import type {Digest, Run, Store} from '../../artifacts/index.js';
import {findRun} from '../../artifacts/queries/find-run.js';

/** Which run the numbers are of, where nobody said which and the newest has no report: else they would pass for those of that one. */
export const olderRunNote = (store: Store, {run}: FoundReport, wanted: number | undefined): string | undefined => {
  const newest = store.latestRun()?.id;
  return wanted !== undefined || newest === undefined || newest === run.id
    ? undefined
    : `run ${newest} has no report (yet); these are the numbers of run ${run.id}`;
};

export interface FoundReport {
  readonly run: Run;
  /** The node that made it. */
  readonly node: string;
  readonly artifact: Digest;
}

/**
 * The report of a run, or of the newest run that has one. Where a run made several, the one that looks at most inputs
 * counts, unless `node` names another.
 *
 * @throws UserError not-found
 */
export function findReport(
  store: Store,
  {run: wanted, node}: {readonly run?: number | undefined; readonly node?: string | undefined},
): FoundReport {
  const runs = wanted === undefined ? store.runs() : [findRun(store, wanted)];
  for (const run of runs) {
    const reports = reportsOf(store, run);
    const chosen = node === undefined ? reports[0] : reports.find((report) => report.node === node);
    if (chosen !== undefined) return chosen;
    if (wanted !== undefined && node !== undefined && reports.length > 0) {
      const names = reports.map((report) => report.node).join(', ');
      throw new UserError('not-found', `run ${run.id} has no report “${node}”; it has ${names}`);
    }
  }
  const scored = runs.flatMap((run) => store.outputsOfKind(run.id, 'scores'));
  const unreported =
    scored.length === 0
      ? undefined
      : `${scored[0]!.node} has made scores; the stage “report” makes a report of them in a recipe`;
  if (wanted !== undefined) {
    const hint = unreported ?? `r1 status ${wanted} says how far it is`;
    throw new UserError('not-found', `run ${wanted} has made no report`, {hint});
  }
  const which = node === undefined ? 'a report' : `a report “${node}”`;
  throw new UserError('not-found', `no run in this store has made ${which} yet`, {
    hint:
      unreported ??
      'r1 run tiny makes one at its end; a recipe of your own does if it has a node of the stage “report”',
  });
}

/** All reports of a run, the one with most inputs first. */
export function reportsOf(store: Store, run: Run): FoundReport[] {
  return store
    .outputsOfKind(run.id, 'report')
    .toSorted((a, b) => b.inputs - a.inputs)
    .map(({node, artifact}) => ({run, node, artifact}));
}

/** Lays the report out as a folder for as long as it is read. @throws UserError when it is not a report: a store may hold anything */
export async function withReportFolder<T>(
  store: Store,
  {artifact, node, run}: FoundReport,
  read: (folder: string) => Promise<T>,
): Promise<T> {
  const scratch = temporaryFolder('report');
  const folder = join(scratch, 'report');
  try {
    await store.materialise(artifact, folder);
    return await read(folder);
  } catch (error) {
    if (!(error instanceof SyntaxError) && !isNoFile(error)) throw error;
    const why = isNoFile(error) ? `it has no ${basename(error.path ?? '')}` : error.message;
    throw new UserError('bad-argument', `what “${node}” of run ${run.id} made is not a report: ${why}`, {
      hint: `r1 export @${shortDigest(artifact)} ./report writes it out`,
      cause: error,
    });
  } finally {
    await store.removeTree(folder);
    await rm(scratch, {recursive: true, force: true});
  }
}

const isNoFile = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && 'code' in error && ['ENOENT', 'ENOTDIR', 'EISDIR'].includes(String(error.code));
