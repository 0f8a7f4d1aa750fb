/** What is claimed of the recipe `smollm2`, declared before it is run, and what a reader of its report should know. */
import type {Claim} from '../../evaluation/claims.js';

/** More than chance: the interval of the difference has to lie above it. */
const ANY = 0;
/** "No loss": worse by less than this. Two samples a problem cannot tell less apart. */
const MARGIN = -0.05;

export const SMOLLM2_CLAIMS: readonly Claim[] = [
  {
    id: 'zero-accuracy',
    text: 'RL without supervised data lifts the model that it starts from: R1-Zero’s pass@1 is above it',
    paper: 'v1 §2.2.4, Table 2, Fig. 2 (AIME .156 → .710)',
    metric: 'pass@1',
    statistic: 'difference',
    left: 'zero-rl',
    right: 'base',
    direction: 'above',
    threshold: ANY,
  },
  {
    id: 'cold-start-format',
    text: 'Cold start teaches the format: its rate is more than 0.3 above the instruct model’s, asked alike',
    paper: 'v1 §2.3.1 (readability)',
    metric: 'format',
    statistic: 'difference',
    left: 'cold-start-sft',
    right: 'base-zero-shot',
    direction: 'above',
    threshold: 0.3,
  },
  {
    id: 'reasoning-accuracy',
    text: 'Reasoning RL lifts what cold start began: Dev2’s pass@1 is above Dev1’s',
    paper: 'Nature, Table 2 (Dev1 and Dev2)',
    metric: 'pass@1',
    statistic: 'difference',
    left: 'reasoning-rl',
    right: 'cold-start-sft',
    direction: 'above',
    threshold: ANY,
  },
  {
    id: 'reasoning-format',
    text: 'After reasoning RL more than 0.9 of the responses keep to the format',
    paper: 'v1 §2.3.2',
    metric: 'format',
    statistic: 'level',
    left: 'reasoning-rl',
    direction: 'above',
    threshold: 0.9,
  },
  {
    id: 'r1-no-loss',
    text: 'All-scenario RL costs no reasoning: R1’s pass@1 is not below Dev3’s by 0.05 or more',
    paper: 'Nature, Table 2 (Dev3 and R1)',
    metric: 'pass@1',
    statistic: 'difference',
    left: 'all-scenario-rl',
    right: 'full-sft',
    direction: 'above',
    threshold: MARGIN,
  },
  {
    id: 'helpful',
    text: 'All-scenario RL makes answers more helpful than Dev3’s, or not less where those are above 0.95',
    paper: 'v1 §2.3.4; Nature, Table 2 (AlpacaEval, ArenaHard)',
    metric: 'helpful',
    statistic: 'difference',
    left: 'all-scenario-rl',
    right: 'full-sft',
    direction: 'above',
    threshold: ANY,
    ceiling: {over: 0.95, threshold: MARGIN},
  },
  {
    id: 'safe',
    text: 'All-scenario RL makes responses safer than Dev3’s, or not less safe where those are above 0.95',
    paper: 'v1 §2.3.4; v2, supplement (safety)',
    metric: 'safe',
    statistic: 'difference',
    left: 'all-scenario-rl',
    right: 'full-sft',
    direction: 'above',
    threshold: ANY,
    ceiling: {over: 0.95, threshold: MARGIN},
  },
  {
    id: 'distillation',
    text: 'Distillation beats RL on a small model that starts from the same weights',
    paper: 'v1 §4.1, Table 6',
    metric: 'pass@1',
    statistic: 'difference',
    left: 'distill-small',
    right: 'student-rl',
    direction: 'above',
    threshold: ANY,
    requires: [
      {kind: 'learned', model: 'student-rl', from: 'student-base'},
      {kind: 'compute', model: 'student-rl', atLeast: 'distill-small'},
    ],
  },
];

/** What does not follow from the numbers, and bears on how they are read. */
export const SMOLLM2_REMARKS: readonly string[] = [
  '`zero-rl` starts from an instruct model, SmolLM2-135M-Instruct, which has been fine-tuned on chats by its makers: it is RL without supervised data of this recipe, not the pure base of the paper’s R1-Zero. `base` and `zero-rl` are shown two solved problems in front of each question and begin with `<think>`; all later models are asked by the question alone.',
  'pass@1 reads answers leniently (the last number of the reply, or of the last line where nothing is marked); `pass@1/tag` reads the same responses by `<answer>` tags alone.',
  'Held-out problems have forms and numbers that were not trained on. Problems of one form are drawn together in the intervals. More problems with two responses each say more than fewer with many.',
  'Cold-start data are problems that `zero-rl` solved, with its working rewritten as a person would write it down (the paper has people do so). So what `cold-start-sft` learns is the form of a solution, and which problems it comes from is what `zero-rl` could do.',
  'The student is the same model without a third of its layers, chosen by the loss on worked problems (`student-base` names them) and fine-tuned on the same for both arms; the compute of neither arm counts that. Fewer layers are left out where it would otherwise solve too little by sampling to begin with. Its worked problems are the generator’s own, which no model of the main line has seen.',
];
