/** What the stages ask of a model before reinforcement learning begins with it; light, for recipes that are only planned. */
import {REWARD_TIMEOUT} from '../rewards/names.js';

/** Params of a gate. */
export const GATE = {
  /** Share of the problems that one of `samples` responses has to solve. */
  least: 0.3,
  /** Problems that are asked, the first ones of those with an answer that can be checked; 0 for all of them. */
  prompts: 100,
  /** Responses to each problem. */
  samples: 8,
  temperature: 0.6,
  topP: 0.95,
  /** Tokens, the end token included; a response that is cut off counts as wrong. */
  maxNewTokens: 32_768,
  /** Prompts in one native call. */
  chunk: 8,
  /** Milliseconds for the judging of one response. */
  rewardTimeout: REWARD_TIMEOUT,
  /** Seed of the sampling, in the place of a run's seed. */
  gateSeed: 20260105,
};

/** What is wrong with them, each mistake a sentence. */
export const gateMistakes = ({least, prompts, samples}: typeof GATE): string[] => [
  ...(least > 0 && least <= 1
    ? []
    : [`least is ${least} and should be a share of the problems, above 0 and at most 1`]),
  ...(Number.isInteger(prompts) && prompts >= 0
    ? []
    : [`prompts is ${prompts} and should be a number of problems, or 0 for all of them`]),
  ...(Number.isInteger(samples) && samples > 0
    ? []
    : [`samples is ${samples} and should be a number of responses, 1 or more`]),
];
