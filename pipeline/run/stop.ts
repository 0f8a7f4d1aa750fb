/** The wish to end a run early, in two steps: with checkpoints first, at once when asked again. */

export interface StopRequest {
  /** Aborted when the stages should write checkpoints and end. */
  readonly asked: AbortSignal;
  /** Aborted when they should be ended by force. */
  readonly now: AbortSignal;
}

/** Seconds that a stage has, where nobody says otherwise, to write a checkpoint and end once it is asked to; then it is killed. */
export const GRACE = {
  /** At least, and at most; between them it follows from what the stage has shown. */
  least: 30,
  most: 600,
  /** Nothing of it is kept. */
  reproduce: 10,
  /** A process that a killed runner has left behind; a later run may still want its checkpoint. */
  orphan: 10,
} as const;

/** The machine may be busier when a stage is stopped than when it was measured. */
const MARGIN = 2;

/**
 * Seconds that a stage has to end once it is asked to: it is in the middle of a step, and a checkpoint is still to be written.
 * @param measured milliseconds, as far as they are known
 */
export function graceFor({
  stepMs = 0,
  checkpointMs = 0,
}: {
  stepMs?: number | undefined;
  checkpointMs?: number | undefined;
}): number {
  const seconds = Math.ceil((MARGIN * (stepMs + checkpointMs)) / 1000);
  return Math.min(GRACE.most, Math.max(GRACE.least, seconds));
}

/** A request to stop that its owner can make: by a signal's handler, by a button. */
export interface StopSwitch extends StopRequest {
  /** The first call asks, the second one forces. Returns what it did; `undefined` when there is nothing left to do. */
  press(): 'checkpoint' | 'kill' | undefined;
}

/** A switch that nobody has pressed yet, for `RunProgram.stop`. The first press asks, the second one forces. */
export function stopSwitch(): StopSwitch {
  const asked = new AbortController();
  const now = new AbortController();
  return {
    asked: asked.signal,
    now: now.signal,
    press() {
      if (!asked.signal.aborted) {
        asked.abort();
        return 'checkpoint';
      }
      if (now.signal.aborted) return undefined;
      now.abort();
      return 'kill';
    },
  };
}
