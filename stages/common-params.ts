/** Params that several stages have, and the ranges of numbers. Light, since a recipe that is only planned loads it. */
import {described} from '../pipeline/params.js';
import type {NumberRange} from '../pipeline/params.js';

/** How many of something there are, at least one. */
export const COUNT: NumberRange = {from: 1, whole: true};
/** How many of something there are, where there may be none. */
export const COUNT_OR_NONE: NumberRange = {from: 0, whole: true};
/** The number of a draw. */
export const SEED: NumberRange = {whole: true};
/** A part of a whole, which may be nothing or all of it. */
export const SHARE: NumberRange = {from: 0, to: 1, what: 'a share'};
/** Some of a whole, but not all of it. */
export const PART: NumberRange = {above: 0, below: 1, what: 'a share'};
/** Some of a whole, or all of it. */
export const SOME: NumberRange = {above: 0, to: 1, what: 'a share'};
/** What divides, or is a step: nothing comes of 0. */
export const ABOVE_ZERO: NumberRange = {above: 0};
/** Of AdamW, which moves a weight by about this much in an update: beyond 1 nothing can be learned, and it is a slip of typing. */
export const LEARNING_RATE: NumberRange = {
  above: 0,
  to: 1,
  why: 'AdamW moves a weight by about this much in an update',
};
/** A strength that 0 turns off. */
export const ZERO_OR_MORE: NumberRange = {from: 0};
/** As long as a timer of Node can wait; a longer time would be over at once. */
export const MILLISECONDS: NumberRange = {above: 0, to: 2 ** 31 - 1, what: 'milliseconds'};

/** Of a model that is sampled. */
export const temperature = (value: number) =>
  described(value, 'Divides the logits before a token is drawn.', {from: 0, why: '0 takes the likeliest token'});

/** Of a model that is sampled. */
export const topP = (value: number) =>
  described(value, 'A token is drawn from the likeliest ones that have this probability together.', {above: 0, to: 1});

/** Of prompts in a native call of sampling. */
export const chunk = (value: number) =>
  described(value, 'Prompts in one native call. The last bits of what is sampled depend on it.', COUNT);

/** Of every stage that reads questions. */
export const SPECIAL_IN_PROMPTS = {
  specialInPrompts: described(
    false,
    'Whether a control token that is typed into a question (`<|im_end|>`) counts as such; by default it is text.',
  ),
};

/** Of AdamW, beside the learning rate. */
export const OPTIMIZER = {
  weightDecay: described(
    0,
    'AdamW’s decoupled decay: an update takes learningRate × weightDecay of each matrix away.',
    ZERO_OR_MORE,
  ),
  beta2: described(0.98, 'AdamW’s decay of the mean of squared gradients per update.', {from: 0, below: 1}),
};

/** Params of a supervised training on datasets, without those of its optimizer. */
export const FINE_TUNING = {
  epochs: described(2, 'How often each row is learned; a fraction is a part of the rows.', ABOVE_ZERO),
  batch: described(128, 'Rows in an optimizer step; the paper’s 128 at 800,000 rows.', COUNT),
  microBatch: described(16, 'Rows in one native call; the sum over a step is the same, its last bits are not.', COUNT),
  learningRate: described(
    5e-5,
    'Peak of the learning rate; the paper’s 5e-5 for its own size. It falls to a tenth by a cosine.',
    LEARNING_RATE,
  ),
  warmup: described(0, 'Optimizer updates over which the learning rate rises linearly from 0.', COUNT_OR_NONE),
  maxTokens: described(32_768, 'Rows with more tokens than this are an error, not cut.', COUNT),
};
