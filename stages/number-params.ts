/**
 * What the numbers may be that several stages take as params. Each is looked at before anything runs: what samples or trains would
 * learn of a wrong one hours later, or compute something else without a word. Light, since a recipe that is only planned loads it.
 */

/** What a number may be: a test, and what a message says of it behind “and should be”. */
interface Rule {
  readonly isRight: (value: number) => boolean;
  readonly should: string;
}

/** By the name of the param. */
type Rules<P> = {readonly [Name in keyof P & string]?: Rule};

const wholeFrom = (least: number): Rule => ({
  isRight: (value) => Number.isSafeInteger(value) && value >= least,
  should: `a whole number, ${least} or more`,
});

/** How many of something there are, at least one. */
export const COUNT = wholeFrom(1);
/** How many of something there are, where there may be none. */
export const COUNT_OR_NONE = wholeFrom(0);
/** A seed in the place of a run's. */
export const SEED: Rule = {isRight: Number.isSafeInteger, should: 'a whole number'};
/** A part of a whole, which may be nothing or all of it. */
export const SHARE: Rule = {isRight: (value) => value >= 0 && value <= 1, should: 'a share, from 0 to 1'};
/** What divides, or is a step: nothing comes of 0. */
export const ABOVE_ZERO: Rule = {isRight: (value) => value > 0 && Number.isFinite(value), should: 'above 0'};
/** A strength that 0 turns off. */
export const ZERO_OR_MORE: Rule = {isRight: (value) => value >= 0 && Number.isFinite(value), should: '0 or more'};
/** Some of a whole, but not all of it. */
export const PART: Rule = {isRight: (value) => value > 0 && value < 1, should: 'a share, above 0 and below 1'};

const TEMPERATURE: Rule = {...ZERO_OR_MORE, should: '0, which takes the likeliest token, or above'};
const TOP_P: Rule = {isRight: (value) => value > 0 && value <= 1, should: 'above 0 and at most 1'};
/** The longest that a timer of Node waits; a longer time would be over at once. */
const LONGEST = 2 ** 31 - 1;
const MILLISECONDS: Rule = {
  isRight: (value) => value > 0 && value <= LONGEST,
  should: `milliseconds, above 0 and at most ${LONGEST}`,
};

/** A completion learns from the others of its group. */
const PAIR: Rule = {
  ...wholeFrom(2),
  should: 'a whole number, 2 or more: a completion learns from the others of its group',
};

const SAMPLING: Readonly<Record<string, Rule>> = {
  temperature: TEMPERATURE,
  gateTemperature: TEMPERATURE,
  topP: TOP_P,
  gateTopP: TOP_P,
  maxNewTokens: COUNT,
  chunk: COUNT,
  rewardTimeout: MILLISECONDS,
  gateSeed: SEED,
  evaluationSeed: SEED,
};

const TRAINING: Readonly<Record<string, Rule>> = {
  steps: COUNT,
  epochs: ABOVE_ZERO,
  batch: COUNT,
  microBatch: COUNT,
  learningRate: ABOVE_ZERO,
  warmup: COUNT_OR_NONE,
  weightDecay: ZERO_OR_MORE,
  beta2: {isRight: (value) => value >= 0 && value < 1, should: '0 or more, and below 1'},
  maxTokens: COUNT,
};

const REINFORCEMENT: Readonly<Record<string, Rule>> = {
  ...{questions: COUNT, group: PAIR, minibatches: COUNT, patience: COUNT},
  // What is learned from is drawn, and logits are divided by this.
  temperature: ABOVE_ZERO,
  ...{klCoefficient: ZERO_OR_MORE, clipLow: ZERO_OR_MORE, clipHigh: ZERO_OR_MORE, stdFloor: ZERO_OR_MORE},
  ...{generalFrom: SHARE, generalShare: SHARE, importanceCap: ZERO_OR_MORE},
  ...{referenceEvery: COUNT_OR_NONE, dynamicSampling: COUNT_OR_NONE, overlongMargin: COUNT_OR_NONE},
  checkGroups: COUNT_OR_NONE,
};

/**
 * What is wrong with params by the rules of a stage, each mistake a sentence.
 *
 * @param rules by the name of the param
 */
export const numberMistakes = <P extends object>(params: P, rules: Rules<P>): string[] =>
  Object.entries<Rule | undefined>(rules).flatMap(([name, rule]) => {
    const value: unknown = params[name as keyof P];
    // A recipe may say null, which compares as 0.
    const isRight = rule === undefined || (typeof value === 'number' && rule.isRight(value));
    return isRight ? [] : [`${name} is ${String(value)} and should be ${rule.should}`];
  });

/** Its own rules, and the common ones of those params that a stage has. */
const withCommon = <P extends object>(params: P, common: Readonly<Record<string, Rule>>, own: Rules<P>): Rules<P> => ({
  ...Object.fromEntries(Object.entries(common).filter(([name]) => Object.hasOwn(params, name))),
  ...own,
});

/** What is wrong with the params of a stage that say how a model is sampled, each mistake a sentence. */
export const samplingMistakes = <P extends object>(params: P, own: Rules<P> = {}): string[] =>
  numberMistakes(params, withCommon(params, SAMPLING, own));

/** What is wrong with the params of a stage that say how a model is trained, each mistake a sentence. */
export const trainingMistakes = <P extends object>(params: P, own: Rules<P> = {}): string[] =>
  numberMistakes(params, withCommon(params, TRAINING, own));

/** What is wrong with the params of reinforcement learning, each mistake a sentence. */
export const reinforcementMistakes = (params: object): string[] =>
  numberMistakes(params, withCommon(params, {...TRAINING, ...SAMPLING, ...REINFORCEMENT}, {}));
