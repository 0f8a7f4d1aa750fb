/** Why two models are not the same: how the one came out of the other, where their ways parted, and the first difference of their runs. */
import type {AttemptId, RunId, Store} from '../../artifacts/index.js';
import {lineageOf} from '../../artifacts/queries/ancestry.js';
import type {LineageGraph, LineageNode} from '../../artifacts/queries/ancestry.js';
import {diffRuns, firstDifference} from '../../artifacts/queries/diff-runs.js';
import type {NodeDifference} from '../../artifacts/queries/diff-runs.js';
import type {FoundEvaluation} from './evaluations.js';

/** A node on the way to a model. */
export interface Way {
  readonly node: string;
  readonly stage: string;
  readonly attempt: AttemptId;
}

/** How two models are related, by the attempts that made them. */
export type Relation =
  /** One model, evaluated twice. */
  | {readonly kind: 'same'}
  /** The one was made from the other, through these nodes. */
  | {readonly kind: 'baseline-first' | 'other-first'; readonly through: readonly Way[]}
  /** Neither: what is on the way to each alone, and the models from which both came. */
  | {
      readonly kind: 'apart';
      readonly from: readonly Way[];
      readonly baseline: readonly Way[];
      readonly other: readonly Way[];
    };

/** Where the difference between two models comes from. */
export interface FirstCause {
  /** Undefined where a model at an endpoint is among them, of which nothing is known, or where one node made both in two runs. */
  readonly relation: Relation | undefined;
  /** Of two runs: where they parted, among the nodes that either model was made by. */
  readonly first: NodeDifference | undefined;
}

export function firstCause(store: Store, baseline: FoundEvaluation, other: FoundEvaluation): FirstCause {
  const [one, two] = [baseline.model, other.model];
  if (one === undefined || two === undefined) return {relation: undefined, first: undefined};
  if (one.artifact === two.artifact) return {relation: {kind: 'same'}, first: undefined};
  const [before, after] = [one, two].map(({attempt}) => lineageOf(store, attempt, {direction: 'up'})) as [
    LineageGraph,
    LineageGraph,
  ];
  const areRuns = baseline.run.id !== other.run.id;
  return {
    relation: areRuns && one.node === two.node ? undefined : relationOf(before, after),
    first: areRuns ? firstOf(store, [baseline.run.id, other.run.id], [before, after]) : undefined,
  };
}

function relationOf(before: LineageGraph, after: LineageGraph): Relation {
  const [onlyBefore, onlyAfter] = [only(before, after), only(after, before)];
  // An attempt is among those on the way to what was made of it.
  if (after.nodes.has(before.root)) return {kind: 'baseline-first', through: onlyAfter.map(wayOf)};
  if (before.nodes.has(after.root)) return {kind: 'other-first', through: onlyBefore.map(wayOf)};
  const entering = (graph: LineageGraph, others: LineageGraph): ReadonlySet<AttemptId> =>
    new Set(graph.edges.filter(({from, to}) => others.nodes.has(from) && !others.nodes.has(to)).map(({from}) => from));
  const shared = entering(after, before);
  const from = [...entering(before, after)]
    .filter((attempt) => shared.has(attempt))
    .map((attempt) => before.nodes.get(attempt)!)
    .filter(({outputs}) => outputs.some(({kind}) => kind === 'model'));
  return {kind: 'apart', from: from.map(wayOf), baseline: onlyBefore.map(wayOf), other: onlyAfter.map(wayOf)};
}

/** The oldest first: nothing is begun before what it needs. */
const only = (graph: LineageGraph, others: LineageGraph): readonly LineageNode[] =>
  [...graph.nodes.values()].filter(({attempt}) => !others.nodes.has(attempt)).sort((a, b) => a.attempt - b.attempt);

const wayOf = ({node, stage, attempt}: LineageNode): Way => ({node, stage, attempt});

function firstOf(
  store: Store,
  [a, b]: readonly [RunId, RunId],
  graphs: readonly LineageGraph[],
): NodeDifference | undefined {
  const attempts = new Set(graphs.flatMap(({nodes}) => [...nodes.keys()]));
  const isOnTheWay = ({a: left, b: right}: NodeDifference): boolean =>
    (left !== undefined && attempts.has(left)) || (right !== undefined && attempts.has(right));
  return firstDifference(diffRuns(store, a, b).nodes.filter(isOnTheWay));
}
