/** Group-relative advantages: what a completion's reward says beside its siblings'. Plain numbers, no tensors. */

/**
 * A_i = (r_i − mean) / max(std, floor), or r_i − mean without the division (Dr. GRPO, arXiv 2503.20783). The standard
 * deviation is the population's. The floor keeps a difference of 0.02 in one reward, the only one in its group, from
 * counting as much as right against wrong. DeepSeek-R1, arXiv 2501.12948, equation 3.
 *
 * @param rewards of one group, any length but 0
 * @returns one advantage for each reward, in their order; all exactly 0 where the rewards are equal
 */
export function groupAdvantages(
  rewards: readonly number[],
  {divideByStd, stdFloor}: {readonly divideByStd: boolean; readonly stdFloor: number},
): number[] {
  // The mean of equal numbers may be off by a last bit, and what is not 0 is trained on.
  if (rewards.every((reward) => reward === rewards[0])) return rewards.map(() => 0);
  const mean = rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length;
  if (!divideByStd) return rewards.map((reward) => reward - mean);
  const scale = Math.max(spread(rewards), stdFloor);
  return rewards.map((reward) => (scale === 0 ? 0 : (reward - mean) / scale));
}

/** The population's standard deviation: √(Σ (x − mean)² / n). NaN of no values. */
export function spread(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

/**
 * DAPO's soft penalty for overlong completions, added to the reward: 0 up to `limit − margin` tokens, then linear down
 * to −1 at `limit` (arXiv 2503.14476, equation 13).
 *
 * @param margin tokens, above 0
 */
export function overlongPenalty(tokens: number, limit: number, margin: number): number {
  const free = limit - margin;
  if (tokens <= free) return 0;
  return tokens >= limit ? -1 : (free - tokens) / margin;
}
