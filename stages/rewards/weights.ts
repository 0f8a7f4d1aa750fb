/** Weights of rewards, by name, against the rewards that there are: what a recipe gets wrong is said before anything runs. */
import {BUILT_IN_REWARDS, REWARD_MODELS, type RewardWeights} from './names.js';

/** What a node is wired with. */
export interface WiredRewards {
  /** Names of the rewards of one's own. */
  readonly own: readonly string[];
  /** Names of the reward models, as `REWARD_MODELS` has them. */
  readonly models: readonly string[];
}

/** What is wrong with the weights, each mistake a sentence; empty when nothing is. */
export function weightMistakes(weights: RewardWeights, {own, models}: WiredRewards): string[] {
  const builtIn: readonly string[] = [...BUILT_IN_REWARDS, ...REWARD_MODELS];
  const known: readonly string[] = [...BUILT_IN_REWARDS, ...models, ...own];
  const taken = own.filter((name) => builtIn.includes(name));
  // What else is wrong with such a weight follows from that.
  const mistakes = taken.map(
    (name) => `a reward of one's own is called “${name}”, as a built-in one is; give it another name`,
  );
  for (const [name, weight] of Object.entries(weights)) {
    if (taken.includes(name)) continue;
    if (typeof weight !== 'number')
      mistakes.push(`the weight rewards.${name} is ${JSON.stringify(weight)}, not a number`);
    if (known.includes(name)) continue;
    mistakes.push(
      isModel(name)
        ? `rewards.${name} is the weight of a reward model that is not wired: {${portOf(name)}: …model}`
        : `rewards.${name} is the weight of a reward that is neither built in (${builtIn.join(', ')}) nor wired: {rewards: [${name}]}`,
    );
  }
  for (const name of own) {
    if (!taken.includes(name) && !Object.hasOwn(weights, name))
      mistakes.push(
        `the reward “${name}” is wired but has no weight: {rewards: {…, ${name}: 1}}, or 0 to watch it only`,
      );
  }
  for (const name of models)
    if (!Object.hasOwn(weights, name))
      mistakes.push(`the reward model of “${portOf(name)}” is wired but has no weight: {rewards: {…, ${name}: 1}}`);
  return mistakes;
}

const isModel = (name: string): boolean => (REWARD_MODELS as readonly string[]).includes(name);

/** The input of `grpo` that takes the reward model of this name. */
export const portOf = (name: string): string => (name === 'safe' ? 'safety' : name);
