/** What a program may ask of evaluations. Recipes import the same door, and load none of this: it is loaded when it is called. */
import type {EvaluationComparison, EvaluationToCompare} from './compare-evaluations.js';
import type {SeedSpread} from './over-seeds.js';
import type {Evaluated} from './report/inputs.js';

/**
 * An evaluation as it lies in a folder, which `r1 export NODE:scores FOLDER` writes out: settings, scores and the judged responses.
 *
 * @throws {StageFailure} naming the file that is not one of an evaluation
 */
export const readEvaluation = async (folder: string): Promise<Evaluated> =>
  (await import('./report/read-evaluation.js')).readEvaluation(folder);

/**
 * Compares what two models scored: every metric of either with its 95 % interval over problems, the difference other − baseline paired
 * on the problems that both were asked, problems won and lost by the share of right responses, and which settings were not the same.
 * The intervals hold the sampling of problems; what another seed of the training would give is not in them.
 */
export const compareEvaluations = async (
  baseline: EvaluationToCompare,
  other: EvaluationToCompare,
): Promise<EvaluationComparison> => (await import('./compare-evaluations.js')).compareEvaluations(baseline, other);

/**
 * A number over several seeds of one recipe: its mean, lowest and highest value, and from three seeds on Student's t-interval at 95 %,
 * which holds the noise of training.
 *
 * @param values one of each seed, at least one
 */
export const spreadOverSeeds = async (values: readonly number[]): Promise<SeedSpread> =>
  (await import('./over-seeds.js')).spreadOverSeeds(values);
