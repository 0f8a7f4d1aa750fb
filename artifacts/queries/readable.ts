/**
 * What there is to read behind a reference: outputs that hold rows of certain kinds, of the attempt itself or of those that used its
 * model. Which kinds these are is said by who asks, since the store knows none.
 */
import {shortDigest} from '../digest.js';
import type {Digest} from '../digest.js';
import {UserError} from '../error.js';
import type {Contents} from '../blobs/contents.js';
import type {Lineage} from '../facts/read.js';
import type {HasParts} from '../parts.js';
import type {Attempt, OutputEdge, RunId} from '../records.js';
import {resolve} from './reference.js';
import type {Resolved, ResolveOptions} from './reference.js';
import {unusableBytes} from './stored-file.js';

/** An output, and the attempt that made it. */
export interface Output {
  readonly attempt: Attempt;
  readonly output: OutputEdge;
}

/** Which kinds can be read. */
export interface ReadableKinds {
  /** Of an attempt's own outputs, the most telling first. */
  readonly own: readonly string[];
  /** What was made of a model tells of it as well: outputs of this kind, of attempts that have one of kind `model` as input. */
  readonly model: string;
  readonly about: string;
  /** What the attempt that made a model has kept of it. */
  readonly besideModel: readonly string[];
}

/** What a reference leads to. */
export interface Readable {
  readonly resolved: Resolved;
  /** Outputs of the attempt itself, the most telling first; of a model that was named, those beside it. */
  readonly own: readonly Output[];
  /** What tells of its model, in the order of the run's nodes; of the run through which it was found, else of the newest that has some. */
  readonly about: readonly Output[];
  /** Whether the output itself was named. */
  readonly isExact: boolean;
}

/**
 * @throws UserError as `resolve`; not-found where the attempt made nothing, bad-argument where an output was named that is neither a
 * model nor of a kind that can be read
 */
export async function readableOf(
  store: Contents & Lineage & HasParts,
  reference: string,
  kinds: ReadableKinds,
  options: ResolveOptions = {},
): Promise<Readable> {
  const resolved = await resolve(store, reference, options);
  const {attempt, output} = resolved;
  if (attempt.outputs.length === 0) throw nothingMade(resolved);
  const of = (edge: OutputEdge): Output => ({attempt, output: edge});
  if (output !== undefined && kinds.own.includes(output.kind))
    return {resolved, own: [of(output)], about: [], isExact: true};
  if (output !== undefined && output.kind !== kinds.model) {
    const others = sorted(attempt.outputs, kinds.own);
    throw new UserError('bad-argument', `${attempt.node}:${output.port} is of kind ${output.kind}`, {
      hint:
        others.length === 0
          ? `what can be read is of kind ${kinds.own.join(', ')}`
          : `to read there is ${others.map(({port, kind}) => `${attempt.node}:${port} (${kind})`).join(', ')}`,
    });
  }
  const own = sorted(attempt.outputs, output === undefined ? kinds.own : kinds.besideModel);
  const models = attempt.outputs.filter(({kind, artifact}) =>
    output === undefined ? kind === kinds.model : artifact === output.artifact,
  );
  const about = models.flatMap(({artifact}) => tellingOf(store, artifact, resolved.run, kinds));
  return {resolved, own: own.map(of), about, isExact: false};
}

const sorted = (outputs: readonly OutputEdge[], kinds: readonly string[]): readonly OutputEdge[] =>
  kinds.flatMap((wanted) => outputs.filter(({kind}) => kind === wanted));

function nothingMade({attempt: {node, id, outcome}, run}: Resolved): UserError {
  const which = `attempt ${id}${run === undefined ? '' : ` of run ${run}`}`;
  return outcome === undefined
    ? new UserError('not-found', `${node} is not done (${which}): what it makes can be read when it has ended`, {
        remedy: {type: 'list-nodes', ...(run === undefined ? {} : {run})},
      })
    : new UserError('not-found', `${node} made nothing (${which}: ${outcome.reason})`, {
        remedy: {type: 'read-log', node},
      });
}

/** Outputs of one kind of attempts that used the model, in one run. */
function tellingOf(
  store: Lineage,
  model: Digest,
  wanted: RunId | undefined,
  {about}: ReadableKinds,
): readonly Output[] {
  const runs = wanted === undefined ? store.runs().map(({id}) => id) : [wanted];
  for (const run of runs) {
    const found = store.nodesOf(run).flatMap(({attempt: id}): Output[] => {
      const attempt = id === undefined ? undefined : store.attempt(id);
      if (attempt?.inputs.some(({artifact}) => artifact === model) !== true) return [];
      return attempt.outputs.filter(({kind}) => kind === about).map((output) => ({attempt, output}));
    });
    if (found.length > 0) return found;
  }
  return [];
}

/** A file of rows of an artifact: its path in it, '' for a single file, and where its bytes are. */
export interface RowsFile {
  readonly file: string;
  readonly path: string;
}

/**
 * The files of an artifact that hold rows as JSON Lines, where they lie in the store: to be read, never to be written to.
 *
 * @throws UserError not-found: it has none; bytes-missing, bytes-damaged as `unusableBytes`
 */
export function rowsFilesOf(store: Lineage & HasParts, {attempt, output}: Output): readonly RowsFile[] {
  const {blobs} = store.parts;
  const name = `${attempt.node}:${output.port} @${shortDigest(output.artifact)}`;
  const files = store.artifact(output.artifact)!.files.filter(({path}) => path === '' || path.endsWith('.jsonl'));
  if (files.length === 0)
    throw new UserError('not-found', `${name} (${output.kind}) has no rows: none of its files ends in .jsonl`);
  return files.map((file) => {
    if (!blobs.isPresent(file.sha256, file.bytes))
      throw unusableBytes(store, {artifact: output.artifact, file, what: `the bytes of ${name}`});
    return {file: file.path, path: blobs.path(file.sha256)};
  });
}
