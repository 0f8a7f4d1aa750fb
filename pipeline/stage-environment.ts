/**
 * What a stage's program runs in, where that is more than the machine: an installation of Python with its packages, a container.
 * The runner knows nothing of either: it asks what counts of an environment, and has it made ready before an attempt.
 */
import type {Json} from './params.js';

/** What counts of an environment in fingerprints: what a person calls a part of it → its version or digest. */
export type EnvironmentIdentity = Readonly<Record<string, string>>;

/** What an environment adds to the context of `argv`, such as `{python: '/…/bin/python'}`. */
export type EnvironmentWords = Readonly<Record<string, string>>;

/** How an environment stands, said before anything runs. */
export interface EnvironmentState {
  readonly state: 'there' | 'to be made' | 'missing';
  /** What it is and how it stands, with what to do where it is missing: the end of a sentence that begins with the nodes. */
  readonly what: string;
}

/** An environment as a stage declares it. `python` of `r1/stages` makes one. */
export interface StageEnvironment<W extends EnvironmentWords = EnvironmentWords> {
  /**
   * What of it counts in fingerprints. Asked once a plan, and again before each attempt, so it starts no process where nothing has
   * changed. A part that is missing is `none`: the plan then says what is missing, and `open` why nothing can be done without it.
   *
   * @throws {StageFailure} where it cannot be said at all, as where a file that describes it cannot be read
   */
  identity(): Promise<EnvironmentIdentity>;
  /**
   * What of the machine counts for a stage that computes with tensors in it, in the place of the class that set-up wrote down for
   * stages which compute in r1 itself.
   */
  runtime?(uses: {readonly threads: number; readonly gpus: number}): Readonly<Record<string, Json>>;
  /** Whether it is there, can be made, or what is missing. Changes nothing. */
  state(): Promise<EnvironmentState>;
  /**
   * Makes it ready, right before an attempt.
   *
   * @throws {StageFailure} where that cannot be, with a sentence whose first line names the cause
   * @throws {Stopped} where `signal` was aborted meanwhile
   */
  open(context: {readonly note: (text: string) => void; readonly signal: AbortSignal}): Promise<W>;
}
