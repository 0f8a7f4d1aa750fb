/** The wish to end a run early, in two steps: with checkpoints first, at once when asked again. */

export interface StopRequest {
  /** Aborted when the stages should write checkpoints and end. */
  readonly asked: AbortSignal;
  /** Aborted when they should be ended by force. */
  readonly now: AbortSignal;
}

export interface StopSwitch extends StopRequest {
  /** The first call asks, the second one forces. Returns what it did; `undefined` when there is nothing left to do. */
  press(): 'checkpoint' | 'kill' | undefined;
}

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
