/** How long and how large one comparison may be. */

/** Limits of one comparison. Processor time decides, so that a busy machine changes no verdict; the wall is against hanging. */
export interface MathLimits {
  /** Seconds. */
  readonly cpu: number;
  /** Seconds without computing. */
  readonly wall: number;
  /** MiB. */
  readonly memory: number;
}

/** Those of the grader. */
export const MATH_LIMITS: MathLimits = {cpu: 1, wall: 5, memory: 512};
