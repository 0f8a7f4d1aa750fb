/** What the store knows of a model that is handed to others: how it was made, from what data, and what it scored. */
import {existsSync} from 'node:fs';
import {open, readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {PREFIX_BYTES, SafetensorsError, headerBytes, parseHeader} from '../../artifacts/formats/safetensors.js';
import {UserError} from '../../artifacts/index.js';
import type {ArtifactFile, Digest, Json, RunId, Store} from '../../artifacts/index.js';
import {lineageOf} from '../../artifacts/queries/ancestry.js';
import type {LineageGraph, LineageNode} from '../../artifacts/queries/ancestry.js';
import {artifactDetails} from '../../artifacts/queries/artifact-details.js';
import type {ResolvedArtifact} from '../../artifacts/queries/reference.js';
import {StageFailure} from '../../pipeline/stage.js';
import type {Evaluated} from '../../stages/evaluation/report/index.js';
import {readScoresOf} from './evaluations.js';

/** An attempt that the model came from, or that made it. */
export interface CardStep {
  readonly node: string;
  readonly stage: string;
  readonly seed: number;
  readonly params: Readonly<Record<string, Json>>;
  /** What the model was made from; of the last step all that it made. */
  readonly outputs: readonly {readonly port: string; readonly kind: string; readonly digest: Digest}[];
  /** Whether it went on to the end of what its params ask for. */
  readonly isWhole: boolean;
}

/** Rows that something of the lineage was made from. */
export interface CardData {
  readonly node: string;
  readonly port: string;
  readonly kind: string;
  readonly digest: Digest;
  readonly usedBy: readonly string[];
}

/** An evaluation of the model. */
export interface CardScores extends Omit<Evaluated, 'samples'> {
  readonly node: string;
  readonly digest: Digest;
}

export interface CardFacts {
  readonly node: string;
  readonly stage: string;
  readonly recipe: string;
  readonly run: RunId;
  readonly digest: Digest;
  readonly files: readonly ArtifactFile[];
  /** Numbers in the weights; undefined where they are in no format that is known here. */
  readonly parameters: number | undefined;
  /** The model's `config.json`; empty where it has none. */
  readonly config: Readonly<Record<string, Json>>;
  /** Oldest first; the last one made the model. */
  readonly steps: readonly CardStep[];
  readonly data: readonly CardData[];
  readonly scores: readonly CardScores[];
  /** Nodes that evaluated it, and whose scores cannot be read: of another shape than r1's, or no longer there. */
  readonly unread: readonly string[];
}

/** Kinds of artifacts that hold what was learned from, or asked. */
const DATA = new Set(['dataset', 'prompts', 'pairs', 'labels']);
/** The input of an evaluation that is the model it asks. */
const MODEL_PORT = 'model';

/**
 * Gathers the facts of a model's card: its lineage up to what came from outside, and every evaluation of just these bytes. What
 * programs of somebody's made of other shapes than r1's, and what is no longer there, is named and no reason to go without a card.
 *
 * @param folder the model, laid out
 */
export async function cardFacts(store: Store, made: ResolvedArtifact, folder: string): Promise<CardFacts> {
  const {attempt, output} = made;
  const graph = lineageOf(store, attempt.id, {direction: 'up'});
  const {artifact, usedBy} = artifactDetails(store, made);
  const evaluations = usedBy.filter(({port, reason}) => port === MODEL_PORT && reason === 'succeeded');
  return {
    ...{node: attempt.node, stage: attempt.stage, digest: output.artifact, run: attempt.run},
    recipe: store.run(attempt.run)?.recipe ?? '',
    files: artifact.files,
    config: await configOf(folder),
    parameters: await parametersOf(folder, artifact.files),
    // Attempts are numbered as they began, so what something was made from stands before it.
    steps: [...graph.nodes.values()].sort((a, b) => a.attempt - b.attempt).map((one) => stepOf(store, one, graph)),
    data: dataOf(graph),
    ...(await scoresOf(store, evaluations)),
  };
}

/** Artifacts of the lineage that hold rows which something was made from, and what was made from them. */
function dataOf({nodes, edges}: LineageGraph): CardData[] {
  const found = new Map<
    string,
    {node: string; port: string; kind: string; digest: CardData['digest']; usedBy: string[]}
  >();
  for (const {from, to, artifact} of edges) {
    const maker = nodes.get(from)!;
    const edge = maker.outputs.find((one) => one.artifact === artifact);
    if (edge === undefined || !DATA.has(edge.kind)) continue;
    const known = found.get(`${from} ${edge.port}`);
    const user = nodes.get(to)!.node;
    if (known === undefined)
      found.set(`${from} ${edge.port}`, {
        node: maker.node,
        port: edge.port,
        kind: edge.kind,
        digest: artifact,
        usedBy: [user],
      });
    else if (!known.usedBy.includes(user)) known.usedBy.push(user);
  }
  return [...found.values()];
}

/** Empty where it has none, or something else under that name, as what a program of somebody's makes may. */
async function configOf(folder: string): Promise<Readonly<Record<string, Json>>> {
  const file = join(folder, 'config.json');
  if (!existsSync(file)) return {};
  try {
    return Object(JSON.parse(await readFile(file, 'utf8'))) as Readonly<Record<string, Json>>;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return {};
  }
}

/** Numbers in the weights, by the headers of the safetensors files; undefined where there is none, or one is none. */
async function parametersOf(
  folder: string,
  files: readonly {readonly path: string; readonly bytes: number}[],
): Promise<number | undefined> {
  const weights = files.filter(({path}) => path.endsWith('.safetensors'));
  let total = 0;
  for (const {path, bytes} of weights) {
    const file = await open(join(folder, path));
    try {
      const prefix = Buffer.alloc(PREFIX_BYTES);
      await file.read(prefix, 0, PREFIX_BYTES, 0);
      const header = Buffer.alloc(headerBytes(prefix, bytes));
      await file.read(header, 0, header.length, PREFIX_BYTES);
      for (const {shape} of parseHeader(header, bytes).tensors.values())
        total += shape.reduce((product, dimension) => product * dimension, 1);
    } catch (error) {
      if (!(error instanceof SafetensorsError)) throw error;
      return undefined;
    } finally {
      await file.close();
    }
  }
  return weights.length === 0 ? undefined : total;
}

function stepOf(store: Store, {attempt: id}: LineageNode, {root, edges}: LineageGraph): CardStep {
  const {node, stage, seed, params, outputs, outcome} = store.attempt(id)!;
  const isRecord = typeof params === 'object' && params !== null && !Array.isArray(params);
  const isUsed = (artifact: string): boolean =>
    id === root || edges.some((edge) => edge.from === id && edge.artifact === artifact);
  return {
    ...{node, stage, seed},
    params: isRecord ? (params as Readonly<Record<string, Json>>) : {},
    outputs: outputs
      .filter(({artifact}) => isUsed(artifact))
      .map(({port, kind, artifact}) => ({port, kind, digest: artifact})),
    // A success by another word is one that a person ended early.
    isWhole: outcome?.reason === 'succeeded' || stage === 'source',
  };
}

async function scoresOf(
  store: Store,
  uses: readonly {readonly attempt: LineageNode['attempt']; readonly node: string}[],
): Promise<Pick<CardFacts, 'scores' | 'unread'>> {
  const scores = new Map<string, CardScores>();
  const unread = new Set<string>();
  for (const {attempt, node} of uses) {
    const digest = store.attempt(attempt)!.outputs.find(({kind}) => kind === 'scores')?.artifact;
    // The same evaluation in several runs is one.
    if (digest === undefined || scores.has(digest)) continue;
    try {
      scores.set(digest, {node, digest, ...(await readScoresOf(store, {node, artifact: digest}))});
    } catch (error) {
      const isGone = error instanceof UserError && ['not-found', 'bytes-missing'].includes(error.reason);
      if (!isGone && !(error instanceof StageFailure)) throw error;
      unread.add(node);
    }
  }
  return {scores: [...scores.values()], unread: [...unread]};
}
