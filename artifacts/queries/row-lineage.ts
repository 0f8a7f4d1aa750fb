/**
 * Lineage of single rows: every row of a dataset has an id and the ids that it came from. Follows them from artifact to
 * artifact through the attempts that made them. Reads the files; there is no index to keep up to date.
 */
import {lineageOf} from './ancestry.js';
import type {Digest, Json} from '../digest.js';
import {UserError} from '../error.js';
import type {Attempt, AttemptId, OutputEdge} from '../records.js';
import {idOf, readRows} from './diff-rows.js';
import type {Contents} from '../blobs/contents.js';
import type {Lineage} from '../facts/read.js';
import type {HasParts} from '../parts.js';
import {resolveArtifact} from './reference.js';
import type {ResolveOptions} from './reference.js';

/** A row, where it stands, and the rows that it came from. */
export interface TracedRow {
  readonly id: string;
  readonly attempt: AttemptId;
  readonly node: string;
  readonly port: string;
  readonly kind: string;
  readonly artifact: Digest;
  /** Path within the artifact; empty for a single file. */
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  readonly row: Json;
  /** Of the attempt. */
  readonly seed: number;
  /** What else the attempt was made from: models and such, which have no rows of their own here. */
  readonly beside: readonly {readonly port: string; readonly node: string; readonly artifact: Digest}[];
  /** Nearest ancestors first. */
  readonly from: readonly TracedRow[];
  /** Ids it came from that no ancestor has. */
  readonly lost: readonly string[];
}

/** An output that may hold rows. */
interface Place {
  readonly attempt: Attempt;
  readonly output: OutputEdge;
}

interface Hit extends Place {
  readonly id: string;
  readonly file: string;
  readonly line: number;
  readonly row: Json;
}

/** All rows with one of these ids in one artifact. */
async function find(store: Lineage & HasParts, place: Place, ids: ReadonlySet<string>): Promise<readonly Hit[]> {
  const {files, blobs} = store.parts;
  const hits: Hit[] = [];
  const quoted = [...ids].map((id) => JSON.stringify(id));
  for (const {path, sha256, bytes} of store.artifact(place.output.artifact)!.files) {
    if (!path.endsWith('.jsonl') && path !== '') continue;
    if (!blobs.isPresent(sha256, bytes)) continue;
    // An id of digits only may be written as a number.
    const only = (text: string): boolean =>
      quoted.some((id) => text.includes(id) || (/^"\d+"$/.test(id) && text.includes(id.slice(1, -1))));
    await readRows(
      files,
      blobs.path(sha256),
      {name: `${place.attempt.node}:${place.output.port}`, only},
      (row, line) => {
        const id = idOf(row, line);
        if (ids.has(id)) hits.push({...place, id, file: path, line, row});
      },
    );
  }
  return hits;
}

function idsBefore(row: Json): readonly string[] {
  if (row === null || typeof row !== 'object' || !('from' in row)) return [];
  const from: Json | undefined = row.from;
  if (!Array.isArray(from)) return [];
  return from.filter((id): id is string | number => typeof id === 'string' || typeof id === 'number').map(String);
}

/** Where to look for a row. */
export interface TraceOptions extends Pick<ResolveOptions, 'suggest'> {
  /** A reference to the artifact that has the row; without one it is searched in the newest run that has it. */
  readonly dataset?: string;
}

/**
 * The row with this id, and what it came from, row by row.
 *
 * @throws UserError not-found; ambiguous-reference where nobody said which dataset and several of a run have the row
 */
export async function trace(
  store: Contents & Lineage & HasParts,
  id: string,
  {dataset, ...options}: TraceOptions = {},
): Promise<TracedRow> {
  return traceRow(
    store,
    id,
    dataset === undefined ? await theOne(store, id) : await resolveArtifact(store, dataset, options),
  );
}

async function theOne(store: Lineage & HasParts, id: string): Promise<Place> {
  const places = await findRow(store, id);
  const [first, ...others] = places;
  if (first === undefined)
    throw new UserError('not-found', `no run has a row “${id}”`, {hint: 'ids are the “id” of the lines of datasets'});
  if (others.length > 0) {
    const datasets = places.map(({attempt, output}) => `${attempt.node}:${output.port}`);
    throw new UserError('ambiguous-reference', `${places.length} datasets have a row “${id}”`, {
      remedy: {type: 'choose-dataset', datasets},
    });
  }
  return first;
}

/**
 * The row with this id in `start`, and what it came from. Of several ancestors with the same id the nearest is taken.
 *
 * @throws UserError not-found
 */
export async function traceRow(store: Lineage & HasParts, id: string, start: Place): Promise<TracedRow> {
  const hit = (await find(store, start, new Set([id])))[0];
  if (hit === undefined) {
    throw new UserError('not-found', `${start.attempt.node}:${start.output.port} has no row “${id}”`, {
      remedy: {type: 'list-rows'},
    });
  }
  return follow(store, hit, [hit.output.port]);
}

/**
 * Every output of the newest run that has a row with this id: for when nobody said where it is. Reads rows of all runs
 * until one has it; empty where none has.
 */
export async function findRow(store: Lineage & HasParts, id: string): Promise<readonly Place[]> {
  const seen = new Set<Digest>();
  for (const {id: run} of store.runs()) {
    const places: Place[] = [];
    for (const {attempt: used} of store.nodesOf(run)) {
      const attempt = used === undefined ? undefined : store.attempt(used);
      for (const output of attempt?.outputs ?? []) {
        if (attempt === undefined || seen.has(output.artifact)) continue;
        seen.add(output.artifact);
        if ((await find(store, {attempt, output}, new Set([id]))).length > 0) places.push({attempt, output});
      }
    }
    if (places.length > 0) return places;
  }
  return [];
}

/** @param passed outputs of the row's own attempt that the way has led through, so that it never leads back */
async function follow(store: Lineage & HasParts, hit: Hit, passed: readonly string[]): Promise<TracedRow> {
  const {attempt, output, id, file, line, row} = hit;
  const wanted = new Set(idsBefore(row));
  const from: Hit[] = [];
  // An attempt that samples and sifts has the rollouts of its rows beside them, in another output.
  for (const sibling of attempt.outputs) {
    if (wanted.size === 0 || passed.includes(sibling.port)) continue;
    for (const found of await find(store, {attempt, output: sibling}, wanted)) {
      if (wanted.delete(found.id)) from.push(found);
    }
  }
  // Nearest ancestors first: a row that was only passed on is found where it was passed on.
  const graph = lineageOf(store, attempt.id, {direction: 'up'});
  const used = new Map(graph.edges.map(({from: maker, artifact}) => [`${maker} ${artifact}`, {maker, artifact}]));
  for (const {maker, artifact} of used.values()) {
    if (wanted.size === 0) break;
    const before = store.attempt(maker)!;
    const edge = before.outputs.find((candidate) => candidate.artifact === artifact)!;
    for (const found of await find(store, {attempt: before, output: edge}, wanted)) {
      if (!wanted.delete(found.id)) continue;
      from.push(found);
    }
  }
  const rowsFrom = new Set(from.map((found) => found.output.artifact));
  return {
    id,
    attempt: attempt.id,
    node: attempt.node,
    port: output.port,
    kind: output.kind,
    artifact: output.artifact,
    file,
    line,
    row,
    seed: attempt.seed,
    beside: attempt.inputs
      .filter(({artifact}) => !rowsFrom.has(artifact))
      .map(({port, name, artifact, madeBy}) => ({
        port: name === '' ? port : `${port}.${name}`,
        node: graph.nodes.get(madeBy)!.node,
        artifact,
      })),
    from: await Promise.all(
      from.map((found) => {
        const {port} = found.output;
        return follow(store, found, found.attempt.id === attempt.id ? [...passed, port] : [port]);
      }),
    ),
    lost: [...wanted],
  };
}
