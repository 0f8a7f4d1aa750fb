/** What the objective of GRPO is told (`grpo.ts`), as params; light, for recipes that are only planned. */
import {described} from '../../pipeline/params.js';
import {COUNT_OR_NONE, ZERO_OR_MORE} from '../common-params.js';

const RATIOS = ['token', 'sequence'] as const;
const AGGREGATES = ['response-mean', 'token-mean', 'constant'] as const;

/** Params of the objective, the paper's where it gives one. */
export const OBJECTIVE = {
  klCoefficient: described(0.001, 'β of the k3 estimator in the loss; 0 leaves the reference model out.', ZERO_OR_MORE),
  referenceEvery: described(
    400,
    'The policy becomes the reference after every this many steps, from the next rollout on; 0: never.',
    COUNT_OR_NONE,
  ),
  clipLow: described(
    10,
    'The ratio counts as at least 1 − this (the paper’s 10 for reasoning RL; not reported for R1-Zero).',
    ZERO_OR_MORE,
  ),
  clipHigh: described(10, 'The ratio counts as at most 1 + this; larger than clipLow in DAPO.', ZERO_OR_MORE),
  ratio: described('token', 'π/π_old of each token, or of the whole response as R1’s formula has it.', RATIOS),
  aggregate: described(
    'response-mean',
    'How tokens add up: each response’s mean (DeepSeekMath), the mean of all tokens (DAPO), or each response’s sum over maxNewTokens (constant, Dr. GRPO).',
    AGGREGATES,
  ),
  divideByStd: described(
    true,
    'Whether advantages are divided by the standard deviation of their group; false is Dr. GRPO (arXiv 2503.20783).',
  ),
  stdFloor: described(
    0.05,
    'The standard deviation of a group counts as at least this much reward, so that a small difference does not become a large advantage.',
    ZERO_OR_MORE,
  ),
  importanceCap: described(
    2,
    'Where rollouts are bf16, each sampled token weighs min(π_train / π_sampler, this) (Yao et al. 2025); 0 leaves the weights out.',
    ZERO_OR_MORE,
  ),
};
