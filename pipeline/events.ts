/** What happens in a run, as it happens: the live view, the plain lines and `--json` are three ways to print these. */
import type {Cost, Digest, Remedy} from '../artifacts/index.js';
import type {Failure, Outcome} from './outcome.js';

/** Whatever a run reports while it goes on. `type` says which; times are milliseconds, sizes bytes. */
export type RunEvent =
  | RunStarted
  | NodeSettled
  | NodeWaiting
  | NodeStarted
  | NodeProgress
  | NodeMetric
  | NodeNote
  | NodeCheckpoint
  | NodeFinished
  | NodeFailed
  | NodeCancelled
  | Warning
  | StopAsked
  | RunFinished;

export interface RunStarted {
  readonly type: 'run-started';
  readonly run: number;
  readonly recipe: string;
  readonly seed: number;
  readonly nodes: number;
  /** Nodes that are known to run, and those that may. */
  readonly toRun: readonly string[];
  readonly mayRun: readonly string[];
  readonly expectedMs: number;
}

/** Nothing to do for a node: an earlier attempt is used, or it comes from outside. */
export interface NodeSettled {
  readonly type: 'node-reused' | 'node-source';
  /** False for a hit that only showed on the way, once the inputs were known. */
  readonly planned: boolean;
  readonly node: string;
  readonly attempt: number;
  readonly because: string;
  readonly outputs: Readonly<Record<string, Digest>>;
}

/** Another runner, or another node of this run, is at the very same work; its result will be used. */
export interface NodeWaiting {
  readonly type: 'node-waiting';
  readonly node: string;
  readonly attempt: number;
  readonly run: number;
}

export interface NodeStarted {
  readonly type: 'node-started';
  readonly node: string;
  readonly stage: string;
  readonly attempt: number;
  readonly because: string;
  readonly log: string;
  /** The attempt and step of the checkpoint that it goes on from. */
  readonly continues?: {readonly attempt: number; readonly step: number};
  /** The process of a runner that was killed; it went on by itself and is now ours. */
  readonly adopted?: boolean;
  /** It had ended by then, and only nobody had recorded what came of it. */
  readonly ended?: boolean;
  readonly expectedMs?: number;
}

export interface NodeProgress {
  readonly type: 'node-progress';
  readonly node: string;
  readonly at: number;
  readonly step: number;
  readonly total: number;
  readonly tokens?: number;
}

export interface NodeMetric {
  readonly type: 'node-metric';
  readonly node: string;
  readonly name: string;
  readonly step: number;
  readonly value: number;
}

export interface NodeNote {
  readonly type: 'node-note';
  readonly node: string;
  readonly text: string;
}

export interface NodeCheckpoint {
  readonly type: 'node-checkpoint';
  readonly node: string;
  readonly step: number;
}

export interface NodeFinished {
  readonly type: 'node-finished';
  readonly node: string;
  /** What `--set` could change; left out when the stage takes no params. */
  readonly params?: readonly string[];
  readonly attempt: number;
  readonly outcome: Outcome;
  readonly cost: Cost;
  readonly log: string;
  readonly outputs: Readonly<Record<string, Digest>>;
}

/** Something went wrong around a node rather than in its stage: the store would not take it, or r1 itself erred. */
export interface NodeFailed {
  readonly type: 'node-failed';
  readonly node: string;
  readonly outcome: Failure;
}

/** Never started, because of the node at the root of the trouble, or because the run came to an end before its turn. */
export interface NodeCancelled {
  readonly type: 'node-cancelled';
  readonly node: string;
  readonly because?: string;
}

export interface Warning {
  readonly type: 'warning';
  readonly text: string;
  /** What to do about it, where that is a command or an option of r1. */
  readonly remedy?: Remedy;
}

export interface StopAsked {
  readonly type: 'stop-asked';
  readonly how: 'checkpoint' | 'kill';
}

export interface RunFinished {
  readonly type: 'run-finished';
  readonly run: number;
  readonly outcome: RunOutcome;
  readonly ran: number;
  readonly reused: number;
  readonly failed: number;
  readonly stopped: number;
  readonly cancelled: number;
  readonly wallMs: number;
  /** What earlier runs made one expect; 0 when nothing was known. */
  readonly expectedMs: number;
}

export type RunOutcome = 'succeeded' | 'failed' | 'stopped';

export type Emit = (event: RunEvent) => void;
