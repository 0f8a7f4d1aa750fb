/** What draws samples, as stages see it. */
import type {Chunk, Sample} from '../engine/programs/generation.js';

export interface Sampler {
  /**
   * Samples every chunk under the current weights. `take` is called once for each, with its index among the chunks, in any order.
   * @throws {StageFailure} when workers keep dying
   */
  generate(chunks: Iterable<Chunk>, take: (index: number, samples: readonly Sample[]) => void): Promise<void>;
  /** Ends what was started for it. */
  close(): Promise<void>;
}
