/**
 * Makes the environment of a node's stage ready for an attempt, and sees that it is the one whose identity the fingerprint counts:
 * hours may lie between plan and attempt, and a package is upgraded in a second.
 */
import {environmentDifferences} from '../fingerprint/fingerprint.js';
import type {StageStopped, StartFailed} from '../outcome.js';
import {inFewWords} from '../plan/plan.js';
import {err, ok} from '../result.js';
import type {Result} from '../result.js';
import type {EnvironmentIdentity, EnvironmentWords} from '../stage.js';
import type {StageNode} from '../wiring/nodes.js';

export interface Readying {
  /** What the fingerprint counts of it. */
  readonly counted: EnvironmentIdentity | undefined;
  /** Told what takes long. */
  readonly note: (text: string) => void;
  /** Aborted when a stop is asked for. */
  readonly signal: AbortSignal;
}

/** What the environment adds to the context of `argv`, nothing where the stage declares none; or how the attempt ends without it. */
export async function readyEnvironment(
  {stage}: StageNode,
  {counted, note, signal}: Readying,
): Promise<Result<EnvironmentWords, StartFailed | StageStopped>> {
  const {environment} = stage;
  if (environment === undefined) return ok({});
  try {
    const words = await environment.open({note, signal});
    const changes = environmentDifferences(counted, await environment.identity());
    if (changes.length === 0) return ok(words);
    const message = `its environment is not the one that was planned with: ${inFewWords(changes)}; run it again`;
    return err({reason: 'start-failed', message});
  } catch (error) {
    if (signal.aborted) return err({reason: 'stopped'});
    return err({reason: 'start-failed', message: error instanceof Error ? error.message : String(error)});
  }
}
