/** Rewards for groups of completions: the rules judge all of them, a reward model those whose prompts are its business. */
import {closingAfter} from '../train/closing.js';
import {isTimedOut} from '../graders/verdict.js';
import type {Scorer} from '../rewards/index.js';
import type {JudgeRefs} from '../rewards/load-judges.js';
import type {RewardModel} from '../rewards/preference.js';
import {REWARD_MODELS, type RewardWeights} from '../rewards/names.js';
import type {GradingSettings} from '../graders/settings.js';
import {taskOf, type Tasks} from '../tasks/task.js';
import type {ScoredRollout} from './minibatches.js';
import type {Rollout} from './sample-groups.js';

export interface GroupScorer {
  /** Groups in, the same groups out, each completion with what it earned. */
  score(groups: readonly (readonly Rollout[])[]): Promise<ScoredRollout[][]>;
  close(): Promise<void>;
}

export interface GroupScorerOptions {
  /** Of the rules and of the reward models; each of these has one. */
  readonly weights: RewardWeights;
  /** Rewards and tasks of one's own. */
  readonly refs: JudgeRefs;
  /** All tasks that prompts belong to. */
  readonly tasks: Tasks;
  /** A rule that takes longer over one completion is ended, ms. */
  readonly timeoutMs: number;
  /** Folders of reward models. */
  readonly models: {readonly helpful?: string | undefined; readonly safe?: string | undefined};
  /** Tokens of a completion at which the reward `length` is 0. */
  readonly lengthLimit: number;
  /** The longest sequence that a reward model is shown, in tokens. */
  readonly maxTokens: number;
  readonly threads: number;
  /** That graders may keep busy. */
  readonly cores: number;
  readonly grading: GradingSettings;
  /** As `openScorer` takes them. */
  readonly note: (text: string) => void;
  readonly signal: AbortSignal;
}

/** Starts the thread of the rules and loads the reward models, each into a session of its own. */
export async function openGroupScorer(options: GroupScorerOptions): Promise<GroupScorer> {
  const {weights, refs, tasks, timeoutMs, models, lengthLimit, cores, grading, note, signal, ...limits} = options;
  const [{openScorer}, {openRewardModel}] = await Promise.all([
    import('../rewards/index.js'),
    import('../rewards/preference.js'),
  ]);
  const judges: {[name in (typeof REWARD_MODELS)[number]]?: RewardModel} = {};
  const open = async (): Promise<Scorer> => {
    for (const name of REWARD_MODELS) {
      const folder = models[name];
      if (folder !== undefined) judges[name] = await openRewardModel(folder, limits);
    }
    return openScorer({timeoutMs, weights, refs, cores, grading, note, signal});
  };
  const closeModelsAfter = <T>(use: () => T | Promise<T>): Promise<T> => closingAfter(Object.values(judges), use);
  let rules: Scorer;
  try {
    rules = await open();
  } catch (error) {
    return closeModelsAfter(() => {
      throw error;
    });
  }

  return {
    async score(groups) {
      const all = groups.flat();
      const ruled = await rules.score(
        all.map(({prompt, completion, tokens}) => ({
          prompt,
          completion,
          tokens: tokens.length,
          maxTokens: lengthLimit,
        })),
      );
      const scored = all.map((rollout, index): ScoredRollout => ({
        rollout,
        reward: ruled[index]!.total,
        verdicts: ruled[index]!.verdicts,
      }));
      for (const name of REWARD_MODELS) {
        const judge = judges[name];
        if (judge === undefined) continue;
        // A completion that was not judged in time earns nothing at all.
        const judged = all.flatMap(({prompt}, index) =>
          !isTimedOut(ruled[index]!.verdicts) && taskOf(tasks, prompt).preference?.(prompt) === name ? [index] : [],
        );
        const values = judge.reward(
          judged.map((index) => ({prompt: all[index]!.prompt, completion: all[index]!.completion.text})),
        );
        judged.forEach((index, i) => {
          const one = scored[index]!;
          const reward = one.reward + weights[name]! * values[i]!;
          scored[index] = {...one, reward, preference: {[name]: values[i]!}};
        });
      }
      let from = 0;
      return groups.map(({length}) => scored.slice(from, (from += length)));
    },
    close: () => closeModelsAfter(() => rules.close()),
  };
}
