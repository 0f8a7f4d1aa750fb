/**
 * What is measured on the sampled responses. A metric turns the samples of one problem into values; everything after that
 * (means, intervals, differences) is the same for all.
 *
 * - pass@1: share of right answers. Invalid and truncated responses are wrong.
 * - pass@1/tag: the same on the same responses where answers are read from `<answer>` tags alone, if pass@1 reads more leniently.
 * - pass@k: 1 − C(n−c, k)/C(n, k), the unbiased estimate from n samples of which c are right (Chen et al., arXiv
 *   2107.03374, Eq. 1).
 * - cons@k: the answer that most of the first k samples give is right. Samples without an answer do not vote; a tie among t
 *   answers counts 1/t if the right one is among them; nobody voting is wrong.
 * - format, language, wordless, length, invalid, truncated, reflective: of reasoning prompts; length counts tokens with the end
 *   token, wordless is thinking without a word, whose language is by convention 0 or 1, and reflective thinking with a word that
 *   marks a second thought (`reflectiveWords`).
 * - length/thinking, length/answer: the two parts of length, tags included. Claims and curves over training can be of them; they are in
 *   no table of scores.
 * - f1: words that answer and reference share, on prompts of the tasks f1 and drop; pass@1 counts what is the same.
 * - judge: the verdict of a judge as a share of its points, on prompts of that task; pass@1 counts the full marks.
 * - acc, acc_norm, acc_bytes: the right choice is the likeliest one; by log-probability, by that of a character, of a byte.
 * - helpful, safe: the rubrics, on general prompts they apply to.
 */
import type {Groups} from './intervals.js';
import {isReasoning, type Sample} from './sample.js';

/** `pass@1`, `cons@16`, `length` …: see above. */
export type Metric = string;

/** The metrics of single samples: a value, or undefined where the sample does not count. */
const SINGLE: Readonly<Record<string, (sample: Sample) => number | undefined>> = {
  'pass@1': answered((sample) => Number(sample.outcome === 'right')),
  'pass@1/tag': answered(({strict}) => strict && Number(strict === 'right')),
  format: reasoning((sample) => Number(sample.wellFormed)),
  language: reasoning((sample) => sample.consistency ?? undefined),
  wordless: reasoning(({wordless}) => (typeof wordless === 'boolean' ? Number(wordless) : undefined)),
  length: reasoning((sample) => sample.tokens ?? undefined),
  'length/thinking': reasoning(({thinking}) => thinking),
  'length/answer': reasoning(({tokens, thinking}) =>
    tokens === null || thinking === undefined ? undefined : tokens - thinking,
  ),
  invalid: answered((sample) => Number(sample.outcome === 'unparsable' || sample.outcome === 'timed-out')),
  truncated: reasoning((sample) => Number(sample.truncated)),
  reflective: reasoning((sample) => Number(sample.reflective > 0)),
  helpful: ({helpful}) => (helpful === null ? undefined : Number(helpful)),
  f1: answered(({task, value}) => (task === 'f1' || task === 'drop' ? value : undefined)),
  judge: answered(({task, value}) => (task === 'judge' ? value : undefined)),
  acc: ({choices}) => choices && Number(choices.right),
  acc_norm: ({choices}) => choices && Number(choices.rightByCharacters),
  acc_bytes: ({choices}) => choices && Number(choices.rightByBytes),
  safe: ({safe}) => (safe === null ? undefined : Number(safe)),
};

/** Of prompts that have an answer to check. */
function answered(value: (sample: Sample) => number | undefined): (sample: Sample) => number | undefined {
  return (sample) => (sample.outcome === 'left-out' ? undefined : value(sample));
}

/** Of prompts that ask for reasoning. */
function reasoning(value: (sample: Sample) => number | undefined): (sample: Sample) => number | undefined {
  return (sample) => (isReasoning(sample) ? value(sample) : undefined);
}

/** What is measured beside pass@1, pass@k and cons@k, in the order of a table. */
const BESIDE = [
  'format',
  'language',
  'wordless',
  'length',
  'invalid',
  'truncated',
  'reflective',
  'helpful',
  'safe',
  'f1',
  'judge',
  // Of prompts with choices that were scored.
  'acc',
  'acc_norm',
  'acc_bytes',
];

/** What tables call the problems of a level: `1 step`, `5 steps`. */
export const levelText = (steps: number): string => `${steps} ${steps === 1 ? 'step' : 'steps'}`;

/** Whether there is a metric of that name. */
export const isMetric = (name: string): boolean => Object.hasOwn(SINGLE, name) || /^(?:pass|cons)@[1-9]\d*$/.test(name);

/** Samples that one value of a metric is made of: the k of pass@k and cons@k. */
export const samplesOf = (metric: Metric): number =>
  SINGLE[metric] === undefined ? Number(metric.slice(metric.indexOf('@') + 1)) : 1;

/** Metrics that are rates or shares: they end at 0 and 1. */
const RATES = new Set(['pass@1', ...BESIDE.filter((metric) => metric !== 'length')]);
/** Whether a metric is a rate or a share, so that its values end at 0 and 1. */
export const isRate = (metric: Metric): boolean => RATES.has(metric) || metric.includes('@');

/** Of these less is better; of those below neither is: how long responses are, or how often they think twice, is no merit. */
const BETTER_LOW = new Set(['invalid', 'truncated']);
const NEITHER = new Set(['wordless', 'length', 'length/thinking', 'length/answer', 'reflective']);

/** The end of a metric that is the better one; `undefined` where neither is, and of measures that a benchmark alone has. */
export function betterEnd(metric: Metric): 'high' | 'low' | undefined {
  if (!isMetric(metric) || NEITHER.has(metric)) return undefined;
  return BETTER_LOW.has(metric) ? 'low' : 'high';
}

/** The metrics of a table, in its order, for k samples of each prompt; of several models, for each number of samples once. */
export function metricsFor(...k: readonly number[]): Metric[] {
  const counts = [...new Set(k)].filter((count) => count > 1).sort((a, b) => a - b);
  return ['pass@1', 'pass@1/tag', ...counts.flatMap((count) => [`pass@${count}`, `cons@${count}`]), ...BESIDE];
}

/**
 * Values of a metric by problem (`Sample.key`): one a sample, or one a prompt for pass@k and cons@k, of prompts with at
 * least k samples. Problems without a value are absent.
 *
 * @throws {Error} for a metric that there is not
 */
export function valuesByProblem(metric: Metric, samples: readonly Sample[]): Map<string, number[]> {
  const values = new Map<string, number[]>();
  const add = (key: string, value: number): void => {
    const list = values.get(key);
    if (list === undefined) values.set(key, [value]);
    else list.push(value);
  };
  const single = SINGLE[metric];
  if (single !== undefined) {
    for (const sample of samples) {
      const value = single(sample);
      if (value !== undefined) add(sample.key, value);
    }
    return values;
  }
  const [, kind, digits] = /^(pass|cons)@(\d+)$/.exec(metric) ?? [];
  if (kind === undefined) throw new Error(`Internal error: there is no metric ${metric}`);
  const k = Number(digits);
  for (const group of byPrompt(samples).values()) {
    const [first] = group;
    if (first === undefined || first.outcome === 'left-out' || group.length < k) continue;
    const right = group.filter(({outcome}) => outcome === 'right').length;
    add(first.key, kind === 'pass' ? passAtK(group.length, right, k) : consensus(group.slice(0, k)));
  }
  return values;
}

/**
 * Which of the problems are alike (`Sample.cluster`): places in `keys`, a list for each cluster.
 *
 * @returns `undefined` where each problem is by itself
 */
export function groupsOf(keys: readonly string[], samples: readonly Sample[]): Groups | undefined {
  const clusters = new Map(
    samples.flatMap(({key, cluster}) => (cluster === undefined ? [] : [[key, cluster] as const])),
  );
  if (clusters.size === 0) return undefined;
  const groups = new Map<string, number[]>();
  keys.forEach((key, place) => {
    const cluster = clusters.get(key);
    const name = cluster === undefined ? `key ${key}` : `cluster ${cluster}`;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [place]);
    else group.push(place);
  });
  return [...groups.values()];
}

/**
 * 1 − C(n−c, k)/C(n, k) as a product, which does not overflow: Chen et al., arXiv 2107.03374, equation 1.
 *
 * @param n samples, at least k
 * @param right c, how many of them are right
 */
export function passAtK(n: number, right: number, k: number): number {
  let allWrong = 1;
  for (let drawn = 0; drawn < k; drawn++) allWrong *= Math.max(0, n - right - drawn) / (n - drawn);
  return 1 - allWrong;
}

/**
 * Whether the answer that most samples of one prompt give is right, in [0, 1] with ties split: cons@k of DeepSeek-R1,
 * arXiv 2501.12948, §3, which is self-consistency (arXiv 2203.11171).
 */
export function consensus(group: readonly Pick<Sample, 'answer' | 'outcome'>[]): number {
  const votes = new Map<string, {count: number; right: boolean}>();
  for (const {answer, outcome} of group) {
    if (answer === null) continue;
    const vote = votes.get(answer) ?? {count: 0, right: outcome === 'right'};
    vote.count += 1;
    votes.set(answer, vote);
  }
  const most = Math.max(...[...votes.values()].map(({count}) => count));
  const tied = [...votes.values()].filter(({count}) => count === most);
  return tied.some(({right}) => right) ? 1 / tied.length : 0;
}

/** Samples by prompt, each group in the order of its sample numbers. */
function byPrompt(samples: readonly Sample[]): Map<string, Sample[]> {
  const groups = new Map<string, Sample[]>();
  for (const sample of samples) {
    const group = groups.get(sample.prompt);
    if (group === undefined) groups.set(sample.prompt, [sample]);
    else group.push(sample);
  }
  for (const group of groups.values()) group.sort((a, b) => a.sample - b.sample);
  return groups;
}
