/** What was run in a store, and how it ended. */
import type {Run, RunId, Store} from '../../artifacts/index.js';

/** What every answer about a run says of it first. */
export interface RunHead {
  readonly run: RunId;
  readonly recipe: string;
  readonly seed: number;
  /** The command line that began it. */
  readonly command: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** `running`, how its runner said that it ended (`succeeded`, `failed`, `stopped` …), or `interrupted`. */
  readonly state: string;
}

/** One line of a list of runs. */
export interface RunOverview extends RunHead {
  /** Milliseconds since 1970. Undefined while it is going on, and where it was interrupted. */
  readonly endedAt: number | undefined;
  /** How often it was begun or resumed. */
  readonly sessions: number;
  /** Numbers of nodes: made by this run, used again, ended badly, called off. */
  readonly ran: number;
  readonly reused: number;
  readonly failed: number;
  readonly cancelled: number;
}

/** `running`, how its runner said that it ended (`succeeded`, `failed`, `stopped` …), or `interrupted`: the runner died. */
export const runStateOf = (store: Store, run: Run): string =>
  store.isAlive(run.id) ? 'running' : (run.end?.outcome ?? 'interrupted');

/** The runs of a store, newest first; at most `limit` of them, all without one. */
export const runsOf = (store: Store, {limit}: {readonly limit?: number} = {}): RunOverview[] =>
  store.runs(limit ?? -1).map((run) => overviewOf(store, run));

function overviewOf(store: Store, run: Run): RunOverview {
  const nodes = store.nodesOf(run.id);
  const number = (wanted: (node: (typeof nodes)[number]) => boolean): number => nodes.filter(wanted).length;
  return {
    run: run.id,
    recipe: run.recipe,
    seed: run.seed,
    command: run.command,
    startedAt: run.startedAt,
    state: runStateOf(store, run),
    endedAt: run.end?.at,
    sessions: run.sessions,
    ran: number(({action, outcome}) => action === 'run' && outcome?.ok === true),
    reused: number(({action}) => action === 'reuse'),
    failed: number(({action, outcome}) => action === 'run' && outcome?.ok === false),
    cancelled: number(({action}) => action === 'cancelled'),
  };
}
