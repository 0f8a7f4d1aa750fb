/**
 * Turns what people type into an attempt and an artifact: `[run/]node[:port]`, `@digest` or `@tag`, or a path (has a
 * slash). Never guesses: whatever could mean two things is an error that lists both.
 */
import {shortDigest} from '../digest.js';
import type {Digest} from '../digest.js';
import {UserError} from '../error.js';
import {manifestDigest} from '../blobs/manifest.js';
import {tags} from './tags.js';
import type {Artifact, Attempt, AttemptId, OutputEdge, RunId} from '../records.js';
import type {Contents} from '../blobs/contents.js';
import type {HasParts} from '../parts.js';
import type {Lineage} from '../facts/read.js';

/** What a reference leads to. */
export interface Resolved {
  readonly attempt: Attempt;
  /** The output that was meant; undefined when a node with several outputs was named without a port. */
  readonly output: OutputEdge | undefined;
  /** The run through which a node was found. */
  readonly run: RunId | undefined;
}

/** What a reference to one output leads to. */
export type ResolvedArtifact = Resolved & {readonly output: OutputEdge};

/** What a reference may mean. */
export interface ResolveOptions {
  /** Only outputs of this kind can be meant: `r1 export zero-rl` needs no `:model`. */
  readonly kind?: string;
  /** Also an attempt that failed or is still going on, when it is newer than what was made. */
  readonly unfinished?: boolean;
  /** “, did you mean …?” for a word and what could have been meant, or ''. */
  readonly suggest?: (word: string, candidates: readonly string[]) => string;
}

const RUN_AND_NODE = /^(\d+)\/([^/]+)$/;
/** A list longer than this helps nobody. */
const LISTED = 40;

function list(words: readonly string[]): string {
  const shown = words.slice(0, LISTED).join(', ');
  return words.length > LISTED ? `${shown} … and ${words.length - LISTED} more` : shown;
}

/**
 * What a reference leads to: `[run/]node[:port]`, `@digest` (4 or more hex digits), `@tag`, or a path with a slash,
 * whose bytes are hashed and looked up.
 *
 * @throws UserError not-found, ambiguous-reference, bad-argument, store-damaged
 */
export async function resolve(
  store: Contents & Lineage & HasParts,
  text: string,
  options: ResolveOptions = {},
): Promise<Resolved> {
  if (text.startsWith('@')) return byDigest(store, text.slice(1), options);
  if (RUN_AND_NODE.test(text) || !/[/\\]/.test(text)) return byNode(store, text, options);
  return byPath(store, text, options);
}

/**
 * The same, where one output must be meant.
 *
 * @throws UserError as `resolve`; ambiguous-reference where the node has several that fit
 */
export async function resolveArtifact(
  store: Contents & Lineage & HasParts,
  text: string,
  options: ResolveOptions = {},
): Promise<ResolvedArtifact> {
  const resolved = await resolve(store, text, options);
  const {attempt, output, run} = resolved;
  if (output !== undefined) return {...resolved, output};
  const named = text.includes(':') ? attempt.node : text;
  const fitting = attempt.outputs.filter(({kind}) => options.kind === undefined || kind === options.kind);
  if (fitting.length === 0) {
    const what = options.kind === undefined ? 'output' : options.kind;
    throw new UserError(
      'not-found',
      `${named} has no ${what} (attempt ${attempt.id}${run === undefined ? '' : ` of run ${run}`}: ${attempt.outcome?.reason ?? 'not finished'})`,
      {
        ...(attempt.outputs.length === 0
          ? {remedy: {type: 'read-log', node: attempt.node}}
          : {hint: `it has ${attempt.outputs.map(({port, kind}) => `${named}:${port} (${kind})`).join(', ')}`}),
      },
    );
  }
  throw new UserError('ambiguous-reference', `${named} has ${fitting.length} outputs`, {
    hint: `say which: ${fitting.map(({port, kind}) => `${named}:${port} (${kind})`).join(', ')}`,
  });
}

function pick(attempt: Attempt, port: string | undefined, kind: string | undefined): OutputEdge | undefined {
  if (port !== undefined) return attempt.outputs.find((output) => output.port === port);
  const fitting = attempt.outputs.filter((output) => kind === undefined || output.kind === kind);
  return fitting.length === 1 ? fitting[0] : undefined;
}

function byNode(
  store: Lineage & HasParts,
  text: string,
  {kind, suggest, unfinished = false}: ResolveOptions,
): Resolved {
  const runText = RUN_AND_NODE.exec(text)?.[1];
  const rest = runText === undefined ? text : text.slice(runText.length + 1);
  const [node = '', port, ...more] = rest.split(':');
  if (node === '' || port === '' || more.length > 0) {
    throw new UserError('bad-argument', `“${text}” is not a reference`, {
      hint: 'write [run/]node[:port], @digest, or a path with a slash',
    });
  }
  const run = runText === undefined ? undefined : (Number(runText) as RunId);
  if (run !== undefined && store.run(run) === undefined) {
    throw new UserError('not-found', `there is no run ${run}`, {remedy: {type: 'list-runs', ...newestRun(store)}});
  }
  const found = decisionOf(store, {node, run, unfinished});
  if (found === undefined) {
    const known = nodesKnown(store, run);
    if (known.includes(node))
      throw new UserError('not-found', `“${node}” has not been made yet${run === undefined ? '' : ` in run ${run}`}`, {
        remedy: {type: 'list-nodes', ...(run === undefined ? {} : {run})},
      });
    const where = run === undefined ? 'no run has a node' : `run ${run} has no node`;
    throw new UserError('not-found', `${where} “${node}”${suggest?.(node, known) ?? ''}`, {
      ...(known.length === 0 ? {remedy: {type: 'begin-run'}} : {hint: `nodes: ${list(known)}`}),
    });
  }
  const attempt = store.attempt(found.attempt)!;
  const output = pick(attempt, port, kind);
  if (port !== undefined && output === undefined) {
    const ports = attempt.outputs.map((edge) => edge.port);
    throw new UserError('not-found', `${node} has no output “${port}”${suggest?.(port, ports) ?? ''}`, {
      ...(ports.length === 0
        ? {remedy: {type: 'read-log', node}}
        : {hint: `outputs: ${ports.map((name) => `${node}:${name}`).join(', ')}`}),
    });
  }
  return {attempt, output, run: found.run};
}

interface Wanted {
  readonly node: string;
  readonly run: RunId | undefined;
  readonly unfinished: boolean;
}

/** The newest run that made or reused it; when none did, the newest that tried. */
function decisionOf(store: HasParts, {node, run, unfinished}: Wanted): {attempt: AttemptId; run: RunId} | undefined {
  const {db} = store.parts;
  const query = (join: string) =>
    db
      .prepare<{attempt: AttemptId; run: RunId}>(
        `SELECT d.attempt, d.run FROM decision d ${join}
         WHERE d.node = ? AND d.attempt IS NOT NULL AND (? IS NULL OR d.run = ?) ORDER BY d.run DESC, d.id DESC LIMIT 1`,
      )
      .get(node, run ?? null, run ?? null);
  const made = unfinished ? undefined : query('JOIN outcome o ON o.attempt = d.attempt AND o.ok = 1');
  return made ?? query('');
}

function nodesKnown(store: Lineage, run: RunId | undefined): readonly string[] {
  const newest = run ?? store.latestRun()?.id;
  return newest === undefined ? [] : store.nodesOf(newest).map(({node}) => node);
}

const newestRun = (store: Lineage): {readonly newest?: RunId} => {
  const newest = store.latestRun()?.id;
  return newest === undefined ? {} : {newest};
};

function byDigest(store: Lineage & HasParts, text: string, options: ResolveOptions): Resolved {
  const known = tags(store);
  const tag = known.find(({name}) => name === text);
  if (tag !== undefined) {
    return tag.attempt === undefined ? byArtifact(store, tag.artifact) : fromMaker(store, tag.attempt, tag.artifact);
  }
  if (!/^[0-9a-f]{4,64}$/.test(text)) {
    const names = known.map(({name}) => name);
    throw new UserError('not-found', `there is no tag “${text}”${options.suggest?.(text, names) ?? ''}`, {
      ...(names.length === 0
        ? {remedy: {type: 'give-tag'}}
        : {hint: `tags: ${list(names)}; a digest has at least 4 digits`}),
    });
  }
  const {db} = store.parts;
  // The range of all digests with this beginning, so that the index is used.
  const range = [text, `${text}g`] as const;
  const artifacts = db
    .prepare<{digest: Digest}>('SELECT digest FROM artifact WHERE digest >= ? AND digest < ? ORDER BY digest LIMIT 20')
    .all(...range);
  if (artifacts.length === 1) return byArtifact(store, artifacts[0]!.digest);
  if (artifacts.length > 1)
    throw ambiguous(
      store,
      `@${text}`,
      artifacts.map(({digest}) => digest),
    );
  const blobs = db
    .prepare<{id: number; sha256: Digest}>('SELECT id, sha256 FROM blob WHERE sha256 >= ? AND sha256 < ? LIMIT 2')
    .all(...range);
  if (blobs.length === 1) {
    const holders = artifactsWith(store, blobs[0]!.sha256);
    if (holders.length === 1) return byArtifact(store, holders[0]!);
    if (holders.length > 1) throw ambiguous(store, `the file @${text}`, holders);
  }
  throw new UserError('not-found', `the store knows no artifact @${text}`, {
    remedy: {type: 'list-lineage'},
  });
}

/** Artifacts that hold a file with this SHA-256, newest first. */
function artifactsWith(store: HasParts, sha256: Digest): readonly Digest[] {
  return store.parts.db
    .prepare<{digest: Digest}>(
      `SELECT DISTINCT a.digest FROM blob b JOIN artifact_file f ON f.blob = b.id JOIN artifact a ON a.id = f.artifact
       WHERE b.sha256 = ? ORDER BY a.id DESC`,
    )
    .all(sha256)
    .map(({digest}) => digest);
}

function ambiguous(store: Lineage & HasParts, what: string, candidates: readonly Digest[]): UserError {
  const lines = candidates.map((digest) => {
    const {attempt, output} = byArtifact(store, digest);
    return `  @${digest.slice(0, 16)}  ${output?.kind ?? ''}  ${attempt.run}/${attempt.node}:${output?.port ?? ''}`;
  });
  return new UserError('ambiguous-reference', `${what} could be any of ${candidates.length}`, {
    hint: `say which:\n${lines.join('\n')}`,
  });
}

/** An artifact stands for its newest maker. */
function byArtifact(store: Lineage & HasParts, digest: Digest): Resolved {
  const maker = makersOf(store, digest)[0];
  if (maker === undefined) {
    throw new UserError('store-damaged', `the store is damaged: nothing in it made @${shortDigest(digest)}`, {
      remedy: {type: 'verify'},
    });
  }
  return fromMaker(store, maker, digest);
}

function fromMaker(store: Lineage, id: AttemptId, digest: Digest): Resolved {
  const attempt = store.attempt(id)!;
  return {attempt, output: attempt.outputs.find(({artifact}) => artifact === digest), run: undefined};
}

/** Every attempt that made these bytes, newest first. */
export function makersOf(store: HasParts, digest: Digest): readonly AttemptId[] {
  return store.parts.db
    .prepare<{attempt: AttemptId}>(
      'SELECT DISTINCT o.attempt FROM artifact a JOIN output o ON o.artifact = a.id WHERE a.digest = ? ORDER BY o.attempt DESC',
    )
    .all(digest)
    .map(({attempt}) => attempt);
}

/**
 * Artifacts that a file or folder is in as far as its bytes go, newest first. Whether files can be executed gets lost on the way
 * through a disk that has no modes, and is known only of what this version stored.
 */
function holdersOf(store: Lineage & HasParts, {shape, files, emptyFolders}: Artifact): readonly Digest[] {
  const [first] = files;
  if (first === undefined) return [];
  const holders = artifactsWith(store, first.sha256);
  if (shape === 'file') return holders;
  const bytesOf = ({files, emptyFolders}: Pick<Artifact, 'files' | 'emptyFolders'>): Digest =>
    manifestDigest({
      shape: 'folder',
      files: files.map(({path, bytes, sha256}) => ({path, bytes, sha256})),
      emptyFolders,
    });
  const wanted = bytesOf({files, emptyFolders});
  return holders.filter((digest) => {
    const holder = store.artifact(digest)!;
    return holder.files.length === files.length && bytesOf(holder) === wanted;
  });
}

async function byPath(store: Contents & Lineage & HasParts, path: string, {kind}: ResolveOptions): Promise<Resolved> {
  const described = await store.describe(path, kind ?? '');
  if (store.artifact(described.digest) !== undefined) return byArtifact(store, described.digest);
  const holders = holdersOf(store, described);
  if (holders.length === 1) return byArtifact(store, holders[0]!);
  if (holders.length > 1) throw ambiguous(store, path, holders);
  throw new UserError(
    'not-found',
    `the store knows nothing with the bytes of ${path} (@${shortDigest(described.digest)})`,
    {
      remedy: {type: 'use-its-store'},
    },
  );
}
