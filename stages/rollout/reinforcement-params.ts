/** What every stage of reinforcement learning is told, whoever makes its updates; light, for recipes that are only planned. */
import {described} from '../../pipeline/params.js';
import type {ValuesOf} from '../../pipeline/params.js';
import type {Params, WiredWith} from '../../pipeline/stage.js';
import {COUNT, COUNT_OR_NONE, LEARNING_RATE, OPTIMIZER, SHARE} from '../common-params.js';
import {judgeMistakes} from '../graders/judge-settings.js';
import {gradingCautions, type GRADING} from '../graders/settings.js';
import {BUILT_IN_REWARDS, REWARD_MODELS, type RewardWeights} from '../rewards/names.js';
import {portOf, weightMistakes} from '../rewards/weights.js';
import {askingMistakes, type Asking} from '../tasks/asking.js';
import {taskMistakes} from '../tasks/wired-tasks.js';
import type {TemplateName} from '../text/template-names.js';
import {SNAPSHOTS, stepCautions} from '../train/snapshots.js';

/** These as params, the paper's where it gives one. */
export const REINFORCEMENT = {
  steps: described(10_400, 'Optimizer updates (the paper’s R1-Zero: 10,400).', COUNT),
  ...SNAPSHOTS,
  questions: described(32, 'Questions in an update; with group 16 that is 512 completions.', COUNT),
  group: described(16, 'Completions to each question.', {
    from: 2,
    whole: true,
    why: 'a completion learns from the others of its group',
  }),
  minibatches: described(16, 'Updates that a rollout is dealt into (16 × 512 = 8,192 completions a rollout).', COUNT),
  maxNewTokens: described(
    32_768,
    'Tokens of the longest completion, the end token included; what is longer is cut off.',
    COUNT,
  ),
  temperature: described(1, 'Divides the logits, in sampling and in the loss; what is learned from is drawn.', {
    above: 0,
  }),
  learningRate: described(
    3e-6,
    'Learning rate of every update after warmup (the paper’s 3e-6 for its own size).',
    LEARNING_RATE,
  ),
  warmup: described(0, 'Updates over which the learning rate rises linearly from 0.', COUNT_OR_NONE),
  ...OPTIMIZER,
  rewards: described<RewardWeights>(
    {accuracy: 1, format: 1},
    'Weights of the rewards in the sum; helpful and safe are what the reward models say, about general prompts only. A reward without a weight is not summed. length falls to 0 at maxNewTokens, or at the mean length of the responses in lengthFrom.',
    {
      should: `a record of numbers by the name of the reward: ${[...BUILT_IN_REWARDS, ...REWARD_MODELS].join(', ')}, and one’s own`,
    },
  ),
  noWords: described(
    0,
    'What the reward language is where the thinking has no word (1 for arithmetic in digits alone).',
    [0, 1],
  ),
  generalFrom: described(0.75, 'Share of the steps after which general prompts come in.', SHARE),
  generalShare: described(0.5, 'Share of the questions that are general prompts from then on.', SHARE),
  maskTruncated: described(
    false,
    'Whether completions that were cut off are left out of the loss (DAPO, arXiv 2503.14476).',
  ),
  overlongMargin: described(
    0,
    'Tokens before maxNewTokens over which DAPO’s soft penalty falls from 0 to −1; 0 turns it off.',
    COUNT_OR_NONE,
  ),
  shuffleRewards: described(false, 'The control: rewards are dealt out anew within each group.'),
  patience: described(
    20,
    'Stop after this many rollouts in a row without any spread (once general prompts are in, if any), or with nine in ten cut off.',
    COUNT,
  ),
  checkGroups: described(
    32,
    'Groups to look at before going on: stop if in none of them the rewards differ, or nine in ten give no answer; 0: never.',
    COUNT_OR_NONE,
  ),
};

/** What is known of a node of reinforcement learning before it runs. */
type Wired = WiredWith<
  Params & ValuesOf<typeof REINFORCEMENT> & ValuesOf<typeof GRADING> & Asking & {readonly template: TemplateName},
  {readonly rewards: 'reward'; readonly tasks: 'task'}
>;

/** What is wrong with params and inputs that go together, each a sentence; empty when nothing is. */
export const reinforcementMistakes = ({params, ...wired}: Wired): string[] => [
  ...askingMistakes(params),
  ...judgeMistakes(params.judge),
  ...taskMistakes(wired),
  ...(wired.inputs.includes('lengthFrom') && !((params.rewards['length'] ?? 0) > 0)
    ? [
        'lengthFrom says where the reward length ends, and that has no weight; set rewards, such as {"accuracy": 1, "format": 1, "length": 1}',
      ]
    : []),
  ...weightMistakes(params.rewards, {
    own: wired.definitions.rewards.map(({name}) => name),
    models: REWARD_MODELS.filter((name) => wired.inputs.includes(portOf(name))),
  }),
];

/** What a person should know of the params before it runs, each a sentence. */
export const reinforcementCautions = (
  params: ValuesOf<typeof REINFORCEMENT> & Parameters<typeof gradingCautions>[0],
): string[] => [
  ...gradingCautions(params, `${params.steps * params.questions * params.group}`),
  ...stepCautions(params.snapshots, params.steps),
];
