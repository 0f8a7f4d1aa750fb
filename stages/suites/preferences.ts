/**
 * Replies beside those of a baseline as AlpacaEval 2 judges them (Dubois et al., arXiv 2404.04475; the annotator
 * `weighted_alpaca_eval_gpt4_turbo` of the package `alpaca_eval`): a judge sees each pair once, in an order that the seed draws, and a
 * reply is worth the probability with which it is preferred. The win rate is the mean of that over the replies that were judged. The
 * length-controlled rate is of length-controlled.ts.
 */
import {createHash} from 'node:crypto';
import {readFile} from 'node:fs/promises';
import {StageFailure, Stopped} from '../../pipeline/stage.js';
import {valueAt} from '../data/import/values.js';
import {judgeSample, type Sample, type Score} from '../evaluation/index.js';
import {openPreferences} from '../graders/judge/index.js';
import type {JudgeParam} from '../graders/judge-settings.js';
import type {Message, PreferenceJudge} from '../graders/judge/preference.js';
import {credited, type Verdict} from '../graders/verdict.js';
import {random} from '../random.js';
import {scoreCompletion} from '../rewards/index.js';
import {builtInTasks} from '../tasks/built-in.js';
import {taskOf} from '../tasks/task.js';
import {finalAnswer} from '../text/completion.js';
import type {Answer} from './ask.js';
import {lengthControlled, readDifficulties, type Compared, type Difficulties} from './length-controlled.js';
import {scoreOf} from './measures.js';
import type {NamedFile, Problems, SuiteFiles} from './problems.js';
import {missing, scalarOf, textIn} from './row.js';
import type {Suite} from './suite.js';

/** Pairs that can be judged: all but the replies of the model is there. */
export interface Pairs {
  /** Who wrote the baseline's replies, where the rows say so. */
  readonly baseline: string | undefined;
  /** In what the pairs are not those of the paper, each as the end of “not comparable: …”. */
  readonly differs: readonly string[];
  judge(answers: readonly (readonly Answer[])[], seed: number): Promise<JudgedPairs>;
}

export interface JudgedPairs {
  readonly score: Score[];
  readonly groups: Sample[][];
  /** What a reader should know beside the scores. */
  readonly notes: readonly string[];
}

interface PairsOptions {
  readonly files: SuiteFiles;
  readonly judge: JudgeParam;
  readonly note: (text: string) => void;
  readonly stop?: AbortSignal | undefined;
}

/** One whose answer is known, to try a judge. */
const TRIAL = {
  instruction: 'What is the capital of France?',
  first: 'The capital of France is Paris.',
  second: 'The capital of France is Berlin.',
};

/**
 * Reads all that the pairs take, and tries the judge, before the model is asked anything.
 *
 * @throws {StageFailure} where a file is not what it should be, or the judge cannot be asked or gives no log-probabilities
 */
export async function openPairs(suite: Suite, problems: Problems, options: PairsOptions): Promise<Pairs> {
  const {files, judge: settings, note} = options;
  const replies = problems.rows.map((row) => {
    const names = suite.data.baseline!;
    const found = names.map((name) => scalarOf(valueAt(row.fields, name))).find((one) => one !== undefined);
    if (found === undefined) throw missing(suite, row, names);
    return found;
  });
  const writers = problems.rows.flatMap(({fields}) => scalarOf(valueAt(fields, 'generator')) ?? []);
  const template = await templateOf(suite, files.rubric);
  const {difficulties, refused} = await difficultiesOf(suite, problems, files.difficulties);
  if (refused !== undefined) note(refused);
  await withJudge(options, async (judge, signal) => {
    const told = await judge.try(chatOf(template.text, TRIAL), signal);
    note(`pairs of replies are sent to ${settings.model} (${judge.called})`);
    if (told !== undefined) note(told);
  });
  return {
    baseline: writers.length === 0 ? undefined : [...new Set(writers)].sort().join(', '),
    differs: template.differs,
    async judge(answers, seed) {
      const pairs = answers.flatMap((group, index) =>
        group.map(({completion}, sample) => {
          const [mine, other] = [finalAnswer(completion), replies[index]!];
          const isSecond = random(seed, 'suite/order', problems.places[index]!, sample).uniform() < 0.5;
          const [first, second] = isSecond ? [other, mine] : [mine, other];
          const instruction = textIn(suite, problems.rows[index]!, suite.data.question!);
          return {index, mine, other, isSecond, chat: chatOf(template.text, {instruction, first, second})};
        }),
      );
      // Equal replies are as good, whatever a judge would say of them.
      const asked = pairs.filter(({mine, other}) => mine !== other);
      note(`a judge looks at ${asked.length} pairs of replies`);
      const said = await withJudge(options, (judge, signal) =>
        judge.judge(
          asked.map(({chat}) => chat),
          signal,
        ),
      );
      const verdictOf = new Map(asked.map((pair, place) => [pair, said[place]!]));
      const judged = pairs.map((pair) => ({
        ...pair,
        verdict: verdictOf.has(pair) ? turned(verdictOf.get(pair)!, pair.isSecond) : credited(0.5),
      }));
      for (const [why, count] of unjudged(judged.map(({verdict}) => verdict)))
        note(`${count} of ${judged.length} pairs were not judged and are left out of the rates: ${why}`);
      const {notes, ...rest} = scored(suite, problems, answers, {judged, difficulties, seed});
      return {...rest, notes: [...(refused === undefined ? [] : [refused]), ...notes]};
    },
  };
}

/** The judge for as long as it is used. */
async function withJudge<T>(
  {judge: settings, stop}: Pick<PairsOptions, 'judge' | 'stop'>,
  use: (judge: PreferenceJudge, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const judge = openPreferences(settings);
  try {
    return await use(judge, stop ?? new AbortController().signal);
  } catch (error) {
    throw error instanceof Stopped && stop?.aborted === true ? stop.reason : error;
  } finally {
    judge.close();
  }
}

/** Why pairs were not judged, with how often. */
function unjudged(verdicts: readonly Verdict[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const {why} of verdicts) if (why !== undefined) counts.set(why, (counts.get(why) ?? 0) + 1);
  return counts;
}

/** A verdict on the first reply as one on the model's. */
const turned = (verdict: Verdict, isSecond: boolean): Verdict =>
  isSecond && ['right', 'partial', 'wrong'].includes(verdict.outcome) ? credited(1 - verdict.value) : verdict;

const PLACES = ['instruction', 'output_1', 'output_2'] as const;

/** What the judge is asked: the file that is named, else the suite's own words. */
async function templateOf(
  {grade}: Suite,
  files: readonly NamedFile[] = [],
): Promise<{readonly text: string; readonly differs: readonly string[]}> {
  const [file, ...more] = files;
  if (more.length > 0) throw new StageFailure(`the prompt of the judge is one file, and ${files.length} are named`);
  if (file === undefined)
    return {
      text: grade.rubric!,
      differs:
        grade.rubricDigest === undefined
          ? []
          : ['other judge prompt: in words of its own; a file of rubric takes the published one'],
    };
  const text = (await readFile(file.path, 'utf8')).replaceAll('\r\n', '\n').trim();
  const lacking = PLACES.filter((place) => !text.includes(`{${place}}`));
  if (lacking.length > 0)
    throw new StageFailure(
      `${file.name} is no prompt of a judge: it has no place for ${lacking.map((place) => `{${place}}`).join(', ')}`,
    );
  const digest = createHash('sha256').update(text).digest('hex');
  return {
    text,
    differs:
      grade.rubricDigest === undefined || digest === grade.rubricDigest
        ? []
        : [`other judge prompt: ${file.name} is not the published one`],
  };
}

/**
 * A template as the messages of a chat: ChatML where it is written so, else one of the user. It is taken apart before it is filled in,
 * so that a reply cannot add a message. `{mark}` is a digest of the pair, which neither can have known who wrote it.
 */
export function chatOf(
  template: string,
  pair: {readonly instruction: string; readonly first: string; readonly second: string},
): Message[] {
  const values: Readonly<Record<string, string>> = {
    ...{instruction: pair.instruction, output_1: pair.first, output_2: pair.second},
    mark: createHash('sha256').update(JSON.stringify(pair)).digest('hex').slice(0, 12),
  };
  const filledIn = (text: string): string =>
    text.replaceAll(/\{(instruction|output_1|output_2|mark)\}/g, (_, name: string) => values[name]!);
  const turns = [...template.matchAll(/<\|im_start\|>(\w+)\n([^]*?)<\|im_end\|>/g)];
  return turns.length === 0
    ? [{role: 'user', content: filledIn(template.trim())}]
    : turns.map(([, role, content]) => ({role: role!, content: filledIn(content!.trim())}));
}

/** How difficult each instruction is; without that, why there is no length-controlled rate. */
async function difficultiesOf(
  suite: Suite,
  {prompts, places, rows}: Problems,
  files: readonly NamedFile[] | undefined,
): Promise<{
  readonly difficulties?: {readonly each: readonly number[]; readonly gamed: Difficulties['gamed']};
  readonly refused?: string;
}> {
  const [first] = files ?? [];
  if (files === undefined || first === undefined)
    return {
      refused: `lc-win-rate is not given: it wants a file of difficulties, ${suite.data.others.difficulties ?? 'df_gamed.csv'}`,
    };
  const known = await readDifficulties(suite, files);
  const each = prompts.map(({id}, index) => {
    const found = known.of(places[index]!, textIn(suite, rows[index]!, suite.data.question!));
    if (found !== undefined) return found;
    throw new StageFailure(`${first.name} does not say how difficult ${id} is`);
  });
  return {
    difficulties: {each, gamed: known.gamed},
    ...(known.gamed.length > 0
      ? {}
      : {
          refused: `lc-win-rate is not given: ${first.name} holds no replies of gamed baselines, as df_gamed.csv does; lc-win-rate-noreg is the fit without them`,
        }),
  };
}

function scored(
  suite: Suite,
  {prompts}: Problems,
  answers: readonly (readonly Answer[])[],
  {
    judged,
    difficulties,
    seed,
  }: {
    readonly judged: readonly {
      readonly index: number;
      readonly mine: string;
      readonly other: string;
      readonly verdict: Verdict;
    }[];
    readonly difficulties: {readonly each: readonly number[]; readonly gamed: Difficulties['gamed']} | undefined;
    readonly seed: number;
  },
): JudgedPairs {
  const valueOf = ({outcome, value}: Verdict): number | undefined =>
    outcome === 'unparsable' || outcome === 'timed-out' ? undefined : value;
  let place = 0;
  const groups = prompts.map((prompt, index) =>
    answers[index]!.map(({completion, tokens}, sample): Sample => {
      const {verdict} = judged[place++]!;
      const {verdicts, ...rest} = scoreCompletion(prompt, completion, {});
      const task = taskOf(builtInTasks, prompt);
      const one = judgeSample(prompt, completion, {
        ...{sample, tokens, task},
        scored: {...rest, verdicts: {...verdicts, accuracy: verdict}},
      });
      const value = valueOf(verdict);
      return value === undefined
        ? one
        : {...one, outcome: value > 0.5 ? 'right' : value < 0.5 ? 'wrong' : 'partial', value};
    }),
  );
  const clusters = prompts
    .map((_, index) => judged.flatMap((one) => (one.index === index ? (valueOf(one.verdict) ?? []) : [])))
    .filter(({length}) => length > 0);
  const plain = clusters.length === 0 ? [] : [scoreOf('win-rate', clusters, clusters.flat().length)];
  if (difficulties === undefined || !suite.measure.metrics.includes('lc-win-rate'))
    return {score: plain, groups, notes: []};
  const compared = judged.map(({index, mine, other, verdict}): Compared => ({
    problem: index,
    baselineLength: Array.from(other).length,
    length: Array.from(mine).length,
    difficulty: difficulties.each[index]!,
    preference: valueOf(verdict),
  }));
  const metric = difficulties.gamed.length > 0 ? 'lc-win-rate' : 'lc-win-rate-noreg';
  const fitted = lengthControlled(compared, difficulties.gamed, {metric, seed});
  return 'refused' in fitted
    ? {score: plain, groups, notes: [`${metric} is not given: ${fitted.refused}`]}
    : {score: [...plain, fitted.score], groups, notes: []};
}
