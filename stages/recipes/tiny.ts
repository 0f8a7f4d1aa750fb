/**
 * The whole DeepSeek-R1 recipe on a model of about 100,000 parameters, in minutes on two cores. The stages are the ones
 * that a large model would use; only the numbers below are small, and each that departs from the paper says so here:
 * the Zero template is shortened to one sentence, so that prompts and responses are short; learning rates are about
 * a thousand times the paper's, as models this small need; RL runs for dozens of steps, not thousands, with the reference
 * model refreshed accordingly; clip is 0.2.
 *
 * Every node computes on one thread, and two run side by side.
 */
import {recipe} from '../../pipeline/recipe.js';
import type {Ref} from '../../pipeline/recipe.js';
import {
  coldStartData,
  corpus,
  evaluate,
  generalData,
  grpo,
  helpfulRewardModel,
  preferenceData,
  pretrain,
  prompts,
  rejectionSampling,
  report,
  safetyRewardModel,
  sft,
} from '../index.js';
import {followTraining} from './follow-training.js';
import {PAPER_NAMES} from './paper-names.js';
import {TINY_CLAIMS} from './tiny-claims.js';

export {followTraining} from './follow-training.js';
export {TINY_CLAIMS, TINY_CONTROL_CLAIMS} from './tiny-claims.js';

/** Tokens of the longest response that is trained on: five turns take 43 with the end token, and a second thought 9 more. */
const maxNewTokens = 51;
/** Of the longest that is measured: eight turns take 64; the rest is for second thoughts and for what is said twice. */
const MEASURED_TOKENS = 100;
/** Turns of the held-out problems. Up to five are trained on; six to eight are in a few documents of the corpus alone. */
const LEVELS = [3, 4, 5, 6, 7, 8];

/** What RL has in common here: 8 questions × 16 completions an update, two updates a rollout. */
export const TINY_RL = {
  questions: 8,
  group: 16,
  minibatches: 2,
  maxNewTokens,
  clipLow: 0.2,
  clipHigh: 0.2,
  referenceEvery: 40,
  learningRate: 5e-4,
} as const;
/** Params of R1-Zero: `grpo` on the base model. */
export const TINY_ZERO = {...TINY_RL, template: 'tiny-zero', steps: 60} as const;
/**
 * Steps whose model R1-Zero keeps, to be evaluated on held-out problems as its beginning and its end are: the paper's Figures 2 and 3.
 * Most are early, where a base that sometimes reasons learns to do it always.
 */
const TINY_SNAPSHOTS = [5, 10, 20, 40];
/** Params of reasoning RL: `grpo` on the model of the cold start. */
export const TINY_REASONING = {
  ...TINY_RL,
  template: 'chat',
  steps: 80,
  rewards: {accuracy: 1, format: 1, language: 1},
} as const;
/** Params that every evaluation shares. */
export const TINY_EVALUATION = {maxNewTokens: MEASURED_TOKENS} as const;

/**
 * Prompts are short, so positions turn fast; fresh matrices keep the variance of their input (1/√width), not 0.02. Without normalized
 * heads one start in five never found out which turn comes next.
 */
const TINY_PRETRAINING = {
  maxPositions: 256,
  headNorms: true,
  ropeTheta: 100,
  learningRate: 5e-3,
  warmup: 100,
  gateTemplate: 'tiny-zero',
  maxNewTokens,
  extraSteps: 800,
  maxSteps: 10_000,
} as const;

/**
 * The recipe: corpus and base, R1-Zero, the four stages of R1, distillation, a control, and the report on all of them
 * (DeepSeek-R1, arXiv 2501.12948, §2 and §4.1).
 */
export default recipe(
  'tiny',
  (add) => {
    // One to five turns are frequent, six to eight are in a hundredth of the documents each. Of what a fortieth of them has, base solves
    // nearly every problem in one of sixteen tries: too many to see whether the stages after it can solve more.
    const often = [1, 2, 3, 4, 5].flatMap((turns) => Array.from({length: 20}, () => turns));
    const data = add(
      'corpus',
      corpus,
      {},
      {steps: [...often, 6, 7, 8], maxWords: 130, sources: {plain: 0.14, zero: 0.66, chat: 0.05, general: 0.15}},
    );
    const asked = add('prompts', prompts, {}, {levels: LEVELS, heldOutPerLevel: 60});
    const ground = {documents: data.documents, tokenizer: data.tokenizer, validation: asked.validation};

    const base = add('base', pretrain, ground, {
      ...TINY_PRETRAINING,
      layers: 3,
      hiddenSize: 48,
      intermediateSize: 144,
      initializerRange: 0.144,
      steps: 1_200,
      // The first hundred validation problems have three to five turns. Some bases have not found out by now which turn comes next and
      // solve 0.6 to 0.9 of them in 16 tries. With normalized heads they find out within extraSteps more, so only one that has learned
      // next to nothing begins anew.
      gate: 0.99,
      freshStarts: 3,
      freshBelow: 0.5,
    });
    const zero = add(
      'zero-rl',
      grpo,
      {policy: base.model, prompts: asked.train},
      {...TINY_ZERO, snapshots: TINY_SNAPSHOTS},
    );

    // Little data, as in the paper: enough to teach the format, not to make up for the reinforcement learning that follows.
    const coldStart = add(
      'cold-start-data',
      coldStartData,
      {policy: zero.model, prompts: asked.train},
      {template: 'tiny-zero', prompts: 200, samples: 2, rows: 100, maxWords: 60, maxNewTokens},
    );
    const dev1 = add(
      'cold-start-sft',
      sft,
      {base: base.model, data: {'cold-start': coldStart.dataset}},
      {epochs: 3, batch: 32, learningRate: 5e-4},
    );
    const dev2 = add('reasoning-rl', grpo, {policy: dev1.model, prompts: asked.train}, TINY_REASONING);

    const clean = add(
      'rejection-sampling',
      rejectionSampling,
      {policy: dev2.model, prompts: asked.train},
      {prompts: 3_600, samples: 4, perPrompt: 1, maxWords: 60, maxNewTokens},
    );
    const general = add('general-data', generalData, {}, {rows: 3_000, goodShare: 0.6});
    const mixture = {reasoning: clean.dataset, general: general.dataset};
    // From base again, not from the model that supplied the data.
    // Long enough to know the words: preference rewards mend what a model says, not what it has never learned.
    const dev3 = add('full-sft', sft, {base: base.model, data: mixture}, {epochs: 4, batch: 16, learningRate: 1e-3});

    const preferences = add(
      'preference-data',
      preferenceData,
      {policy: dev3.model, prompts: asked.generalTrain},
      {prompts: 2_000, maxNewTokens},
    );
    const helpful = add(
      'helpful-rm',
      helpfulRewardModel,
      {base: dev3.model, data: preferences.pairs},
      {epochs: 8, batch: 32, learningRate: 5e-4},
    );
    const safety = add(
      'safety-rm',
      safetyRewardModel,
      {base: dev3.model, data: preferences.labels},
      {epochs: 4, batch: 32, learningRate: 5e-4},
    );
    const r1 = add(
      'all-scenario-rl',
      grpo,
      {
        policy: dev3.model,
        prompts: asked.train,
        general: asked.generalTrain,
        helpful: helpful.model,
        safety: safety.model,
      },
      {
        ...TINY_RL,
        template: 'chat',
        steps: 180,
        temperature: 0.7,
        learningRate: 3e-4,
        rewards: {accuracy: 1, format: 1, language: 1, helpful: 1, safe: 1},
        generalFrom: 0.25,
        generalShare: 0.6,
        // Anchored to full-sft, never refreshed: what preference rewards move must not cost the reasoning.
        klCoefficient: 0.2,
        referenceEvery: 1_000,
      },
    );

    const small = {
      ...TINY_PRETRAINING,
      hiddenSize: 40,
      intermediateSize: 120,
      initializerRange: 0.158,
      // The small student is to be weak, as the paper's are beside their teacher: it learns slowly and ends after the gate,
      // which asks for just enough right answers that reinforcement learning has something to reward.
      learningRate: 3e-3,
      steps: 800,
      extraSteps: 200,
      gate: 0.3,
    } as const;
    const medium = {
      ...TINY_PRETRAINING,
      hiddenSize: 48,
      intermediateSize: 144,
      initializerRange: 0.144,
      steps: 700,
      gate: 0.3,
    } as const;
    const smallBase = add('student-small-base', pretrain, ground, small);
    const mediumBase = add('student-medium-base', pretrain, ground, medium);
    // So few epochs that the control below takes as many operations; small batches make the most of them.
    const distillation = {epochs: 4, batch: 4, learningRate: 2e-3} as const;
    const distilledSmall = add('distill-small', sft, {base: smallBase.model, data: mixture}, distillation);
    const distilledMedium = add('distill-medium', sft, {base: mediumBase.model, data: mixture}, distillation);
    const studentRl = add(
      'student-rl',
      grpo,
      {policy: smallBase.model, prompts: asked.train},
      {...TINY_RL, template: 'tiny-zero', steps: 115},
    );

    const evaluateModel = (node: string, model: Ref<'model'>, template: 'tiny-zero' | 'chat') =>
      add(
        `evaluate-${node}`,
        evaluate,
        {model, prompts: asked.heldOut, general: asked.generalHeldOut},
        {...TINY_EVALUATION, template},
      ).scores;
    const scores = {
      base: evaluateModel('base', base.model, 'tiny-zero'),
      'zero-rl': evaluateModel('zero-rl', zero.model, 'tiny-zero'),
      'cold-start-sft': evaluateModel('cold-start-sft', dev1.model, 'chat'),
      'reasoning-rl': evaluateModel('reasoning-rl', dev2.model, 'chat'),
      'full-sft': evaluateModel('full-sft', dev3.model, 'chat'),
      'all-scenario-rl': evaluateModel('all-scenario-rl', r1.model, 'chat'),
      'student-small-base': evaluateModel('student-small-base', smallBase.model, 'tiny-zero'),
      'student-medium-base': evaluateModel('student-medium-base', mediumBase.model, 'tiny-zero'),
      'distill-small': evaluateModel('distill-small', distilledSmall.model, 'chat'),
      'distill-medium': evaluateModel('distill-medium', distilledMedium.model, 'chat'),
      'student-rl': evaluateModel('student-rl', studentRl.model, 'tiny-zero'),
      // Base is scored under both templates; it has seen little of this one.
      'base-chat': add(
        'evaluate-base-chat',
        evaluate,
        {model: base.model, prompts: asked.heldOut, general: asked.generalHeldOut},
        {...TINY_EVALUATION, template: 'chat'},
      ).scores,
    };
    // Of reasoning problems alone, as there is no curve of general prompts.
    const zeroSteps = followTraining(
      add,
      {node: 'zero-rl', base: 'base', snapshots: zero.snapshots, steps: TINY_SNAPSHOTS, beside: ['all-scenario-rl']},
      (node, model) =>
        add(`evaluate-${node}`, evaluate, {model, prompts: asked.heldOut}, {...TINY_EVALUATION, template: 'tiny-zero'})
          .scores,
    );
    const followed = [zeroSteps.followed];
    const histories = {
      base: base.history,
      'zero-rl': zero.history,
      'cold-start-sft': dev1.history,
      'reasoning-rl': dev2.history,
      'full-sft': dev3.history,
      'helpful-rm': helpful.history,
      'safety-rm': safety.history,
      'all-scenario-rl': r1.history,
      'distill-small': distilledSmall.history,
      'distill-medium': distilledMedium.history,
      'student-rl': studentRl.history,
    };
    const cards = {
      corpus: data.documents,
      'cold-start-data': coldStart.dataset,
      'rejection-sampling': clean.dataset,
      'general-data': general.dataset,
    };
    const result = add(
      'report',
      report,
      {scores: {...scores, ...zeroSteps.scores}, histories, cards},
      {claims: TINY_CLAIMS, paperNames: {base: 'V3-Base', ...PAPER_NAMES}, followed},
    );
    return {
      asked,
      base,
      zero,
      dev1,
      r1,
      scores: {...scores, ...zeroSteps.scores},
      followed,
      histories,
      cards,
      report: result,
    };
  },
  'The R1 recipe, end to end, on a model that two cores train in minutes',
);
