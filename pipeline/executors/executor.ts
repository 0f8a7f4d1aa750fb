/**
 * What the runner needs of whoever runs job folders: this machine, a cluster, or a puppet in a test. How a job is found again,
 * by a pid or by a number that a scheduler gave out, is the executor's own business; the runner knows its folder and its tag.
 */
import type {StopRecord} from '../job/folder.js';
import type {LackOfMemory} from '../outcome.js';
import type {Resources} from '../stage.js';

export interface Executor {
  /**
   * Names the time within which everything that a job has written can be relied on, as from one start of a machine to the
   * next; a new name means that bytes may be gone which never reached the disk. The runner keeps it with each job that it
   * prepares, and hands it back to `adopt`.
   */
  epoch(): Promise<string>;
  /**
   * How many GPUs a stage that computes with tensors holds where neither it nor its node says so: none where it computes on the
   * processor whatever else there is. Default 1.
   */
  gpusOfTensors?(): Promise<number>;
  /** What there is to give out. `memory` in MiB. With `gpu: false` no GPUs are looked for, which may take long, as nobody asks for one. */
  capacity(asked?: {readonly gpu: boolean}): Promise<Resources>;
  /** Starts the job that lies ready in `folder`. Rejects only when nothing was started. */
  start(job: StartRequest): Promise<Running>;
  /** Takes over the process of a job whose runner died, and ends what is left of one whose process has ended. */
  adopt(job: AdoptRequest): Promise<Adoption>;
  /** Whether the process of a job is there. Only looks, and touches nothing. */
  isRunning(job: JobPlace): Promise<boolean>;
  /** The process of a job in words, for a person; undefined where it is not there. Only looks as well. */
  look?(job: JobPlace): Promise<SeenJob | undefined>;
  /** Ends what helps it to start jobs; jobs that run go on. */
  close?(): void;
}

/** A process as it is called where it runs: `process 4242`, or the number that a scheduler gave out. */
export interface SeenJob {
  readonly name: string;
  /** For how long it has been there, ms. */
  readonly forMs?: number;
}

export interface JobPlace {
  readonly folder: string;
  /** In the environment of the process and all that it starts, as `R1_ATTEMPT`. */
  readonly tag: string;
}

export interface StartRequest extends JobPlace {
  /** Environment variables of this job alone. Whoever starts it hands them on unseen: they may be secret. */
  readonly env?: Readonly<Record<string, string>>;
  /** A program to run instead of the stage's module. */
  readonly command?: readonly string[];
  /** GPUs that it is to hold, at most those that there are. Default 0. */
  readonly gpu?: number;
  /** Told what it waits for when it cannot be started at once, again when that changes. */
  readonly waiting?: (text: string) => void;
  /** Told what a person should know though nothing hangs on it. */
  readonly note?: (text: string) => void;
  /** Aborted when it need not be started any more; `start` then rejects as long as it waits. */
  readonly signal?: AbortSignal | undefined;
}

export interface AdoptRequest extends JobPlace {
  /** What `epoch` was when the job was prepared. */
  readonly epoch: string;
  /** Told when whoever saw the end of the process takes long to write down how it ended. */
  readonly waiting?: (text: string) => void;
}

/** What became of a job whose runner died. */
export type Adoption =
  /** The end of an adopted process is not ours to see, so it ends as `unseen`. */
  | {readonly state: 'running'; readonly running: Running}
  /**
   * No process of it is left, or the folder is a copy and the process is of the original, which nobody here may touch.
   * `trusted`: what it wrote is as it wrote it, so a result that it left counts. `memory` as in `Exit`.
   */
  | {readonly state: 'gone'; readonly trusted: boolean; readonly memory?: LackOfMemory}
  /** Nobody can tell now, as when a cluster does not answer; `why` is a sentence. It may run, so nothing is done about it. */
  | {readonly state: 'unknown'; readonly why: string};

/** Why a process is asked to end. */
export type StopWhy = Exclude<StopRecord['why'], 'signal'>;

export interface Running {
  /** Resolves when the main process and everything that it left behind are dead. Rejects only where that cannot be told. */
  readonly exit: Promise<Exit>;
  /**
   * Asks the main process to write a checkpoint and end, after it has written down that it did. One that has ended already
   * is not asked any more. Rejects when nothing could be written down; it was asked all the same.
   */
  stop(why: StopWhy): Promise<void>;
  /** Ends all of it at once. */
  kill(): Promise<void>;
  /** What it used so far, where the system tells. */
  usage(): Promise<Used | undefined>;
}

/** A process of which nothing is left, and whose end nobody saw. */
export const endedUnseen = (memory?: LackOfMemory): Running => ({
  exit: Promise.resolve({how: {type: 'unseen'}, leftovers: [], ...(memory === undefined ? {} : {memory})}),
  stop: () => Promise.resolve(),
  kill: () => Promise.resolve(),
  usage: () => Promise.resolve(undefined),
});

export interface Used {
  /** Seconds. */
  readonly user: number;
  readonly system: number;
  /** Peak resident memory of the main process, bytes. */
  readonly memory: number;
}

export interface Exit {
  readonly how:
    | {readonly type: 'exited'; readonly code: number}
    | {readonly type: 'signalled'; readonly signal: string}
    /** The process was not ours to wait for. */
    | {readonly type: 'unseen'}
    | {readonly type: 'unstarted'; readonly message: string};
  readonly leftovers: readonly {readonly pid: number; readonly command: string}[];
  /** Processor time of the process and of all that it waited for, seconds, where whoever saw the end was told. */
  readonly used?: {readonly user: number; readonly system: number};
  /** Whether memory was lacking, for an end that was not a good one, where whoever saw it can tell. */
  readonly memory?: LackOfMemory;
}
