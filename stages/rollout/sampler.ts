/** Who draws samples, as stages see it. */
import type {Chunk, Sample} from '../engine/programs/generation.js';

export interface Sampler {
  /**
   * Samples of every chunk under the weights of now. `take` is called once for each, with its place among the chunks; in
   * which order is left open.
   * @throws StageFailure when workers keep dying
   */
  generate(chunks: Iterable<Chunk>, take: (index: number, samples: readonly Sample[]) => void): Promise<void>;
  /** Ends what was started for it. */
  close(): Promise<void>;
}
