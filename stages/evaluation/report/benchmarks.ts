/** Benchmarks in the report: what each model scored beside what the paper printed, where both were measured in one way. */
import type {Score} from '../scores.js';
import type {Evaluated, SuiteCard} from './inputs.js';

/** One benchmark of one model. */
export interface Benchmark {
  /** What the report was wired with it as. */
  readonly node: string;
  /** sha256 of the model's weight file. */
  readonly model: string;
  readonly suite: SuiteCard;
  readonly scores: readonly Score[];
}

/** Those evaluations that are of benchmarks, by the names of the suites. */
export function benchmarksIn(evaluations: Readonly<Record<string, Evaluated>>): Benchmark[] {
  return Object.entries(evaluations)
    .flatMap(([node, {model, suite, scores}]) => (suite === undefined ? [] : [{node, model, suite, scores}]))
    .toSorted((a, b) => (a.suite.name + a.node < b.suite.name + b.node ? -1 : 1));
}

/** Evaluations on prompts of one's own, benchmarks left out. */
export const withoutBenchmarks = (evaluations: Readonly<Record<string, Evaluated>>): Record<string, Evaluated> =>
  Object.fromEntries(Object.entries(evaluations).filter(([, {suite}]) => suite === undefined));

/** Ratings are told apart from 0 to 4000: what is at an end is a bound. */
const HIGHEST_RATING = 4000;

/** `.798`; ratings without decimals, and with the sign of a bound where they are one: `≥4000`. */
export function benchmarkNumber(value: number, metric: string): string {
  if (!metric.endsWith('rating')) return value.toFixed(3).replace(/^0\./, '.');
  return `${value >= HIGHEST_RATING ? '≥' : value <= 0 ? '≤' : ''}${value.toFixed(0)}`;
}

/** `.712 [.690, .733]` */
export const benchmarkValue = ({metric, mean, low, high}: Pick<Score, 'metric' | 'mean' | 'low' | 'high'>): string =>
  `${benchmarkNumber(mean, metric)} [${benchmarkNumber(low, metric)}, ${benchmarkNumber(high, metric)}]`;

/** The paper's numbers of a measure in one line; those of students as a span. */
export function paperText({paper, differs}: Pick<SuiteCard, 'paper' | 'differs'>, metric: string): string {
  const rows = differs.length > 0 ? [] : paper.filter((row) => row.metric === metric);
  const students = rows.filter(({model}) => model.startsWith('R1-Distill'));
  const others = rows.filter((row) => !students.includes(row));
  const values = students.map(({value}) => value).sort((a, b) => a - b);
  const span =
    values.length === 0
      ? []
      : [`distilled ${benchmarkNumber(values[0]!, metric)} to ${benchmarkNumber(values.at(-1)!, metric)}`];
  return [
    ...others.map(({model, value}) => `${model.replace('DeepSeek-', '')} ${benchmarkNumber(value, metric)}`),
    ...span,
  ].join(', ');
}

/** Lines of a table: model, benchmark, measure, value, the paper's numbers. */
export const benchmarkRows = (benchmarks: readonly Benchmark[]): string[][] =>
  benchmarks.flatMap(({node, suite, scores}) =>
    scores.map((score) => [node, suite.title, score.metric, benchmarkValue(score), paperText(suite, score.metric)]),
  );

/** What stands under such a table: how each was asked, and why a number of the paper is not beside it. */
export const benchmarkNotes = (benchmarks: readonly Benchmark[]): string[] =>
  benchmarks.map(({node, suite: {title, settings, paper, differs, notes}}) => {
    const {problems, of, samples, temperature, topP, maxNewTokens, judge, baseline} = settings;
    const asked =
      `${String(problems)} of ${String(of)} problems, ${String(samples)} samples each, temperature ${String(temperature)}, ` +
      `top-p ${String(topP)}, at most ${String(maxNewTokens)} tokens${judge === undefined ? '' : `, judged by ${String(judge)}`}` +
      (baseline === undefined ? '' : `, beside replies of ${String(baseline)}`);
    const beside =
      paper.length === 0
        ? ['the paper has no number for it']
        : differs.length > 0
          ? [`not comparable with the paper: ${differs.join('; ')}`]
          : [];
    return `${title} (${node}): ${[asked, ...beside, ...notes].join('. ')}.`;
  });
