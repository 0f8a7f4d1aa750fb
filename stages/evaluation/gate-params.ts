/** What the stages ask of a model before reinforcement learning begins with it; light, for recipes that are only planned. */
import {described, type ValuesOf} from '../../pipeline/params.js';
import {COUNT, COUNT_OR_NONE, SEED, SOME, chunk, temperature, topP} from '../common-params.js';
import {JUDGING_TIME} from '../rewards/names.js';

/** Params of a gate. */
export const GATE = {
  least: described(0.3, 'Share of the problems that one of `samples` responses has to solve.', SOME),
  prompts: described(
    100,
    'Problems that are asked, the first ones of those with an answer that can be checked; 0 for all of them.',
    COUNT_OR_NONE,
  ),
  samples: described(8, 'Responses to each problem.', COUNT),
  temperature: temperature(0.6),
  topP: topP(0.95),
  maxNewTokens: described(32_768, 'Tokens, the end token included; a response that is cut off counts as wrong.', COUNT),
  chunk: chunk(8),
  ...JUDGING_TIME,
  gateSeed: described(20260105, 'Seed of the sampling, in the place of a run’s seed.', SEED),
};

/** Their values. */
export type GateParams = ValuesOf<typeof GATE>;
