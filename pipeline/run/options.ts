/** What a run is asked for, and what comes of it. */
import type {RunId, Store} from '../../artifacts/index.js';
import type {Emit, RunOutcome} from '../events.js';
import type {Executor} from '../executors/executor.js';
import type {Failure} from '../outcome.js';
import type {Result} from '../result.js';
import type {NodeResult, NodeFailure, NotStarted} from './run-node.js';
import type {Cancelled, Capacity, OnFailure} from './scheduler.js';
import type {StopRequest} from './stop.js';

export interface RunOptions {
  readonly store: Store;
  readonly executor: Executor;
  /** Where less, or more, is to be given out than the executor has. */
  readonly capacity: Partial<Capacity>;
  readonly onFailure: OnFailure;
  readonly emit: Emit;
  readonly stop: StopRequest;
  /** Seconds between the request to stop and the end by force; without it they follow from the stage's pace (`graceFor`). */
  readonly grace?: number | undefined;
  /** Nodes that are to end early, with what their newest checkpoints hold (`--finish`). */
  readonly finish?: readonly string[];
  /** What was typed, kept with the run. */
  readonly command: string;
  /** Goes on with this run instead of beginning one (`r1 resume`). */
  readonly resume?: RunId;
  /** What to do with checkpoints of the resumed run that only differ in code (`--accept-checkpoint`). */
  readonly otherCode?: 'accept' | 'refuse';
}

export type NodeEnd = Result<NodeResult, NodeFailure | RunFailure | NotStarted | Cancelled>;

/** Something that went wrong around a node rather than in it, so that there may be no attempt. */
export type RunFailure = Extract<Failure, {reason: 'store-failed' | 'unexpected-error' | 'unreachable'}> & {
  readonly attempt?: undefined;
};

/** How a run ended. */
export interface RunSummary {
  readonly run: RunId;
  readonly outcome: RunOutcome;
  /** Node → what became of it: reused, made, failed, not started. */
  readonly ends: ReadonlyMap<string, NodeEnd>;
  /** From the beginning of the run to its end, milliseconds. */
  readonly wallMs: number;
}
