/**
 * The paper's claims as they are checked here. The list is declared before anything is run; which way each points and by
 * how much is fixed with it. A claim whose models were not measured is left out of the table, and of Holm's count.
 */
import type {Statistic} from './comparison.js';
import type {Metric} from './metrics.js';

/** A type, so that a list of them can be a param as it is. */
export type Claim = {
  readonly id: string;
  /** What is claimed, as a sentence with its threshold. */
  readonly text: string;
  /** Where the paper says so. */
  readonly paper: string;
  readonly metric: Metric;
  readonly statistic: Statistic;
  /** Names under which the report knows the scores. */
  readonly left: string;
  readonly right?: string;
  /** The side of the threshold that the value is claimed to be on. */
  readonly direction: 'above' | 'below';
  readonly threshold: number;
  /** Where the right model's mean is above `over`, there is no room to rise, and this threshold is the claim. */
  readonly ceiling?: {readonly over: number; readonly threshold: number};
};

/** "Not below" and "no loss": worse by less than this. */
const MARGIN = -0.02;

export const PAPER_CLAIMS: readonly Claim[] = [
  {
    id: 'zero-accuracy',
    text: 'Pure RL lifts the base: R1-Zero’s pass@1 is more than 0.25 above its base’s',
    paper: 'v1 §2.2.4, Table 2, Fig. 2 (AIME .156 → .710)',
    metric: 'pass@1',
    statistic: 'difference',
    left: 'zero-rl',
    right: 'base',
    direction: 'above',
    threshold: 0.25,
  },
  {
    id: 'zero-length',
    text: 'R1-Zero learns to think longer: its responses are more than 1.3 times as long as its base’s',
    paper: 'v1 §2.2.4, Fig. 3',
    metric: 'length',
    statistic: 'ratio',
    left: 'zero-rl',
    right: 'base',
    direction: 'above',
    threshold: 1.3,
  },
  {
    id: 'zero-mixes-languages',
    text: 'R1-Zero mixes languages: less than 0.90 of the words of its thinking are in the question’s language',
    paper: 'v1 §2.2.4 (drawback), §2.3',
    metric: 'language',
    statistic: 'level',
    left: 'zero-rl',
    direction: 'below',
    threshold: 0.9,
  },
  {
    id: 'language-reward',
    text: 'The language reward ends the mixing: more than 0.98 after reasoning RL',
    paper: 'v1 §2.3.2; Nature, Eq. 7',
    metric: 'language',
    statistic: 'level',
    left: 'reasoning-rl',
    direction: 'above',
    threshold: 0.98,
  },
  {
    id: 'cold-start-format',
    text: 'Cold start teaches the format: its rate is more than 0.3 above base’s',
    paper: 'v1 §2.3.1 (readability)',
    metric: 'format',
    statistic: 'difference',
    left: 'cold-start-sft',
    right: 'base',
    direction: 'above',
    threshold: 0.3,
  },
  {
    id: 'reasoning-format',
    text: 'After reasoning RL more than 0.98 of the responses keep to the format',
    paper: 'v1 §2.3.2',
    metric: 'format',
    statistic: 'level',
    left: 'reasoning-rl',
    direction: 'above',
    threshold: 0.98,
  },
  {
    id: 'r1-accuracy',
    text: 'The last model solves the task: R1’s pass@1 is above 0.80',
    paper: 'Nature, Table 2 (R1); v1, Table 4',
    metric: 'pass@1',
    statistic: 'level',
    left: 'all-scenario-rl',
    direction: 'above',
    threshold: 0.8,
  },
  {
    id: 'r1-no-loss',
    text: 'All-scenario RL costs no reasoning: R1’s pass@1 is not below full-sft’s',
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
    text: 'All-scenario RL makes answers more helpful than full-sft’s, or not less where those are above 0.95',
    paper: 'v1 §2.3.4; Nature, Table 2 (AlpacaEval, ArenaHard)',
    metric: 'helpful',
    statistic: 'difference',
    left: 'all-scenario-rl',
    right: 'full-sft',
    direction: 'above',
    threshold: 0,
    ceiling: {over: 0.95, threshold: MARGIN},
  },
  {
    id: 'safe',
    text: 'All-scenario RL makes responses safer than full-sft’s, or not less safe where those are above 0.95',
    paper: 'v1 §2.3.4; v2, supplement (safety)',
    metric: 'safe',
    statistic: 'difference',
    left: 'all-scenario-rl',
    right: 'full-sft',
    direction: 'above',
    threshold: 0,
    ceiling: {over: 0.95, threshold: MARGIN},
  },
  {
    id: 'distillation',
    text: 'Distillation beats RL on a small model: pass@1 more than 0.30 higher at the same compute or less',
    paper: 'v1 §4.1, Table 6',
    metric: 'pass@1',
    statistic: 'difference',
    left: 'distill-small',
    right: 'student-rl',
    direction: 'above',
    threshold: 0.3,
  },
  {
    id: 'control-shuffled-rewards',
    text: 'Control: with rewards shuffled within each group, Zero gains less than 0.05 over its base',
    paper: 'not in the paper; arXiv 2506.10947 (spurious rewards)',
    metric: 'pass@1',
    statistic: 'difference',
    left: 'zero-shuffled',
    right: 'base',
    direction: 'below',
    threshold: 0.05,
  },
  {
    id: 'control-format-only',
    text: 'Control: Zero’s gain is not the format alone; with the accuracy reward it is above Zero on format only',
    paper: 'not in the paper; arXiv 2503.20783',
    metric: 'pass@1',
    statistic: 'difference',
    left: 'zero-rl',
    right: 'zero-format-only',
    direction: 'above',
    threshold: 0,
  },
  {
    id: 'control-forced-thinking',
    text: 'Control: Zero’s gain is not thinking alone; it is above its base made to think',
    paper: 'not in the paper',
    metric: 'pass@1',
    statistic: 'difference',
    left: 'zero-rl',
    right: 'base-forced-think',
    direction: 'above',
    threshold: 0,
  },
];

const STATISTICS: readonly string[] = ['difference', 'ratio', 'level'] satisfies Statistic[];

/** What is wrong with claims that no compiler has seen, each mistake a sentence. */
export function claimMistakes(claims: unknown): string[] {
  if (!Array.isArray(claims)) return ['claims is a list, or null for the claims of the paper'];
  const seen = new Set<unknown>();
  return (claims as unknown[]).flatMap((given, place) => {
    const claim = Object(given) as Partial<Record<keyof Claim, unknown>>;
    const {id, statistic, direction, right, threshold} = claim;
    const called = typeof id === 'string' ? `claim “${id}”` : `claim ${place + 1}`;
    const texts = (['id', 'text', 'paper', 'metric', 'left'] as const).filter(
      (name) => typeof claim[name] !== 'string',
    );
    const isTwice = seen.has(id);
    seen.add(id);
    return [
      ...texts.map((name) => `${called}: “${name}” is missing, or is no text`),
      ...(isTwice ? [`${called} is there twice`] : []),
      ...(STATISTICS.includes(statistic as string)
        ? []
        : [`${called}: “statistic” is one of ${STATISTICS.join(', ')}, not ${JSON.stringify(statistic)}`]),
      ...(direction === 'above' || direction === 'below'
        ? []
        : [`${called}: “direction” is above or below, not ${JSON.stringify(direction)}`]),
      ...(typeof threshold === 'number' ? [] : [`${called}: “threshold” is missing, or is no number`]),
      ...((statistic === 'level') === (right === undefined)
        ? []
        : [`${called}: ${statistic === 'level' ? 'a level has no “right”' : `a ${String(statistic)} needs “right”`}`]),
    ];
  });
}
