/**
 * Logistic regression with an L1 penalty, soft targets and weights, without an intercept: what scikit-learn's `LogisticRegressionCV`
 * fits with `penalty='l1'` and `solver='liblinear'`, of few features. Liblinear stops when it is near the minimum; this goes there.
 */

/** An observation. */
export interface Observation {
  /** As many as there are weights. */
  readonly features: readonly number[];
  /** The probability that is to be predicted. */
  readonly target: number;
  /** How much it counts. */
  readonly weight: number;
  /** Observations of one group are held out together, in the order of their first appearance. */
  readonly group: number | string;
}

/** Inverse strengths of the penalty that are tried: ten from 10⁻⁴ to 10⁴, evenly in their logarithms, as scikit-learn has them. */
const STRENGTHS: readonly number[] = Array.from({length: 10}, (_, place) => 10 ** (-4 + (8 * place) / 9));
export const FOLDS = 5;

function dot(a: readonly number[], b: readonly number[]): number {
  let sum = 0;
  for (let place = 0; place < a.length; place++) sum += a[place]! * b[place]!;
  return sum;
}
const norm = (weights: readonly number[]): number => weights.reduce((sum, weight) => sum + Math.abs(weight), 0);
/** log(1 + eᶻ) without overflow. */
const softplus = (z: number): number => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));
const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));

/** The probability that these weights predict. */
export const predicted = (weights: readonly number[], features: readonly number[]): number =>
  sigmoid(dot(weights, features));

const MOST_STEPS = 200;
const MOST_SWEEPS = 500;
/** Of the objective's value: a step that promises less is the last one. */
const TOLERANCE = 1e-12;

/**
 * The weights w that minimise ‖w‖₁ + C · Σ weight · (log(1 + eᶻ) − target · z), z = w · features, by Newton steps on the quadratic
 * model, each solved one coordinate at a time and shortened until the objective falls (Friedman, Hastie & Tibshirani,
 * https://doi.org/10.18637/jss.v033.i01; Yuan, Ho & Lin, JMLR 13:1999).
 *
 * @param strength C, above 0
 * @param start where to begin; it changes how long it takes and nothing else
 */
export function fitLogistic(
  observations: readonly Observation[],
  strength: number,
  start: readonly number[] = new Array<number>(observations[0]?.features.length ?? 0).fill(0),
): number[] {
  const objective = (at: readonly number[]): number => {
    let sum = 0;
    for (const {features, target, weight} of observations) {
      const z = dot(at, features);
      sum += weight * (softplus(z) - target * z);
    }
    return norm(at) + strength * sum;
  };
  let weights = [...start];
  let value = objective(weights);
  for (let step = 0; step < MOST_STEPS; step++) {
    const {gradient, hessian} = slopes(observations, strength, weights);
    const direction = coordinateStep(weights, gradient, hessian);
    const moved = (share: number): number[] => weights.map((weight, place) => weight + share * direction[place]!);
    const promised = dot(gradient, direction) + norm(moved(1)) - norm(weights);
    if (promised > -TOLERANCE * (1 + Math.abs(value))) break;
    let share = 1;
    let next = objective(moved(share));
    while (next > value + 1e-4 * share * promised && share > 1e-10) {
      share /= 2;
      next = objective(moved(share));
    }
    if (next >= value) break; // Nothing nearer can be told apart in double precision.
    weights = moved(share);
    value = next;
  }
  return weights;
}

/** First and second derivatives of the part that is smooth. */
function slopes(
  observations: readonly Observation[],
  strength: number,
  weights: readonly number[],
): {readonly gradient: number[]; readonly hessian: number[][]} {
  const gradient = weights.map(() => 0);
  const hessian = weights.map(() => weights.map(() => 0));
  for (const {features, target, weight} of observations) {
    const p = predicted(weights, features);
    const [slope, bend] = [strength * weight * (p - target), strength * weight * p * (1 - p)];
    // Plain loops: a bootstrap comes by here a hundred million times.
    for (let row = 0; row < features.length; row++) {
      gradient[row]! += slope * features[row]!;
      const bends = hessian[row]!;
      for (let column = 0; column < features.length; column++)
        bends[column]! += bend * features[row]! * features[column]!;
    }
  }
  return {gradient, hessian};
}

/** Where the quadratic model with the penalty is least, from these weights: one coordinate after the other until none moves. */
function coordinateStep(
  weights: readonly number[],
  gradient: readonly number[],
  hessian: readonly (readonly number[])[],
): number[] {
  const direction = weights.map(() => 0);
  for (let sweep = 0; sweep < MOST_SWEEPS; sweep++) {
    let most = 0;
    for (const [place, row] of hessian.entries()) {
      const bend = Math.max(row[place]!, 1e-12);
      const slope = gradient[place]! + dot(row, direction);
      const at = weights[place]! + direction[place]!;
      const bare = at - slope / bend;
      const next = Math.sign(bare) * Math.max(0, Math.abs(bare) - 1 / bend);
      direction[place]! += next - at;
      most = Math.max(most, Math.abs(next - at));
    }
    if (most < 1e-13) break;
  }
  return direction;
}

/** Of probabilities: a logarithm of 0 would make one observation all of the loss. */
const LEAST = 1e-15;

/** The mean over observations of weight times cross-entropy. */
function lossOf(observations: readonly Observation[], weights: readonly number[]): number {
  const sum = observations.reduce((all, {features, target, weight}) => {
    const p = Math.min(1 - LEAST, Math.max(LEAST, predicted(weights, features)));
    return all - weight * (target * Math.log(p) + (1 - target) * Math.log(1 - p));
  }, 0);
  return sum / observations.length;
}

/**
 * The strength of the penalty under which groups that were held out are predicted best, over five folds. Folds are dealt from the last
 * group to the first, as scikit-learn's `GroupKFold` deals groups of one size.
 *
 * @returns C; the smallest where several are as good. `undefined` where there are fewer groups than folds
 */
export function strengthOf(observations: readonly Observation[]): number | undefined {
  const groups = [...new Set(observations.map(({group}) => group))];
  if (groups.length < FOLDS) return undefined;
  const foldOf = new Map(groups.map((group, place) => [group, (groups.length - 1 - place) % FOLDS]));
  const losses = STRENGTHS.map(() => 0);
  for (let fold = 0; fold < FOLDS; fold++) {
    const held = observations.filter(({group}) => foldOf.get(group) === fold);
    const rest = observations.filter(({group}) => foldOf.get(group) !== fold);
    for (const [place, strength] of STRENGTHS.entries()) losses[place]! += lossOf(held, fitLogistic(rest, strength));
  }
  return STRENGTHS[losses.indexOf(Math.min(...losses))]!;
}
