/** Learning rates over steps. A step is one optimizer update, counted from 0. */

/** Step, counted from 0 → learning rate. */
export type Schedule = (step: number) => number;

/**
 * Linear from 0 over `warmup` steps, then half a cosine from `peak` down to `floor` at the last of `steps` (SGDR
 * without restarts, arXiv 1608.03983, equation 5). The first step has peak / warmup, not 0.
 */
export function cosine(options: {
  readonly steps: number;
  readonly warmup?: number;
  readonly peak: number;
  /** A tenth of the peak unless given, as the paper's fine-tuning has it. */
  readonly floor?: number;
}): Schedule {
  const {steps, warmup = 0, peak, floor = peak / 10} = options;
  return (step) => {
    if (step < warmup) return (peak * (step + 1)) / warmup;
    const progress = Math.min(1, (step - warmup) / Math.max(1, steps - 1 - warmup));
    return floor + ((peak - floor) * (1 + Math.cos(Math.PI * progress))) / 2;
  };
}

/** Linear from 0 over `warmup` steps, then `peak`. The first step has peak / warmup, not 0. */
export function constant({warmup = 0, peak}: {readonly warmup?: number; readonly peak: number}): Schedule {
  return (step) => (step < warmup ? (peak * (step + 1)) / warmup : peak);
}
