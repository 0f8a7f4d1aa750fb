/** How a run stands, node by node; of one that is going on, how far each node is. */
import type {AttemptId, Run, RunNode, Store} from '../../artifacts/index.js';
import {findRun} from '../../artifacts/queries/find-run.js';
import type {Executor, SeenJob} from '../executors/executor.js';
import {jobFiles, readFinish, readJob} from '../job/folder.js';
import {lastProgress} from '../job/pace.js';
import type {Outcome} from '../outcome.js';
import {frozenPlanOf} from '../plan/frozen-plan.js';
import {turnMissed} from '../values/turn-missed.js';
import {lastWordsOf} from './last-words.js';
import type {LastWordsOptions} from './last-words.js';
import {recordedOutcome} from './recorded-outcome.js';
import {runStateOf} from './runs.js';
import type {RunHead} from './runs.js';

/**
 * `source`: taken from outside. `waiting`: its turn may come. `not started`: it will not come in this run.
 * `interrupted`: its runner died, and nobody has recorded how the attempt ended.
 */
export type NodeState =
  'done' | 'reused' | 'source' | 'running' | 'interrupted' | 'failed' | 'stopped' | 'not started' | 'waiting';

/** How one node of a run stands. */
export interface NodeStatus {
  readonly node: string;
  readonly state: NodeState;
  /** Why the run decided as it did; undefined for a node that it has not come to. */
  readonly because?: string;
  readonly attempt?: AttemptId;
  /** Of a node that failed, was stopped or was finished early. */
  readonly outcome?: Outcome;
  /** Where it threw, `file:line:column`, and the last lines that it printed. */
  readonly place?: string;
  readonly lines?: readonly string[];
  /** Of an attempt that has ended, milliseconds. */
  readonly wallMs?: number;
  /** How far an attempt is that has not ended: step `step` of `total`, as the stage reported last. */
  readonly step?: number;
  /** See `step`. */
  readonly total?: number;
  /** Set where an attempt that has not ended was asked to finish early. */
  readonly isToFinish?: true;
  /** Of an interrupted one: its process, which has outlived the runner. The next run that wants its work goes on with it. */
  readonly process?: SeenJob;
}

/** How a run stands. */
export interface RunStatus extends RunHead {
  /** Every node of the run's plan, in the plan's order. */
  readonly nodes: readonly NodeStatus[];
}

/**
 * How a run (the newest without a number) stands now.
 *
 * @throws UserError not-found; store-damaged or newer-store where the store holds what this version cannot read
 */
export function statusOf(store: Store, wanted?: number, options: LastWordsOptions = {}): RunStatus {
  const run = findRun(store, wanted);
  const isAlive = store.isAlive(run.id);
  const nodes = nodesOf(run, isAlive, store, options);
  const {id, recipe, seed, command, startedAt} = run;
  return {run: id, recipe, seed, command, startedAt, state: runStateOf(store, run), nodes};
}

/** The same, with a look at which processes have outlived the runner of an interrupted run. */
export async function withProcesses(
  status: RunStatus,
  store: Store,
  executor: Pick<Executor, 'look'>,
): Promise<RunStatus> {
  const look = async (node: NodeStatus): Promise<NodeStatus> => {
    if (node.state !== 'interrupted' || node.attempt === undefined) return node;
    const folder = store.jobFolder(node.attempt);
    const job = readJob(folder);
    const process = job.ok ? await executor.look?.({folder, tag: job.value.tag}) : undefined;
    return process === undefined ? node : {...node, process};
  };
  return {...status, nodes: await Promise.all(status.nodes.map(look))};
}

function nodesOf(run: Run, isAlive: boolean, store: Store, options: LastWordsOptions): NodeStatus[] {
  const decisions = new Map(store.nodesOf(run.id).map((node) => [node.node, node]));
  const {order = [], nodes} = frozenPlanOf(run);
  const failed = [...decisions.values()].find(
    ({action, outcome}) => action === 'run' && outcome?.ok === false && outcome.reason !== 'stopped',
  );
  const names = new Set([...order, ...Object.keys(nodes), ...decisions.keys()]);
  return [...names].map((name) => {
    const decision = decisions.get(name);
    // While the run goes on, a node that was called off is one of an earlier session, and its turn may come.
    if (isAlive && (decision === undefined || decision.action === 'cancelled')) return {node: name, state: 'waiting'};
    if (decision === undefined)
      return {node: name, state: 'not started', because: turnMissed(run.end?.outcome, failed?.node)};
    return nodeStatus(decision, isAlive, store, options);
  });
}

function nodeStatus(
  {node, action, attempt, because, outcome}: RunNode,
  isAlive: boolean,
  store: Store,
  options: LastWordsOptions,
): NodeStatus {
  const base = {node, because, ...(attempt === undefined ? {} : {attempt})};
  if (action === 'source') return {...base, state: 'source'};
  if (action === 'cancelled') return {...base, state: 'not started'};
  if (action === 'reuse') return {...base, state: 'reused'};
  if (outcome === undefined) {
    const folder = attempt === undefined ? undefined : store.jobFolder(attempt);
    const progress = folder === undefined ? undefined : lastProgress(jobFiles(folder).events);
    const isToFinish = folder !== undefined && readFinish(folder) !== undefined;
    return {...base, state: isAlive ? 'running' : 'interrupted', ...progress, ...(isToFinish ? {isToFinish} : {})};
  }
  const wall = outcome.cost === undefined ? {} : {wallMs: outcome.cost.wallMs};
  const recorded = recordedOutcome(outcome);
  if (recorded.reason === 'succeeded') return {...base, state: 'done', ...wall};
  if (recorded.reason === 'finished-early') return {...base, state: 'done', outcome: recorded, ...wall};
  const {place, lines} =
    attempt === undefined ? {lines: []} : lastWordsOf(recorded, jobFiles(store.jobFolder(attempt)).log, options);
  return {
    ...base,
    state: recorded.reason === 'stopped' ? 'stopped' : 'failed',
    outcome: recorded,
    ...(place === undefined ? {} : {place}),
    ...(lines.length === 0 ? {} : {lines}),
    ...wall,
  };
}
