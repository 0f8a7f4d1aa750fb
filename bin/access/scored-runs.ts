/** The runs whose scores somebody asks for, and which of them are seeds of one recipe. */
import {UserError, canonicalJson} from '../../artifacts/index.js';
import type {Run, Store} from '../../artifacts/index.js';
import {findRun} from '../../artifacts/queries/find-run.js';
import {frozenPlanOf} from '../../pipeline/plan/frozen-plan.js';
import {evaluationsOf, SCORES} from './evaluations.js';
import type {FoundEvaluation} from './evaluations.js';

/** A run with what it has evaluated so far. */
export interface ScoredRun {
  readonly run: Run;
  readonly evaluations: readonly FoundEvaluation[];
}

/**
 * The runs with these numbers; without any, the newest that has scores.
 *
 * @throws UserError not-found: there is no such run, or it has none
 */
export function scoredRuns(store: Store, wanted: readonly number[]): readonly ScoredRun[] {
  if (wanted.length > 0) {
    return wanted.map((number) => {
      const run = findRun(store, number);
      const evaluations = evaluationsOf(store, run);
      if (evaluations.length === 0) throw noScores(store, run);
      return {run, evaluations};
    });
  }
  const newest = findRun(store);
  const run = store.runs().find(({id}) => store.outputsOfKind(id, SCORES).length > 0);
  if (run === undefined) throw noScores(store, newest);
  return [{run, evaluations: evaluationsOf(store, run)}];
}

/** Which run the numbers are of, where nobody said which and the newest has none: else they would pass for those of that one. */
export function newerRunNote(store: Store, {run}: ScoredRun, wanted: readonly number[]): string | undefined {
  const newest = store.latestRun()?.id;
  return wanted.length > 0 || newest === undefined || newest === run.id
    ? undefined
    : `run ${newest} has no scores (yet); these are the numbers of run ${run.id}`;
}

/** What to type, by whether the run's recipe evaluates anything. */
export function noScores(store: Store, run: Run): UserError {
  const {nodes, order = Object.keys(nodes)} = frozenPlanOf(run);
  const planned = order.find((id) => {
    const node = nodes[id]!;
    return node.type === 'stage' && ['evaluate', 'bench'].includes(node.stage);
  });
  const message = `run ${run.id} has no scores${store.isAlive(run.id) ? ' yet' : ''}`;
  if (planned === undefined)
    return new UserError('not-found', message, {
      hint: 'a node of the stage “evaluate” makes them; r1 eval MODEL --prompts FILE scores a model on questions of yours',
    });
  return new UserError('not-found', message, {
    hint: store.isAlive(run.id)
      ? `${planned} will make some; r1 status ${run.id} says how far it is`
      : `${planned} was to make some: r1 resume ${run.id} goes on, r1 status ${run.id} says how far it came`,
  });
}

/**
 * Runs of one recipe that differ in their seed and in nothing else that their plans say: nodes that two of them have are wired alike and
 * have equal params. Groups of two and more; a run with a seed that another of its group has is left out.
 */
export function seedGroups<T extends {readonly run: Run}>(runs: readonly T[]): readonly (readonly T[])[] {
  const groups: T[][] = [];
  for (const one of runs) {
    const group = groups.find(([first]) => areAlike(first!.run, one.run));
    if (group === undefined) groups.push([one]);
    else if (group.every(({run}) => run.seed !== one.run.seed)) group.push(one);
  }
  return groups.filter(({length}) => length > 1);
}

function areAlike(one: Run, other: Run): boolean {
  if (one.recipe !== other.recipe) return false;
  const [left, right] = [frozenPlanOf(one).nodes, frozenPlanOf(other).nodes];
  const text = (node: unknown): string => canonicalJson(node as Parameters<typeof canonicalJson>[0]);
  return Object.entries(left).every(([id, node]) => right[id] === undefined || text(node) === text(right[id]));
}
