/** What the runner needs of whoever runs job folders: this machine, a cluster, or a puppet in a test. */
import type {StopRecord} from '../job/folder.js';

export interface Executor {
  /** Starts the job that lies ready in `folder`. Rejects only when nothing was started. */
  start(job: StartRequest): Promise<Running>;
  /**
   * Takes over the process of a job whose runner died, or its remains: `undefined` when no process of it is left, or when
   * the folder is a copy and the process is of the original, which nobody here may touch. The exit of an adopted process is
   * not ours to see, so it ends as `unseen`.
   */
  adopt(job: AdoptRequest): Promise<Running | undefined>;
  /** Ends what helps it to start jobs; jobs that run go on. */
  close?(): void;
}

export interface StartRequest {
  readonly folder: string;
  /** In the environment of the process and all that it starts, as `R1_ATTEMPT`. */
  readonly tag: string;
  /** Environment variables of this job alone. Whoever starts it hands them on unseen: they may be secret. */
  readonly env?: Readonly<Record<string, string>>;
  /** A program to run instead of the stage's module. */
  readonly command?: readonly string[];
}

export interface AdoptRequest {
  readonly folder: string;
  readonly tag: string;
  /** Told when whoever saw the end of the process takes long to write down how it ended. */
  readonly waiting?: (text: string) => void;
}

/** Why a process is asked to end. */
export type StopWhy = Exclude<StopRecord['why'], 'signal'>;

export interface Running {
  readonly pid: number;
  /** Resolves when the main process and everything that it left behind are dead. Never rejects. */
  readonly exit: Promise<Exit>;
  /**
   * Asks the main process to write a checkpoint and end, after it has written down that it did. One that has ended already
   * is not asked any more. Throws when nothing could be written down; it was asked all the same.
   */
  stop(why: StopWhy): void;
  /** Ends the whole group at once. */
  kill(): void;
  /** What it used so far, where the system tells. */
  usage(): Used | undefined;
}

/** A process of which nothing is left, and whose end nobody saw. */
export const GONE: Running = {
  pid: 0,
  exit: Promise.resolve({how: {type: 'unseen'}, leftovers: []}),
  stop: () => undefined,
  kill: () => undefined,
  usage: () => undefined,
};

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
}
