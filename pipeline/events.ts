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
  | NodeStopping
  | NodeFinished
  | NodeFailed
  | NodeCancelled
  | Warning
  | StopAsked
  | RunFinished;

/** The plan is made, and nodes begin. */
export interface RunStarted {
  readonly type: 'run-started';
  readonly run: number;
  readonly recipe: string;
  readonly seed: number;
  /** Number of nodes in the plan, without what comes from outside. */
  readonly nodes: number;
  /** Nodes that are known to run. */
  readonly toRun: readonly string[];
  /** Nodes that run if what they need changes. */
  readonly mayRun: readonly string[];
  /** What the critical path took in earlier runs, milliseconds; 0 when nothing is known. */
  readonly expectedMs: number;
}

/** Nothing to do for a node: an earlier attempt is used, or it comes from outside. */
export interface NodeSettled {
  readonly type: 'node-reused' | 'node-source';
  /** False for a hit that only showed on the way, once the inputs were known. */
  readonly planned: boolean;
  readonly node: string;
  readonly attempt: number;
  /** Why, as a phrase. */
  readonly because: string;
  /** Output port → artifact. */
  readonly outputs: Readonly<Record<string, Digest>>;
}

/** Another runner, or another node of this run, is at the very same work; its result will be used. */
export interface NodeWaiting {
  readonly type: 'node-waiting';
  readonly node: string;
  readonly attempt: number;
  /** The run that is at it. */
  readonly run: number;
}

/** The process of an attempt has started. */
export interface NodeStarted {
  readonly type: 'node-started';
  readonly node: string;
  readonly stage: string;
  readonly attempt: number;
  /** Why it runs, as a phrase. */
  readonly because: string;
  /** Path of its log. */
  readonly log: string;
  /** The attempt and step of the checkpoint that it resumes from. */
  readonly continues?: {readonly attempt: number; readonly step: number};
  /** The process of a runner that was killed; it went on by itself and is now ours. */
  readonly adopted?: boolean;
  /** It had ended by then, and only nobody had recorded what came of it. */
  readonly ended?: boolean;
  /** What the newest success of the node took, milliseconds. */
  readonly expectedMs?: number;
}

/** A stage has reported how far it is. */
export interface NodeProgress {
  readonly type: 'node-progress';
  readonly node: string;
  /** When it did, milliseconds since 1970. */
  readonly at: number;
  /** Step `step` of `total`. */
  readonly step: number;
  readonly total: number;
  /** Tokens processed so far. */
  readonly tokens?: number;
}

/** A point of a curve. */
export interface NodeMetric {
  readonly type: 'node-metric';
  readonly node: string;
  readonly name: string;
  readonly step: number;
  readonly value: number;
}

/** A line of a stage for a person. */
export interface NodeNote {
  readonly type: 'node-note';
  readonly node: string;
  readonly text: string;
}

/** A checkpoint is safe. */
export interface NodeCheckpoint {
  readonly type: 'node-checkpoint';
  readonly node: string;
  /** The last step whose work is in it, counted from 1. */
  readonly step: number;
}

/** A running stage is asked to end early. */
export interface NodeStopping {
  readonly type: 'node-stopping';
  readonly node: string;
  /** It is ended by force after so many. */
  readonly seconds: number;
  /** Set where it has written checkpoints, so that another one is to be expected. */
  readonly forCheckpoint?: true;
}

/** The process of an attempt has ended, well or badly, and its outputs are stored if it has any. */
export interface NodeFinished {
  readonly type: 'node-finished';
  readonly node: string;
  /** What `--set` could change; left out when the stage takes no params. */
  readonly params?: readonly string[];
  readonly attempt: number;
  readonly outcome: Outcome;
  readonly cost: Cost;
  /** Path of its log. */
  readonly log: string;
  /** Output port → artifact; empty after a failure. */
  readonly outputs: Readonly<Record<string, Digest>>;
}

/** Something went wrong around a node rather than in its stage: the store would not take it, or r1 itself failed. */
export interface NodeFailed {
  readonly type: 'node-failed';
  readonly node: string;
  readonly outcome: Failure;
}

/** Never started, because of the node at the root of the trouble, or because the run came to an end before its turn. */
export interface NodeCancelled {
  readonly type: 'node-cancelled';
  readonly node: string;
  /** Id of that node; left out where the run ended before its turn. */
  readonly because?: string;
}

/** Something that a person should know, and that stops nothing. */
export interface Warning {
  readonly type: 'warning';
  readonly text: string;
  /** What to do about it, where that is a command or an option of r1. */
  readonly remedy?: Remedy;
}

/** A person or a failure ends the run early: with checkpoints, or at once. */
export interface StopAsked {
  readonly type: 'stop-asked';
  readonly how: 'checkpoint' | 'kill';
}

/** The run is over; numbers are those of nodes, without what comes from outside. */
export interface RunFinished {
  readonly type: 'run-finished';
  readonly run: number;
  readonly outcome: RunOutcome;
  readonly ran: number;
  readonly reused: number;
  readonly failed: number;
  readonly stopped: number;
  readonly cancelled: number;
  /** From its beginning to its end, milliseconds. */
  readonly wallMs: number;
  /** What earlier runs made one expect, milliseconds; 0 when nothing was known. */
  readonly expectedMs: number;
}

export type RunOutcome = 'succeeded' | 'failed' | 'stopped';

export type Emit = (event: RunEvent) => void;
